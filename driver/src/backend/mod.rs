//! The backends: what stands behind a PCI function.
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
//! [`Machine`] finds devices by addresses such as `sim:0`.

mod cable;
mod export;
mod function;
mod interrupts;
mod kernel;
mod line;
mod network;
#[cfg(feature = "sim")]
mod rtl;
mod serial;
mod sleep;
mod slot;
mod socket;
mod vfio;
mod vfio_user;
mod world;

pub use export::Export;
pub use function::Function;
pub use network::{Network, Uplink};
pub use serial::SerialPort;
pub use vfio::{PciBus, PciDevice, Vfio};
pub use vfio_user::VfioUser;
pub use world::{World, WorldOptions};

use crate::error::Error;
use crate::pci::{Address, PciFunction};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What stands for a device in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// `sim`: the Verilated RNIC.
    Sim,
    /// `model`: the behavioural model.
    Model,
    /// `board`: the RNIC on a board, behind a serial line.
    Board,
}

impl DeviceKind {
    /// The kinds that need nothing but this process.
    pub const ALL: [Self; 2] = [Self::Sim, Self::Model];

    /// The name, as in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Model => "model",
            Self::Board => "board",
        }
    }
}

/// The name with a colon, as an address begins.
impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name())
    }
}

/// The name, with or without a colon behind it.
impl FromStr for DeviceKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.strip_suffix(':').unwrap_or(text);
        let known = Self::ALL.into_iter().chain([Self::Board]);
        let kind = known.into_iter().find(|kind| kind.name() == name);
        let reason = "the kinds of device are sim, model and board";
        kind.ok_or_else(|| Error::Address { address: text.into(), reason })
    }
}

/// The computer that devices are in: it knows which of them share a link.
#[derive(Default)]
pub struct Machine {
    worlds: Vec<Arc<World>>,
}

impl Machine {
    /// Without a world so far; the first `sim:` makes one with two Verilated RNICs and a perfect
    /// link. Likewise the first `model:` makes two models and another such link.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a world made by the caller. Its devices are found by their kinds and the numbers of
    /// their ends: in a world of an RNIC and a model, `sim:0` and `model:1`.
    pub fn with_world(world: Arc<World>) -> Self {
        Self { worlds: vec![world] }
    }

    /// The device at an address such as `sim:1` or `vfio:0000:01:00.0`.
    ///
    /// # Errors
    /// [`Error::Address`] if the address says nothing or a backend that this build lacks;
    /// [`Error::Bus`] if the device cannot be had.
    pub fn open(&mut self, address: &str) -> Result<Arc<dyn PciFunction>, Error> {
        let lacks = |reason| Err(Error::Address { address: address.into(), reason });
        let (kind, number) = match address.parse()? {
            Address::Sim(number) => (DeviceKind::Sim, number),
            Address::Model(number) => (DeviceKind::Model, number),
            Address::Serial(port) => {
                let world = World::on_serial(&port, WorldOptions::default())?;
                return Ok(world.function(0)?);
            }
            Address::Vfio(function) => return Ok(Vfio::open(&function)?),
            Address::VfioUser(path) => return Ok(VfioUser::open(&path)?),
        };
        let mut having = self.worlds.iter().filter(|world| world.kinds().contains(&kind));
        let world = match having.next() {
            Some(world) => world.clone(),
            None => {
                let world = World::pair([kind; 2], WorldOptions::default())?;
                self.worlds.push(world.clone());
                world
            }
        };
        match world.kinds().get(number) {
            Some(found) if *found == kind => Ok(world.function(number)?),
            _ => lacks("no device of this kind is at that end of the link"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_there_is_named() {
        for address in ["vfio:0000:01:00.0", "vfio-user:/run/rnic0.sock", "usb:"] {
            let error = Machine::new().open(address).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains(address)), "{address}");
        }
    }

    #[test]
    fn kinds_have_names() {
        for kind in DeviceKind::ALL {
            assert_eq!(kind.name().parse::<DeviceKind>().unwrap(), kind);
            assert_eq!(kind.to_string().parse::<DeviceKind>().unwrap(), kind);
        }
        assert!("vfio:".parse::<DeviceKind>().is_err());
    }
}
