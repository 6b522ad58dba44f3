//! The PCI function: the seam between the driver and whatever stands for the device.
//!
//! A backend is a card behind VFIO, a device behind a vfio-user socket, the Verilated RNIC or the
//! behavioural model in this process. The driver cannot tell one from the other. Everything takes
//! `&self`: a backend locks what it must.

use crate::backend::SerialPort;
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

    /// Zeroed, page-aligned memory of at least `bytes` octets that the device can reach in one run.
    /// The backend makes it, so that it can be of the kind that the backend needs.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Exhausted`] if there is none.
    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error>;

    /// Lets the device reach the application's memory, wherever its pages lie.
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

/// Whole pages, one behind the other on the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Bus address of the first one.
    pub address: u64,
    /// Octets of all.
    pub octets: usize,
}

/// Memory that the device can reach, until this is dropped.
pub struct Mapping {
    region: Region,
    /// Never empty.
    runs: Vec<Run>,
    owner: Arc<dyn Unmap>,
}

impl Mapping {
    /// For backends: `region`'s pages are mapped from `page_address` on, and `owner` knows how to
    /// end that.
    pub fn new(region: Region, page_address: u64, owner: Arc<dyn Unmap>) -> Self {
        let runs = vec![Run { address: page_address, octets: region.mapped_bytes() }];
        Self { region, runs, owner }
    }

    /// For backends: `region`'s pages are mapped in runs, of which there is one at least; in all
    /// they have [`Region::mapped_bytes`].
    pub fn scattered(region: Region, runs: Vec<Run>, owner: Arc<dyn Unmap>) -> Self {
        debug_assert_eq!(runs.iter().map(|run| run.octets).sum::<usize>(), region.mapped_bytes());
        Self { region, runs, owner }
    }

    /// The memory.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where its pages lie, in their order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Where the device finds its first octet, and the others behind it if there is one run.
    pub fn bus_address(&self) -> u64 {
        let start = self.runs.first().map_or(0, |run| run.address);
        start + self.region.page_offset() as u64
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        for run in &self.runs {
            self.owner.unmap(run.address, run.octets);
        }
    }
}

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `sim:` or `sim:0`, `sim:1`: the Verilated RNIC in this process, by its number.
    Sim(usize),
    /// `vfio:0000:01:00.0`: a card, by domain, bus, device and function.
    Vfio(String),
    /// `vfio-user:/run/rnic0.sock`: a device process, by its socket.
    VfioUser(String),
    /// `model:` or `model:0`, `model:1`: the behavioural model in this process, by its number.
    Model(usize),
    /// `serial:/dev/ttyUSB1`: a board behind a serial line.
    Serial(SerialPort),
}

impl std::str::FromStr for Address {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Address { address: address.into(), reason };
        let (kind, rest) = address.split_once(':').ok_or_else(|| {
            wrong("an address begins with a kind and a colon, such as sim: or vfio:0000:01:00.0")
        })?;
        match (kind, rest) {
            ("sim", "") => Ok(Self::Sim(0)),
            ("sim", number) => match number.parse() {
                Ok(number) if number < 2 => Ok(Self::Sim(number)),
                _ => Err(wrong("a simulation has the RNICs 0 and 1")),
            },
            ("vfio", function) if is_function(function) => Ok(Self::Vfio(function.into())),
            ("vfio", _) => Err(wrong("a PCI function looks like 0000:01:00.0")),
            ("vfio-user", "") => Err(wrong("the path of the socket is missing")),
            ("vfio-user", path) => Ok(Self::VfioUser(path.into())),
            ("model", "") => Ok(Self::Model(0)),
            ("model", number) => match number.parse() {
                Ok(number) if number < 2 => Ok(Self::Model(number)),
                _ => Err(wrong("there are the models 0 and 1")),
            },
            ("serial", port) => Ok(Self::Serial(port.parse()?)),
            _ => Err(wrong("the kinds are sim, vfio, vfio-user, model and serial")),
        }
    }
}

/// True for domain, bus, device and function in hexadecimal, as `lspci -D` prints them.
fn is_function(text: &str) -> bool {
    const PATTERN: &[u8] = b"xxxx:xx:xx.x";
    text.len() == PATTERN.len()
        && text.bytes().zip(PATTERN).all(|(octet, pattern)| match pattern {
            b'x' => octet.is_ascii_hexdigit(),
            punctuation => octet == *punctuation,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_a_reason() {
        assert_eq!("sim:".parse::<Address>().unwrap(), Address::Sim(0));
        assert_eq!("sim:1".parse::<Address>().unwrap(), Address::Sim(1));
        assert_eq!("model:".parse::<Address>().unwrap(), Address::Model(0));
        assert_eq!("model:1".parse::<Address>().unwrap(), Address::Model(1));
        let card = "vfio:0000:01:00.0".parse::<Address>().unwrap();
        assert_eq!(card, Address::Vfio("0000:01:00.0".into()));
        let socket = "vfio-user:/run/rnic0.sock".parse::<Address>().unwrap();
        assert_eq!(socket, Address::VfioUser("/run/rnic0.sock".into()));
        for bad in ["", "sim", "sim:2", "sim:x", "vfio:1:2", "vfio-user:", "model:2", "usb:1"] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(matches!(error, Error::Address { .. }), "{bad}: {error}");
        }
    }
}
