//! A work request on chip, and the note that a read of some is under way.
use crate::configuration::{Generation, QpNumber};
use crate::pins::Pin;
use ironwarp_abi::limits::WQE_CACHE_BITS;
use rust_hdl::prelude::*;

/// A work request as it was read from its ring: words 0 to 7 of a send or receive work request
/// (`ironwarp_abi::queue`), and what the fetcher found out about it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QueueEntry {
    /// Word 0: opcode and flags of a send work request.
    pub control: Bits<32>,
    /// Octets of the message or the buffer.
    pub length: Bits<32>,
    /// Where it lies, in the terms of `local_stag`.
    pub local_offset: Bits<64>,
    /// The memory region.
    pub local_stag: Bits<32>,
    /// RDMA Write and RDMA Read: the peer's STag.
    pub remote_stag: Bits<32>,
    /// RDMA Write and RDMA Read: the tagged offset at the peer.
    pub remote_offset: Bits<64>,
    /// The n-th posted, modulo 2^16.
    pub number: Bits<16>,
    /// A bit outside every field is not zero.
    pub reserved: Bit,
    /// The bus refused the read; nothing else in the entry means anything.
    pub fault: Bit,
}

/// What the fetcher finds out about a work request: see [`QueueEntry`].
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EntryFindings {
    /// The n-th posted, modulo 2^16.
    pub number: Bits<16>,
    /// A bit outside every field is not zero.
    pub reserved: Bit,
    /// The bus refused the read.
    pub fault: Bit,
}

/// A read of work requests that is under way.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FetchTicket {
    /// It is none, but a fence behind the reads before it.
    pub fence: Bit,
    /// The queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The number of the first work request.
    pub first: Bits<16>,
    /// Work requests, 1 to 8.
    pub count: Bits<5>,
    /// How often sending had gone back when they were asked for, modulo 2^8.
    pub pass: Bits<8>,
}

/// A queue pair sends again from an earlier message on. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Rewind {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// The number of its next work request ...
    pub request: Bits<16>,
    /// ... and that of the peer's Read Request which it answers next, modulo 2^8.
    pub response: Bits<8>,
}

/// Something has happened to a queue pair. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpNote {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
}

/// Where a work request lies in the cache.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct CachePlace {
    /// Its number modulo the places.
    pub slot: Bits<WQE_CACHE_BITS>,
    /// Its queue pair.
    pub qp: QpNumber,
}
