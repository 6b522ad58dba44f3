//! The memory regions, and places in them.

use super::event::{At, Place};
use super::layout::{BASE, BYTES, PAGE};
use ironwarp_abi::context::MemoryRegionContext;
use std::collections::BTreeMap;

/// A memory region as the host wrote it.
#[derive(Clone, Copy, Default)]
struct Known {
    record: MemoryRegionContext,
    /// There is memory, and the page list says where.
    there: bool,
}

/// The memory regions.
#[derive(Default)]
pub struct Regions(BTreeMap<u32, Known>);

/// There is memory from one bus address on for so many octets.
fn memory(address: u64, octets: u64) -> bool {
    let end = BASE + BYTES as u64;
    address >= BASE && address.checked_add(octets).is_some_and(|behind| behind <= end)
}

impl Regions {
    /// The host wrote a record, and the pages of its list if it is one.
    pub(super) fn set(&mut self, index: u32, record: MemoryRegionContext, pages: &[u64]) {
        let page = 1 << record.page_log2;
        // Of a large page only a part is used, which is there.
        let page_there = |at: &u64| at % page == 0 && (page > PAGE || memory(*at, page));
        let there = match record.paged {
            false => memory(record.bus_address, record.length),
            true => memory(record.bus_address, 0) && pages.iter().all(page_there),
        };
        self.0.insert(index, Known { record, there });
    }

    /// The device knows it no more.
    pub(super) fn forget(&mut self, index: u32) {
        if let Some(region) = self.0.get_mut(&index) {
            region.record.valid = false;
        }
    }

    /// STag and offset of a place for so many octets. A region that is not there has no octets.
    pub fn resolve(&self, place: &Place, length: u32) -> (u32, u64) {
        let region = self.0.get(&place.region).copied().unwrap_or_default().record;
        let room = region.length.saturating_sub(length.into()) + 1;
        let end = region.base.wrapping_add(region.length).wrapping_sub(length.into());
        let offset = match place.at {
            At::Inside(from) => region.base.wrapping_add(u64::from(from) % room),
            At::End(by) => end.wrapping_add_signed(by.into()),
            At::Start(by) => region.base.wrapping_add_signed(by.into()),
            At::Absolute(offset) => offset,
        };
        (region.stag ^ place.key, offset)
    }

    /// So many octets may certainly be used there in this way, and are there.
    pub fn grants(&self, place: &Place, length: u32, way: Way) -> bool {
        let Some(Known { record: region, there }) = self.0.get(&place.region) else {
            return length == 0;
        };
        let inside = matches!(place.at, At::Inside(_) | At::End(0) | At::Start(0));
        let right = match way {
            Way::Read => region.local_read,
            Way::Write => region.local_write,
            Way::RemoteRead => region.remote_read,
        };
        let right = right && region.valid && region.pd == PD;
        // What is written where no memory is does no harm.
        let there = *there || way == Way::Write && !region.paged;
        length == 0
            || right && there && inside && place.key == 0 && u64::from(length) <= region.length
    }
}

/// How a region is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The host's own work requests send from it.
    Read,
    /// The host's own RDMA Reads write to it.
    Write,
    /// The peer's RDMA Reads read it.
    RemoteRead,
}

/// The protection domain of the queue pairs.
pub const PD: u16 = 0x0b0e;
