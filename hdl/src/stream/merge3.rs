//! Three streams of records become one.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// As [`Merge2`](super::Merge2), with one side more, which goes before both: it offers something
/// now and then.
#[derive(LogicBlock, Ports, Default)]
pub struct Merge3<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub sink_a: StreamSink<T>,
    pub sink_b: StreamSink<T>,
    pub sink_first: StreamSink<T>,
    pub source: StreamSource<T>,
    head: DFF<T>,
    head_full: DFF<Bit>,
    served_a: DFF<Bit>,
    free: Signal<Local, Bit>,
    choose_a: Signal<Local, Bit>,
}

impl<T: Synth> Logic for Merge3<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, head_full, served_a);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();
        self.choose_a.next =
            self.sink_a.valid.val() & (!self.sink_b.valid.val() | !self.served_a.q.val());
        self.sink_first.ready.next = self.free.val();
        self.sink_a.ready.next =
            self.free.val() & self.choose_a.val() & !self.sink_first.valid.val();
        self.sink_b.ready.next =
            self.free.val() & !self.choose_a.val() & !self.sink_first.valid.val();
        if self.free.val() {
            self.head_full.d.next =
                self.sink_a.valid.val() | self.sink_b.valid.val() | self.sink_first.valid.val();
            if self.sink_first.valid.val() {
                self.head.d.next = self.sink_first.beat.val();
            } else if self.choose_a.val() {
                self.head.d.next = self.sink_a.beat.val();
                self.served_a.d.next = true;
            } else {
                self.head.d.next = self.sink_b.beat.val();
                if self.sink_b.valid.val() {
                    self.served_a.d.next = false;
                }
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
    fn loses_nothing_and_is_fair_to_the_two() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Merge3::<Bits<32>>::default();
            uut.connect_all();
            // What each side offers next, its number on top, and what is expected of it next.
            let mut offered = [0_u64, 1 << 16, 2 << 16];
            let mut expected = offered;
            for _ in 0..2000 {
                uut.sink_a.valid.next = true;
                uut.sink_b.valid.next = true;
                uut.sink_first.valid.next = rng.random_bool(0.1);
                uut.sink_a.beat.next = offered[0].to_bits();
                uut.sink_b.beat.next = offered[1].to_bits();
                uut.sink_first.beat.next = offered[2].to_bits();
                uut.source.ready.next = rng.random_bool(0.7);
                settle!(uut);
                let taken = [
                    uut.sink_a.ready.val(),
                    uut.sink_b.ready.val(),
                    uut.sink_first.valid.val() && uut.sink_first.ready.val(),
                ];
                if uut.source.valid.val() && uut.source.ready.val() {
                    let got = uut.source.beat.val().to_u64();
                    let side = (got >> 16) as usize;
                    assert_eq!(got, expected[side], "SEED={seed}");
                    expected[side] += 1;
                }
                edge!(uut);
                for (next, taken) in offered.iter_mut().zip(taken) {
                    *next += u64::from(taken);
                }
            }
            let counts: Vec<u64> =
                (0..3).map(|side| expected[side] - ((side as u64) << 16)).collect();
            assert!(counts[0] > 500 && counts[1] > 500 && counts[2] > 80, "SEED={seed} {counts:?}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("merge3", &mut Merge3::<Bits<32>>::default());
    }
}
