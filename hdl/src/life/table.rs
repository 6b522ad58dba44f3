//! State of queue pairs that begins anew with each life.
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::records::QpChange;
use crate::memory::FreshTable;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// A record for every queue pair; one read and one write a clock. From the clock of a
/// [`QpChange`] that `begins` on, a queue pair's record is `T::default()` until it is written; in
/// that very clock the change wins over a write. See [`FreshTable`].
#[derive(LogicBlock, Ports, Default)]
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
    records: FreshTable<T, QP_BITS>,
}

impl<T: Synth> Logic for LifeTable<T> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, records);
        self.records.begins.next = self.change.val().valid & self.change.val().begins;
        self.records.begun.next = self.change.val().qp;
        self.records.read_index.next = self.read_qp.val();
        self.read_record.next = self.records.read_record.val();
        self.records.write.next = self.write.val();
        self.records.write_index.next = self.write_qp.val();
        self.records.write_record.next = self.write_record.val();
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
