//! State of queue pairs that begins anew with each life.
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::records::QpChange;
use crate::memory::Table;
use rust_hdl::prelude::*;

/// A record for every queue pair; one read and one write a clock. From the clock of a
/// [`QpChange`] that `begins` on, a queue pair's record is `T::default()` until it is written; in
/// that very clock the change wins over a write.
///
/// The record is cleared in the first clock without a write, and reads as cleared until then.
/// Changes are rare enough that there is one before the next.
#[derive(LogicBlock)]
pub struct LifeTable<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// The queue pair to read. May change every clock.
    pub read_qp: Signal<In, QpNumber>,
    /// Its record, one clock later: with every write and change up to the clock of the read.
    pub read_record: Signal<Out, T>,
    /// Write `write_record` at the next clock edge. Whoever writes what follows from an earlier
    /// read sees to it that the life is still the same.
    pub write: Signal<In, Bit>,
    pub write_qp: Signal<In, QpNumber>,
    pub write_record: Signal<In, T>,
    records: Table<T, QP_BITS>,
    /// The record of `late_qp` is still to be cleared.
    late: DFF<Bit>,
    late_qp: DFF<QpNumber>,
    blank: DFF<Bit>,
    begins: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    waits: Signal<Local, Bit>,
    first: Constant<T>,
}

impl<T: Synth> Default for LifeTable<T> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            change: Default::default(),
            read_qp: Default::default(),
            read_record: Default::default(),
            write: Default::default(),
            write_qp: Default::default(),
            write_record: Default::default(),
            records: Default::default(),
            late: Default::default(),
            late_qp: Default::default(),
            blank: Default::default(),
            begins: Default::default(),
            writes: Default::default(),
            waits: Default::default(),
            first: Constant::new(T::default()),
        }
    }
}

impl<T: Synth> Logic for LifeTable<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, late, late_qp, blank);
        clock!(self, clock, records);
        self.begins.next = self.change.val().valid & self.change.val().begins;
        self.writes.next =
            self.write.val() & !(self.begins.val() & (self.change.val().qp == self.write_qp.val()));
        self.waits.next = self.late.q.val()
            & !(self.writes.val() & (self.write_qp.val() == self.late_qp.q.val()));

        self.records.write.next = true;
        self.records.write_index.next = self.write_qp.val();
        self.records.write_record.next = self.write_record.val();
        self.late.d.next = self.waits.val();
        if self.writes.val() {
            if self.begins.val() {
                self.late.d.next = true;
                self.late_qp.d.next = self.change.val().qp;
            }
        } else if self.begins.val() {
            self.records.write_index.next = self.change.val().qp;
            self.records.write_record.next = self.first.val();
        } else {
            self.records.write.next = self.waits.val();
            self.records.write_index.next = self.late_qp.q.val();
            self.records.write_record.next = self.first.val();
            self.late.d.next = false;
        }

        self.records.read_index.next = self.read_qp.val();
        self.blank.d.next = (self.begins.val() & (self.change.val().qp == self.read_qp.val()))
            | (self.waits.val() & (self.late_qp.q.val() == self.read_qp.val()));
        self.read_record.next = self.records.read_record.val();
        if self.blank.q.val() {
            self.read_record.next = self.first.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn agrees_with_an_array_that_lives_clear() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = LifeTable::<Bits<12>>::default();
            uut.connect_all();
            let (mut model, mut expected, mut pause) = ([0_u64; 4], 0, 0);
            for _ in 0..3000 {
                let (read, write) = (rng.random_range(0..4_usize), rng.random_range(0..4_usize));
                let (writes, record) = (rng.random_bool(0.7), rng.random_range(0..4096_u64));
                let begins = pause == 0 && rng.random_bool(0.2);
                pause = if begins { 8 } else { pause - pause.min(1) };
                let begun = rng.random_range(0..4_usize);
                uut.read_qp.next = (read as u64).to_bits();
                uut.write.next = writes;
                uut.write_qp.next = (write as u64).to_bits();
                uut.write_record.next = record.to_bits();
                uut.change.next = QpChange {
                    valid: begins || rng.random(),
                    begins,
                    qp: (begun as u64).to_bits(),
                    ..Default::default()
                };
                tick!(uut);
                if writes {
                    model[write] = record;
                }
                if begins {
                    model[begun] = 0;
                }
                expected = model[read];
                assert_eq!(uut.read_record.val().to_u64(), expected, "SEED={seed}");
            }
            assert!(expected < 4096);
        }
    }
}
