//! Counts of queue pairs that begin anew with each life.
use crate::configuration::QpNumber;
use crate::life::records::QpChange;
use crate::life::table::LifeTable;
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// A count for every queue pair, modulo `2^W`, with `R` readers. It goes up by one at a time, and
/// begins at zero with each life; in the clock of a [`QpChange`] that `begins`, the change wins.
///
/// What others wait for is the difference of two counts, each of one writer.
#[derive(LogicBlock, Ports)]
pub struct LifeCounter<const W: usize, const R: usize> {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// The count of `up_qp` goes up by one.
    pub up: Signal<In, Bit>,
    pub up_qp: Signal<In, QpNumber>,
    /// What it was before: a clock after `up`.
    pub previous: Signal<Out, Bits<W>>,
    /// The queue pair of each reader ...
    pub read_qp: [Signal<In, QpNumber>; R],
    /// ... and its count a clock later: with every `up` and change up to the clock of the read.
    pub count: [Signal<Out, Bits<W>>; R],
    own: LifeTable<Bits<W>>,
    copies: [LifeTable<Bits<W>>; R],
    looked: [DFF<QpNumber>; R],
    rising: DFF<Bit>,
    rising_qp: DFF<QpNumber>,
    after: Signal<Local, Bits<W>>,
    one: Literal<W, 1>,
}

impl<const W: usize, const R: usize> Default for LifeCounter<W, R> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            change: Default::default(),
            up: Default::default(),
            up_qp: Default::default(),
            previous: Default::default(),
            read_qp: std::array::from_fn(|_| Default::default()),
            count: std::array::from_fn(|_| Default::default()),
            own: Default::default(),
            copies: std::array::from_fn(|_| Default::default()),
            looked: std::array::from_fn(|_| Default::default()),
            rising: Default::default(),
            rising_qp: Default::default(),
            after: Default::default(),
            one: Default::default(),
        }
    }
}

impl<const W: usize, const R: usize> Logic for LifeCounter<W, R> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, rising, rising_qp);
        clock!(self, clock, own);
        self.rising.d.next = self.up.val()
            & !(self.change.val().valid
                & self.change.val().begins
                & (self.change.val().qp == self.up_qp.val()));
        self.rising_qp.d.next = self.up_qp.val();
        self.own.change.next = self.change.val();
        self.own.read_qp.next = self.up_qp.val();
        self.previous.next = self.own.read_record.val();
        self.after.next = self.own.read_record.val() + self.one.val();
        self.own.write.next = self.rising.q.val();
        self.own.write_qp.next = self.rising_qp.q.val();
        self.own.write_record.next = self.after.val();
        for i in 0..R {
            self.copies[i].clock.next = self.clock.val();
            self.looked[i].clock.next = self.clock.val();
            self.copies[i].change.next = self.change.val();
            self.copies[i].read_qp.next = self.read_qp[i].val();
            self.looked[i].d.next = self.read_qp[i].val();
            self.copies[i].write.next = self.rising.q.val();
            self.copies[i].write_qp.next = self.rising_qp.q.val();
            self.copies[i].write_record.next = self.after.val();
            self.count[i].next = self.copies[i].read_record.val();
            if self.rising.q.val() & (self.rising_qp.q.val() == self.looked[i].q.val()) {
                self.count[i].next = self.after.val();
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
    fn counts_as_numbers_do() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = LifeCounter::<4, 2>::default();
            uut.connect_all();
            let (mut model, mut pause) = ([0_u64; 4], 0);
            for _ in 0..3000 {
                let (up, at) = (rng.random_bool(0.6), rng.random_range(0..4_usize));
                let begins = pause == 0 && rng.random_bool(0.2);
                pause = if begins { 8 } else { pause - pause.min(1) };
                let begun = rng.random_range(0..4_usize);
                let read = [0, 1].map(|_| rng.random_range(0..4_usize));
                let up = up && pause != 4;
                uut.up.next = up;
                uut.up_qp.next = (at as u64).to_bits();
                let qp = (begun as u64).to_bits();
                uut.change.next = QpChange { valid: begins, begins, qp, ..Default::default() };
                uut.read_qp[0].next = (read[0] as u64).to_bits();
                uut.read_qp[1].next = (read[1] as u64).to_bits();
                tick!(uut);
                let before = model[at];
                model[at] = (model[at] + u64::from(up)) & 15;
                if begins {
                    model[begun] = 0;
                }
                if up && !(begins && begun == at) {
                    assert_eq!(uut.previous.val().to_u64(), before, "SEED={seed}");
                }
                assert_eq!(uut.count[0].val().to_u64(), model[read[0]], "SEED={seed}");
                assert_eq!(uut.count[1].val().to_u64(), model[read[1]], "SEED={seed}");
            }
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("life_counter", &mut LifeCounter::<8, 2>::default());
    }
}
