//! A register stage for streams that never come at full rate.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// One place: takes a record while it is empty. As in a [`SkidBuffer`](super::SkidBuffer), no path
/// leads combinationally from one side to the other; it needs half the registers and no choice
/// between two, and passes a record every other clock.
#[derive(LogicBlock, Ports, Default)]
pub struct HalfBuffer<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<T>,
    pub source: StreamSource<T>,
    held: DFF<T>,
    full: DFF<Bit>,
}

impl<T: Synth> Logic for HalfBuffer<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, full);
        self.sink.ready.next = !self.full.q.val();
        self.source.beat.next = self.held.q.val();
        self.source.valid.next = self.full.q.val();
        if self.full.q.val() {
            self.full.d.next = !self.source.ready.val();
        } else {
            self.held.d.next = self.sink.beat.val();
            self.full.d.next = self.sink.valid.val();
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
            let mut uut = HalfBuffer::<Beat>::default();
            let sent = random_packets(seed, 30, 40);
            assert_eq!(exchange!(uut, seed, &dense(&sent)), dense(&sent), "SEED={seed}");
        }
    }
}
