//! The device: its registers by name, and memory that it can reach.

use crate::capabilities::Capabilities;
use crate::dma::DeviceMemory;
use crate::error::Error;
use crate::os::{write_barrier, Region};
use crate::pci::PciFunction;
use crate::window::{Query, Record, Window};
use ironwarp_abi::limits;
use ironwarp_abi::registers::{self as reg, Register};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Core clocks of the reference design that make a microsecond.
pub const CLOCKS_PER_MICROSECOND: u16 = (limits::CORE_CLOCK_HZ / 1_000_000) as u16;

/// A way to know that a device is done with what was taken from it.
pub(crate) trait Fence: Send {
    /// Asks for a fence and waits for it.
    fn pass(&mut self, device: &Device) -> Result<(), Error>;
}

/// An opened device.
pub(crate) struct Device {
    function: Arc<dyn PciFunction>,
    capabilities: Capabilities,
    window: Mutex<Window>,
    /// There from the moment on when [`Device::open`] returns.
    fences: Mutex<Option<Box<dyn Fence>>>,
    /// Nobody knows what the device still does with the memory that it was given.
    untold: Arc<AtomicBool>,
    /// Tasks to wake when the station's lock is free again.
    woken: Mutex<Vec<Waker>>,
}

impl Device {
    /// A function that is there, behind which a device with these sizes is. It has no way to fence
    /// yet.
    pub fn new(function: Arc<dyn PciFunction>, capabilities: Capabilities) -> Self {
        Self {
            function,
            capabilities,
            window: Mutex::default(),
            fences: Mutex::default(),
            untold: Arc::default(),
            woken: Mutex::default(),
        }
    }

    /// The device is fenced this way from now on.
    pub fn fence_by(&self, way: impl Fence + 'static) {
        *self.fences() = Some(Box::new(way));
    }

    /// The PCI function.
    pub fn function(&self) -> &Arc<dyn PciFunction> {
        &self.function
    }

    /// Remembers tasks that are to be woken when nobody holds the station's lock: they may do
    /// anything at once.
    pub fn wake_later(&self, wakers: Vec<Waker>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).extend(wakers);
    }

    /// The tasks that are to be woken.
    pub fn take_woken(&self) -> Vec<Waker> {
        std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The device's sizes.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Writes a register.
    pub fn write(&self, register: Register, value: u32) -> Result<(), Error> {
        self.function.bar_write32(register.address, value)
    }

    /// Starts or stops an object by its control register. [`Device::start`] is for queue pairs.
    pub fn control(&self, register: Register, index: u32, enable: bool) -> Result<(), Error> {
        let word = register.put(0, "enable", enable.into());
        self.write(register, register.put(word, "index", index))
    }

    /// Gives the device a record for an object of its table, whole.
    pub fn commit<R: Record>(&self, index: u32, record: &R) -> Result<(), Error> {
        self.window().commit(&*self.function, index, record)
    }

    /// Starts a queue pair from its context, announces so many receives, and answers its
    /// generation. Doorbells count from the start, and the peer may send from then on: nothing
    /// comes between.
    pub fn start(&self, qp: u32, receives: u16) -> Result<u8, Error> {
        self.window().start(&*self.function, qp, || match receives {
            0 => Ok(()),
            _ => self.ring_queue_pair(qp, reg::DOORBELL_RECEIVE, receives),
        })
    }

    /// Where a queue pair stands. What was written to the device before has taken effect.
    pub fn query(&self, qp: u32) -> Result<Query, Error> {
        self.window().query(&*self.function, qp)
    }

    /// Rings a queue pair's doorbell: what was written to memory before is visible to the device
    /// first.
    pub fn ring_queue_pair(&self, qp: u32, which: u32, value: u16) -> Result<(), Error> {
        self.ring(self.capabilities.configuration.qp_doorbell(qp, which), value)
    }

    /// The same for a completion queue.
    pub fn ring_completion_queue(&self, cq: u32, which: u32, value: u16) -> Result<(), Error> {
        self.ring(self.capabilities.configuration.cq_doorbell(cq, which), value)
    }

    fn ring(&self, address: u32, value: u16) -> Result<(), Error> {
        write_barrier();
        self.function.bar_write32(address, value.into())
    }

    /// Returns when everything that the device had under way is done: it no longer touches memory
    /// that was taken from it before. If that is not known, memory that is given back from now on
    /// stays mapped for good, until a later fence.
    ///
    /// # Errors
    /// [`Error::NotFenced`] if the device does not answer in time; [`Error::Bus`].
    pub fn fence(&self) -> Result<(), Error> {
        let passed = match &mut *self.fences() {
            Some(way) => way.pass(self),
            None => Err(Error::Gone("queue for fences")),
        };
        self.untold.store(passed.is_err(), Ordering::Relaxed);
        passed
    }

    /// Nobody can tell any more what the device does: what it was given stays mapped for good.
    pub fn give_up(&self) {
        self.untold.store(true, Ordering::Relaxed);
    }

    /// Memory for rings.
    pub fn allocate(&self, bytes: usize) -> Result<DeviceMemory, Error> {
        Ok(DeviceMemory::new(self.function.allocate_dma(bytes)?, &self.untold))
    }

    /// Lets the device reach the application's memory.
    pub fn map(&self, region: &Region) -> Result<DeviceMemory, Error> {
        Ok(DeviceMemory::new(self.function.map_memory(region)?, &self.untold))
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // A panic elsewhere leaves what the window can cope with: words that were not committed.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fences(&self) -> MutexGuard<'_, Option<Box<dyn Fence>>> {
        // A panic elsewhere leaves at most a fence that nobody waits for.
        self.fences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use ironwarp_abi::context::{MemoryRegionContext, NextHopContext};

    fn open(fake: Arc<Fake>) -> Result<Device, Error> {
        Device::open(fake, [0x02, 0x49, 0x57, 0x01, 0x02, 0x03], 156)
    }

    /// A record of which only some words arrived does not become part of the next one.
    #[test]
    fn a_record_that_was_cut_leaves_nothing_behind() {
        let fake = Fake::alone();
        let device = open(fake.clone()).unwrap();
        let region =
            MemoryRegionContext { base: !0, length: !0, valid: true, ..Default::default() };
        fake.fail_writes_to(reg::COMMIT);
        assert!(matches!(device.commit(3, &region), Err(Error::Bus(_))));
        fake.fail_no_writes();
        device.commit(5, &NextHopContext { remote_mac: 0x0200_0000_0009 }).unwrap();
        assert_eq!(fake.next_hop(5), Some(0x0200_0000_0009));
        assert_eq!(fake.complaints(), Vec::<String>::new(), "nothing behind the record's words");
        assert!(!fake.memory_region(3).valid);
    }

    /// A device that counts other starts than the driver was touched by somebody else.
    #[test]
    fn a_start_is_checked() {
        let fake = Fake::alone();
        let device = open(fake.clone()).unwrap();
        for generation in (1..=255).chain([0, 1]) {
            assert_eq!(device.start(5, 0).unwrap(), generation);
        }
        assert_eq!(device.start(6, 0).unwrap(), 1, "each queue pair has its own count");
        fake.set(reg::QUERY_STATE, 1 << 9 | 77);
        let refused = device.start(5, 0);
        assert!(matches!(refused, Err(Error::NotStarted { qp: 5, expected: 2, found: 77 })));
        fake.set(reg::QUERY_STATE, 78);
        assert!(device.start(5, 0).is_err(), "the right number, but it was not started");
    }
}
