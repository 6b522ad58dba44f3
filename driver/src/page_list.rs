//! Page lists: how the device finds memory that lies in several runs on its bus.

use crate::device::Device;
use crate::dma::DeviceMemory;
use crate::error::Error;
use crate::pci::Run;
use ironwarp_abi::limits::{PAGE_BITS_MAX, PAGE_BITS_MIN, PAGE_LINE_BYTES};

/// A list in memory that the device can reach.
pub(crate) struct PageList {
    /// log2 of a page's octets.
    pub log2: u8,
    /// Where the memory begins in its first page.
    pub first_offset: u32,
    memory: DeviceMemory,
}

impl PageList {
    /// The list of a mapping, in memory of its own; none if the mapping is one run.
    ///
    /// # Errors
    /// [`Error::Capability`] if the device knows no page lists, [`Error::OutOfRange`] if the runs
    /// are not of pages that one may have; what allocating the list says.
    pub fn of(device: &Device, mapping: &DeviceMemory) -> Result<Option<Self>, Error> {
        let [_, _, ..] = mapping.runs() else { return Ok(None) };
        device.needs_page_lists()?;
        let pages = Pages::of(mapping.runs(), mapping.region().page_offset())?;
        let octets: Vec<u8> = pages.addresses.iter().flat_map(|page| page.to_le_bytes()).collect();
        let memory = device.allocate(octets.len().next_multiple_of(PAGE_LINE_BYTES))?;
        memory.region().write(0, &octets)?;
        Ok(Some(Self { log2: pages.log2, first_offset: pages.first_offset, memory }))
    }

    /// Where the device finds it.
    pub fn bus_address(&self) -> u64 {
        self.memory.bus_address()
    }
}

/// What a list says.
#[derive(Debug, PartialEq, Eq)]
struct Pages {
    log2: u8,
    first_offset: u32,
    addresses: Vec<u64>,
}

impl Pages {
    /// The largest pages that the runs are made of; the memory begins so far into the first run.
    fn of(runs: &[Run], page_offset: usize) -> Result<Self, Error> {
        let end = |run: &Run| run.address + run.octets as u64;
        let meetings = runs.windows(2).flat_map(|two| [end(&two[0]), two[1].address]);
        let all = meetings.fold(0, |all, address| all | address);
        let bits = all.trailing_zeros() as usize;
        if bits < PAGE_BITS_MIN {
            let (what, range) = ("the bus address of a page", "a multiple of 4096");
            return Err(Error::OutOfRange { what, value: all, range });
        }
        // No more than 31.
        let log2 = bits.min(PAGE_BITS_MAX) as u8;
        let page = 1_u64 << log2;
        let start = runs.first().map_or(0, |run| run.address);
        // The runs are of pages of 4 KiB at least, and the offset is less than one.
        let first_offset = (start % page) as u32 + page_offset as u32;
        let pages = |run: &Run| (run.address / page * page..end(run)).step_by(1 << log2);
        Ok(Self { log2, first_offset, addresses: runs.iter().flat_map(pages).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(address: u64, octets: usize) -> Run {
        Run { address, octets }
    }

    #[test]
    fn pages_are_as_large_as_the_runs_allow() {
        // It begins in a page and ends in one; the middle is two pages of 64 KiB.
        let runs = [run(0x7_e000, 0x2000), run(0x10_0000, 0x2_0000), run(0x3_0000, 0x1000)];
        let addresses = vec![0x7_0000, 0x10_0000, 0x11_0000, 0x3_0000];
        let pages = Pages { log2: 16, first_offset: 0xe123, addresses };
        assert_eq!(Pages::of(&runs, 0x123).unwrap(), pages);
        // A page between two others has to be one.
        let runs = [run(0x7_e000, 0x2000), run(0x10_0000, 0x1000), run(0x3_0000, 0x2000)];
        let addresses = vec![0x7_e000, 0x7_f000, 0x10_0000, 0x3_0000, 0x3_1000];
        let pages = Pages { log2: 12, first_offset: 0, addresses };
        assert_eq!(Pages::of(&runs, 0).unwrap(), pages);
        // Larger than any that the device knows.
        let runs = [run((1 << 40) - 0x1000, 0x1000), run(1 << 41, 1 << 33)];
        let pages = Pages::of(&runs, 0).unwrap();
        assert_eq!((pages.log2, pages.first_offset, pages.addresses.len()), (31, 0x7fff_f000, 5));
    }

    #[test]
    fn runs_that_are_no_pages_are_refused() {
        let runs = [run(0x1000, 0x1000), run(0x8800, 0x1000)];
        assert!(matches!(Pages::of(&runs, 0), Err(Error::OutOfRange { .. })));
    }
}
