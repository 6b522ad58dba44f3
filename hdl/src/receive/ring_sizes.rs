//! What follows from the size of the stream rings.
use crate::configuration::{CONFIGURATION, QP_BITS, STREAM_RING_BITS};
use rust_hdl::prelude::*;

/// A place in a queue pair's ring: the low bits of a sequence number.
pub type RingPosition = Bits<STREAM_RING_BITS>;
/// log2 of the rows of a ring: it lies in eight banks of an octet a row.
pub const ROW_BITS: usize = STREAM_RING_BITS - 3;
/// Address bits of a bank: queue pair and row.
pub const BANK_BITS: usize = QP_BITS + ROW_BITS;
/// Octets of a queue pair's ring.
pub const RING_BYTES: u64 = CONFIGURATION.stream_ring_bytes() as u64;
/// The largest frame that is received, in octets.
pub const LONGEST_FRAME: u64 = CONFIGURATION.frame_bytes_max() as u64;
/// The most octets that may wait in ring 0 when a raw frame of any length comes. Beats of it are
/// written whole.
pub const RAW_LIMIT: u64 = RING_BYTES - LONGEST_FRAME - 8;
/// The largest FPDU that is taken, in octets.
pub const LONGEST_FPDU: u64 = CONFIGURATION.fpdu_bytes_max() as u64;
