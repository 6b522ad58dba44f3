//! The Verilated RNIC as a Rust object, and the world around it.
//!
//! A [`Simulation`] holds one or two RNICs, a PCIe root complex and configuration space for each,
//! and the Ethernet link between them. It is single-threaded and deterministic: [`Options`] with a
//! seed and the order of calls decide every clock.
//!
//! The device is anything behind [`Pins`]: the Verilated RTL, or a stand-in of a test.
#![forbid(unsafe_code)]

pub mod error;
pub mod host_memory;
pub mod options;
pub mod pins;
pub mod stages;
pub mod world;

pub use error::Error;
pub use host_memory::{HostMemory, NoMemory, OwnedMemory, Unmapped};
pub use options::{Impairments, LinkOptions, Options, RootComplexOptions, Split};
pub use pins::{Beat, Inputs, Outputs, Pins};
pub use stages::Stages;
pub use world::{Frame, Progress, Simulation};
