//! What the host takes back is the device's until a fence is done.

/// Where something stands that the device may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// The device may use it.
    #[default]
    Given,
    /// The host has taken it back; no fence was asked for since.
    TakenBack,
    /// The same, and the fence of this number stands behind it.
    Fenced(u16),
    /// That fence is done: the device must not touch it.
    Gone,
}

impl Standing {
    /// The host takes it back.
    pub fn take_back(&mut self) {
        if *self == Self::Given {
            *self = Self::TakenBack;
        }
    }

    /// A fence is asked for.
    pub fn ask(&mut self, number: u16) {
        if *self == Self::TakenBack {
            *self = Self::Fenced(number);
        }
    }

    /// A fence is done, and with it those that were asked for before it; numbers only grow. Tells
    /// whether this is gone by it.
    pub fn done(&mut self, number: u16) -> bool {
        let gone = matches!(*self, Self::Fenced(before) if before <= number);
        if gone {
            *self = Self::Gone;
        }
        gone
    }

    /// The host has not taken it back.
    pub fn is_given(self) -> bool {
        self == Self::Given
    }

    /// The device may still be using it.
    pub fn is_open(self) -> bool {
        self != Self::Gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fence_that_was_asked_for_later_ends_it() {
        let mut it = Standing::Given;
        it.ask(1);
        assert!(!it.done(1) && it.is_given());
        it.take_back();
        assert!(!it.done(1) && it.is_open() && !it.is_given());
        it.ask(2);
        it.ask(3);
        assert!(!it.done(1));
        assert!(it.done(3) && !it.is_open());
        assert!(!it.done(3), "told once");
    }
}
