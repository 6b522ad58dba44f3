//! Counters of what happened.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// `N` counters that wrap.
#[derive(LogicBlock, Ports)]
pub struct Counters<const N: usize> {
    pub clock: Signal<In, Clock>,
    /// Bit n counts in counter n.
    pub pulses: Signal<In, Bits<N>>,
    /// The counter to read.
    pub index: Signal<In, Bits<5>>,
    /// Its value; zero if there is none of that number. Combinational.
    pub value: Signal<Out, Bits<32>>,
    count: [DFF<Bits<32>>; N],
    number: [Constant<Bits<5>>; N],
    one: Constant<Bits<32>>,
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        assert!(N <= 32, "the width of the index");
        Self {
            clock: Default::default(),
            pulses: Default::default(),
            index: Default::default(),
            value: Default::default(),
            count: std::array::from_fn(|_| Default::default()),
            number: std::array::from_fn(|n| Constant::new((n as u64).to_bits())),
            one: Constant::new(1.into()),
        }
    }
}

impl<const N: usize> Logic for Counters<N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.value.next = 0.into();
        for i in 0..N {
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
        let mut uut = Counters::<17>::default();
        uut.connect_all();
        let mut model = [0_u64; 17];
        for _ in 0..1000 {
            let pulses = rng.random_range(0..1_u64 << 17);
            uut.pulses.next = pulses.to_bits();
            let index = rng.random_range(0..20_usize);
            uut.index.next = (index as u64).to_bits();
            settle!(uut);
            let expected = model.get(index).copied().unwrap_or(0);
            assert_eq!(uut.value.val().to_u64(), expected);
            edge!(uut);
            (0..17).for_each(|n| model[n] += pulses >> n & 1);
        }
    }
}
