//! Core clocks and seconds.

use ironwarp_abi::limits::CORE_CLOCK_HZ;

/// Picoseconds of a core clock.
pub const PICOSECONDS: u64 = 1_000_000_000_000 / CORE_CLOCK_HZ;
const _: () = assert!(PICOSECONDS * CORE_CLOCK_HZ == 1_000_000_000_000, "a whole number");

/// The time of a clock since power-on in nanoseconds, rounded down.
pub fn nanoseconds(clock: u64) -> u64 {
    (u128::from(clock) * u128::from(PICOSECONDS) / 1000) as u64
}

/// Clocks that last at least so long.
pub fn clocks(nanoseconds: u64) -> u64 {
    (u128::from(nanoseconds) * 1000).div_ceil(u128::from(PICOSECONDS)) as u64
}
