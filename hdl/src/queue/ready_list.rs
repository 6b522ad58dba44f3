//! The numbers of the queue pairs that have something to do.
use super::NumberList;
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::QpChange;
use crate::pins::Ports;
use crate::stream::*;
use rust_hdl::prelude::*;

/// log2 of the places: every queue pair is listed at most once, with room for one on its way.
const LIST_BITS: usize = QP_BITS + 1;

/// A list of queue pairs, first in first out, each at most once: see [`NumberList`].
#[derive(LogicBlock, Ports, Default)]
pub struct ReadyList {
    pub clock: Signal<In, Clock>,
    /// Of changes only a `wipe` counts: a listed number may be of any life.
    pub change: Signal<In, QpChange>,
    /// Always ready.
    pub put: StreamSink<QpNumber>,
    pub first: StreamSource<QpNumber>,
    list: NumberList<QP_BITS, LIST_BITS>,
}

impl Logic for ReadyList {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, list);
        self.list.wipe.next = self.change.val().valid & self.change.val().wipe;
        self.list.wiped.next = self.change.val().qp;
        StreamSink::<QpNumber>::link(&mut self.put, &mut self.list.put);
        StreamSource::<QpNumber>::link(&mut self.first, &mut self.list.first);
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
                uut.first.ready.next = quiet || rng.random_bool(rate);
                settle!(uut);
                assert!(uut.put.ready.val());
                let taken = uut.first.valid.val() && uut.first.ready.val();
                let number = uut.first.beat.val().to_u64() as usize;
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
