//! The host side of PCI Express, for a device whose bus is not a computer's: configuration space,
//! memory, completions of its reads, its interrupts, and accesses to its BAR.
//!
//! [`RootComplex`] deals in whole packets, whatever carries them: beats of a simulated device
//! ([`BeatPort`]) or frames on a serial line.

pub mod bar;
pub mod beat;
pub mod beat_port;
pub mod completions;
pub mod conduct;
pub mod config_space;
pub mod host_memory;
pub mod mishaps;
pub mod options;
pub mod root_complex;
pub mod serial;
pub mod time;
pub mod tlp;

pub use beat::Beat;
pub use beat_port::BeatPort;
pub use conduct::{Fault, Misconduct, Violation};
pub use config_space::ConfigAddress;
pub use host_memory::{HostMemory, NoMemory, OwnedMemory, Unmapped};
pub use mishaps::{Mishap, MishapOptions};
pub use options::{BadOption, RootComplexOptions, Split};
pub use root_complex::RootComplex;
