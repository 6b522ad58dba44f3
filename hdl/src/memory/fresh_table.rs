//! A table whose records begin anew.
use super::Table;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// `2^A` records; one read and one write a clock. From the clock on in which a record begins anew
/// it is `T::default()` until it is written; in that very clock the beginning wins over a write.
///
/// The record is cleared in the first clock without a write, and reads as cleared until then.
/// Beginnings are rare enough that there is such a clock before the next, but for those of a
/// reset's wipe, in which nothing is written.
#[derive(LogicBlock, Ports)]
pub struct FreshTable<T: Synth, const A: usize> {
    pub clock: Signal<In, Clock>,
    /// The record of `begun` begins anew.
    pub begins: Signal<In, Bit>,
    pub begun: Signal<In, Bits<A>>,
    /// The record to read. May change every clock.
    pub read_index: Signal<In, Bits<A>>,
    /// That record, one clock later: with every write and beginning up to the clock of the read.
    pub read_record: Signal<Out, T>,
    /// Write `write_record` at the next clock edge. Whoever writes what follows from an earlier
    /// read sees to it that the record has not begun anew since.
    pub write: Signal<In, Bit>,
    pub write_index: Signal<In, Bits<A>>,
    pub write_record: Signal<In, T>,
    records: Table<T, A>,
    /// The record of `late_index` is still to be cleared.
    late: DFF<Bit>,
    late_index: DFF<Bits<A>>,
    blank: DFF<Bit>,
    writes: Signal<Local, Bit>,
    waits: Signal<Local, Bit>,
    first: Constant<T>,
}

impl<T: Synth, const A: usize> Default for FreshTable<T, A> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            begins: Default::default(),
            begun: Default::default(),
            read_index: Default::default(),
            read_record: Default::default(),
            write: Default::default(),
            write_index: Default::default(),
            write_record: Default::default(),
            records: Default::default(),
            late: Default::default(),
            late_index: Default::default(),
            blank: Default::default(),
            writes: Default::default(),
            waits: Default::default(),
            first: Constant::new(T::default()),
        }
    }
}

impl<T: Synth, const A: usize> Logic for FreshTable<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, late, late_index, blank);
        clock!(self, clock, records);
        self.writes.next =
            self.write.val() & !(self.begins.val() & (self.begun.val() == self.write_index.val()));
        self.waits.next = self.late.q.val()
            & !(self.writes.val() & (self.write_index.val() == self.late_index.q.val()));

        self.records.write.next = true;
        self.records.write_index.next = self.write_index.val();
        self.records.write_record.next = self.write_record.val();
        self.late.d.next = self.waits.val();
        if self.writes.val() {
            if self.begins.val() {
                self.late.d.next = true;
                self.late_index.d.next = self.begun.val();
            }
        } else if self.begins.val() {
            self.records.write_index.next = self.begun.val();
            self.records.write_record.next = self.first.val();
        } else {
            self.records.write.next = self.waits.val();
            self.records.write_index.next = self.late_index.q.val();
            self.records.write_record.next = self.first.val();
            self.late.d.next = false;
        }

        self.records.read_index.next = self.read_index.val();
        self.blank.d.next = (self.begins.val() & (self.begun.val() == self.read_index.val()))
            | (self.waits.val() & (self.late_index.q.val() == self.read_index.val()));
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
    fn agrees_with_an_array_whose_records_are_cleared() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = FreshTable::<Bits<12>, 2>::default();
            uut.connect_all();
            let (mut model, mut pause, mut cleared) = ([0_u64; 4], 0, 0);
            for _ in 0..3000 {
                let (read, write) = (rng.random_range(0..4_usize), rng.random_range(0..4_usize));
                let (writes, record) = (rng.random_bool(0.7), rng.random_range(1..4096_u64));
                let begins = pause == 0 && rng.random_bool(0.2);
                pause = if begins { 20 } else { pause - pause.min(1) };
                let begun = rng.random_range(0..4_usize);
                uut.read_index.next = (read as u64).to_bits();
                uut.write.next = writes;
                uut.write_index.next = (write as u64).to_bits();
                uut.write_record.next = record.to_bits();
                uut.begins.next = begins;
                uut.begun.next = (begun as u64).to_bits();
                tick!(uut);
                if writes {
                    model[write] = record;
                }
                if begins {
                    model[begun] = 0;
                }
                cleared += usize::from(model[read] == 0);
                assert_eq!(uut.read_record.val().to_u64(), model[read], "SEED={seed}");
            }
            assert!(cleared > 20, "SEED={seed}");
        }
    }
}
