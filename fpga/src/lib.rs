//! From the RTL to a bitstream with open tools, and numbers per block.
//!
//! ```text
//! sources -> synthesis (Yosys) -> netlist -> placement (nextpnr) -> packing (ecppack) -> bitstream
//!                |                               |
//!             findings                  figures, critical path -> results.json -> docs/fpga.md
//! ```
#![forbid(unsafe_code)]

pub mod block;
pub mod board;
pub mod clocks;
pub mod critical_path;
mod error;
pub mod growth;
pub mod netlist;
pub mod page;
pub mod part;
pub mod placement;
pub mod results;
pub mod runner;
pub mod sources;
pub mod synthesis;
pub mod tools;

pub use error::FlowError;
