//! Finds FPDUs in a stream of octets.
//!
//! ```text
//! Choose -> Look -> Peek -> Wait -> Length -> Total -> Issue -> Offer -> job
//!   ^ a      ^        ask the ring     how long is     all of it  | look for the next,
//!   | queue  |        for the          the FPDU?       there?     | if nobody else waits
//!   | pair   +--------length field--------------------------------+
//!   +-- whose stream has grown -----------------------------------+
//!
//! Choose -> Raw -> Offer: a raw frame
//! ```
use crate::configuration::{QpNumber, STREAM_RING_BITS};
use crate::control::records::{ContextWrite, QpDoorbell};
use crate::life::{LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::receive::buffer_count::BufferCount;
use crate::receive::fpdu_need::FpduNeed;
use crate::receive::fpdu_size::FpduSize;
use crate::receive::fpdu_start::FpduStart;
use crate::receive::notes::*;
use crate::receive::ring_sizes::RingPosition;
use crate::receive::stream_span::StreamSpan;
use crate::receive::stream_work::StreamWork;
use crate::stream::*;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// What the framer does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum FramerState {
    Choose,
    Look,
    Peek,
    Wait,
    Length,
    Total,
    Issue,
    Finish,
    Offer,
    Raw,
}

/// Keeps where the next FPDU of every queue pair starts, and issues a job for every FPDU of which
/// all octets are there, and for every raw frame. While FPDUs wait, one job in eight clocks.
///
/// What needs a receive work request that is posted but not on chip stays in its ring: see
/// [`BufferCount`].
#[derive(LogicBlock, Default)]
pub struct Framer {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    /// Receive work requests: posted, and on chip.
    pub doorbell: Signal<In, QpDoorbell>,
    pub arrived: Signal<In, BuffersArrived>,
    /// See [`BufferCount`].
    pub raw_ends: Signal<In, Bit>,
    pub raw_returns: Signal<In, Bit>,
    /// A raw frame that is complete in ring 0.
    pub raw: StreamSink<RawFrame>,
    /// Read eight octets of the ring of `peek_qp` from `peek_at`.
    pub peek: Signal<Out, Bit>,
    pub peek_qp: Signal<Out, QpNumber>,
    pub peek_at: Signal<Out, RingPosition>,
    /// They come two clocks later.
    pub peek_data: Signal<In, Bits<64>>,
    pub job: StreamSource<PacketHead>,
    span: StreamSpan,
    work: StreamWork,
    buffers: BufferCount,
    lives: LifeWatch,
    markers: QpField<1, { field_number("receive_markers") }>,
    crc: QpField<1, { field_number("crc") }>,
    start: FpduStart,
    size: FpduSize,
    need: FpduNeed,
    state: DFF<FramerState>,
    qp: DFF<QpNumber>,
    raw_turn: DFF<Bit>,
    raw_start: DFF<Bits<32>>,
    stream_end: DFF<Bits<32>>,
    available: DFF<Bits<32>>,
    finished: DFF<Bit>,
    /// The FPDU needs a receive work request, and uses it up.
    needs: DFF<Bit>,
    last: DFF<Bit>,
    offered: DFF<PacketHead>,
    /// The job was an FPDU's: there may be another one behind it.
    more: DFF<Bit>,
    looked: Signal<Local, QpNumber>,
    live: Signal<Local, Bit>,
    raw_live: Signal<Local, Bit>,
    takes_raw: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    kind_fpdu: Literal<2, { packet_kind::FPDU }>,
    kind_raw: Literal<2, { packet_kind::RAW }>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    length_error: Literal<8, { status::MPA_LENGTH as u64 }>,
    peer_closed: Literal<8, { status::PEER_CLOSED as u64 }>,
    closed_early: Literal<8, { status::PEER_CLOSED_EARLY as u64 }>,
}

impl Logic for Framer {
    //= rfc5044#4.2  The length field says where an FPDU ends and the next one starts.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, raw_turn, raw_start, stream_end, available, finished);
        dff_setup!(self, clock, needs, last, offered, more);
        clock!(self, clock, span, work, buffers, lives, markers, crc, size);
        self.span.context_write.next = self.context_write.val();
        self.markers.context_write.next = self.context_write.val();
        self.crc.context_write.next = self.context_write.val();
        self.span.change.next = self.change.val();
        self.work.change.next = self.change.val();
        self.buffers.change.next = self.change.val();
        self.lives.change.next = self.change.val();
        self.span.grown.next = self.grown.val();
        self.work.grown.next = self.grown.val();
        self.work.arrived.next.valid = self.arrived.val().valid;
        self.work.arrived.next.qp = self.arrived.val().qp;
        self.buffers.arrived.next = self.arrived.val();
        self.buffers.doorbell.next = self.doorbell.val();
        self.buffers.raw_ends.next = self.raw_ends.val();
        self.buffers.raw_returns.next = self.raw_returns.val();
        self.takes_raw.next =
            self.raw.valid.val() & (self.raw_turn.q.val() | !self.work.next.valid.val());
        self.looked.next = self.qp.q.val();
        if self.state.q.val() == FramerState::Choose {
            self.looked.next = self.work.next.beat.val();
            if self.takes_raw.val() {
                self.looked.next = 0.into();
            }
        }
        self.span.qp.next = self.looked.val();
        self.markers.qp.next = self.looked.val();
        self.crc.qp.next = self.looked.val();
        self.buffers.qp.next = self.looked.val();
        self.span.beyond.next =
            self.offered.q.val().start + bit_cast::<32, 17>(self.size.total.val());
        self.span.advance.next = false;
        self.buffers.give.next = false;
        self.buffers.raw_starts.next = false;
        self.work.again.next.valid = false;
        self.work.again.next.qp = self.qp.q.val();
        self.job.beat.next = self.offered.q.val();
        self.job.valid.next = self.state.q.val() == FramerState::Offer;
        self.raw.ready.next = false;
        self.work.next.ready.next =
            (self.state.q.val() == FramerState::Choose) & !self.takes_raw.val();
        // The queue pair lives as it did when its stream was looked at.
        self.lives.look.next = (self.state.q.val() == FramerState::Choose)
            | (self.state.q.val() == FramerState::Offer);
        self.lives.qp.next = self.looked.val();
        self.live.next = self.lives.life_now.val().active
            & (self.lives.life_now.val().generation == self.offered.q.val().generation);
        self.raw_live.next = self.lives.life_now.val().active
            & (self.lives.life_now.val().generation == self.raw.beat.val().generation);
        // Where the FPDU starts, and what is there.
        self.peek.next = self.state.q.val() == FramerState::Peek;
        self.peek_qp.next = self.qp.q.val();
        self.peek_at.next = bit_cast::<STREAM_RING_BITS, 32>(self.offered.q.val().start);
        self.size.data.next = self.peek_data.val();
        self.size.markers.next = self.offered.q.val().markers;
        self.size.position.next = self.offered.q.val().position;
        self.need.data.next = self.peek_data.val();
        self.need.marker.next = self.offered.q.val().markers & !self.offered.q.val().position.any();
        self.start.position.next = bit_cast::<32, 9>(self.offered.q.val().position);
        self.start.available.next = self.available.q.val();
        self.start.markers.next = self.offered.q.val().markers;
        self.whole.next = self.available.q.val() >= bit_cast::<32, 17>(self.size.total.val());
        match self.state.q.val() {
            FramerState::Choose => {
                self.offered.d.next.sequence = 0.into();
                self.offered.d.next.buffered = false;
                self.offered.d.next.status = self.success.val();
                self.more.d.next = false;
                self.qp.d.next = self.looked.val();
                if self.takes_raw.val() {
                    self.raw_turn.d.next = false;
                    self.state.d.next = FramerState::Raw;
                } else if self.work.next.valid.val() {
                    self.raw_turn.d.next = true;
                    self.state.d.next = FramerState::Look;
                }
            }
            FramerState::Look => {
                self.stream_end.d.next = self.span.stream_end.val();
                self.available.d.next = self.span.available.val();
                self.finished.d.next = self.span.finished.val();
                self.offered.d.next.qp = self.qp.q.val();
                self.offered.d.next.generation = self.lives.life.val().generation;
                self.offered.d.next.markers = self.markers.value.val().get_bit(0);
                self.offered.d.next.crc = self.crc.value.val().get_bit(0);
                self.offered.d.next.position = self.span.position.val().get_bits::<9>(0);
                self.offered.d.next.start = self.span.first.val();
                self.state.d.next = FramerState::Peek;
            }
            FramerState::Peek => {
                self.state.d.next = FramerState::Wait;
                if !self.start.begun.val() {
                    self.state.d.next = FramerState::Finish;
                }
            }
            FramerState::Wait => {
                self.state.d.next = FramerState::Length;
            }
            FramerState::Length => {
                self.needs.d.next = self.need.needs.val();
                self.last.d.next = self.need.last.val();
                self.state.d.next = FramerState::Total;
            }
            FramerState::Total => {
                self.state.d.next = FramerState::Issue;
            }
            FramerState::Issue => {
                self.offered.d.next.kind = self.kind_fpdu.val();
                self.offered.d.next.octets = self.size.total.val().get_bits::<16>(0);
                self.offered.d.next.buffered = self.needs.q.val() & self.buffers.spare.val();
                self.state.d.next = FramerState::Choose;
                if self.size.too_long.val() {
                    self.offered.d.next.kind = self.kind_event.val();
                    self.offered.d.next.status = self.length_error.val();
                    self.offered.d.next.octets = 0.into();
                    if self.live.val() {
                        self.state.d.next = FramerState::Offer;
                    }
                } else if !self.whole.val() {
                    self.state.d.next = FramerState::Finish;
                } else if self.live.val() & !(self.needs.q.val() & self.buffers.waits.val()) {
                    self.span.advance.next = true;
                    self.more.d.next = true;
                    self.buffers.give.next =
                        self.needs.q.val() & self.last.q.val() & self.buffers.spare.val();
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Finish => {
                // No whole FPDU is there, and there will never be one behind the stream's end.
                self.state.d.next = FramerState::Choose;
                self.offered.d.next.kind = self.kind_event.val();
                self.offered.d.next.status = self.peer_closed.val();
                self.offered.d.next.sequence = self.stream_end.q.val();
                self.offered.d.next.octets = 0.into();
                if !self.start.between.val() {
                    self.offered.d.next.status = self.closed_early.val();
                }
                if self.finished.q.val() & self.live.val() {
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Raw => {
                self.offered.d.next.kind = self.kind_raw.val();
                self.offered.d.next.qp = 0.into();
                self.offered.d.next.generation = self.raw.beat.val().generation;
                self.offered.d.next.buffered = self.raw_live.val() & self.buffers.spare.val();
                self.offered.d.next.markers = false;
                self.offered.d.next.crc = false;
                self.offered.d.next.start = self.raw_start.q.val();
                self.offered.d.next.octets = self.raw.beat.val().octets;
                self.state.d.next = FramerState::Choose;
                if !(self.raw_live.val() & self.buffers.waits.val()) {
                    self.raw.ready.next = true;
                    self.buffers.raw_starts.next = true;
                    self.buffers.give.next = self.raw_live.val() & self.buffers.spare.val();
                    self.raw_start.d.next =
                        self.raw_start.q.val() + bit_cast::<32, 16>(self.raw.beat.val().octets);
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Offer => {
                if self.job.ready.val() {
                    self.more.d.next = false;
                    if self.more.q.val() & !self.work.next.valid.val() & !self.raw.valid.val() {
                        self.offered.d.next.status = self.success.val();
                        self.offered.d.next.buffered = false;
                        self.state.d.next = FramerState::Look;
                    } else {
                        self.work.again.next.valid = self.more.q.val();
                        self.state.d.next = FramerState::Choose;
                    }
                }
            }
            _ => {
                self.state.d.next = FramerState::Choose;
            }
        }
    }
}
