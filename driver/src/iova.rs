//! The device's address space when the backend is in this process: a table of mapped regions.

use crate::error::Error;
use crate::os::{Region, PAGE_BYTES};
use crate::pci::{Mapping, Unmap};
use ironwarp_root_complex::{HostMemory, Unmapped};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Nothing is mapped between two mappings, so that an overrun faults: this many octets.
const GUARD_BYTES: u64 = 1 << 16;

/// From where bus addresses are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Placement {
    /// Above 4 GiB: the device must use 64-bit addresses.
    #[default]
    High,
    /// Below 4 GiB: the device must use 32-bit addresses, as PCIe demands of it then.
    Low,
}

impl Placement {
    /// The first and the first forbidden bus address.
    const fn range(self) -> (u64, u64) {
        match self {
            Self::High => (0x12_3450_0000, 1 << 46),
            // Below where a PC's firmware puts BARs and the interrupt window.
            Self::Low => (0x0100_0000, 0xc000_0000),
        }
    }
}

/// No memory answers at this bus address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(pub u64);

struct Table {
    regions: BTreeMap<u64, Region>,
    next: u64,
    limit: u64,
}

/// The mappings of one device. Clones share them.
#[derive(Clone)]
pub struct IovaTable(Arc<RwLock<Table>>);

impl IovaTable {
    /// Nothing is mapped.
    pub fn new(placement: Placement) -> Self {
        let (next, limit) = placement.range();
        Self(Arc::new(RwLock::new(Table { regions: BTreeMap::new(), next, limit })))
    }

    /// Maps a region at an address that was never used before.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if the addresses are used up.
    pub fn map(&self, region: &Region) -> Result<Mapping, Error> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = region.mapped_bytes() as u64;
        let bus_address = table.next;
        let end = bus_address.checked_add(bytes).filter(|end| *end <= table.limit);
        let end = end.ok_or(Error::Exhausted("bus addresses"))?;
        table.next = (end + GUARD_BYTES).next_multiple_of(PAGE_BYTES as u64);
        table.regions.insert(bus_address, region.clone());
        Ok(Mapping::new(region.clone(), bus_address, Arc::new(self.clone())))
    }

    /// Reads as the device does; anything in a region's pages.
    ///
    /// # Errors
    /// [`Fault`] if not all octets are mapped.
    pub fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Fault> {
        let (region, offset) = self.find(bus_address)?;
        region.read_pages(offset, octets).map_err(|_| Fault(bus_address))
    }

    /// Writes as the device does; only inside the region itself, to the octet.
    ///
    /// # Errors
    /// [`Fault`] if not all octets are mapped; then none is written.
    pub fn write(&self, bus_address: u64, octets: &[u8]) -> Result<(), Fault> {
        let (region, offset) = self.find(bus_address)?;
        region.write(offset, octets).map_err(|_| Fault(bus_address))
    }

    fn find(&self, bus_address: u64) -> Result<(Region, usize), Fault> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = table.regions.range(..=bus_address).next_back();
        let (start, region) = entry.ok_or(Fault(bus_address))?;
        let offset = usize::try_from(bus_address - start).map_err(|_| Fault(bus_address))?;
        Ok((region.clone(), offset))
    }
}

impl Unmap for IovaTable {
    fn unmap(&self, bus_address: u64, _: usize) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).regions.remove(&bus_address);
    }
}

/// What a root complex reads and writes.
impl HostMemory for IovaTable {
    fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Unmapped> {
        IovaTable::read(self, bus_address, octets).map_err(|fault| Unmapped(fault.0))
    }

    fn write(&mut self, bus_address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        IovaTable::write(self, bus_address, octets).map_err(|fault| Unmapped(fault.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_and_an_unmapped_region_fault() {
        for placement in [Placement::High, Placement::Low] {
            let table = IovaTable::new(placement);
            let region = Region::new(100).unwrap();
            let first = table.map(&region).unwrap();
            let second = table.map(&region).unwrap();
            let at = first.bus_address();
            assert_eq!(at > u64::from(u32::MAX), placement == Placement::High);
            assert!(second.bus_address() - at >= GUARD_BYTES + PAGE_BYTES as u64);
            table.write(at + 90, &[7; 10]).unwrap();
            assert_eq!(table.write(at + 90, &[8; 11]), Err(Fault(at + 90)));
            let mut octets = [0; 10];
            table.read(at + 90, &mut octets).unwrap();
            assert_eq!(octets, [7; 10], "the refused write left no trace");
            assert_eq!(table.read(at + 4096, &mut octets), Err(Fault(at + 4096)));
            drop(first);
            assert_eq!(table.read(at, &mut octets), Err(Fault(at)));
            table.read(second.bus_address() + 90, &mut octets).unwrap();
        }
    }

    #[test]
    fn low_addresses_end() {
        let table = IovaTable::new(Placement::Low);
        table.0.write().unwrap().next = Placement::Low.range().1 - 4096;
        let region = Region::new(4097).unwrap();
        assert!(matches!(table.map(&region), Err(Error::Exhausted(_))));
    }
}
