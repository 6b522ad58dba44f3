//! The configuration that this crate is compiled for, and the types of its numbers.
//!
//! One package of this source for each configuration: `ironwarp-hdl` is *reference*,
//! `ironwarp-hdl-board` and `ironwarp-hdl-large` have their feature. A number of an object has the
//! width that the object's count asks for everywhere inside the device; the control plane is where
//! the host's 24 bits are checked.
use ironwarp_abi::configuration::{self, Configuration};
use rust_hdl::prelude::Bits;

/// The configuration.
pub const CONFIGURATION: Configuration = if cfg!(feature = "board") {
    configuration::BOARD
} else if cfg!(feature = "large") {
    configuration::LARGE
} else {
    configuration::REFERENCE
};

/// The width of a queue pair's number.
pub const QP_BITS: usize = CONFIGURATION.qp_bits;
/// Queue pairs.
pub const QP_COUNT: usize = CONFIGURATION.qp_count();
/// The width of a completion queue's number.
pub const CQ_BITS: usize = CONFIGURATION.cq_bits;
/// Completion queues.
pub const CQ_COUNT: usize = CONFIGURATION.cq_count();
/// The width of a memory region's number.
pub const MR_BITS: usize = CONFIGURATION.mr_bits;
/// The width of a flow bucket's number.
pub const BUCKET_BITS: usize = CONFIGURATION.bucket_bits;
/// log2 of the octets of a quarter of BAR 0 (see `ironwarp_abi::registers::AREA_QP`).
pub const AREA_BITS: usize = CONFIGURATION.area_bits();
/// The width of a byte offset in BAR 0.
pub const BAR_BITS: usize = AREA_BITS + 2;
/// The width of the number of any object that has a context.
pub const OBJECT_BITS: usize = max(max(QP_BITS, CQ_BITS), max(MR_BITS, BUCKET_BITS));
/// log2 of the octets of a queue pair's stream ring.
pub const STREAM_RING_BITS: usize = CONFIGURATION.stream_ring_bits;

pub use ironwarp_abi::limits::GENERATION_BITS;

/// A queue pair's number.
pub type QpNumber = Bits<QP_BITS>;
/// A completion queue's number.
pub type CqNumber = Bits<CQ_BITS>;
/// A queue pair's generation: how often it was started since the reset, modulo 2^8.
pub type Generation = Bits<GENERATION_BITS>;

const fn max(a: usize, b: usize) -> usize {
    if a > b {
        a
    } else {
        b
    }
}
