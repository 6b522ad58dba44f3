//! Fields in network byte order, read and written by their place in a header's table.
//!
//! Callers have checked the header's length and pass a range of its table, whose width is that of
//! the value; the round-trip test of every header would find a range of another width.

use core::ops::Range;

use crate::TooShort;

/// Splits a header of `N` octets from what follows it.
pub(crate) fn split<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), TooShort> {
    let have = bytes.len();
    bytes.split_first_chunk().ok_or(TooShort { need: N, have })
}

pub(crate) fn u16(bytes: &[u8], field: Range<usize>) -> u16 {
    u16::from_be_bytes(array(bytes, field))
}

pub(crate) fn u32(bytes: &[u8], field: Range<usize>) -> u32 {
    u32::from_be_bytes(array(bytes, field))
}

pub(crate) fn u64(bytes: &[u8], field: Range<usize>) -> u64 {
    u64::from_be_bytes(array(bytes, field))
}

fn array<const N: usize>(bytes: &[u8], field: Range<usize>) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[field]);
    value
}

/// Writes the octets of a value into its field.
pub(crate) fn put<const N: usize>(bytes: &mut [u8], field: Range<usize>, value: [u8; N]) {
    bytes[field].copy_from_slice(&value);
}
