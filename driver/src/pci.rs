//! The PCI function: the seam between the driver and whatever stands for the device.
//!
//! A backend is a card behind VFIO, a device behind a vfio-user socket, a board behind a serial
//! line, or, in another crate, a simulated device of this process. The driver cannot tell one from
//! the other. Everything takes `&self`: a backend locks what it must.

use crate::error::Error;
use crate::os::{EventFd, Region};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// What the driver needs from a PCI function.
pub trait PciFunction: Send + Sync {
    /// Reads the aligned 32-bit word at byte `offset` of configuration space, little-endian.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer; likewise below.
    fn config_read32(&self, offset: u16) -> Result<u32, Error>;

    /// Writes an aligned 32-bit word of configuration space.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error>;

    /// Reads the aligned 32-bit register at byte `offset` of BAR 0. Whatever the device wrote to
    /// memory before it answered is visible when this returns.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    fn bar_read32(&self, offset: u32) -> Result<u32, Error>;

    /// Writes a register of BAR 0. Writes arrive in order, and not before what this thread wrote
    /// to memory and followed by [`write_barrier`](crate::os::write_barrier) is visible.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error>;

    /// Zeroed, page-aligned memory of at least `bytes` octets that the device can reach. The
    /// backend makes it, so that it can be of the kind that the backend needs.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Exhausted`] if there is none.
    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error>;

    /// Lets the device reach the application's memory.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if there is no room in the device's address space.
    fn map_memory(&self, region: &Region) -> Result<Mapping, Error>;

    /// Sets up `vectors` interrupts (MSI-X).
    ///
    /// # Errors
    /// [`Error::Bus`] or [`Error::Capability`].
    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error>;

    /// The counter of an interrupt vector, for `poll` and `epoll`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the vector was not enabled.
    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error>;

    /// Lets device time pass until an interrupt comes, of this function or of one that shares its
    /// time (as both ends of a simulation do), or until the time is up. True for an interrupt.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    fn wait(&self, limit: Duration) -> Result<bool, Error>;

    /// Ends the sleeps of everybody in [`wait`](Self::wait): an interrupt ends one alone, and
    /// whoever had it may not be the one that it was for.
    fn rouse(&self) {}

    /// Device time since some moment before the function was opened.
    fn now(&self) -> Duration;

    /// Function-level reset: the device is as after power-on.
    ///
    /// # Errors
    /// [`Error::Bus`] if the function does not answer.
    fn reset(&self) -> Result<(), Error>;

    /// The way to give connections to a function that leaves TCP to the kernel. The driver then
    /// opens and accepts connections with sockets, not with frames.
    fn kernel_streams(&self) -> Option<&dyn KernelStreams> {
        None
    }
}

/// A function whose queue pairs run over sockets of the kernel.
pub trait KernelStreams {
    /// The next start of queue pair `qp` runs over this stream, which is non-blocking and in a
    /// quiet moment. Of the connection, its context then says only what MPA and DDP need: markers,
    /// CRC, MULPDU, read depths and `await_first_fpdu`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if there is no such queue pair, [`Error::Bus`] if it is active.
    fn attach(&self, qp: u32, stream: TcpStream) -> Result<(), Error>;

    /// Gives the stream back, once the queue pair is stopped.
    fn detach(&self, qp: u32) -> Option<TcpStream>;
}

/// Ends a mapping.
pub trait Unmap: Send + Sync {
    /// The device can no longer reach `bytes` octets at `page_address`: whole pages.
    fn unmap(&self, page_address: u64, bytes: usize);
}

/// Memory that the device can reach, until this is dropped.
pub struct Mapping {
    region: Region,
    page_address: u64,
    owner: Arc<dyn Unmap>,
}

impl Mapping {
    /// For backends: the first of `region`'s pages is mapped at `page_address`, and `owner` knows
    /// how to end that.
    pub fn new(region: Region, page_address: u64, owner: Arc<dyn Unmap>) -> Self {
        Self { region, page_address, owner }
    }

    /// The memory.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where the device finds its first octet.
    pub fn bus_address(&self) -> u64 {
        self.page_address + self.region.page_offset() as u64
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.owner.unmap(self.page_address, self.region.mapped_bytes());
    }
}
