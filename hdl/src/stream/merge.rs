//! Two streams of records become one.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Takes a record from either side; when both offer one, from the side that was not served last.
/// One clock; full rate.
#[derive(LogicBlock, Ports, Default)]
pub struct Merge2<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub sink_a: StreamSink<T>,
    pub sink_b: StreamSink<T>,
    pub source: StreamSource<T>,
    head: DFF<T>,
    head_full: DFF<Bit>,
    served_a: DFF<Bit>,
    free: Signal<Local, Bit>,
    choose_a: Signal<Local, Bit>,
}

impl<T: Synth> Logic for Merge2<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, head_full, served_a);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();
        self.choose_a.next =
            self.sink_a.valid.val() & (!self.sink_b.valid.val() | !self.served_a.q.val());
        self.sink_a.ready.next = self.free.val() & self.choose_a.val();
        self.sink_b.ready.next = self.free.val() & !self.choose_a.val();
        if self.free.val() {
            self.head_full.d.next = self.sink_a.valid.val() | self.sink_b.valid.val();
            if self.choose_a.val() {
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
    fn loses_nothing_and_is_fair() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Merge2::<Bits<32>>::default();
            uut.connect_all();
            let (mut a, mut b) = (0u64, 1 << 16);
            let (mut next_a, mut next_b) = (0u64, 1 << 16);
            for _ in 0..2000 {
                uut.sink_a.valid.next = true;
                uut.sink_b.valid.next = true;
                uut.sink_a.beat.next = a.to_bits();
                uut.sink_b.beat.next = b.to_bits();
                uut.source.ready.next = rng.random_bool(0.7);
                settle!(uut);
                let (took_a, took_b) = (uut.sink_a.ready.val(), uut.sink_b.ready.val());
                if uut.source.valid.val() && uut.source.ready.val() {
                    let got = uut.source.beat.val().to_u64();
                    let expected = if got < 1 << 16 { &mut next_a } else { &mut next_b };
                    assert_eq!(got, *expected, "SEED={seed}");
                    *expected += 1;
                }
                edge!(uut);
                a += u64::from(took_a);
                b += u64::from(took_b);
            }
            assert!(next_a > 500 && next_b - (1 << 16) > 500, "SEED={seed}");
        }
    }
}
