//! The memory that the device reaches by DMA.

use std::collections::BTreeMap;

/// No memory answers at a bus address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory at bus address {0:#x}")]
pub struct Unmapped(pub u64);

/// What the root complex reads and writes on the device's behalf.
pub trait HostMemory: Send {
    /// Reads octets in the order of their addresses.
    ///
    /// # Errors
    /// [`Unmapped`] if any of them is not mapped for reading; the buffer's content then means
    /// nothing.
    fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Unmapped>;

    /// Writes octets in the order of their addresses.
    ///
    /// # Errors
    /// [`Unmapped`] if any of them is not mapped for writing; then none is written.
    fn write(&mut self, bus_address: u64, octets: &[u8]) -> Result<(), Unmapped>;
}

/// No memory at all: every access is unmapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl HostMemory for NoMemory {
    fn read(&self, bus_address: u64, _: &mut [u8]) -> Result<(), Unmapped> {
        Err(Unmapped(bus_address))
    }

    fn write(&mut self, bus_address: u64, _: &[u8]) -> Result<(), Unmapped> {
        Err(Unmapped(bus_address))
    }
}

/// Memory that the simulation owns, in regions at chosen bus addresses.
///
/// Clones share their content, so a test keeps one and gives the other to the simulation.
#[derive(Clone, Debug, Default)]
pub struct OwnedMemory {
    regions: std::sync::Arc<std::sync::Mutex<BTreeMap<u64, Vec<u8>>>>,
}

impl OwnedMemory {
    /// Memory without regions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps `length` octets of zeros at a bus address, replacing a region that starts there.
    pub fn map(&self, bus_address: u64, length: usize) {
        self.lock().insert(bus_address, vec![0; length]);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        // A panic elsewhere leaves plain octets behind, which are as good as before.
        self.regions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The octets `bus_address .. bus_address + length` if one region has them all.
fn find(
    regions: &mut BTreeMap<u64, Vec<u8>>,
    bus_address: u64,
    length: usize,
) -> Result<&mut [u8], Unmapped> {
    let (start, region) =
        regions.range_mut(..=bus_address).next_back().ok_or(Unmapped(bus_address))?;
    let first = usize::try_from(bus_address - start).map_err(|_| Unmapped(bus_address))?;
    let end = first.checked_add(length).ok_or(Unmapped(bus_address))?;
    region.get_mut(first..end).ok_or(Unmapped(bus_address))
}

impl HostMemory for OwnedMemory {
    fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Unmapped> {
        octets.copy_from_slice(find(&mut self.lock(), bus_address, octets.len())?);
        Ok(())
    }

    fn write(&mut self, bus_address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        find(&mut self.lock(), bus_address, octets.len())?.copy_from_slice(octets);
        Ok(())
    }
}
