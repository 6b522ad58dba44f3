//! Where everything lies in the host's memory.

use ironwarp_abi::limits::{PAGE_LINE_BYTES, RAW_QP};
use ironwarp_abi::queue::{CompletionEntry, SendRequest};
use std::ops::Range;

/// Queue pairs that programmes use, queue pair 0 among them.
pub const QPS: u32 = 5;
/// Completion queues that programmes use.
pub const CQS: u32 = 4;
/// The completion queue that is told of fences, besides those.
pub const FENCE_CQ: u32 = CQS;
/// Queue pair 0, as it is numbered.
pub const RAW: u32 = RAW_QP as u32;
/// Memory regions that programmes use.
pub const REGIONS: u32 = 12;
/// Interrupt vectors that programmes use.
pub const VECTORS: u8 = 4;

/// log2 of the entries of the largest send or receive queue.
pub const RING_LOG2_MAX: u8 = 6;
/// log2 of the entries of the largest completion queue.
pub const CQ_LOG2_MAX: u8 = 8;

/// Bus address of the first octet.
pub const BASE: u64 = 0x1_0000_0000;
const RING_BYTES: u64 = (SendRequest::BYTES as u64) << RING_LOG2_MAX;
const CQ_BYTES: u64 = (CompletionEntry::BYTES as u64) << CQ_LOG2_MAX;
const CQ_RINGS: u64 = BASE + 2 * RING_BYTES * QPS as u64;
const LISTS: u64 = CQ_RINGS + CQ_BYTES * (FENCE_CQ as u64 + 1);
/// Octets of a region's page list: more than the longest one has.
pub const LIST_BYTES: u64 = 2 * PAGE_LINE_BYTES as u64;
/// Where the buffers lie.
pub const DATA: Range<u64> = LISTS + PAGE..BASE + BYTES as u64;
/// Octets in all, a multiple of the page.
pub const BYTES: usize = 0x3_9000;
/// The page: no packet on the bus crosses a multiple of it.
pub const PAGE: u64 = 4096;
/// A bus address at which there is no memory.
pub const NOWHERE: u64 = 0x7_0000_0000;

const _: () = assert!(DATA.start + 0x2_0000 < DATA.end, "room for buffers");
const _: () = assert!(LISTS + LIST_BYTES * REGIONS as u64 <= DATA.start, "and for page lists");

/// The send queue of a queue pair.
pub fn send_ring(qp: u32) -> u64 {
    BASE + 2 * RING_BYTES * u64::from(qp)
}

/// The receive queue of a queue pair.
pub fn receive_ring(qp: u32) -> u64 {
    send_ring(qp) + RING_BYTES
}

/// The ring of a completion queue.
pub fn cq_ring(cq: u32) -> u64 {
    CQ_RINGS + CQ_BYTES * u64::from(cq)
}

/// The page list of a memory region.
pub fn page_list(region: u32) -> u64 {
    LISTS + LIST_BYTES * u64::from(region)
}

/// The octets of the arena that belong to completion queues.
pub fn cq_octets() -> Range<usize> {
    (CQ_RINGS - BASE) as usize..(LISTS - BASE) as usize
}
