//! The numbers of the queue pairs that have something to do.
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::QpChange;
use crate::memory::Table;
use crate::stream::*;
use rust_hdl::prelude::*;

/// log2 of the places: every queue pair is listed at most once, with room for one on its way.
const LIST_BITS: usize = QP_BITS + 1;

/// A list of queue pairs, first in first out, each at most once.
///
/// ```text
/// put --> listed? --no--> FIFO --> next
///           ^ pushed, popped: a bit each for every queue pair; they differ while it is listed
/// ```
/// Contract: whoever changes something that `next`'s taker would want to know puts the queue pair
/// at the same time or later; whoever takes a number looks at the queue pair from the next clock
/// on. So nothing is missed: a number that is put while it is listed is looked at later. The taker
/// may find nothing to do.
#[derive(LogicBlock, Default)]
pub struct ReadyList {
    pub clock: Signal<In, Clock>,
    /// Of changes only a `wipe` counts: a listed number may be of any life.
    pub change: Signal<In, QpChange>,
    /// Always ready.
    pub put: StreamSink<QpNumber>,
    pub next: StreamSource<QpNumber>,
    pushed: Table<Bit, QP_BITS>,
    pushed_seen: Table<Bit, QP_BITS>,
    popped: Table<Bit, QP_BITS>,
    list: StreamFifo<QpNumber, LIST_BITS>,
    asked: DFF<Bit>,
    asked_qp: DFF<QpNumber>,
    taken: DFF<Bit>,
    taken_qp: DFF<QpNumber>,
    enters: Signal<Local, Bit>,
    flipped: Signal<Local, Bit>,
    wipes: Signal<Local, Bit>,
}

impl Logic for ReadyList {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asked, asked_qp, taken, taken_qp);
        clock!(self, clock, pushed, pushed_seen, popped, list);
        self.wipes.next = self.change.val().valid & self.change.val().wipe;

        // Is it listed?
        self.put.ready.next = true;
        self.asked.d.next = self.put.valid.val();
        self.asked_qp.d.next = self.put.beat.val();
        self.pushed.read_index.next = self.put.beat.val();
        self.popped.read_index.next = self.put.beat.val();
        self.enters.next =
            self.asked.q.val() & (self.pushed.read_record.val() == self.popped.read_record.val());
        self.flipped.next = !self.pushed.read_record.val();
        self.list.sink.beat.next = self.asked_qp.q.val();
        self.list.sink.valid.next = self.enters.val();
        self.pushed.write.next = self.enters.val() | self.wipes.val();
        self.pushed.write_index.next = self.asked_qp.q.val();
        self.pushed.write_record.next = self.flipped.val();

        // Listed no more: the two bits are equal again.
        self.taken.d.next = self.next.valid.val() & self.next.ready.val();
        self.taken_qp.d.next = self.next.beat.val();
        self.pushed_seen.read_index.next = self.next.beat.val();
        self.popped.write.next = self.taken.q.val() | self.wipes.val();
        self.popped.write_index.next = self.taken_qp.q.val();
        self.popped.write_record.next = self.pushed_seen.read_record.val();
        if self.wipes.val() {
            self.pushed.write_index.next = self.change.val().qp;
            self.pushed.write_record.next = false;
            self.popped.write_index.next = self.change.val().qp;
            self.popped.write_record.next = false;
        }
        self.pushed_seen.write.next = self.pushed.write.val();
        self.pushed_seen.write_index.next = self.pushed.write_index.val();
        self.pushed_seen.write_record.next = self.pushed.write_record.val();
        StreamSource::<QpNumber>::link(&mut self.next, &mut self.list.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// Whatever is put is taken afterwards, and nothing is listed twice.
    #[test]
    fn nothing_is_missed_and_nothing_is_listed_twice() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = ReadyList::default();
            crate::queue::elaborate("ready_list", &mut uut);
            // News of each that nobody has looked at, and how often each was put and taken.
            let mut news = [false; 16];
            let (mut puts, mut takes) = ([0_u32; 16], [0_u32; 16]);
            let rate = [0.05, 0.5, 0.95][seed as usize % 3];
            for clock in 0..4000 {
                let quiet = clock > 3800;
                let put = !quiet && rng.random_bool(0.5);
                let qp = rng.random_range(0..16_usize);
                uut.put.valid.next = put;
                uut.put.beat.next = (qp as u64).to_bits();
                uut.next.ready.next = quiet || rng.random_bool(rate);
                settle!(uut);
                assert!(uut.put.ready.val());
                let taken = uut.next.valid.val() && uut.next.ready.val();
                let number = uut.next.beat.val().to_u64() as usize;
                edge!(uut);
                // A number taken in this clock is looked at from the next one on: what is put in
                // this clock is seen as well.
                if put {
                    news[qp] = true;
                    puts[qp] += 1;
                }
                if taken {
                    news[number] = false;
                    takes[number] += 1;
                    assert!(takes[number] <= puts[number], "SEED={seed}: {number} twice");
                }
            }
            assert_eq!(news, [false; 16], "SEED={seed}: news that nobody looked at");
        }
    }
}
