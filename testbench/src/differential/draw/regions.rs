//! Memory regions: runs of the bus, and page lists.

use super::{Draw, MESSAGE_MAX};
use crate::differential::event::Event;
use crate::differential::layout::{page_list, BASE, DATA, NOWHERE, REGIONS};
use crate::differential::regions::PD;
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{stag, MemoryRegionContext};
use std::ops::Range;

/// Regions with all rights, inside memory.
pub(super) const SOUND: u32 = 6;

/// The memory of regions of a kind: what is written into those of odd numbers is never read from
/// those of even numbers, for that would be a race.
fn half(sink: bool) -> Range<u64> {
    let middle = DATA.start + (DATA.end - DATA.start) / 2;
    if sink {
        middle..DATA.end
    } else {
        DATA.start..middle
    }
}

impl Draw {
    pub(super) fn regions(&mut self) {
        let index = self.chance.within(0..=REGIONS - 1);
        if self.chance.one_in(4) {
            self.push(Event::Forget(index));
        } else {
            self.register(index);
        }
    }

    /// A region; the first ones are sound, the others lack something.
    pub(super) fn register(&mut self, index: u32) {
        // Sound ones have room for every message.
        let least = if index < SOUND { MESSAGE_MAX } else { 1 };
        let length = least + self.chance.size(0x5fff);
        let base = match self.chance.within(0..=3) {
            0 => 0,
            1 => u64::MAX - u64::from(length) + 1,
            _ => u64::from(self.chance.any()) << self.chance.within(0..=31),
        };
        let region = MemoryRegionContext {
            base,
            length: length.into(),
            // Of the index, the low part is the region's number, and the rest is the host's choice.
            stag: self.stag(index),
            pd: PD,
            local_read: true,
            local_write: true,
            remote_read: true,
            remote_write: true,
            valid: true,
            ..MemoryRegionContext::default()
        };
        let event = if self.chance.one_in(2) {
            let (region, pages) = self.pages(index, region);
            Event::RegisterPages(index, region, pages)
        } else {
            Event::Register(index, self.run(index, region))
        };
        self.push(event);
    }

    /// A run of bus addresses.
    fn run(&mut self, index: u32, region: MemoryRegionContext) -> MemoryRegionContext {
        let sink = index % 2 == 1;
        let half = half(sink);
        let room = half.end - half.start - region.length;
        let bus_address = half.start + u64::from(self.chance.within(0..=room as u32));
        let sound = MemoryRegionContext { bus_address, ..region };
        // Half of it is where no memory is.
        let over = region.length / 2;
        let beyond = if sink { DATA.end - over } else { BASE - over };
        match self.chance.within(0..=5) {
            _ if index < SOUND => sound,
            0 => MemoryRegionContext { bus_address: NOWHERE, ..sound },
            1 => MemoryRegionContext { bus_address: beyond, ..sound },
            _ => self.lacking(sound),
        }
    }

    /// A list of pages, which lie in any order, and how the record says so.
    fn pages(
        &mut self,
        index: u32,
        region: MemoryRegionContext,
    ) -> (MemoryRegionContext, Vec<u64>) {
        let half = half(index % 2 == 1);
        let (page_log2, first_offset, mut pages) = match self.chance.one_in(4) {
            true => self.large_pages(&half, region.length),
            false => self.small_pages(&half, region.length),
        };
        let bus_address = page_list(index);
        let sound =
            MemoryRegionContext { bus_address, paged: true, page_log2, first_offset, ..region };
        if index < SOUND {
            return (sound, pages);
        }
        let region = match self.chance.within(0..=5) {
            0 => MemoryRegionContext { bus_address: NOWHERE, ..sound },
            kind @ (1 | 2) => {
                let bad = self.chance.within(0..=pages.len() as u32 - 1) as usize;
                let inside = 1 << self.chance.within(0..=11);
                pages[bad] = if kind == 1 { NOWHERE } else { pages[bad] | inside };
                sound
            }
            _ => self.lacking(sound),
        };
        (region, pages)
    }

    /// Pages of 4 or 8 KiB, none of them twice.
    fn small_pages(&mut self, half: &Range<u64>, length: u64) -> (u8, u32, Vec<u64>) {
        let log2 = if self.chance.one_in(3) { 13 } else { 12 };
        let page = 1_u64 << log2;
        let first_offset = self.chance.within(0..=page as u32 - 1);
        let wanted = (u64::from(first_offset) + length).div_ceil(page) as usize;
        let first = half.start.next_multiple_of(page);
        let mut free: Vec<u64> =
            (first..half.end).step_by(page as usize).filter(|at| at + page <= half.end).collect();
        let mut take = || {
            let which = self.chance.within(0..=free.len() as u32 - 1) as usize;
            free.swap_remove(which)
        };
        (log2, first_offset, (0..wanted).map(|_| take()).collect())
    }

    /// Larger pages than the memory has: one, or two that lie one behind the other.
    fn large_pages(&mut self, half: &Range<u64>, length: u64) -> (u8, u32, Vec<u64>) {
        let log2 = self.chance.within(14..=31) as u8;
        let room = half.end - half.start - length;
        let start = half.start + u64::from(self.chance.within(0..=room as u32));
        let first = start >> log2;
        let last = (start + length - 1) >> log2;
        let first_offset = (start - (first << log2)) as u32;
        (log2, first_offset, (first..=last).map(|page| page << log2).collect())
    }

    /// A right, the domain or the validity is missing.
    fn lacking(&mut self, sound: MemoryRegionContext) -> MemoryRegionContext {
        match self.chance.within(0..=3) {
            0 => MemoryRegionContext { remote_write: false, local_read: false, ..sound },
            1 => MemoryRegionContext { remote_read: false, local_write: false, ..sound },
            2 => MemoryRegionContext { pd: PD ^ 1, ..sound },
            _ => MemoryRegionContext { valid: false, ..sound },
        }
    }

    fn stag(&mut self, index: u32) -> u32 {
        let index = self.chance.any() << REFERENCE.mr_bits & 0xff_ffff | index;
        stag(index, self.chance.any() as u8)
    }
}
