//! The memory regions, and places in them.

use super::event::{At, Place};
use ironwarp_abi::context::MemoryRegionContext;
use ironwarp_abi::limits::MR_BITS;
use std::collections::BTreeMap;

/// The memory regions as the host wrote them.
#[derive(Default)]
pub struct Regions(pub(super) BTreeMap<u8, MemoryRegionContext>);

impl Regions {
    /// STag and offset of a place for so many octets. A region that is not there has no octets.
    pub fn resolve(&self, place: &Place, length: u32) -> (u32, u64) {
        let region = self.0.get(&place.region).copied().unwrap_or_default();
        let stag = region.key << MR_BITS | u32::from(place.region);
        let room = u64::from(region.length.saturating_sub(length)) + 1;
        let end = region.base.wrapping_add(region.length.into()).wrapping_sub(length.into());
        let offset = match place.at {
            At::Inside(from) => region.base.wrapping_add(u64::from(from) % room),
            At::End(by) => end.wrapping_add_signed(by.into()),
            At::Start(by) => region.base.wrapping_add_signed(by.into()),
            At::Absolute(offset) => offset,
        };
        (stag ^ place.key, offset)
    }

    /// The host's own work requests may read so many octets there, or write them.
    pub fn grants(&self, place: &Place, length: u32, write: bool) -> bool {
        let Some(region) = self.0.get(&place.region) else { return length == 0 };
        let inside = matches!(place.at, At::Inside(_) | At::End(0) | At::Start(0));
        let right = if write { region.local_write } else { region.local_read };
        let right = right && region.valid && region.pd == PD;
        length == 0 || right && inside && place.key == 0 && length <= region.length
    }
}

/// The protection domain of the queue pairs.
pub const PD: u16 = 0x0b0e;
