//! Keeps frames back until it is known where they go.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::*;
use crate::stream::*;
use rust_hdl::prelude::*;

/// log2 of the frames whose heads or verdicts can wait. A segment holds the heads behind it up for
/// some clocks, about as long as its own beats take to come, so that even frames of one beat stay
/// below sixteen while the lists of the flow table are short.
pub const WAITING_BITS: usize = 4;
/// log2 of the beats that can wait.
pub const BEAT_BITS: usize = 6;

/// Frames leave at one beat a clock once their head has been looked up; a frame's last beat leaves
/// with its verdict. Nothing can stop them: the side that takes is always ready.
///
/// ```text
/// beats    -> FIFO --+
/// heads    -> FIFO --+--> frame, one beat a clock
/// verdicts -> FIFO --+
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct FrameQueue {
    pub clock: Signal<In, Clock>,
    /// A beat from the MAC.
    pub beat: Signal<In, Beat>,
    /// `beat` arrives in this clock, in which `beat_ready` was set.
    pub beat_valid: Signal<In, Bit>,
    /// There is room for a beat.
    pub beat_ready: Signal<Out, Bit>,
    /// The head of every frame, in their order.
    pub head: StreamSink<FrameHead>,
    /// The verdict on every frame, in their order.
    pub verdict: Signal<In, FrameVerdict>,
    /// `verdict` arrives in this clock.
    pub verdict_valid: Signal<In, Bit>,
    /// A beat of a frame.
    pub frame: Signal<Out, FrameBeat>,
    /// The head of an owned segment; it stays until the next one's.
    pub segment: Signal<Out, FrameHead>,
    /// `segment` has changed, and beat 3 of its frame is at `frame`.
    pub segment_valid: Signal<Out, Bit>,
    beats: StreamFifo<Beat, BEAT_BITS>,
    /// Block RAM is slow to answer; what follows is not in its clock.
    front: SkidBuffer<Beat>,
    heads: StreamFifo<FrameHead, WAITING_BITS>,
    verdicts: StreamFifo<FrameVerdict, WAITING_BITS>,
    in_packet: DFF<Bit>,
    index: DFF<Bits<3>>,
    held: DFF<FrameHead>,
    out: DFF<FrameBeat>,
    shown: DFF<FrameHead>,
    shown_valid: DFF<Bit>,
    ends: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    one: Literal<3, 1>,
    segment_way: Literal<2, { way::SEGMENT }>,
}

impl Logic for FrameQueue {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_packet, index, held, out, shown, shown_valid);
        clock!(self, clock, beats, front, heads, verdicts);
        self.beats.sink.beat.next = self.beat.val();
        self.beats.sink.valid.next = self.beat_valid.val();
        self.beat_ready.next = self.beats.sink.ready.val();
        self.verdicts.sink.beat.next = self.verdict.val();
        self.verdicts.sink.valid.next = self.verdict_valid.val();
        StreamSource::<Beat>::join(&mut self.beats.source, &mut self.front.sink);
        StreamSink::<FrameHead>::link(&mut self.head, &mut self.heads.sink);

        self.ends.next = self.front.source.beat.val().last;
        self.go.next = self.front.source.valid.val()
            & (self.in_packet.q.val() | self.heads.source.valid.val())
            & (!self.ends.val() | self.verdicts.source.valid.val());
        self.front.source.ready.next = self.go.val();
        self.heads.source.ready.next = self.go.val() & !self.in_packet.q.val();
        self.verdicts.source.ready.next = self.go.val() & self.ends.val();

        self.out.d.next.valid = self.go.val();
        self.out.d.next.data = self.front.source.beat.val().data;
        self.out.d.next.bytes = self.front.source.beat.val().bytes;
        self.out.d.next.first = !self.in_packet.q.val();
        self.out.d.next.last = self.ends.val();
        self.out.d.next.way = self.held.q.val().way;
        self.out.d.next.kind = self.held.q.val().kind;
        self.out.d.next.broken = self.held.q.val().broken;
        self.out.d.next.intact = self.verdicts.source.beat.val().intact;
        self.out.d.next.header_good = self.verdicts.source.beat.val().header_good;
        self.out.d.next.checked = self.verdicts.source.beat.val().checked;
        self.shown_valid.d.next = false;
        if !self.in_packet.q.val() {
            self.out.d.next.way = self.heads.source.beat.val().way;
            self.out.d.next.kind = self.heads.source.beat.val().kind;
            self.out.d.next.broken = self.heads.source.beat.val().broken;
        }
        if self.go.val() {
            self.in_packet.d.next = !self.ends.val();
            self.index.d.next = 0.into();
            if !self.in_packet.q.val() {
                self.held.d.next = self.heads.source.beat.val();
            }
            if !self.ends.val() {
                self.index.d.next = self.index.q.val();
                if self.index.q.val() != 7 {
                    self.index.d.next = self.index.q.val() + self.one.val();
                }
            }
            if (self.index.q.val() == 3) & (self.held.q.val().way == self.segment_way.val()) {
                self.shown.d.next = self.held.q.val();
                self.shown_valid.d.next = true;
            }
        }
        self.frame.next = self.out.q.val();
        self.segment.next = self.shown.q.val();
        self.segment_valid.next = self.shown_valid.q.val();
    }
}
