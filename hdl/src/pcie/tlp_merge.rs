//! Joins two streams of packets.
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Sends whole packets from either side, in turn when both have one. No clock is lost between two
/// packets; the output is registered. `ready` of a side depends on `valid` of the other side only.
#[derive(LogicBlock, Default)]
pub struct TlpMerge {
    pub clock: Signal<In, Clock>,
    /// Memory writes and completions.
    pub posted: StreamSink<Beat>,
    /// Memory reads.
    pub reads: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    /// A packet has begun and not ended.
    midway: DFF<Bit>,
    /// The packet that has begun, or the one that ended last, is a read.
    chose_reads: DFF<Bit>,
    free: Signal<Local, Bit>,
    open_posted: Signal<Local, Bit>,
    open_reads: Signal<Local, Bit>,
}

impl Logic for TlpMerge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, out, out_full, midway, chose_reads);
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        if self.midway.q.val() {
            self.open_posted.next = !self.chose_reads.q.val();
            self.open_reads.next = self.chose_reads.q.val();
        } else {
            self.open_posted.next = self.chose_reads.q.val() | !self.reads.valid.val();
            self.open_reads.next = !self.chose_reads.q.val() | !self.posted.valid.val();
        }
        self.posted.ready.next = self.free.val() & self.open_posted.val();
        self.reads.ready.next = self.free.val() & self.open_reads.val();
        if self.free.val() {
            self.out_full.d.next = false;
            if self.posted.valid.val() & self.open_posted.val() {
                self.out_full.d.next = true;
                self.out.d.next = self.posted.beat.val();
                self.midway.d.next = !self.posted.beat.val().last;
                self.chose_reads.d.next = false;
            } else if self.reads.valid.val() & self.open_reads.val() {
                self.out_full.d.next = true;
                self.out.d.next = self.reads.beat.val();
                self.midway.d.next = !self.reads.beat.val().last;
                self.chose_reads.d.next = true;
            }
        }
    }
}
