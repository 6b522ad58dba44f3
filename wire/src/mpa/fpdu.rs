//! The FPDU: a length, one ULPDU, a pad and a CRC (RFC 5044 §4.1), and how long a ULPDU may be.
//!
//! Positions and lengths here are those without markers; [`super::marker`] says what they add.

use core::ops::Range;

use super::marker::{MARKER_BYTES, MARKER_INTERVAL};

/// ULPDU_Length: the octets of the ULPDU alone.
pub const LENGTH: Range<usize> = 0..2;
/// The size of the length field, in octets; the ULPDU follows it.
pub const LENGTH_BYTES: usize = LENGTH.end;
/// The size of the CRC field, in octets. It is there whether CRCs are in use or not.
pub const CRC_BYTES: usize = 4;
/// FPDUs begin and end at multiples of this many octets.
pub const ALIGNMENT: usize = 4;

/// The smallest MULPDU, however small the segments are.
pub const MULPDU_MIN: usize = 128;
/// The largest MULPDU and the longest ULPDU.
//= rfc5044#3  MULPDU MUST be at least 128 and at most 64768 octets.
pub const MULPDU_MAX: usize = 64768;

/// The pad after a ULPDU of `ulpdu` octets, in octets.
pub const fn pad_bytes(ulpdu: usize) -> usize {
    (LENGTH_BYTES + ulpdu).next_multiple_of(ALIGNMENT) - (LENGTH_BYTES + ulpdu)
}

/// The FPDU around a ULPDU of `ulpdu` octets, without markers, in octets.
pub const fn fpdu_bytes(ulpdu: usize) -> usize {
    LENGTH_BYTES + ulpdu + pad_bytes(ulpdu) + CRC_BYTES
}

/// The longest ULPDU whose FPDU surely fits an empty segment of `emss` octets.
///
/// With `markers`, the most markers that can fall into the segment are allowed for.
//= rfc5044#4.5  MULPDU = EMSS - (6 + 4 * Ceiling(EMSS / 512) + EMSS mod 4), with markers
pub const fn mulpdu(emss: usize, markers: bool) -> usize {
    let fits = room(emss, markers);
    if fits < MULPDU_MIN {
        MULPDU_MIN
    } else if fits > MULPDU_MAX {
        MULPDU_MAX
    } else {
        fits
    }
}

/// True if a segment of `emss` octets has room for the FPDU of the smallest MULPDU. If not, a
/// sender of whole FPDUs breaks TCP's rule or MPA's.
pub const fn has_room(emss: usize, markers: bool) -> bool {
    room(emss, markers) >= MULPDU_MIN
}

const fn room(emss: usize, markers: bool) -> usize {
    let markers = if markers { MARKER_BYTES * emss.div_ceil(MARKER_INTERVAL) } else { 0 };
    emss.saturating_sub(LENGTH_BYTES + CRC_BYTES + markers + emss % ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpa::marker;

    //= rfc5044#4.1
    //= type=test
    #[test]
    fn the_pad_makes_the_fpdu_a_multiple_of_four() {
        assert_eq!([0, 1, 2, 3, 4].map(pad_bytes), [2, 1, 0, 3, 2]);
        assert_eq!(fpdu_bytes(0), 8);
        assert_eq!(fpdu_bytes(42), 48);
    }

    //= rfc5044#4.5
    //= type=test
    #[test]
    fn mulpdu_follows_the_table() {
        for (emss, plain, marked) in [
            (536, 530, 522),
            (1448, 1442, 1430),
            (1460, 1454, 1442),
            (8948, 8942, 8870),
            (8960, 8954, 8882),
        ] {
            assert_eq!((mulpdu(emss, false), mulpdu(emss, true)), (plain, marked), "{emss}");
        }
        assert_eq!((mulpdu(0, true), mulpdu(88, false)), (MULPDU_MIN, MULPDU_MIN));
        assert_eq!(mulpdu(65535, true), MULPDU_MAX);
        assert_eq!(mulpdu(65535, false), MULPDU_MAX);
    }

    #[test]
    fn a_small_segment_has_no_room() {
        for (emss, plain, marked) in [
            (0, false, false),
            (135, false, false),
            (136, true, false),
            (139, true, false),
            (140, true, true),
            (536, true, true),
        ] {
            let found = (has_room(emss, false), has_room(emss, true));
            assert_eq!(found, (plain, marked), "{emss}");
            assert!(!plain || fpdu_bytes(mulpdu(emss, false)) <= emss);
        }
    }

    /// Wherever in the stream the segment begins, the largest FPDU fits it with its markers.
    #[test]
    fn a_full_fpdu_fits_its_segment() {
        for emss in (140..1600).chain([8947, 8948, 8960, 9000]) {
            assert!(fpdu_bytes(mulpdu(emss, false)) <= emss);
            let bytes = fpdu_bytes(mulpdu(emss, true));
            for start in (0..MARKER_INTERVAL as u64).step_by(ALIGNMENT) {
                let markers = marker::count(start, bytes);
                assert!(bytes + MARKER_BYTES * markers <= emss, "EMSS {emss} at {start}");
            }
        }
    }
}
