//! Devices by their addresses.

use crate::address::Address;
use crate::error::Error;
use crate::kind::DeviceKind;
use crate::options::WorldOptions;
use crate::world::World;
use ironwarp_driver::pci::PciFunction;
use std::sync::Arc;

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
    /// [`ironwarp_driver::Error`] if the address says nothing or a backend that this build lacks,
    /// or the device cannot be had.
    pub fn open(&mut self, address: &str) -> Result<Arc<dyn PciFunction>, Error> {
        let (kind, number) = match address.parse()? {
            Address::Sim(number) => (DeviceKind::Sim, number),
            Address::Model(number) => (DeviceKind::Model, number),
            Address::Real(address) => return Ok(address.open()?),
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
            _ => {
                let reason = "no device of this kind is at that end of the link";
                Err(ironwarp_driver::Error::Address { address: address.into(), reason }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_there_is_named() {
        for address in ["vfio:ffff:ff:1f.7", "vfio-user:/nowhere/rnic0.sock", "usb:"] {
            let error = Machine::new().open(address).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains(address)), "{address}");
        }
    }
}
