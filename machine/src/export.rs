//! A device of this process for others: the server's side of a vfio-user socket.
//!
//! ```text
//!   QEMU, or a driver              thread of the socket           the caller's thread
//!   with vfio-user: ---- socket ----> Server -> Exported ---+        pump: time passes,
//!          ^                                                v        interrupts go out
//!          |                                            Function          |
//!          +------------------ eventfds <---------------------------------+
//! ```

use crate::function::Function;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_driver::iova::IovaTable;
use ironwarp_driver::msix;
use ironwarp_driver::os::{Region, PAGE_BYTES};
use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::Error;
use rustix::fs::{fcntl_getfl, fcntl_setfl, OFlags};
use std::fs::File;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vfio_bindings::bindings::vfio;
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};

const CONFIGURATION: u32 = vfio::VFIO_PCI_CONFIG_REGION_INDEX;
const CONFIGURATION_BYTES: u64 = 4096;
const BAR: u32 = vfio::VFIO_PCI_BAR0_REGION_INDEX;
const MSIX: u32 = vfio::VFIO_PCI_MSIX_IRQ_INDEX;
/// In configuration space: the base addresses, which are the guest's and not the device's.
const BASE_ADDRESSES: std::ops::Range<u64> = 0x10..0x28;
/// What a bus gives for a read that nobody answers.
const NOBODY: u32 = u32::MAX;
/// Mappings that a client may have: a process cannot have many more.
const MAPPINGS_MAX: usize = 32_768;

/// Where interrupts go: an eventfd of the client for each vector.
type Interrupts = Arc<Mutex<Vec<Option<Arc<File>>>>>;

fn lock(interrupts: &Interrupts) -> MutexGuard<'_, Vec<Option<Arc<File>>>> {
    interrupts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device as others may have it, one at a time. When one goes, however it does, the device is
/// reset, and the next finds it as after power-on.
pub struct Export {
    function: Arc<Function>,
    interrupts: Interrupts,
}

impl Export {
    /// Listens at a socket and serves whoever connects, one after another, in a thread that ends
    /// with the process. The device moves only in [`Export::pump`].
    ///
    /// # Errors
    /// [`Error::File`] if the socket cannot be had: its path must be free.
    pub fn new(
        function: Arc<Function>,
        configuration: &Configuration,
        path: &Path,
    ) -> Result<Self, Error> {
        let refused = |source| Error::File { path: path.into(), source };
        let server = Server::new(path, true, irqs(), regions(configuration)).map_err(|why| {
            refused(match why {
                vfio_user::Error::SocketPathExists => io::ErrorKind::AlreadyExists.into(),
                vfio_user::Error::SocketBind(source) => source,
                other => io::Error::other(other.to_string()),
            })
        })?;
        let interrupts: Interrupts =
            Arc::new(Mutex::new((0..VECTOR_COUNT).map(|_| None).collect()));
        let bar_bytes = configuration.bar_bytes().into();
        let mut exported =
            Exported { function: function.clone(), interrupts: interrupts.clone(), bar_bytes };
        let serve = move || loop {
            // The library trusts some of what a client says, and a panic of it is that client's.
            let run = AssertUnwindSafe(|| server.run(&mut exported));
            match std::panic::catch_unwind(run) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a client of the device went wrong"),
                Err(_) => tracing::warn!("a client of the device said what nobody may say"),
            }
            exported.begin_anew();
        };
        std::thread::Builder::new().name("vfio-user".into()).spawn(serve).map_err(refused)?;
        Ok(Self { function, interrupts })
    }

    /// Lets the device's time pass, at most for `limit` or until it interrupts, and passes its
    /// interrupts on.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device itself cannot be reached any more.
    pub fn pump(&self, limit: Duration) -> Result<(), Error> {
        self.function.wait(limit)?;
        for vector in 0..VECTOR_COUNT {
            if !self.function.interrupt(vector as u16)?.take() {
                continue;
            }
            // Nobody waits for what a client does with its descriptor: the lock is free again.
            let file = lock(&self.interrupts)[vector].clone();
            if let Some(file) = file {
                // A counter at its limit is signalled already, and none of them blocks.
                let _ = io::Write::write(&mut &*file, &1_u64.to_ne_bytes());
            }
        }
        Ok(())
    }
}

/// The length of a region in octets; zero for one that is not there.
fn region_bytes(index: u32, bar_bytes: u64) -> u64 {
    match index {
        BAR => bar_bytes,
        CONFIGURATION => CONFIGURATION_BYTES,
        _ => 0,
    }
}

/// What a PCI device has, by vfio's numbers.
fn regions(configuration: &Configuration) -> Vec<ServerRegion> {
    let region = |index| {
        let size = region_bytes(index, configuration.bar_bytes().into());
        let access = vfio::VFIO_REGION_INFO_FLAG_READ | vfio::VFIO_REGION_INFO_FLAG_WRITE;
        let region_info = vfio::vfio_region_info {
            argsz: std::mem::size_of::<vfio::vfio_region_info>() as u32,
            flags: if size > 0 { access } else { 0 },
            index,
            size,
            ..Default::default()
        };
        ServerRegion { region_info, sparse_areas: vec![], mmap_fd: None }
    };
    (0..vfio::VFIO_PCI_NUM_REGIONS).map(region).collect()
}

fn irqs() -> Vec<IrqInfo> {
    let irq = |index| {
        let count = if index == MSIX { VECTOR_COUNT as u32 } else { 0 };
        let flags = if count > 0 { vfio::VFIO_IRQ_INFO_EVENTFD } else { 0 };
        IrqInfo { index, flags, count }
    };
    (0..vfio::VFIO_PCI_NUM_IRQS).map(irq).collect()
}

/// The device behind the socket. Whatever a client asks for is done or refused; it ends nothing
/// here.
struct Exported {
    function: Arc<Function>,
    interrupts: Interrupts,
    bar_bytes: u64,
}

impl Exported {
    fn memory(&self) -> &IovaTable {
        self.function.memory()
    }

    /// Nobody is connected: memory and interrupts of the last client are gone.
    fn begin_anew(&self) {
        if let Err(error) = self.function.reset() {
            tracing::warn!(%error, "the device is not reset");
        }
        self.memory().unmap_range(0, u64::MAX);
        lock(&self.interrupts).iter_mut().for_each(|file| *file = None);
    }

    /// How many of so many octets a region has from an offset on.
    fn inside(&self, region: u32, offset: u64, octets: usize) -> usize {
        let size = region_bytes(region, self.bar_bytes);
        usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(octets)
    }

    /// An aligned word. Nobody answers where there is nothing.
    fn word(&self, region: u32, offset: u64) -> u32 {
        let word = match (region, u32::try_from(offset), u16::try_from(offset)) {
            (CONFIGURATION, _, Ok(offset)) => self.function.config_read32(offset),
            (BAR, Ok(offset), _) => self.function.bar_read32(offset),
            _ => Ok(NOBODY),
        };
        word.unwrap_or(NOBODY)
    }

    fn set_word(&self, region: u32, offset: u64, value: u32) {
        let done = match (region, u32::try_from(offset), u16::try_from(offset)) {
            (CONFIGURATION, ..) if BASE_ADDRESSES.contains(&offset) => Ok(()),
            (CONFIGURATION, _, Ok(offset)) => self.function.config_write32(offset, value),
            (BAR, Ok(offset), _) => self.function.bar_write32(offset, value),
            _ => Ok(()),
        };
        if let Err(error) = done {
            tracing::debug!(%error, region, offset, "a write leads nowhere");
        }
    }
}

/// The aligned words that some octets lie in: where each is, and which octets of it.
fn words(offset: u64, octets: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let end = offset.saturating_add(octets as u64);
    let mut at = offset;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let word = at & !3;
            let next = (word + 4).min(end);
            let range = (at - word) as usize..(next - word) as usize;
            at = next;
            (word, range)
        })
    })
}

impl ServerBackend for Exported {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let (mut rest, beyond) = data.split_at_mut(self.inside(region, offset, data.len()));
        beyond.fill(NOBODY as u8);
        for (at, range) in words(offset, rest.len()) {
            let (now, later) = rest.split_at_mut(range.len());
            now.copy_from_slice(&self.word(region, at).to_le_bytes()[range]);
            rest = later;
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        let (mut rest, _) = data.split_at(self.inside(region, offset, data.len()));
        for (at, range) in words(offset, rest.len()) {
            let (now, later) = rest.split_at(range.len());
            let mut word = match range.len() {
                4 => [0; 4],
                // Registers have no parts: only configuration space is written by octets.
                _ if region != CONFIGURATION => return Ok(()),
                _ => self.word(region, at).to_le_bytes(),
            };
            word[range].copy_from_slice(now);
            self.set_word(region, at, u32::from_le_bytes(word));
            rest = later;
        }
        Ok(())
    }

    fn dma_map(
        &mut self,
        flags: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        file: Option<File>,
    ) -> io::Result<()> {
        let refused = |why: String| {
            tracing::warn!(address, size, why, "memory is not mapped: DMA there is refused");
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        };
        let Some(file) = file else { return refused("it comes without a file".into()) };
        // What is only read or only written is ROM and the like: no RNIC has to do with it.
        if !flags.contains(DmaMapFlags::READ_WRITE) {
            return refused("it is not for reading and writing".into());
        }
        if (offset | address | size) % PAGE_BYTES as u64 != 0 {
            return refused("it does not begin and end with pages".into());
        }
        if self.memory().len() >= MAPPINGS_MAX {
            return refused("there are too many mappings".into());
        }
        let size = usize::try_from(size).map_err(io::Error::other)?;
        let mapped = Region::of_file(Arc::new(file), offset, size)
            .and_then(|region| self.memory().map_at(address, &region));
        mapped.or_else(|why| refused(why.to_string()))
    }

    fn dma_unmap(&mut self, flags: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        match flags.contains(DmaUnmapFlags::UNMAP_ALL) {
            true => self.memory().unmap_range(0, u64::MAX),
            false => self.memory().unmap_range(address, size),
        }
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.function.reset().map_err(io::Error::other)
    }

    /// As a kernel does it for a function: the table of the device is the server's to fill.
    fn set_irqs(
        &mut self,
        index: u32,
        _flags: u32,
        start: u32,
        count: u32,
        files: Vec<File>,
    ) -> io::Result<()> {
        if index != MSIX {
            return Ok(());
        }
        let mut interrupts = lock(&self.interrupts);
        if count == 0 {
            interrupts.iter_mut().for_each(|file| *file = None);
            return Ok(());
        }
        let start = start as usize;
        if start.saturating_add(files.len()) > interrupts.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for (place, file) in interrupts[start..].iter_mut().zip(files) {
            // Whoever writes to it never waits for a client.
            fcntl_setfl(&file, fcntl_getfl(&file)? | OFlags::NONBLOCK)?;
            *place = Some(Arc::new(file));
        }
        drop(interrupts);
        msix::enable(&*self.function, VECTOR_COUNT as u16).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_lie_in_words() {
        let of = |offset, octets| words(offset, octets).collect::<Vec<_>>();
        assert_eq!(of(4, 4), [(4, 0..4)]);
        assert_eq!(of(6, 1), [(4, 2..3)]);
        assert_eq!(of(3, 6), [(0, 3..4), (4, 0..4), (8, 0..1)]);
        assert_eq!(of(9, 0), []);
    }
}
