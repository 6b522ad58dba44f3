//! The device's address space when the backend is in this process: a table of mapped regions.

use crate::error::Error;
use crate::os::{Region, PAGE_BYTES};
use crate::pci::{Mapping, Unmap};
use ironwarp_root_complex::{HostMemory, Unmapped};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Bus addresses that were never used before, each with a gap behind it.
pub(crate) struct Addresses {
    next: AtomicU64,
    limit: u64,
}

impl Addresses {
    /// All that a placement has.
    pub const fn new(placement: Placement) -> Self {
        let (next, limit) = placement.range();
        Self { next: AtomicU64::new(next), limit }
    }

    /// The first of so many, page-aligned.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if they are used up.
    pub fn take(&self, octets: u64) -> Result<u64, Error> {
        let behind = |start: u64| {
            let end = start.checked_add(octets).filter(|end| *end <= self.limit)?;
            Some((end + GUARD_BYTES).next_multiple_of(PAGE_BYTES as u64))
        };
        let taken = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, behind);
        taken.map_err(|_| Error::Exhausted("bus addresses"))
    }
}

struct Table {
    regions: BTreeMap<u64, Region>,
    addresses: Addresses,
}

/// The mappings of one device. Clones share them.
#[derive(Clone)]
pub struct IovaTable(Arc<RwLock<Table>>);

impl IovaTable {
    /// Nothing is mapped.
    pub fn new(placement: Placement) -> Self {
        let addresses = Addresses::new(placement);
        Self(Arc::new(RwLock::new(Table { regions: BTreeMap::new(), addresses })))
    }

    /// Maps a region at an address that was never used before.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if the addresses are used up.
    pub fn map(&self, region: &Region) -> Result<Mapping, Error> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let page_address = table.addresses.take(region.mapped_bytes() as u64)?;
        table.regions.insert(page_address, region.clone());
        Ok(Mapping::new(region.clone(), page_address, Arc::new(self.clone())))
    }

    /// Maps the pages that a region lies in at an address that the caller chose.
    ///
    /// # Errors
    /// [`Error::Overlap`] if something is mapped there already, or the addresses wrap.
    pub fn map_at(&self, page_address: u64, region: &Region) -> Result<(), Error> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let end = page_address.checked_add(region.mapped_bytes() as u64);
        let before = |end| {
            let (start, other) = table.regions.range(..end).next_back()?;
            (start + other.mapped_bytes() as u64 > page_address).then_some(())
        };
        match end {
            Some(end) if before(end).is_none() => {
                table.regions.insert(page_address, region.clone());
                Ok(())
            }
            _ => Err(Error::Overlap(page_address)),
        }
    }

    /// Unmaps everything that some addresses touch, whole. When this returns, the device does not
    /// reach it any more.
    pub fn unmap_range(&self, bus_address: u64, octets: u64) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let end = bus_address.saturating_add(octets);
        table.regions.retain(|start, region| {
            *start >= end || start.saturating_add(region.mapped_bytes() as u64) <= bus_address
        });
    }

    /// How many regions are mapped.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).regions.len()
    }

    /// True if nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads as the device does: anything in a region's pages, since devices read in units that may
    /// begin before and end behind the octets that they want. What is not the region's is zeros.
    ///
    /// # Errors
    /// [`Fault`] if not all octets are mapped.
    pub fn read(&self, bus_address: u64, octets: &mut [u8]) -> Result<(), Fault> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for piece in table.pieces(bus_address, octets.len()) {
            let Piece { region, pages, range } = piece?;
            let out = &mut octets[range];
            let (first, end) = inside(region, &pages);
            let whole = first == pages.start && end == pages.end;
            if !whole {
                out.fill(0);
            }
            if first < end {
                let out = &mut out[first - pages.start..end - pages.start];
                let read = region.read(first - region.page_offset(), out);
                read.map_err(|_| Fault(bus_address))?;
            }
        }
        Ok(())
    }

    /// Writes as the device does; only inside the region itself, to the octet.
    ///
    /// # Errors
    /// [`Fault`] if not all octets are mapped; then none is written.
    pub fn write(&self, bus_address: u64, octets: &[u8]) -> Result<(), Fault> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for piece in table.pieces(bus_address, octets.len()) {
            let Piece { region, pages, range } = piece?;
            let (first, end) = inside(region, &pages);
            let at = bus_address + range.start as u64;
            match first > pages.start || first >= end {
                true => return Err(Fault(at)),
                false if end < pages.end => return Err(Fault(at + (end - pages.start) as u64)),
                false => {}
            }
        }
        // Whoever unmaps waits until they are there.
        for piece in table.pieces(bus_address, octets.len()) {
            let Piece { region, pages, range } = piece?;
            let written = region.write(pages.start - region.page_offset(), &octets[range]);
            written.map_err(|_| Fault(bus_address))?;
        }
        Ok(())
    }
}

/// Of octets in a region's pages, the first that is the region's, and the first behind it.
fn inside(region: &Region, pages: &Range<usize>) -> (usize, usize) {
    let start = region.page_offset();
    (pages.start.max(start), pages.end.min(start + region.len()))
}

/// A piece of a transfer.
struct Piece<'a> {
    region: &'a Region,
    /// Which octets of the region's pages.
    pages: Range<usize>,
    /// Which octets of the transfer.
    range: Range<usize>,
}

impl Table {
    /// The regions that a transfer of so many octets reaches; a fault is the last.
    fn pieces(
        &self,
        bus_address: u64,
        octets: usize,
    ) -> impl Iterator<Item = Result<Piece<'_>, Fault>> {
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == octets {
                return None;
            }
            let at = bus_address.wrapping_add(done as u64);
            let piece = self.find(at).and_then(|(region, offset)| {
                match region.mapped_bytes().saturating_sub(offset).min(octets - done) {
                    0 => Err(Fault(at)),
                    most => {
                        Ok(Piece { region, pages: offset..offset + most, range: done..done + most })
                    }
                }
            });
            done = piece.as_ref().map_or(octets, |piece| piece.range.end);
            Some(piece)
        })
    }

    fn find(&self, bus_address: u64) -> Result<(&Region, usize), Fault> {
        let entry = self.regions.range(..=bus_address).next_back();
        let (start, region) = entry.ok_or(Fault(bus_address))?;
        let offset = usize::try_from(bus_address - start).map_err(|_| Fault(bus_address))?;
        Ok((region, offset))
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
            assert_eq!(table.write(at + 90, &[8; 11]), Err(Fault(at + 100)));
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
    fn others_choose_addresses_and_transfers_cross_from_one_mapping_to_the_next() {
        let table = IovaTable::new(Placement::High);
        let regions = [(); 2].map(|()| Region::new(PAGE_BYTES).unwrap());
        table.map_at(0x10_0000, &regions[0]).unwrap();
        table.map_at(0x10_1000, &regions[1]).unwrap();
        for bad in [0xf_f001, 0x10_0000, 0x10_0fff, 0x10_1fff, u64::MAX - 4095] {
            assert!(matches!(table.map_at(bad, &regions[0]), Err(Error::Overlap(at)) if at == bad));
        }
        table.write(0x10_0ffd, &[1, 2, 3, 4, 5]).unwrap();
        let mut octets = [0; 5];
        table.read(0x10_0ffd, &mut octets).unwrap();
        assert_eq!(octets, [1, 2, 3, 4, 5]);
        assert_eq!(regions[1].to_vec(0, 2).unwrap(), [4, 5]);
        assert_eq!(table.write(0x10_1ffe, &[9; 3]), Err(Fault(0x10_2000)));
        assert_eq!(regions[1].to_vec(0xffe, 2).unwrap(), [0, 0], "all or nothing");
        table.unmap_range(0x10_0800, 0x10);
        assert_eq!(table.read(0x10_0fff, &mut octets), Err(Fault(0x10_0fff)), "it was touched");
        table.read(0x10_1000, &mut octets).unwrap();
        table.unmap_range(0, u64::MAX);
        assert_eq!(table.read(0x10_1000, &mut octets), Err(Fault(0x10_1000)));
    }

    #[test]
    fn octets_around_a_region_are_neither_read_nor_written() {
        let table = IovaTable::new(Placement::High);
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(3 * PAGE_BYTES as u64).unwrap();
        let around = Region::of_file(file.clone(), 0, 3 * PAGE_BYTES).unwrap();
        around.fill(0xee).unwrap();
        let region = Region::of_file(file, 4090, 10).unwrap();
        let mapping = table.map(&region).unwrap();
        let at = mapping.bus_address();
        assert_eq!(at % PAGE_BYTES as u64, 4090);
        table.write(at, b"0123456789").unwrap();
        assert_eq!(table.write(at - 1, &[1; 4]), Err(Fault(at - 1)));
        assert_eq!(table.write(at + 8, &[1; 4]), Err(Fault(at + 10)));
        assert_eq!(table.write(at + 11, &[1; 4]), Err(Fault(at + 11)));
        let mut octets = [1; 16];
        table.read(at - 2, &mut octets).unwrap();
        assert_eq!(&octets, b"\x00\x000123456789\0\0\0\0");
        assert_eq!(around.to_vec(4088, 14).unwrap(), b"\xee\xee0123456789\xee\xee");
        assert!(table.read(at - 4091, &mut octets).is_err(), "before its pages");
    }

    #[test]
    fn low_addresses_end() {
        let table = IovaTable::new(Placement::Low);
        *table.0.write().unwrap().addresses.next.get_mut() = Placement::Low.range().1 - 4096;
        let region = Region::new(4097).unwrap();
        assert!(matches!(table.map(&region), Err(Error::Exhausted(_))));
    }
}
