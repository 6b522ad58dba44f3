//! A device of a world as a PCI function.

use crate::host::Host;
use crate::running::Running;
use ironwarp_driver::iova::IovaTable;
use ironwarp_driver::os::{EventFd, Region, PAGE_BYTES};
use ironwarp_driver::pci::{KernelStreams, Mapping, PciFunction};
use ironwarp_driver::Error;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// One device of a [`World`](crate::World).
pub struct Function {
    running: Arc<Running>,
    end: usize,
}

impl Function {
    /// The device at an end that is there.
    pub(crate) fn new(running: Arc<Running>, end: usize) -> Self {
        Self { running, end }
    }

    fn host(&self) -> &Host {
        &self.running.hosts()[self.end]
    }

    /// What the device reaches of its host's memory.
    pub(crate) fn memory(&self) -> &IovaTable {
        &self.host().memory
    }
}

impl PciFunction for Function {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.running.with(self.end, |slot| slot.config_read(offset))
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.running.with(self.end, |slot| slot.config_write(offset, value))
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.running.bar_read(self.end, offset)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.running.with(self.end, |slot| slot.bar_write(offset, value))
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.memory().map(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.memory().map(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        ironwarp_driver::msix::enable(self, vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        let range = "below the number of vectors in the MSI-X table";
        let wrong = Error::OutOfRange { what: "the vector", value: vector.into(), range };
        self.host().interrupts.get(usize::from(vector)).cloned().ok_or(wrong)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        let interrupted = self.running.wait(limit);
        self.running.with(self.end, |slot| slot.health())?;
        Ok(interrupted)
    }

    fn rouse(&self) {
        self.running.rouse();
    }

    fn now(&self) -> Duration {
        self.running.now()
    }

    fn reset(&self) -> Result<(), Error> {
        self.running.with(self.end, |slot| slot.reset())
    }

    fn kernel_streams(&self) -> Option<&dyn KernelStreams> {
        self.running.sockets().is_some().then_some(self)
    }
}

impl KernelStreams for Function {
    fn attach(&self, qp: u32, stream: TcpStream) -> Result<(), Error> {
        self.running.attach(self.end, qp, stream)
    }

    fn detach(&self, qp: u32) -> Option<TcpStream> {
        self.running.detach(self.end, qp)
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::world::World;
    use ironwarp_abi::pci::{DEVICE_ID, VENDOR_ID};
    use ironwarp_sim::{Inputs, Options, Outputs, Pins, Simulation};

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
        let opened = ironwarp_driver::Context::open(function, ironwarp_driver::Options::default());
        assert!(matches!(opened.err(), Some(Error::Bus(_))), "nobody answers");
    }
}
