//! The Verilated RNIC in this process.
