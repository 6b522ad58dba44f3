//! A PCI function that lets a driver believe that memory is mapped.

use ironwarp_driver::os::EventFd;
use ironwarp_driver::pci::{Mapping, PciFunction, Unmap};
use ironwarp_driver::{Error, Region};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// A function whose IOMMU forgets what it is told to map, if it is to.
pub struct Forgetful {
    pub function: Arc<dyn PciFunction>,
    /// It forgets what it is told now.
    pub forgets: Arc<AtomicBool>,
}

/// There is nothing to unmap.
struct Nothing;

impl Unmap for Nothing {
    fn unmap(&self, _: u64, _: usize) {}
}

impl PciFunction for Forgetful {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.function.config_read32(offset)
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.function.config_write32(offset, value)
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.function.bar_read32(offset)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.function.bar_write32(offset, value)
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.function.allocate_dma(bytes)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        let mapping = self.function.map_memory(region)?;
        match self.forgets.load(Ordering::Relaxed) {
            false => Ok(mapping),
            true => Ok(Mapping::new(region.clone(), mapping.bus_address(), Arc::new(Nothing))),
        }
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        self.function.enable_interrupts(vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.function.interrupt(vector)
    }

    fn interrupts(&self) -> u64 {
        self.function.interrupts()
    }

    fn wait(&self, known: u64, limit: Duration) -> Result<u64, Error> {
        self.function.wait(known, limit)
    }

    fn now(&self) -> Duration {
        self.function.now()
    }

    fn reset(&self) -> Result<(), Error> {
        self.function.reset()
    }
}
