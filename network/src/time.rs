//! Time, as a plain number.

use std::time::Duration;

/// Time since some moment of the caller's, in picoseconds: 64 bits last for 213 days. Later, it
/// stands still, and frames arrive when they are sent.
pub type Picoseconds = u64;

/// Picoseconds in a nanosecond.
const NANOSECOND: u64 = 1000;

/// A duration in picoseconds, or the most that there is.
pub fn picoseconds(time: Duration) -> Picoseconds {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).saturating_mul(NANOSECOND)
}

/// The first whole nanosecond that is no earlier: who waits for so long has not come too soon.
pub fn duration(time: Picoseconds) -> Duration {
    Duration::from_nanos(time.div_ceil(NANOSECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_comes_too_soon() {
        assert_eq!(duration(0), Duration::ZERO);
        assert_eq!(duration(1000), Duration::from_nanos(1));
        assert_eq!(duration(1001), Duration::from_nanos(2));
        assert_eq!(picoseconds(Duration::from_nanos(2)), 2000);
        assert_eq!(picoseconds(Duration::MAX), u64::MAX);
    }
}
