//! The blocks of `mpa` that stand alone.

use crate::mpa::*;

blocks! {
    crc32c: Crc32c::default(),
    marker_count: MarkerCount::default(),
}
