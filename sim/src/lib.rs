//! The Verilated RNIC as a Rust object, and the world around it.
//!
//! A [`Simulation`] holds one or two RNICs, a PCIe root complex and configuration space for each,
//! and the Ethernet link between them. It is single-threaded and deterministic: [`Options`] with a
//! seed and the order of calls decide every clock.
//!
//! The device is anything behind [`Pins`]: the Verilated RTL, or a stand-in of a test.

pub mod error;
pub mod ethernet;
pub mod link;
pub mod options;
pub mod pins;
pub mod rnic;
pub mod stages;
pub mod world;

pub use error::Error;
pub use ironwarp_network::{Impairment, Report};
pub use ironwarp_root_complex::{bar, conduct, config_space, root_complex, time, tlp};
pub use ironwarp_root_complex::{Beat, Fault, Misconduct, RootComplexOptions, Split, Violation};
pub use ironwarp_root_complex::{
    HostMemory, Mishap, MishapOptions, NoMemory, OwnedMemory, Unmapped,
};
pub use link::Frame;
pub use options::{LinkOptions, Options};
pub use pins::{Inputs, Outputs, Pins};
pub use rnic::Rnic;
pub use stages::Stages;
pub use world::{Progress, Simulation};
