//! The Verilated RNIC as a Rust object, and the world around it.
//!
//! A [`Simulation`] holds one or two RNICs, a PCIe root complex and configuration space for each,
//! and the Ethernet link between them. It is single-threaded and deterministic: [`Options`] with a
//! seed and the order of calls decide every clock.
//!
//! The device is anything behind [`Pins`]: the Verilated RTL, or a stand-in of a test.

pub mod bar;
pub mod completions;
pub mod conduct;
pub mod config_space;
pub mod error;
pub mod ethernet;
pub mod host_memory;
pub mod impairment;
pub mod link;
pub mod options;
pub mod pins;
pub mod rnic;
pub mod root_complex;
pub mod stages;
pub mod time;
pub mod tlp;
pub mod world;

pub use conduct::{Fault, Misconduct, Violation};
pub use error::Error;
pub use host_memory::{HostMemory, NoMemory, OwnedMemory, Unmapped};
pub use link::Frame;
pub use options::{Impairments, LinkOptions, Options, RootComplexOptions, Split};
pub use pins::{Beat, Inputs, Outputs, Pins};
pub use rnic::Rnic;
pub use stages::Stages;
pub use world::{PowerOn, Progress, Simulation};
