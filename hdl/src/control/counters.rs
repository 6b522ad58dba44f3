//! Counters of what happened.
use rust_hdl::prelude::*;

/// Sixteen counters that wrap.
#[derive(LogicBlock)]
pub struct Counters {
    pub clock: Signal<In, Clock>,
    /// Bit n counts in counter n.
    pub pulses: Signal<In, Bits<16>>,
    /// The counter to read.
    pub index: Signal<In, Bits<4>>,
    /// Its value. Combinational.
    pub value: Signal<Out, Bits<32>>,
    count: [DFF<Bits<32>>; 16],
    number: [Constant<Bits<4>>; 16],
    one: Constant<Bits<32>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            pulses: Default::default(),
            index: Default::default(),
            value: Default::default(),
            count: std::array::from_fn(|_| Default::default()),
            number: std::array::from_fn(|n| Constant::new(n.to_bits())),
            one: Constant::new(1.into()),
        }
    }
}

impl Logic for Counters {
    #[hdl_gen]
    fn update(&mut self) {
        self.value.next = 0.into();
        for i in 0..16 {
            self.count[i].clock.next = self.clock.val();
            self.count[i].d.next = self.count[i].q.val();
            if self.pulses.val().get_bit(i) {
                self.count[i].d.next = self.count[i].q.val() + self.one.val();
            }
            if self.index.val() == self.number[i].val() {
                self.value.next = self.count[i].q.val();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn every_pulse_counts_once() {
        let mut rng = rng(9);
        let mut uut = Counters::default();
        uut.connect_all();
        let mut model = [0u64; 16];
        for _ in 0..1000 {
            let pulses: u16 = rng.random();
            uut.pulses.next = pulses.to_bits();
            let index = rng.random_range(0..16usize);
            uut.index.next = index.to_bits();
            settle!(uut);
            assert_eq!(uut.value.val().to_u64(), model[index]);
            edge!(uut);
            (0..16).for_each(|n| model[n] += u64::from(pulses >> n & 1));
        }
    }
}
