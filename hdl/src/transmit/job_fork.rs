//! Hands a segment's parts to the blocks that build it.
use crate::protect::records::Extent;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// log2 of the segments that can be under way.
const DEPTH_BITS: usize = 4;

/// One queue for each block, so that each can be busy with another segment. A fence goes only where
/// segments are put in order again.
#[derive(LogicBlock, Default)]
pub struct JobFork {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<SegmentJob>,
    pub read: StreamSource<Extent>,
    pub frame: StreamSource<FrameJob>,
    pub marker: StreamSource<StreamJob>,
    pub check: StreamSource<StreamJob>,
    pub send: StreamSource<SendJob>,
    /// A segment is taken (a pulse, for the trace).
    pub started: Signal<Out, Bit>,
    reads: StreamFifo<Extent, DEPTH_BITS>,
    frames: StreamFifo<FrameJob, DEPTH_BITS>,
    markers: StreamFifo<StreamJob, DEPTH_BITS>,
    checks: StreamFifo<StreamJob, DEPTH_BITS>,
    sends: StreamFifo<SendJob, DEPTH_BITS>,
    free: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    builds: Signal<Local, Bit>,
    sending: Signal<Local, SendJob>,
}

impl Logic for JobFork {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, reads, frames, markers, checks, sends);
        self.free.next = self.reads.sink.ready.val()
            & self.frames.sink.ready.val()
            & self.markers.sink.ready.val()
            & self.checks.sink.ready.val()
            & self.sends.sink.ready.val();
        self.taken.next = self.free.val() & self.sink.valid.val();
        self.sink.ready.next = self.free.val();
        self.sending.next = self.sink.beat.val().send;
        self.builds.next = self.taken.val() & !self.sending.val().fence;
        self.started.next = self.builds.val();
        self.reads.sink.beat.next = self.sink.beat.val().read;
        self.reads.sink.valid.next = self.builds.val();
        self.frames.sink.beat.next = self.sink.beat.val().frame;
        self.frames.sink.valid.next = self.builds.val();
        self.markers.sink.beat.next = self.sink.beat.val().stream;
        self.markers.sink.valid.next = self.builds.val();
        self.checks.sink.beat.next = self.sink.beat.val().stream;
        self.checks.sink.valid.next = self.builds.val();
        self.sends.sink.beat.next = self.sink.beat.val().send;
        self.sends.sink.valid.next = self.taken.val();
        StreamSource::<Extent>::link(&mut self.read, &mut self.reads.source);
        StreamSource::<FrameJob>::link(&mut self.frame, &mut self.frames.source);
        StreamSource::<StreamJob>::link(&mut self.marker, &mut self.markers.source);
        StreamSource::<StreamJob>::link(&mut self.check, &mut self.checks.source);
        StreamSource::<SendJob>::link(&mut self.send, &mut self.sends.source);
    }
}
