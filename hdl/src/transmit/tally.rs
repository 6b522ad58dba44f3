//! A small count for every queue pair.
use crate::literal::Literal;
use rust_hdl::prelude::*;

/// Sixteen counters, one a queue pair. `load` wins over the others; `up` and `down` of one queue
/// pair in the same clock leave its counter as it is.
#[derive(LogicBlock, Default)]
pub struct Tally {
    pub clock: Signal<In, Clock>,
    /// The counter of `load_qp` becomes `value`.
    pub load: Signal<In, Bit>,
    pub load_qp: Signal<In, Bits<4>>,
    pub value: Signal<In, Bits<8>>,
    pub up: Signal<In, Bit>,
    pub up_qp: Signal<In, Bits<4>>,
    pub down: Signal<In, Bit>,
    pub down_qp: Signal<In, Bits<4>>,
    /// Bit n: the counter of queue pair n is not zero.
    pub any: Signal<Out, Bits<16>>,
    counts: [DFF<Bits<8>>; 16],
    rises: Signal<Local, Bit>,
    falls: Signal<Local, Bit>,
    step: Signal<Local, Bits<8>>,
    one: Literal<8, 1>,
    minus_one: Literal<8, 0xff>,
}

impl Logic for Tally {
    #[hdl_gen]
    fn update(&mut self) {
        self.any.next = 0.into();
        for i in 0..16 {
            self.counts[i].clock.next = self.clock.val();
            self.rises.next = self.up.val() & (self.up_qp.val().index() == i);
            self.falls.next = self.down.val() & (self.down_qp.val().index() == i);
            self.step.next = 0.into();
            if self.rises.val() & !self.falls.val() {
                self.step.next = self.one.val();
            }
            if self.falls.val() & !self.rises.val() {
                self.step.next = self.minus_one.val();
            }
            self.counts[i].d.next = self.counts[i].q.val() + self.step.val();
            if self.load.val() & (self.load_qp.val().index() == i) {
                self.counts[i].d.next = self.value.val();
            }
            self.any.next = self.any.val().replace_bit(i, self.counts[i].q.val().any());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn counts_as_sixteen_numbers_do() {
        for seed in seeds().into_iter().take(5) {
            let mut rng = rng(seed);
            let mut uut = Tally::default();
            uut.connect_all();
            let mut model = [0_u8; 16];
            for _ in 0..2000 {
                let mut draw = || (rng.random_bool(0.4), rng.random_range(0..4_usize));
                let (up, down) = (draw(), draw());
                let (load, load_qp) = (rng.random_bool(0.02), rng.random_range(0..4_usize));
                let value = rng.random_range(0..9_u8);
                let down = (down.0 && model[down.1] > 0, down.1);
                uut.up.next = up.0;
                uut.up_qp.next = (up.1 as u64).to_bits();
                uut.down.next = down.0;
                uut.down_qp.next = (down.1 as u64).to_bits();
                uut.load.next = load;
                uut.load_qp.next = (load_qp as u64).to_bits();
                uut.value.next = u64::from(value).to_bits();
                model[up.1] = model[up.1].wrapping_add(u8::from(up.0));
                model[down.1] -= u8::from(down.0);
                if load {
                    model[load_qp] = value;
                }
                tick!(uut);
                let any = (0..16).fold(0, |any, n| any | u64::from(model[n] > 0) << n);
                assert_eq!(uut.any.val().to_u64(), any, "SEED={seed}");
            }
        }
    }
}
