//! The highest of sixteen bits.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Which is the highest set bit of `wanted`: of each four, and then of the four fours. It is as
/// deep as four bits and four bits, not as sixteen. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct PriorityEncoder {
    pub wanted: Signal<In, Bits<16>>,
    /// Some bit is set.
    pub any: Signal<Out, Bit>,
    /// The highest, if `any`; else zero.
    pub highest: Signal<Out, Bits<4>>,
    four: [Signal<Local, Bits<4>>; 4],
    place: [Signal<Local, Bits<2>>; 4],
    which: Signal<Local, Bits<2>>,
    inner: Signal<Local, Bits<2>>,
}

impl Logic for PriorityEncoder {
    #[hdl_gen]
    fn update(&mut self) {
        self.four[0].next = self.wanted.val().get_bits::<4>(0);
        self.four[1].next = self.wanted.val().get_bits::<4>(4);
        self.four[2].next = self.wanted.val().get_bits::<4>(8);
        self.four[3].next = self.wanted.val().get_bits::<4>(12);
        self.which.next = 0.into();
        self.inner.next = 0.into();
        for i in 0..4 {
            self.place[i].next = 0.into();
            if self.four[i].val().get_bit(1) {
                self.place[i].next = 1.into();
            }
            if self.four[i].val().get_bit(2) {
                self.place[i].next = 2.into();
            }
            if self.four[i].val().get_bit(3) {
                self.place[i].next = 3.into();
            }
            if self.four[i].val().any() {
                self.which.next = i.to_bits();
                self.inner.next = self.place[i].val();
            }
        }
        self.any.next = self.wanted.val().any();
        self.highest.next =
            (bit_cast::<4, 2>(self.which.val()) << 2) | bit_cast::<4, 2>(self.inner.val());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_highest_bit() {
        let mut uut = PriorityEncoder::default();
        crate::queue::elaborate("priority_encoder", &mut uut);
        for wanted in 0..0x1_0000_u64 {
            uut.wanted.next = wanted.to_bits();
            assert!(simulate(&mut uut, 10));
            assert_eq!(uut.any.val(), wanted != 0);
            let highest = wanted.checked_ilog2().unwrap_or_default();
            assert_eq!(uut.highest.val().to_u64(), u64::from(highest));
        }
    }
}
