//! Arithmetic of MPA (RFC 5044) that both directions need.
pub mod crc32c;
pub mod marker_count;

pub use crc32c::Crc32c;
pub use marker_count::MarkerCount;
