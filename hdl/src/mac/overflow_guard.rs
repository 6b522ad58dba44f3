//! Keeps frames whole where beats may be lost.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A line cannot be stopped: a beat that is not taken at once is lost. Then the rest of its frame
/// is lost too, with every frame that begins before there is room again, and one beat with `last`
/// and `error`, of any octets, stands for all of them. Combinational while nothing is lost.
#[derive(LogicBlock, Ports, Default)]
pub struct OverflowGuard {
    pub clock: Signal<In, Clock>,
    /// The beat that `beat_valid` offers for one clock.
    pub beat: Signal<In, Beat>,
    pub beat_valid: Signal<In, Bit>,
    pub source: StreamSource<Beat>,
    /// For one clock: a beat was lost, the first after all were taken.
    pub overflow: Signal<Out, Bit>,
    lost: DFF<Bit>,
    /// While `lost`: the beat that was lost last was the last of its frame.
    between: DFF<Bit>,
}

impl Logic for OverflowGuard {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, lost, between);
        self.overflow.next = false;
        self.source.beat.next = self.beat.val();
        self.source.valid.next = self.beat_valid.val();
        if self.lost.q.val() {
            self.source.beat.next.bytes = 8.into();
            self.source.beat.next.last = true;
            self.source.beat.next.error = true;
            self.source.valid.next = self.between.q.val() & !self.beat_valid.val();
            if self.beat_valid.val() {
                self.between.d.next = self.beat.val().last;
            } else if self.between.q.val() & self.source.ready.val() {
                self.lost.d.next = false;
            }
        } else if self.beat_valid.val() & !self.source.ready.val() {
            self.lost.d.next = true;
            self.between.d.next = self.beat.val().last;
            self.overflow.next = true;
        }
    }
}
