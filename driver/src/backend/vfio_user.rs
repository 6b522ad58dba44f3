//! A device in another process, behind a vfio-user socket.

use super::interrupts::Interrupts;
use crate::error::Error;
use crate::iova::{Addresses, Placement};
use crate::os::{EventFd, Region, PAGE_BYTES};
use crate::pci::{Mapping, PciFunction, Unmap};
use ironwarp_abi::limits::VECTOR_COUNT;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vfio_bindings::bindings::vfio;
use vfio_user::Client;

const CONFIGURATION: u32 = vfio::VFIO_PCI_CONFIG_REGION_INDEX;
const BAR: u32 = vfio::VFIO_PCI_BAR0_REGION_INDEX;

/// The other end of a vfio-user socket. It maps this process's memory where this process says.
pub struct VfioUser {
    shared: Arc<Shared>,
    interrupts: Interrupts,
    opened: Instant,
}

struct Shared {
    path: String,
    client: Mutex<Client>,
    addresses: Addresses,
}

impl Shared {
    /// Asks the other end for something.
    fn ask<T>(
        &self,
        question: impl FnOnce(&mut Client) -> Result<T, vfio_user::Error>,
    ) -> Result<T, Error> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        question(&mut client).map_err(|why| self.broken(&why))
    }

    fn broken(&self, why: &vfio_user::Error) -> Error {
        Error::Bus(format!("vfio-user:{}: {why}", self.path))
    }
}

impl Unmap for Shared {
    fn unmap(&self, page_address: u64, bytes: usize) {
        if let Err(error) = self.ask(|client| client.dma_unmap(page_address, bytes as u64)) {
            tracing::warn!(%error, "memory is not unmapped: nobody may be there");
        }
    }
}

impl VfioUser {
    /// Connects to a socket that something like `ironwarp export` listens at.
    ///
    /// # Errors
    /// [`Error::Bus`] if nobody listens there, or it is no PCI device with configuration space and
    /// BAR 0; [`Error::System`] if there are no eventfds.
    pub fn open(path: &str) -> Result<Arc<Self>, Error> {
        let refused = |why: &dyn std::fmt::Display| Error::Bus(format!("vfio-user:{path}: {why}"));
        let client = Client::new(Path::new(path)).map_err(|why| refused(&why))?;
        let sized = |index| client.region(index).is_some_and(|region| region.size > 0);
        if !sized(CONFIGURATION) || !sized(BAR) {
            return Err(refused(&"the device has no configuration space or no BAR 0"));
        }
        let interrupts = (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new));
        let interrupts = Interrupts::new(interrupts.collect::<Result<_, _>>()?)?;
        let shared = Shared {
            path: path.into(),
            client: Mutex::new(client),
            addresses: Addresses::new(Placement::default()),
        };
        Ok(Arc::new(Self { shared: Arc::new(shared), interrupts, opened: Instant::now() }))
    }

    fn read32(&self, region: u32, offset: u64) -> Result<u32, Error> {
        let mut octets = [0; 4];
        self.shared.ask(|client| client.region_read(region, offset, &mut octets))?;
        Ok(u32::from_le_bytes(octets))
    }

    fn write32(&self, region: u32, offset: u64, value: u32) -> Result<(), Error> {
        self.shared.ask(|client| client.region_write(region, offset, &value.to_le_bytes()))
    }
}

impl PciFunction for VfioUser {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.read32(CONFIGURATION, offset.into())
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.write32(CONFIGURATION, offset.into(), value)
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.read32(BAR, offset.into())
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.write32(BAR, offset.into(), value)
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.map_memory(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        let octets = region.mapped_bytes() as u64;
        let (file, offset) = region.file().ok_or(Error::NoFile)?;
        let page_address = self.shared.addresses.take(octets)?;
        let file = file.as_raw_fd();
        self.shared.ask(|client| client.dma_map(offset, page_address, octets, file))?;
        Ok(Mapping::new(region.clone(), page_address, self.shared.clone()))
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        let wanted = self.interrupts.first(vectors)?;
        let files: Vec<_> = wanted.iter().map(|event| event.as_fd().as_raw_fd()).collect();
        let flags = vfio::VFIO_IRQ_SET_DATA_EVENTFD | vfio::VFIO_IRQ_SET_ACTION_TRIGGER;
        let index = vfio::VFIO_PCI_MSIX_IRQ_INDEX;
        self.shared.ask(|client| client.set_irqs(index, flags, 0, vectors.into(), &files))
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.interrupts.of(vector)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        Ok(self.interrupts.wait(limit))
    }

    fn rouse(&self) {
        self.interrupts.rouse();
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    fn reset(&self) -> Result<(), Error> {
        self.shared.ask(Client::reset)
    }
}
