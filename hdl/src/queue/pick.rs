//! The fair choice among queue pairs.
use crate::queue::priority_encoder::PriorityEncoder;
use rust_hdl::prelude::*;

/// Chooses one of the set bits of `wanted`: the highest below `last`, or else the highest of all.
/// With `last` always the previous choice, every wanting queue pair is served in a round.
/// Combinational: both choices are made at the same time, and then one of them taken.
#[derive(LogicBlock, Default)]
pub struct Pick {
    /// Bit n: queue pair n wants to be chosen.
    pub wanted: Signal<In, Bits<16>>,
    /// The previous choice.
    pub last: Signal<In, Bits<4>>,
    /// Some bit is set.
    pub any: Signal<Out, Bit>,
    /// The choice, if `any`.
    pub choice: Signal<Out, Bits<4>>,
    round: PriorityEncoder,
    all: PriorityEncoder,
    below: Signal<Local, Bits<16>>,
}

impl Logic for Pick {
    #[hdl_gen]
    fn update(&mut self) {
        // Bit 15 is below no choice.
        self.below.next = 0.into();
        for i in 0..15 {
            self.below.next = self
                .below
                .val()
                .replace_bit(i, self.wanted.val().get_bit(i) & (self.last.val().index() > i));
        }
        self.round.wanted.next = self.below.val();
        self.all.wanted.next = self.wanted.val();
        self.any.next = self.all.any.val();
        self.choice.next = self.all.highest.val();
        if self.round.any.val() {
            self.choice.next = self.round.highest.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_in_rounds() {
        let mut uut = Pick::default();
        uut.connect_all();
        for wanted in (0..0x1_0000_u64).step_by(37) {
            for last in 0..16_u64 {
                uut.wanted.next = wanted.to_bits();
                uut.last.next = last.to_bits();
                assert!(simulate(&mut uut, 10));
                let below = wanted & ((1 << last) - 1);
                let from = if below == 0 { wanted } else { below };
                assert_eq!(uut.any.val(), wanted != 0);
                if wanted != 0 {
                    assert_eq!(uut.choice.val().to_u64(), u64::from(63 - from.leading_zeros()));
                }
            }
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("queue_pick", &mut Pick::default());
    }
}
