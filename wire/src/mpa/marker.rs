//! Markers: every 512 octets the stream says where the current FPDU began (RFC 5044 §4.2, §4.3).
//!
//! Stream offsets count from the first octet after the startup frame, where the first marker is;
//! markers count as octets of the stream. FPDUs begin at multiples of four, so no marker splits a
//! length field or a CRC. One that falls between two FPDUs belongs to the second.

use core::ops::Range;

use crate::field;

/// Zero when sent, ignored when received, but covered by the CRC.
pub const RESERVED: Range<usize> = 0..2;
/// FPDUPTR: how many octets of stream before the marker the FPDU began, at its length field.
pub const POINTER: Range<usize> = RESERVED.end..RESERVED.end + 2;
/// The size of a marker, in octets.
pub const MARKER_BYTES: usize = POINTER.end;
/// From the start of one marker to the start of the next, in octets of stream.
pub const MARKER_INTERVAL: usize = 512;

/// The octets between two markers.
const BETWEEN: usize = MARKER_INTERVAL - MARKER_BYTES;

/// The one field of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkerRepr {
    /// FPDUPTR in octets, a multiple of four; zero if the FPDU begins right after the marker.
    pub pointer: u16,
}

impl MarkerRepr {
    /// Reads the pointer.
    //= rfc5044#4.2  The low two bits of FPDUPTR MUST always be treated as zero by receivers.
    pub fn parse(marker: &[u8; MARKER_BYTES]) -> Self {
        Self { pointer: field::u16(marker, POINTER) & !0b11 }
    }

    /// The marker as it travels; the low two bits of the pointer are sent as zero.
    pub fn emit(&self) -> [u8; MARKER_BYTES] {
        let mut marker = [0; MARKER_BYTES];
        field::put(&mut marker, POINTER, (self.pointer & !0b11).to_be_bytes());
        marker
    }
}

/// True if a marker begins at this offset of the stream.
pub const fn is_at(offset: u64) -> bool {
    offset % MARKER_INTERVAL as u64 == 0
}

/// How many octets other than markers lie between this offset and the next marker.
///
/// Zero if a marker begins here. An offset inside a marker counts as the marker's end.
pub const fn distance(offset: u64) -> usize {
    let into = (offset % MARKER_INTERVAL as u64) as usize;
    if into == 0 {
        0
    } else if into < MARKER_BYTES {
        BETWEEN
    } else {
        MARKER_INTERVAL - into
    }
}

/// How many markers an FPDU of `bytes` octets without markers holds that starts at `offset`.
///
/// A marker right before its first octet is one of them; a marker right behind its last is not.
//= rfc5044#4.3  A marker between FPDUs is considered to be contained in the following FPDU.
pub const fn count(offset: u64, bytes: usize) -> usize {
    let before_first = distance(offset);
    if bytes <= before_first {
        0
    } else {
        1 + (bytes - before_first - 1) / BETWEEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts by walking the stream octet by octet.
    fn walk(mut offset: u64, bytes: usize) -> usize {
        let mut markers = 0;
        for _ in 0..bytes {
            if is_at(offset) {
                markers += 1;
                offset += MARKER_BYTES as u64;
            }
            offset += 1;
        }
        markers
    }

    //= rfc5044#4.3
    //= type=test
    #[test]
    fn the_count_is_that_of_a_walk() {
        for offset in (0..3 * MARKER_INTERVAL as u64).step_by(4) {
            for bytes in (8..64).chain(480..560).chain(1000..1040) {
                assert_eq!(count(offset, bytes), walk(offset, bytes), "{bytes} at {offset}");
            }
        }
    }

    /// RFC 5044 §4.4: the first FPDU has a marker before it, the one at 0x1ec one inside it.
    #[test]
    fn the_figures_hold_one_marker_each() {
        assert_eq!(count(0, 48), 1);
        assert_eq!(count(0x1ec, 48), 1);
        assert_eq!((count(0x1ec, 20), count(0x1ec, 21)), (0, 1), "behind the last is the next's");
    }

    #[test]
    fn the_low_bits_of_the_pointer_are_zero() {
        assert_eq!(MarkerRepr::parse(&[0xff, 0xff, 0x01, 0x17]).pointer, 0x114);
        assert_eq!(MarkerRepr { pointer: 0x17 }.emit(), [0, 0, 0, 0x14]);
    }
}
