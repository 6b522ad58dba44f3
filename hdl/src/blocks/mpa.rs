//! The blocks of `mpa` that stand alone.

use crate::mpa::*;

blocks! {
    crc32c: Crc32c::default(), [clock, first, half, valid, data, crc];
    marker_count: MarkerCount::default(), [position, octets, count];
}
