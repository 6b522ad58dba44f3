//! Where a region's octets lie: in one run, or in pages that a list in host memory names.

use crate::host::{Fault, Host};
use ironwarp_abi::context::MemoryRegionContext;
use ironwarp_abi::limits::{PAGE_ENTRY_BYTES, PAGE_LINE_BYTES};

/// Where octets lie that the protection gate has let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    /// At a bus address, one behind the other.
    Run(u64),
    /// In pages.
    Pages {
        /// Bus address of the list.
        list: u64,
        /// log2 of a page's octets.
        log2: u8,
        /// Where they begin, from the first octet of the first page on.
        offset: u64,
    },
}

/// Octets that lie one behind the other.
struct Piece {
    address: u64,
    octets: usize,
}

impl Location {
    /// The octet that lies so far into a region.
    pub fn of(region: &MemoryRegionContext, into: u64) -> Self {
        let MemoryRegionContext { bus_address, paged, page_log2, first_offset, .. } = *region;
        match paged {
            false => Self::Run(bus_address.wrapping_add(into)),
            true => Self::Pages {
                list: bus_address,
                log2: page_log2,
                offset: into.wrapping_add(first_offset.into()),
            },
        }
    }

    /// Reads the octets.
    ///
    /// # Errors
    /// The bus refuses them or a line of the list, or an entry is no address of a page.
    pub fn read(self, into: &mut [u8], host: &mut dyn Host) -> Result<(), Fault> {
        let mut rest = into;
        for piece in self.pieces(rest.len(), host)? {
            let (octets, behind) = rest.split_at_mut(piece.octets);
            host.read(piece.address, octets)?;
            rest = behind;
        }
        Ok(())
    }

    /// Writes the octets, all or none.
    ///
    /// # Errors
    /// The bus refuses a line of the list, or an entry is no address of a page.
    pub fn write(self, octets: &[u8], host: &mut dyn Host) -> Result<(), Fault> {
        let mut rest = octets;
        for piece in self.pieces(octets.len(), host)? {
            let (octets, behind) = rest.split_at(piece.octets);
            host.write(piece.address, octets);
            rest = behind;
        }
        Ok(())
    }

    fn pieces(self, length: usize, host: &mut dyn Host) -> Result<Vec<Piece>, Fault> {
        let (list, log2, mut offset) = match self {
            _ if length == 0 => return Ok(vec![]),
            Self::Run(address) => return Ok(vec![Piece { address, octets: length }]),
            Self::Pages { list, log2, offset } => (list, log2, offset),
        };
        let page = 1 << log2;
        let (mut pieces, mut left) = (Vec::new(), length);
        while left > 0 {
            let start = entry(list, offset >> log2, host)?;
            if start % page != 0 {
                return Err(Fault);
            }
            let octets = left.min(usize::try_from(page - offset % page).unwrap_or(usize::MAX));
            pieces.push(Piece { address: start + offset % page, octets });
            (left, offset) = (left - octets, offset + octets as u64);
        }
        Ok(pieces)
    }
}

/// An entry of a list. Its whole line is read, and must be there.
fn entry(list: u64, index: u64, host: &mut dyn Host) -> Result<u64, Fault> {
    const ENTRIES: u64 = (PAGE_LINE_BYTES / PAGE_ENTRY_BYTES) as u64;
    let mut line = [0; PAGE_LINE_BYTES];
    let at = index / ENTRIES * PAGE_LINE_BYTES as u64;
    host.read(list.wrapping_add(at), &mut line)?;
    let behind = &line[(index % ENTRIES) as usize * PAGE_ENTRY_BYTES..];
    behind.first_chunk().map(|entry| u64::from_le_bytes(*entry)).ok_or(Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lies at 0x1000 and behind.
    struct Memory(Vec<u8>);

    impl Memory {
        fn place(&mut self, address: u64, length: usize) -> Option<&mut [u8]> {
            let from = usize::try_from(address.checked_sub(0x1000)?).ok()?;
            self.0.get_mut(from..from.checked_add(length)?)
        }
    }

    impl Host for Memory {
        fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
            into.copy_from_slice(self.place(address, into.len()).ok_or(Fault)?);
            Ok(())
        }

        fn write(&mut self, address: u64, octets: &[u8]) {
            if let Some(place) = self.place(address, octets.len()) {
                place.copy_from_slice(octets);
            }
        }
    }

    const LIST: u64 = 0x1fc0;

    /// A list whose second line begins with the page at 0x5000.
    fn memory() -> Memory {
        let mut memory = Memory((0..0x8000).map(|at| (at % 251) as u8).collect());
        for (index, page) in (0_u64..).zip([0x7000, 0x3000, 0x4008, 0, 0, 0, 0, 0x6000, 0x5000]) {
            memory.write(LIST + 8 * index, &u64::to_le_bytes(page));
        }
        memory
    }

    fn location(offset: u64) -> Location {
        let region = MemoryRegionContext {
            bus_address: LIST,
            paged: true,
            page_log2: 12,
            first_offset: 0x400,
            ..MemoryRegionContext::default()
        };
        Location::of(&region, offset - 0x400)
    }

    #[test]
    fn octets_go_from_page_to_page_and_from_line_to_line() {
        for (offset, at) in [(0xffd, [0x7ffd, 0x3000]), (0x7ffd, [0x6ffd, 0x5000])] {
            let mut memory = memory();
            location(offset).write(b"abcdefg", &mut memory).unwrap();
            assert_eq!(memory.place(at[0], 3).unwrap(), b"abc");
            assert_eq!(memory.place(at[1], 4).unwrap(), b"defg");
            let mut octets = [0; 7];
            location(offset).read(&mut octets, &mut memory).unwrap();
            assert_eq!(&octets, b"abcdefg");
        }
    }

    #[test]
    fn a_bad_entry_or_line_is_a_fault_before_anything_is_written() {
        let before = memory();
        // A page in the middle of one, a page where nothing is, a line where nothing is.
        for (offset, writes) in [(0x1ffd, false), (0x3ffd, true), (0x20_0000, false)] {
            let mut memory = memory();
            assert_eq!(location(offset).write(b"abcdef", &mut memory).is_ok(), writes);
            assert!(memory.0 == before.0, "{offset:#x}");
            assert_eq!(location(offset).read(&mut [0; 6], &mut memory), Err(Fault));
        }
        let mut memory = memory();
        assert_eq!(location(0x20_0000).write(&[], &mut memory), Ok(()), "nothing asks nothing");
    }
}
