//! The simulated machine: devices of this process, and what their links are plugged into.
//!
//! ```text
//!   Function 0        Function 1          what drivers see: pci::PciFunction
//!       |                 |
//!   +-------+         +-------+
//!   | Slot  |         | Slot  |           a device: the model, or the RNIC in RTL
//!   +-------+         +-------+
//!       +------ Line -----+               a link in its own time, or a real network in real time
//!             (World)
//! ```
//!
//! A [`World`] is made of one or two devices of any [`DeviceKind`] and of what is between them. A
//! [`Machine`] finds devices by addresses such as `sim:0`, and those of the driver's own backends,
//! such as `vfio:0000:01:00.0`. An [`Export`] gives a device to other processes.
//!
//! Two RNICs, each with its driver:
//!
//! ```no_run
//! use ironwarp_driver::{Context, Options};
//! use ironwarp_machine::Machine;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut machine = Machine::new();
//! let a = Context::open(machine.open("model:0")?, Options::station(1))?;
//! let b = Context::open(machine.open("model:1")?, Options::station(2))?;
//! # Ok(())
//! # }
//! ```

mod address;
mod board;
mod cable;
mod clock;
mod error;
mod export;
mod function;
mod host;
mod kernel;
mod kind;
mod line;
mod machine;
mod network;
mod options;
#[cfg(feature = "sim")]
mod rtl;
mod running;
mod slot;
mod socket;
mod world;

pub use address::Address;
pub use cable::Conduct;
pub use error::Error;
pub use export::Export;
pub use function::Function;
pub use kind::DeviceKind;
pub use machine::Machine;
pub use network::{Network, Uplink};
pub use options::WorldOptions;
pub use world::World;
