//! The backends: what stands behind a PCI function.

#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "sim")]
pub mod sim;

use crate::error::Error;
use crate::pci::{Address, PciFunction};
use std::sync::Arc;

/// The computer that devices are in: it knows which of them share a simulation or a link.
#[derive(Default)]
pub struct Machine {
    #[cfg(feature = "sim")]
    world: Option<Arc<sim::World>>,
    #[cfg(feature = "model")]
    models: Option<Arc<model::World>>,
}

impl Machine {
    /// Without a simulation so far; the first `sim:` makes one with two RNICs and a perfect link.
    /// Likewise the first `model:` makes two models and another such link.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a simulation made by the caller.
    #[cfg(feature = "sim")]
    pub fn with_world(world: Arc<sim::World>) -> Self {
        let mut machine = Self::new();
        machine.world = Some(world);
        machine
    }

    /// With models made by the caller.
    #[cfg(feature = "model")]
    pub fn with_models(models: Arc<model::World>) -> Self {
        let mut machine = Self::new();
        machine.models = Some(models);
        machine
    }

    /// The device at an address such as `sim:1` or `vfio:0000:01:00.0`.
    ///
    /// # Errors
    /// [`Error::Address`] if the address says nothing or a backend that this build lacks;
    /// [`Error::Bus`] if the device cannot be had.
    pub fn open(&mut self, address: &str) -> Result<Arc<dyn PciFunction>, Error> {
        let lacks = |reason| Err(Error::Address { address: address.into(), reason });
        match address.parse()? {
            #[cfg(feature = "sim")]
            Address::Sim(number) => Ok(self.world()?.function(number)?),
            #[cfg(not(feature = "sim"))]
            Address::Sim(_) => lacks("this build has no simulation"),
            Address::Vfio(_) => lacks("cards behind VFIO are not supported yet"),
            Address::VfioUser(_) => lacks("vfio-user sockets are not supported yet"),
            #[cfg(feature = "model")]
            Address::Model(number) => Ok(self.models()?.function(number)?),
            #[cfg(not(feature = "model"))]
            Address::Model(_) => lacks("this build has no behavioural model"),
        }
    }

    #[cfg(feature = "sim")]
    fn world(&mut self) -> Result<&Arc<sim::World>, Error> {
        let world = match self.world.take() {
            Some(world) => world,
            None => sim::World::new(ironwarp_sim::Options::default())?,
        };
        Ok(self.world.insert(world))
    }

    #[cfg(feature = "model")]
    fn models(&mut self) -> Result<&Arc<model::World>, Error> {
        let models = match self.models.take() {
            Some(models) => models,
            None => model::World::new()?,
        };
        Ok(self.models.insert(models))
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
}
