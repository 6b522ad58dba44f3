//! The protection gate: every bus address that a work request or a peer can name comes from here.

use crate::contexts::Contexts;
use crate::pages::Location;
use crate::Status;
use ironwarp_abi::context::MemoryRegionContext;
use ironwarp_abi::status;

/// What is to be done to the octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// The device reads for this side's own work request.
    LocalRead,
    /// The device writes for this side's own receive work request or RDMA Read.
    LocalWrite,
    /// The peer reads.
    RemoteRead,
    /// The peer writes.
    RemoteWrite,
}

/// May these octets be touched?
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    pub stag: u32,
    /// The protection domain of the queue pair.
    pub pd: u16,
    pub right: Right,
    /// The tagged offset of the first octet.
    pub offset: u64,
    /// Octets; zero asks nothing of the region and is always allowed.
    pub length: u32,
}

/// Why not, in the order in which it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The STag names no valid region, or its key is wrong.
    Stag,
    /// The region belongs to another protection domain.
    Domain,
    /// The region does not grant the right.
    Rights,
    /// The last octet's offset does not fit in 64 bits.
    Wrap,
    /// Not all octets are inside the region.
    Bounds,
}

impl Refusal {
    /// The status if this side's own work request asked.
    pub fn local(self) -> Status {
        match self {
            Self::Stag => status::LOCAL_STAG,
            Self::Domain => status::LOCAL_DOMAIN,
            Self::Rights => status::LOCAL_RIGHTS,
            Self::Wrap | Self::Bounds => status::LOCAL_BOUNDS,
        }
    }

    /// The status if the peer wanted to write.
    pub fn remote(self) -> Status {
        match self {
            Self::Stag => status::DDP_STAG,
            Self::Domain => status::DDP_DOMAIN,
            Self::Rights => status::DDP_RIGHTS,
            Self::Wrap => status::DDP_WRAP,
            Self::Bounds => status::DDP_BOUNDS,
        }
    }

    /// The status if the peer wanted to read.
    pub fn source(self) -> Status {
        match self {
            Self::Stag => status::READ_STAG,
            Self::Domain => status::READ_DOMAIN,
            Self::Rights => status::READ_RIGHTS,
            Self::Wrap => status::READ_WRAP,
            Self::Bounds => status::READ_BOUNDS,
        }
    }
}

/// Where the octets are, or why not.
//= rfc5041#7.1  STag, TO and TO + length are validated before placement; the sum must not wrap.
pub(crate) fn gate(contexts: &Contexts, asked: Question) -> Result<Location, Refusal> {
    //= rfc5041#5.2  STag and TO MUST NOT be checked for a zero-length Tagged DDP Message.
    let Some(before_last) = asked.length.checked_sub(1) else {
        return Ok(Location::Run(0));
    };
    let region = contexts.region(asked.stag).ok_or(Refusal::Stag)?;
    if region.pd != asked.pd {
        return Err(Refusal::Domain);
    }
    if !grants(region, asked.right) {
        return Err(Refusal::Rights);
    }
    asked.offset.checked_add(before_last.into()).ok_or(Refusal::Wrap)?;
    let into = asked.offset.checked_sub(region.base).ok_or(Refusal::Bounds)?;
    let end = into.checked_add(asked.length.into());
    if end.is_none_or(|end| end > region.length) {
        return Err(Refusal::Bounds);
    }
    Ok(Location::of(region, into))
}

fn grants(region: &MemoryRegionContext, right: Right) -> bool {
    match right {
        Right::LocalRead => region.local_read,
        Right::LocalWrite => region.local_write,
        Right::RemoteRead => region.remote_read,
        Right::RemoteWrite => region.remote_write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::BOARD;
    use ironwarp_abi::context::{region_of, table};

    const REGION: MemoryRegionContext = MemoryRegionContext {
        base: 1000,
        length: 100,
        stag: 0xabcdef07,
        bus_address: 0x7000,
        pd: 5,
        local_read: true,
        local_write: false,
        remote_read: false,
        remote_write: true,
        valid: true,
        paged: false,
        page_log2: 0,
        first_offset: 0,
    };
    const ASKED: Question =
        Question { stag: 0xabcdef07, pd: 5, right: Right::RemoteWrite, offset: 1000, length: 100 };

    fn ask(region: MemoryRegionContext, asked: Question) -> Result<Location, Refusal> {
        let mut contexts = Contexts::new(BOARD);
        for (word, value) in region.to_words().into_iter().enumerate() {
            contexts.write(word, value);
        }
        let index = region_of(region.stag, BOARD.mr_bits) as u32;
        assert_eq!(contexts.commit(table::MEMORY_REGION, index, false), Some(()));
        gate(&contexts, asked)
    }

    const fn at(address: u64) -> Result<Location, Refusal> {
        Ok(Location::Run(address))
    }

    #[test]
    fn the_whole_region_and_no_octet_more() {
        assert_eq!(ask(REGION, ASKED), at(0x7000));
        assert_eq!(ask(REGION, Question { offset: 1099, length: 1, ..ASKED }), at(0x7063));
        for (offset, length) in [(999, 1), (999, 101), (1000, 101), (1100, 1), (0, 1)] {
            let asked = Question { offset, length, ..ASKED };
            assert_eq!(ask(REGION, asked), Err(Refusal::Bounds), "{offset} {length}");
        }
    }

    //= rfc5041#7.1
    //= type=test
    #[test]
    fn each_reason_comes_before_the_later_ones() {
        let wrong = Question {
            stag: 0xabcdee07,
            pd: 6,
            right: Right::LocalWrite,
            offset: u64::MAX,
            length: 2,
        };
        assert_eq!(ask(REGION, wrong), Err(Refusal::Stag));
        assert_eq!(ask(REGION, Question { stag: 0xabcdef08, ..wrong }), Err(Refusal::Stag));
        assert_eq!(ask(MemoryRegionContext { valid: false, ..REGION }, ASKED), Err(Refusal::Stag));
        let wrong = Question { stag: ASKED.stag, ..wrong };
        assert_eq!(ask(REGION, wrong), Err(Refusal::Domain));
        let wrong = Question { pd: 5, ..wrong };
        assert_eq!(ask(REGION, wrong), Err(Refusal::Rights));
        let wrong = Question { right: Right::LocalRead, ..wrong };
        assert_eq!(ask(REGION, wrong), Err(Refusal::Wrap));
        assert_eq!(ask(REGION, Question { length: 1, ..wrong }), Err(Refusal::Bounds));
    }

    #[test]
    fn a_region_may_end_with_the_last_octet_there_is() {
        let region = MemoryRegionContext { base: u64::MAX - 99, ..REGION };
        assert_eq!(ask(region, Question { offset: u64::MAX - 1, length: 2, ..ASKED }), at(0x7062));
    }

    #[test]
    fn a_region_may_be_all_there_is() {
        let region = MemoryRegionContext { base: 1, length: u64::MAX, bus_address: 0, ..REGION };
        let asked = |offset, length| ask(region, Question { offset, length, ..ASKED });
        assert_eq!(asked(u64::MAX - 1, 2), at(u64::MAX - 2));
        assert_eq!(asked(1 << 40, u32::MAX), at((1 << 40) - 1), "beyond 32 bits");
        assert_eq!(asked(0, 1), Err(Refusal::Bounds));
        assert_eq!(asked(u64::MAX, 2), Err(Refusal::Wrap));
        let region = MemoryRegionContext { length: 1 << 32 | 5, ..REGION };
        assert_eq!(ask(region, Question { offset: 1000, length: 100, ..ASKED }), at(0x7000));
        let end = 1000 + (1 << 32) + 5;
        assert!(ask(region, Question { offset: end - 1, length: 1, ..ASKED }).is_ok());
        let behind = Question { offset: end, length: 1, ..ASKED };
        assert_eq!(ask(region, behind), Err(Refusal::Bounds));
    }

    #[test]
    fn nothing_is_always_allowed() {
        assert_eq!(ask(REGION, Question { stag: 0, pd: 9, length: 0, ..ASKED }), at(0));
    }

    #[test]
    fn pages_are_counted_from_the_first() {
        let paged = MemoryRegionContext { paged: true, page_log2: 12, first_offset: 5, ..REGION };
        let pages = |offset| Ok(Location::Pages { list: 0x7000, log2: 12, offset });
        assert_eq!(ask(paged, ASKED), pages(5));
        assert_eq!(ask(paged, Question { offset: 1099, length: 1, ..ASKED }), pages(104));
        let beyond = Question { offset: 1099, length: 2, ..ASKED };
        assert_eq!(ask(paged, beyond), Err(Refusal::Bounds));
        assert_eq!(ask(paged, Question { length: 0, ..ASKED }), at(0));
    }
}
