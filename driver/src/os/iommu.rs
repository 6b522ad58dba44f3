//! What only an IOMMU's owner may do: letting a device reach this process's memory.

use super::{EventFd, Region};
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use vfio_ioctls::{VfioError, VfioOps};

/// Lets a device reach the pages that a region lies in, the first of them at a bus address.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn map(iommu: &dyn VfioOps, bus_address: u64, region: &Region) -> Result<(), VfioError> {
    let pages = region.address() - region.page_offset();
    let memory = std::ptr::with_exposed_provenance_mut(pages);
    // SAFETY: nobody has a Rust reference to a region's octets but as atoms, which a device may
    // change; of the octets around them in their pages the device is told nothing. Should a mapping
    // not be taken back, the kernel keeps the pages until the device is closed.
    unsafe { iommu.vfio_dma_map(bus_address, region.mapped_bytes(), memory) }
}

/// A counter, and the same one as `vfio-ioctls` has it.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn event() -> io::Result<(EventFd, vmm_sys_util::eventfd::EventFd)> {
    let theirs = vmm_sys_util::eventfd::EventFd::new(libc_nonblock())?;
    let ours = theirs.try_clone()?.into_raw_fd();
    // SAFETY: the descriptor is a duplicate that was given up just now: nobody else owns it.
    let ours = unsafe { OwnedFd::from_raw_fd(ours) };
    Ok((EventFd::from(ours), theirs))
}

/// `EFD_NONBLOCK`, as a number.
fn libc_nonblock() -> i32 {
    rustix::event::EventfdFlags::NONBLOCK.bits() as i32
}
