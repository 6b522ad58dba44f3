//! TCP sequence numbers: 32 bits that wrap.
//!
//! There is no order on a circle, so [`Sequence`] does not implement `Ord`. Numbers compare only
//! when they are less than 2^31 apart, which a TCP window guarantees; the methods say what they
//! answer at the antipode.

use core::ops::{Add, AddAssign, Sub};

/// A position in one direction of a TCP stream, modulo 2^32.
//= rfc9293#3.4  All arithmetic dealing with sequence numbers is performed modulo 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sequence(pub u32);

impl Sequence {
    /// True if `self` comes before `other`: one to 2^31 - 1 octets before it.
    ///
    /// RFC 1982 leaves numbers that are exactly 2^31 apart without an order; here neither of the
    /// two is before the other.
    pub const fn is_before(self, other: Self) -> bool {
        let ahead = other.0.wrapping_sub(self.0);
        ahead != 0 && ahead < 1 << 31
    }

    /// True if `self` comes after `other`: one to 2^31 - 1 octets after it.
    pub const fn is_after(self, other: Self) -> bool {
        other.is_before(self)
    }

    /// True if `self` is `other` or comes after it: zero to 2^31 - 1 octets after it.
    ///
    /// Of numbers that are exactly 2^31 apart neither is: what may be half the circle old is taken
    /// for old.
    pub const fn is_at_or_after(self, other: Self) -> bool {
        self.since(other) < 1 << 31
    }

    /// True if `self` is one of the `length` octets that begin with `start`.
    ///
    /// Right for every length, also above 2^31. A window of length zero holds nothing.
    pub const fn is_within(self, start: Self, length: u32) -> bool {
        self.0.wrapping_sub(start.0) < length
    }

    /// How far `self` lies after `earlier`, in octets, modulo 2^32.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

impl Add<u32> for Sequence {
    type Output = Self;

    fn add(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}

impl AddAssign<u32> for Sequence {
    fn add_assign(&mut self, octets: u32) {
        *self = *self + octets;
    }
}

impl Sub<u32> for Sequence {
    type Output = Self;

    fn sub(self, octets: u32) -> Self {
        Self(self.0.wrapping_sub(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALF: u32 = 1 << 31;

    #[test]
    fn order_survives_the_wrap() {
        let last = Sequence(u32::MAX);
        assert!(last.is_before(last + 1));
        assert!((last + 1).is_after(last));
        assert_eq!(last + 1, Sequence(0));
        assert_eq!((last + 500).since(last), 500);
        assert_eq!((last + 500) - 500, last);
    }

    /// The two ends of the half circle, and the antipode itself.
    #[test]
    fn the_order_ends_at_the_antipode() {
        for start in [0, 1, HALF - 1, HALF, u32::MAX].map(Sequence) {
            assert!(!start.is_before(start));
            assert!(start.is_before(start + (HALF - 1)));
            assert!(!start.is_before(start + HALF) && !start.is_after(start + HALF));
            assert!(start.is_at_or_after(start));
            assert!((start + (HALF - 1)).is_at_or_after(start));
            assert!(!(start + HALF).is_at_or_after(start) && !start.is_at_or_after(start + HALF));
            assert!(start.is_after(start + (HALF + 1)));
        }
    }

    proptest! {
        #[test]
        fn a_window_holds_its_octets_and_no_other(start: u32, length: u32, offset: u32) {
            let start = Sequence(start);
            prop_assert_eq!((start + offset).is_within(start, length), offset < length);
        }

        #[test]
        fn before_and_after_are_each_other_s_mirror(a: u32, b: u32) {
            let (a, b) = (Sequence(a), Sequence(b));
            prop_assert_eq!(a.is_before(b), b.is_after(a));
            let related = a.is_before(b) || a.is_after(b) || a == b;
            prop_assert_eq!(related, b.since(a) != HALF);
        }
    }
}
