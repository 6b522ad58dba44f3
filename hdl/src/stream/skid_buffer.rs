//! A register stage that cuts both directions of a stream.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Two places: `head` is offered, `spare` takes what arrives in the clock in which `head` stalls.
/// No path leads combinationally from one side to the other; full rate; one clock.
#[derive(LogicBlock, Ports, Default)]
pub struct SkidBuffer<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<T>,
    pub source: StreamSource<T>,
    head: DFF<T>,
    head_full: DFF<Bit>,
    spare: DFF<T>,
    spare_full: DFF<Bit>,
}

impl<T: Synth> Logic for SkidBuffer<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, head_full, spare, spare_full);
        self.sink.ready.next = !self.spare_full.q.val();
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        if self.source.ready.val() | !self.head_full.q.val() {
            self.head_full.d.next = self.spare_full.q.val() | self.sink.valid.val();
            self.spare_full.d.next = false;
            if self.spare_full.q.val() {
                self.head.d.next = self.spare.q.val();
            } else {
                self.head.d.next = self.sink.beat.val();
            }
        } else {
            if self.sink.valid.val() & !self.spare_full.q.val() {
                self.spare.d.next = self.sink.beat.val();
                self.spare_full.d.next = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn keeps_order_under_stalls() {
        for seed in seeds() {
            let mut uut = SkidBuffer::<Beat>::default();
            let sent = random_packets(seed, 30, 40);
            assert_eq!(exchange!(uut, seed, &dense(&sent)), dense(&sent), "SEED={seed}");
        }
    }
}
