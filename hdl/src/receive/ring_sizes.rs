//! What follows from the size of the stream ring.
//!
//! The blocks that depend on it have one parameter, `BANK`: the address bits of one of the ring's
//! eight banks, which are those of the queue pair and of the row.
use crate::literal::Value;
use ironwarp_abi::limits::*;

/// `BANK` of the reference design.
pub const BANK_BITS: usize = bank_bits(STREAM_RING_BITS);
/// `BANK` where block RAM is short.
pub const BANK_BITS_SMALL: usize = bank_bits(STREAM_RING_BITS_SMALL);

/// Address bits of a bank, for rings of `2^ring_bits` octets.
const fn bank_bits(ring_bits: usize) -> usize {
    QP_BITS + ring_bits - 3
}

/// log2 of a queue pair's ring in octets.
pub const fn ring_bits(bank: usize) -> usize {
    bank + 3 - QP_BITS
}

/// Octets of a queue pair's ring.
#[derive(Clone, Copy, Debug)]
pub struct RingBytes<const BANK: usize>;

impl<const BANK: usize> Value for RingBytes<BANK> {
    const VALUE: u64 = 1 << ring_bits(BANK);
}

/// The largest frame that is received, in octets.
#[derive(Clone, Copy, Debug)]
pub struct LongestFrame<const BANK: usize>;

impl<const BANK: usize> Value for LongestFrame<BANK> {
    const VALUE: u64 = frame_bytes_max(RingBytes::<BANK>::VALUE as usize) as u64;
}

/// The most octets that may wait in ring 0 when a raw frame of any length comes.
#[derive(Clone, Copy, Debug)]
pub struct RawLimit<const BANK: usize>;

impl<const BANK: usize> Value for RawLimit<BANK> {
    const VALUE: u64 = RingBytes::<BANK>::VALUE - LongestFrame::<BANK>::VALUE - 8;
}

/// The largest FPDU that is taken, in octets.
#[derive(Clone, Copy, Debug)]
pub struct LongestFpdu<const BANK: usize>;

impl<const BANK: usize> Value for LongestFpdu<BANK> {
    const VALUE: u64 = fpdu_bytes_max(RingBytes::<BANK>::VALUE as usize) as u64;
}

const _: () = assert!(BANK_BITS <= 16, "the ring's kernel has 16 address bits");
