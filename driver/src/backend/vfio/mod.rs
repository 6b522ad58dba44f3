//! A PCI function of this machine, which Linux gives to this process (VFIO).
//!
//! ```text
//!   registers: BAR 0, mapped ------ loads and stores ------> device
//!   memory: IOMMU of the group, or of an iommufd <-- DMA --- device
//!   interrupts: eventfds <---------- kernel <----- MSI-X --- device
//! ```
//! A kernel that has character devices for functions (`/dev/vfio/devices`) and `/dev/iommu` is
//! asked that way, others by IOMMU groups. When the process ends, however it does, the kernel takes
//! the memory back and resets the function.

mod bus;

pub use bus::{PciBus, PciDevice};

use super::interrupts::Interrupts;
use crate::error::Error;
use crate::iova::{Addresses, Placement};
use crate::os::{iommu, EventFd, Region, Registers, PAGE_BYTES};
use crate::pci::{Mapping, PciFunction, Unmap};
use bus::VFIO_PCI;
use iommufd_ioctls::IommuFd;
use rustix::process::{getrlimit, Resource};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vfio_bindings::bindings::vfio;
use vfio_ioctls::{VfioContainer, VfioDevice, VfioError, VfioIommufd, VfioOps};
use vmm_sys_util::eventfd::EventFd as KernelEvent;

const CONFIGURATION: u32 = vfio::VFIO_PCI_CONFIG_REGION_INDEX;
const BAR: u32 = vfio::VFIO_PCI_BAR0_REGION_INDEX;
const MSIX: u32 = vfio::VFIO_PCI_MSIX_IRQ_INDEX;
/// What a bus gives for a read that nobody answers.
const NOBODY: [u8; 4] = [0xff; 4];

/// A card.
pub struct Vfio {
    device: VfioDevice,
    registers: Registers,
    interrupts: Interrupts,
    kernel_events: Vec<KernelEvent>,
    shared: Arc<Shared>,
    opened: Instant,
}

/// The address space of the device.
struct Shared {
    address: String,
    iommu: Arc<dyn VfioOps>,
    addresses: Addresses,
}

impl Unmap for Shared {
    fn unmap(&self, page_address: u64, bytes: usize) {
        if let Err(error) = self.iommu.vfio_dma_unmap(page_address, bytes) {
            // The kernel keeps the pages for the device until that is closed.
            tracing::warn!(%error, page_address, bytes, "memory is not unmapped");
        }
    }
}

impl Vfio {
    /// Opens the function at an address such as `0000:01:00.0`.
    ///
    /// # Errors
    /// [`Error::Vfio`] says what is missing, and what helps.
    pub fn open(address: &str) -> Result<Arc<Self>, Error> {
        let bus = PciBus::default();
        let found = bus.device(address)?;
        if found.group.is_none() {
            return Err(Error::no_iommu(address));
        }
        if found.driver.as_deref() != Some(VFIO_PCI) {
            let what = match found.driver {
                Some(driver) => format!("it is bound to {driver}, not to {VFIO_PCI}"),
                None => format!("it is not bound to {VFIO_PCI}"),
            };
            return Err(Error::vfio(address, what, format!("`ironwarp bind {address}` as root")));
        }
        let folder = bus.folder(address);
        let refused = |why: VfioError| trouble(address, &bus, why);
        let iommu = iommu(&folder).map_err(refused)?;
        let device = VfioDevice::new(&folder, iommu.clone(), true).map_err(refused)?;
        let mappable = device.get_region_flags(BAR) & vfio::VFIO_REGION_INFO_FLAG_MMAP != 0;
        let octets = usize::try_from(device.get_region_size(BAR)).ok().filter(|_| mappable);
        let registers = octets
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
            .and_then(|octets| Registers::map(&device, device.get_region_offset(BAR), octets));
        let registers = registers.map_err(|why| {
            Error::vfio(address, format!("BAR 0 cannot be mapped: {why}"), "another slot or kernel")
        })?;
        let vectors = device.get_irq_info(MSIX).map_or(0, |irq| irq.count);
        let refused = |source| Error::System { what: "an eventfd", source };
        let events: Vec<(EventFd, KernelEvent)> =
            (0..vectors).map(|_| iommu::event()).collect::<Result<_, _>>().map_err(refused)?;
        let (ours, kernel_events): (Vec<_>, _) =
            events.into_iter().map(|(ours, theirs)| (Arc::new(ours), theirs)).unzip();
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            iommu,
            addresses: Addresses::new(Placement::default()),
        });
        let interrupts = Interrupts::new(ours)?;
        let opened = Instant::now();
        let card = Self { device, registers, interrupts, kernel_events, shared, opened };
        // Whatever it did for the process before this one.
        card.reset()?;
        Ok(Arc::new(card))
    }

    fn gone(&self, what: &str, offset: u32) -> Error {
        Error::Bus(format!("vfio:{}: BAR 0 has no {what} at {offset:#x}", self.shared.address))
    }
}

/// The way to the IOMMU that this kernel has for the function.
fn iommu(folder: &Path) -> Result<Arc<dyn VfioOps>, VfioError> {
    let by_itself = folder.join("vfio-dev").is_dir();
    match IommuFd::new() {
        Ok(iommufd) if by_itself => Ok(Arc::new(VfioIommufd::new(Arc::new(iommufd), None, None)?)),
        _ => Ok(Arc::new(VfioContainer::new(None)?)),
    }
}

/// What keeps the process from having the function.
fn trouble(address: &str, bus: &PciBus, why: VfioError) -> Error {
    let said = why.to_string();
    let kind = match &why {
        VfioError::OpenContainer(source)
        | VfioError::OpenGroup(source, _)
        | VfioError::OpenDeviceCdev(source) => Some(source.kind()),
        _ => None,
    };
    let busy = matches!(kind, Some(io::ErrorKind::ResourceBusy));
    match (&why, kind) {
        (_, Some(io::ErrorKind::PermissionDenied)) => {
            Error::vfio(address, said, "run as root, or let this user have the file")
        }
        (VfioError::OpenContainer(_), Some(io::ErrorKind::NotFound)) => {
            Error::vfio(address, said, "`modprobe vfio-pci` as root")
        }
        (VfioError::GroupViable, _) => {
            let others = bus.in_the_way(address);
            let others: Vec<_> = others
                .iter()
                .map(|it| {
                    let driver = it.driver.as_deref().unwrap_or("a driver");
                    format!("{} has {}", driver, it.address)
                })
                .collect();
            let what = format!("its IOMMU group is not free: {}", others.join(", "));
            Error::vfio(address, what, "bind or unbind those as well: a group is given as a whole")
        }
        _ if busy || matches!(why, VfioError::GroupSetContainer) => {
            Error::vfio(address, said, "another process may have it: it can have only one")
        }
        (VfioError::ContainerSetIOMMU(_) | VfioError::VfioExtension, _) => {
            Error::vfio(address, said, "the IOMMU must remap interrupts, and its driver be loaded")
        }
        _ => Error::vfio(address, said, "the kernel's log (dmesg) may say more"),
    }
}

impl PciFunction for Vfio {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        let mut octets = NOBODY;
        self.device.region_read(CONFIGURATION, &mut octets, offset.into());
        Ok(u32::from_le_bytes(octets))
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.device.region_write(CONFIGURATION, &value.to_le_bytes(), offset.into());
        Ok(())
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        let value = self.registers.read(offset).ok_or_else(|| self.gone("register", offset))?;
        // What the device wrote before it answered is read after this.
        crate::os::write_barrier();
        Ok(value)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.registers.write(offset, value).ok_or_else(|| self.gone("register", offset))
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.map_memory(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        let octets = region.mapped_bytes();
        let page_address = self.shared.addresses.take(octets as u64)?;
        iommu::map(&*self.shared.iommu, page_address, region).map_err(|why| {
            let limit = getrlimit(Resource::Memlock).current;
            let limit = limit.map_or_else(|| "none".into(), |octets| format!("{octets} octets"));
            Error::vfio(
                &self.shared.address,
                format!("{octets} octets of memory cannot be mapped: {why}"),
                format!("the limit of locked memory, which is {limit} (ulimit -l), may be too low"),
            )
        })?;
        Ok(Mapping::new(region.clone(), page_address, self.shared.clone()))
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        self.interrupts.first(vectors)?;
        let events = self.kernel_events.iter().take(vectors.into()).collect();
        self.device.enable_msix(events).map_err(|why| Error::Bus(why.to_string()))
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
        self.device.reset();
        Ok(())
    }
}
