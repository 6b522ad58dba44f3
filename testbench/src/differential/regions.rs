//! The memory regions, and places in them.

use super::event::{At, Place};
use super::layout::{BASE, BYTES};
use ironwarp_abi::context::MemoryRegionContext;
use std::collections::BTreeMap;

/// The memory regions as the host wrote them.
#[derive(Default)]
pub struct Regions(pub(super) BTreeMap<u32, MemoryRegionContext>);

impl Regions {
    /// STag and offset of a place for so many octets. A region that is not there has no octets.
    pub fn resolve(&self, place: &Place, length: u32) -> (u32, u64) {
        let region = self.0.get(&place.region).copied().unwrap_or_default();
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
        let Some(region) = self.0.get(&place.region) else { return length == 0 };
        let inside = matches!(place.at, At::Inside(_) | At::End(0) | At::Start(0));
        let right = match way {
            Way::Read => region.local_read,
            Way::Write => region.local_write,
            Way::RemoteRead => region.remote_read,
        };
        let right = right && region.valid && region.pd == PD;
        // What is written where no memory is does no harm.
        let memory = BASE..=BASE + BYTES as u64 - region.length;
        let there = way == Way::Write || memory.contains(&region.bus_address);
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
