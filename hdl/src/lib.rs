//! The RTL of the IronWARP RNIC, in RustHDL: one folder an engine, and the emitter of Verilog.
// The `LogicStruct`, `LogicState` and `LogicInterface` derives make undocumented items.
#![allow(missing_docs)]

pub mod blocks;
pub mod complete;
pub mod configuration;
pub mod control;
pub mod crc;
pub mod fusesoc;
pub mod life;
pub mod lint;
pub mod literal;
pub mod mac;
pub mod memory;
pub mod mpa;
pub mod mutation;
pub mod pcie;
pub mod pins;
pub mod protect;
pub mod queue;
pub mod receive;
mod reset;
pub mod restart;
pub mod serial;
pub mod stream;
pub mod top;
pub mod transmit;
pub mod verilog;

pub use blocks::{blocks, BlockEntry};
