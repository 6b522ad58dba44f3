//! The Verilated RNIC in this process.
//!
//! A [`World`] is a simulation that both its RNICs' drivers share. Device time passes when one of
//! them reads a register or waits, and then for both.

use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::os::{EventFd, Region, PAGE_BYTES};
use crate::pci::{Mapping, PciFunction};
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_sim::{time, HostMemory, Options, Simulation, Unmapped};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

impl HostMemory for IovaTable {
    fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Unmapped> {
        IovaTable::read(self, bus_address, octets).map_err(|fault| Unmapped(fault.0))
    }

    fn write(&mut self, bus_address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        IovaTable::write(self, bus_address, octets).map_err(|fault| Unmapped(fault.0))
    }
}

/// A simulation, and the interrupts of its RNICs.
pub struct World {
    simulation: Mutex<Simulation>,
    interrupts: Vec<Vec<Arc<EventFd>>>,
}

impl World {
    /// A world of Verilated RNICs.
    ///
    /// # Errors
    /// [`Error::Bus`] for what the simulation does not accept; [`Error::System`].
    pub fn new(options: Options) -> Result<Arc<Self>, Error> {
        Self::with_simulation(Simulation::new(options).map_err(bus)?)
    }

    /// Around a simulation that was made elsewhere.
    ///
    /// # Errors
    /// [`Error::System`] if there are no eventfds.
    pub fn with_simulation(simulation: Simulation) -> Result<Arc<Self>, Error> {
        let vectors = || (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new)).collect();
        let interrupts = (0..simulation.nics()).map(|_| vectors());
        let interrupts = interrupts.collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { simulation: Mutex::new(simulation), interrupts }))
    }

    /// The simulation, for what a driver has no part in: captures, waveforms, stages, frames. The
    /// drivers stand still while it is locked.
    pub fn simulation(&self) -> MutexGuard<'_, Simulation> {
        // A panic elsewhere leaves a world between two clocks, which is as good as any.
        self.simulation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// RNIC `nic` as a PCI function, with host memory of its own above 4 GiB.
    ///
    /// # Errors
    /// [`Error::Bus`] if there is no such RNIC.
    pub fn function(self: &Arc<Self>, nic: usize) -> Result<Arc<SimFunction>, Error> {
        self.function_with(nic, Placement::default())
    }

    /// The same with a choice of bus addresses.
    ///
    /// # Errors
    /// As [`World::function`].
    pub fn function_with(
        self: &Arc<Self>,
        nic: usize,
        placement: Placement,
    ) -> Result<Arc<SimFunction>, Error> {
        let iova = IovaTable::new(placement);
        self.simulation().attach_memory(nic, Box::new(iova.clone())).map_err(bus)?;
        Ok(Arc::new(SimFunction { world: self.clone(), nic, iova }))
    }

    /// Lets time pass until any RNIC interrupts. True for an interrupt.
    fn wait(&self, limit: Duration) -> bool {
        let nanoseconds = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let clocks = time::clocks(nanoseconds);
        let mut simulation = self.simulation();
        let first = simulation.run_until_any_interrupt(clocks);
        let mut next = first;
        while let Some((nic, vector)) = next {
            // Both numbers come from the simulation and from what this driver wrote to the table;
            // a device that makes up a vector interrupts nobody.
            let vectors = self.interrupts.get(nic);
            if let Some(event) = vectors.and_then(|vectors| vectors.get(vector as usize)) {
                event.signal();
            }
            // What else has come by now; no time passes for it.
            next = simulation.run_until_any_interrupt(0);
        }
        first.is_some()
    }
}

/// One RNIC of a [`World`].
pub struct SimFunction {
    world: Arc<World>,
    nic: usize,
    iova: IovaTable,
}

impl SimFunction {
    /// The world that the RNIC is in.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }
}

impl PciFunction for SimFunction {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.world.simulation().config_read(self.nic, offset, &mut bytes).map_err(bus)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        let bytes = value.to_le_bytes();
        self.world.simulation().config_write(self.nic, offset, &bytes).map_err(bus)
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.world.simulation().bar_read32(self.nic, offset).map_err(bus)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.world.simulation().bar_write32(self.nic, offset, value).map_err(bus)
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.iova.map(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.iova.map(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        crate::msix::enable(self, vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        let vectors = self.world.interrupts.get(self.nic);
        let event = vectors.and_then(|vectors| vectors.get(usize::from(vector)));
        let range = "below the number of vectors in the MSI-X table";
        let wrong = Error::OutOfRange { what: "the vector", value: vector.into(), range };
        event.cloned().ok_or(wrong)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        Ok(self.world.wait(limit))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.world.simulation().nanoseconds())
    }

    fn reset(&self) -> Result<(), Error> {
        self.world.simulation().reset(self.nic).map_err(bus)
    }
}

fn bus(error: ironwarp_sim::Error) -> Error {
    Error::Bus(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::pci::{DEVICE_ID, VENDOR_ID};
    use ironwarp_sim::{Inputs, Outputs, Pins};

    /// A socket without a card.
    struct Silent;

    impl Pins for Silent {
        fn clock(&mut self, _: &Inputs) -> Outputs {
            Outputs { pcie_in_ready: true, mac_in_ready: true, ..Outputs::default() }
        }
    }

    fn world() -> Arc<World> {
        let power_on = Box::new(|_| Box::new(Silent) as Box<dyn Pins>);
        let simulation = Simulation::with_devices(Options::default(), power_on).unwrap();
        World::with_simulation(simulation).unwrap()
    }

    #[test]
    fn configuration_space_and_time_are_the_simulation_s() {
        let world = world();
        let [left, right] = [0, 1].map(|nic| world.function(nic).unwrap());
        let ids = u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID);
        assert_eq!(right.config_read32(0).unwrap(), ids);
        let before = right.now();
        assert!(!left.wait(Duration::from_micros(1)).unwrap());
        let passed = right.now() - before;
        assert!(passed >= Duration::from_nanos(999), "{passed:?} for both");
        assert!(world.function(2).is_err());
        assert!(left.interrupt(16).is_err() && left.interrupt(15).is_ok());
    }

    #[test]
    fn a_device_that_does_not_answer_is_an_error() {
        let function = world().function(0).unwrap();
        assert!(matches!(function.bar_read32(0), Err(Error::Bus(_))), "memory space is off");
        let opened = crate::Context::open(function, crate::Options::default());
        assert!(matches!(opened.err(), Some(Error::Bus(_))), "nobody answers");
    }
}
