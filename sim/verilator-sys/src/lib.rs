//! verilator
