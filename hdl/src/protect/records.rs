//! Question and answer of the protection gate.
use crate::pins::Pin;
use ironwarp_abi::limits::PAGE_LINE_BYTES;
use rust_hdl::prelude::*;

/// log2 of the octets of a line of a page list.
pub const LINE_BITS: usize = PAGE_LINE_BYTES.trailing_zeros() as usize;
/// The bus address of a line of a page list, without the bits that are zero.
pub type PageLine = Bits<{ 64 - LINE_BITS }>;

/// The rights that a question can ask for: bit numbers from the first right in the region's record.
pub mod right {
    /// The device reads for this side's own work request.
    pub const LOCAL_READ: u64 = 0;
    /// The device writes for this side's own receive work request.
    pub const LOCAL_WRITE: u64 = 1;
    /// The peer reads.
    pub const REMOTE_READ: u64 = 2;
    /// The peer writes.
    pub const REMOTE_WRITE: u64 = 3;
}

/// May these octets be touched?
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct GateQuestion {
    /// The STag: index and key.
    pub stag: Bits<32>,
    /// The protection domain of the queue pair.
    pub pd: Bits<16>,
    /// One of [`right`].
    pub right: Bits<2>,
    /// The tagged offset of the first octet.
    pub offset: Bits<64>,
    /// Octets; zero asks nothing of the region and is always allowed.
    pub length: Bits<32>,
}

/// Why the gate refuses.
pub mod refusal {
    /// It does not.
    pub const NONE: u64 = 0;
    /// The STag names no valid region, or differs from that of the region in some bit.
    pub const STAG: u64 = 1;
    /// The region is in another protection domain.
    pub const DOMAIN: u64 = 2;
    /// The region does not grant the right.
    pub const RIGHTS: u64 = 3;
    /// The octets are not inside the region.
    pub const BOUNDS: u64 = 4;
    /// Offset and length wrap (RFC 5041 s. 7.1).
    pub const WRAP: u64 = 5;
    /// The region's page list cannot be read, or names no page.
    pub const FAULT: u64 = 6;
}

/// Where octets lie that the gate has let pass.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Place {
    /// Bus address of the first one; of a page list, how far it is from the beginning of the first
    /// page.
    pub address: Bits<64>,
    /// They are in pages.
    pub paged: Bit,
    /// log2 of a page's octets.
    pub page_log2: Bits<5>,
    /// The first line of the list.
    pub list: PageLine,
}

/// Octets of a region.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Extent {
    /// Where they lie.
    pub place: Place,
    /// How many; with none, the place means nothing.
    pub bytes: Bits<16>,
}

/// Octets that lie one behind the other on the bus: a part of an [`Extent`], or all of it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Piece {
    /// Bus address of the first one.
    pub address: Bits<64>,
    /// How many; none only in an extent without any.
    pub bytes: Bits<16>,
    /// The extent ends with it.
    pub last: Bit,
    /// It does, since nobody knows where the rest lies: the list cannot be read, or names no page.
    /// The rest means nothing.
    pub fault: Bit,
}

/// The gate's answer.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct GateAnswer {
    /// One of [`refusal`].
    pub refusal: Bits<3>,
    /// Where the octets lie; all zero if refused.
    pub place: Place,
}
