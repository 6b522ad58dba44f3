//! A PCI function that is counted, and whose doorbells can be held back.

use ironwarp_driver::os::{EventFd, Region};
use ironwarp_driver::pci::{Mapping, PciFunction};
use ironwarp_driver::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Doorbells that can be held back at a time.
const HELD_MAX: usize = 1024;

/// What was called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Registers written: doorbells, on the way of data.
    pub writes: u64,
    /// Everything else that may be a system call.
    pub others: u64,
}

/// A function that forwards everything, but doorbells when it is told to. So a doorbell costs the
/// driver a store, as on a card, and the device works outside of what is timed.
pub struct Meter {
    function: Arc<dyn PciFunction>,
    holds: AtomicBool,
    held: Box<[AtomicU64]>,
    count: AtomicUsize,
    writes: AtomicU64,
    others: AtomicU64,
}

impl Meter {
    /// Of a function.
    pub fn new(function: Arc<dyn PciFunction>) -> Arc<Self> {
        Arc::new(Self {
            function,
            holds: AtomicBool::new(false),
            held: (0..HELD_MAX).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
            others: AtomicU64::new(0),
        })
    }

    /// Holds back what is written from now on.
    pub fn hold(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    /// Forwards what was held back, and what comes from now on.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    pub fn deliver(&self) -> Result<(), Error> {
        self.holds.store(false, Ordering::Relaxed);
        let count = self.count.swap(0, Ordering::Relaxed);
        for held in &self.held[..count.min(HELD_MAX)] {
            let write = held.load(Ordering::Relaxed);
            self.function.bar_write32((write >> 32) as u32, write as u32)?;
        }
        Ok(())
    }

    /// What was called so far.
    pub fn calls(&self) -> Calls {
        let [writes, others] = [&self.writes, &self.others].map(|it| it.load(Ordering::Relaxed));
        Calls { writes, others }
    }

    fn other(&self) -> &dyn PciFunction {
        self.others.fetch_add(1, Ordering::Relaxed);
        &*self.function
    }
}

impl PciFunction for Meter {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.other().config_read32(offset)
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.other().config_write32(offset, value)
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.other().bar_read32(offset)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if !self.holds.load(Ordering::Relaxed) {
            return self.function.bar_write32(offset, value);
        }
        let place = self.held.get(self.count.fetch_add(1, Ordering::Relaxed));
        let place = place.ok_or_else(|| Error::Bus("too many doorbells are held".into()))?;
        place.store(u64::from(offset) << 32 | u64::from(value), Ordering::Relaxed);
        Ok(())
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.other().allocate_dma(bytes)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.other().map_memory(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        self.other().enable_interrupts(vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.other().interrupt(vector)
    }

    fn interrupts(&self) -> u64 {
        self.function.interrupts()
    }

    fn wait(&self, known: u64, limit: Duration) -> Result<u64, Error> {
        self.other().wait(known, limit)
    }

    fn now(&self) -> Duration {
        self.other().now()
    }

    fn reset(&self) -> Result<(), Error> {
        self.other().reset()
    }
}

/// The kernel's own count of this thread's system calls that read and write, eventfds included.
pub struct KernelCount(File);

impl KernelCount {
    /// Of the thread that calls this.
    ///
    /// # Errors
    /// The kernel does not count.
    pub fn new() -> std::io::Result<Self> {
        File::open("/proc/thread-self/io").map(Self)
    }

    /// System calls so far. Looking is one, which the next look sees.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn look(&self) -> std::io::Result<u64> {
        let mut text = [0; 512];
        let length = self.0.read_at(&mut text, 0)?;
        let text = String::from_utf8_lossy(&text[..length]);
        let calls =
            |name| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        let both: Option<[u64; 2]> = calls("syscr:").zip(calls("syscw:")).map(|(r, w)| [r, w]);
        both.map(|both| both.iter().sum()).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }
}
