//! The device: checked, set up, and its registers by name.

use crate::capabilities::Capabilities;
use crate::dma::DeviceMemory;
use crate::error::Error;
use crate::fence::FenceQueue;
use crate::os::{write_barrier, Region};
use crate::pci::PciFunction;
use crate::window::{Query, Record, Window};
use ironwarp_abi::registers::{self as reg, Register};
use ironwarp_abi::{limits, pci};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

const CONFIG_IDS: u16 = 0x00;
const CONFIG_COMMAND: u16 = 0x04;
const CONFIG_CLASS: u16 = 0x08;
/// Memory space and bus mastering.
const COMMAND_ENABLE: u32 = 1 << 1 | 1 << 2;

/// Core clocks of the reference design that make a microsecond.
pub const CLOCKS_PER_MICROSECOND: u16 = (limits::CORE_CLOCK_HZ / 1_000_000) as u16;

/// An opened device.
pub(crate) struct Device {
    function: Arc<dyn PciFunction>,
    /// Of its contract.
    version: u32,
    capabilities: Capabilities,
    window: Mutex<Window>,
    /// There from the moment on when [`Device::open`] returns.
    fences: Mutex<Option<FenceQueue>>,
    /// Nobody knows what the device still does with the memory that it was given.
    untold: Arc<AtomicBool>,
    /// Tasks to wake when the station's lock is free again.
    woken: Mutex<Vec<Waker>>,
}

impl Device {
    /// Resets the device, checks that it is one that this driver knows, and sets it up.
    pub fn open(
        function: Arc<dyn PciFunction>,
        mac: [u8; 6],
        clocks_per_microsecond: u16,
    ) -> Result<Self, Error> {
        let ids = u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID);
        expect(&*function, "the vendor and device id", CONFIG_IDS, ids, u32::MAX)?;
        expect(&*function, "the class code", CONFIG_CLASS, pci::CLASS_CODE << 8, !0xff)?;
        function.reset()?;
        // The status half of the word is cleared by writing ones: zeros leave it alone.
        let command = function.config_read32(CONFIG_COMMAND)? & 0xffff | COMMAND_ENABLE;
        function.config_write32(CONFIG_COMMAND, command)?;
        let (version, capabilities) = check_contract(&*function)?;
        let device = Self {
            function,
            version,
            capabilities,
            window: Mutex::default(),
            fences: Mutex::default(),
            untold: Arc::default(),
            woken: Mutex::default(),
        };
        device.write(reg::TIME_BASE, u32::from(clocks_per_microsecond))?;
        let [m0, m1, m2, m3, m4, m5] = mac;
        device.write(reg::MAC_HIGH, u32::from_be_bytes([0, 0, m0, m1]))?;
        device.write(reg::MAC_LOW, u32::from_be_bytes([m2, m3, m4, m5]))?;
        device.function.enable_interrupts(capabilities.vectors)?;
        *device.fences() = Some(FenceQueue::start(&device)?);
        Ok(device)
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
            Some(queue) => queue.pass(self),
            None => Err(Error::Gone("queue for fences")),
        };
        self.untold.store(passed.is_err(), Ordering::Relaxed);
        passed
    }

    /// Nobody can tell any more what the device does: what it was given stays mapped for good.
    pub fn give_up(&self) {
        self.untold.store(true, Ordering::Relaxed);
    }

    /// Memory for rings and page lists, in one run.
    pub fn allocate(&self, bytes: usize) -> Result<DeviceMemory, Error> {
        let memory = DeviceMemory::new(self.function.allocate_dma(bytes)?, &self.untold);
        match memory.runs() {
            [_] => Ok(memory),
            _ => Err(Error::Exhausted("run of bus addresses")),
        }
    }

    /// Says whether the device takes regions that are page lists.
    pub fn needs_page_lists(&self) -> Result<(), Error> {
        match self.version >= reg::PAGE_LISTS_VERSION {
            true => Ok(()),
            false => Err(Error::Capability("page lists")),
        }
    }

    /// Lets the device reach the application's memory.
    pub fn map(&self, region: &Region) -> Result<DeviceMemory, Error> {
        Ok(DeviceMemory::new(self.function.map_memory(region)?, &self.untold))
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // A panic elsewhere leaves what the window can cope with: words that were not committed.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fences(&self) -> MutexGuard<'_, Option<FenceQueue>> {
        // A panic elsewhere leaves at most a fence that nobody waits for.
        self.fences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn expect(
    function: &dyn PciFunction,
    what: &'static str,
    offset: u16,
    expected: u32,
    mask: u32,
) -> Result<(), Error> {
    let found = function.config_read32(offset)? & mask;
    match found == expected {
        true => Ok(()),
        false => Err(Error::NotOurDevice { what, found, expected }),
    }
}

fn check_contract(function: &dyn PciFunction) -> Result<(u32, Capabilities), Error> {
    let read = |register: Register| function.bar_read32(register.address);
    let (found, expected) = (read(reg::DEVICE)?, reg::DEVICE_MAGIC);
    if found != expected {
        return Err(Error::NotOurDevice { what: "the device register", found, expected });
    }
    let version = read(reg::VERSION)?;
    let (major, known) = (version >> 16, reg::ABI_VERSION >> 16);
    if major != known {
        return Err(Error::Version { major, known });
    }
    Ok((version, Capabilities::parse(read(reg::CAPABILITIES)?, read(reg::SIZES)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use ironwarp_abi::configuration;
    use ironwarp_abi::context::{MemoryRegionContext, NextHopContext};

    fn open(fake: Arc<Fake>) -> Result<Device, Error> {
        Device::open(fake, [0x02, 0x49, 0x57, 0x01, 0x02, 0x03], 156)
    }

    #[test]
    fn a_device_is_set_up() {
        let fake = Fake::alone();
        let device = open(fake.clone()).unwrap();
        assert_eq!(device.capabilities().configuration, configuration::REFERENCE);
        assert_eq!(fake.get(reg::TIME_BASE), 156);
        assert_eq!((fake.get(reg::MAC_HIGH), fake.get(reg::MAC_LOW)), (0x0249, 0x5701_0203));
        assert_eq!(fake.config_read32(CONFIG_COMMAND).unwrap() & 6, 6);
        let entry = reg::MSIX_TABLE + 16 * 3;
        let words = [0, 4, 8, 12].map(|offset| fake.bar_read32(entry + offset).unwrap());
        assert_eq!(words, [crate::msix::INTERRUPT_ADDRESS, 0, 3, 0]);
        assert_eq!(fake.config_read32(0x50).unwrap() >> 30, 0b10, "enabled, not masked");
    }

    #[test]
    fn other_devices_and_other_contracts_are_refused() {
        type Change = fn(&Fake);
        let refused = |change: Change| {
            let fake = Fake::alone();
            change(&fake);
            open(fake).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused(|fake| fake.set_config(0, 0x10d3_8086)).contains("vendor"));
        assert!(refused(|fake| fake.set_config(8, 0x0200_0000)).contains("class"));
        assert!(refused(|fake| fake.set(reg::DEVICE, 0)).contains("device register"));
        assert!(refused(|fake| fake.set(reg::VERSION, 1 << 16 | 1)).contains("version 1"));
        assert_eq!(refused(|fake| fake.set(reg::VERSION, reg::ABI_VERSION + 7)), "");
        assert!(refused(|fake| fake.set(reg::CAPABILITIES, 0x080a_0600)).contains("queue pairs"));
        assert!(refused(|fake| fake.set(reg::SIZES, 0x0110_0074)).contains("stream ring"));
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
