//! The backends: what stands behind a PCI function.
//!
//! ```text
//!   Vfio          VfioUser           Serial          what drivers see: pci::PciFunction
//!     |              |                 |
//!   kernel        socket          root complex in software
//!     |              |                 |
//!   card    process with a device    board
//! ```
//!
//! Devices that are simulated in this process are backends of another crate, `ironwarp-machine`.

mod interrupts;
pub mod serial;
mod vfio;
mod vfio_user;

pub use serial::{Serial, SerialPort};
pub use vfio::{PciBus, PciDevice, Vfio};
pub use vfio_user::VfioUser;
