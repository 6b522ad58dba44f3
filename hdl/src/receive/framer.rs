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
use crate::pins::Ports;
use crate::receive::buffer_count::BufferCount;
use crate::receive::next_fpdu::NextFpdu;
use crate::receive::notes::*;
use crate::receive::ring_sizes::RingPosition;
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
#[derive(LogicBlock, Ports, Default)]
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
    fpdu: NextFpdu,
    work: StreamWork,
    buffers: BufferCount,
    lives: LifeWatch,
    state: DFF<FramerState>,
    qp: DFF<QpNumber>,
    raw_start: DFF<Bits<32>>,
    offered: DFF<PacketHead>,
    /// The job was an FPDU's: there may be another one behind it.
    more: DFF<Bit>,
    looked: Signal<Local, QpNumber>,
    live: Signal<Local, Bit>,
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
        dff_setup!(self, clock, state, qp, raw_start, offered, more);
        clock!(self, clock, fpdu, work, buffers, lives);
        self.fpdu.context_write.next = self.context_write.val();
        self.fpdu.change.next = self.change.val();
        self.work.change.next = self.change.val();
        self.buffers.change.next = self.change.val();
        self.lives.change.next = self.change.val();
        self.fpdu.grown.next = self.grown.val();
        self.work.grown.next = self.grown.val();
        self.work.arrived.next = self.arrived.val();
        self.buffers.arrived.next = self.arrived.val();
        self.buffers.doorbell.next = self.doorbell.val();
        self.buffers.raw_ends.next = self.raw_ends.val();
        self.buffers.raw_returns.next = self.raw_returns.val();
        self.buffers.give.next = false;
        self.buffers.raw_starts.next = false;
        self.fpdu.advance.next = false;
        self.work.again.next.valid = false;
        self.work.again.next.qp = self.qp.q.val();
        self.job.beat.next = self.offered.q.val();
        self.job.valid.next = self.state.q.val() == FramerState::Offer;
        self.raw.ready.next = false;
        self.work.raw.next = self.raw.valid.val();
        self.work.take.next = self.state.q.val() == FramerState::Choose;
        self.looked.next = self.qp.q.val();
        if self.state.q.val() == FramerState::Choose {
            self.looked.next = self.work.next_qp.val();
        }
        self.fpdu.qp.next = self.looked.val();
        self.buffers.qp.next = self.looked.val();
        // The queue pair lives as it did when its stream was looked at, or when the frame came.
        self.lives.look.next = (self.state.q.val() == FramerState::Choose)
            | (self.state.q.val() == FramerState::Offer);
        self.lives.qp.next = self.looked.val();
        self.live.next = self.lives.life_now.val().active
            & (self.lives.life_now.val().generation == self.offered.q.val().generation);
        self.fpdu.look.next = self.state.q.val() == FramerState::Look;
        self.fpdu.peek_data.next = self.peek_data.val();
        self.peek.next = self.state.q.val() == FramerState::Peek;
        self.peek_qp.next = self.qp.q.val();
        self.peek_at.next = bit_cast::<STREAM_RING_BITS, 32>(self.fpdu.facts.val().start);
        match self.state.q.val() {
            FramerState::Choose => {
                self.qp.d.next = self.looked.val();
                self.offered.d.next.qp = self.looked.val();
                self.offered.d.next.generation = self.raw.beat.val().generation;
                if self.work.next_valid.val() {
                    self.state.d.next = FramerState::Look;
                    if self.work.next_raw.val() {
                        self.state.d.next = FramerState::Raw;
                    }
                }
            }
            FramerState::Look => {
                self.offered.d.next.generation = self.lives.life.val().generation;
                self.state.d.next = FramerState::Peek;
            }
            FramerState::Peek => {
                self.offered.d.next.markers = self.fpdu.facts.val().markers;
                self.offered.d.next.crc = self.fpdu.facts.val().crc;
                self.offered.d.next.position = self.fpdu.facts.val().position;
                self.offered.d.next.start = self.fpdu.facts.val().start;
                self.state.d.next = FramerState::Wait;
                if !self.fpdu.begun.val() {
                    self.state.d.next = FramerState::Finish;
                }
            }
            FramerState::Wait => {
                self.state.d.next = FramerState::Length;
            }
            FramerState::Length => {
                self.state.d.next = FramerState::Total;
            }
            FramerState::Total => {
                self.state.d.next = FramerState::Issue;
            }
            FramerState::Issue => {
                self.offered.d.next.kind = self.kind_fpdu.val();
                self.offered.d.next.status = self.success.val();
                self.offered.d.next.sequence = 0.into();
                self.offered.d.next.octets = self.fpdu.total.val().get_bits::<16>(0);
                self.offered.d.next.buffered = self.fpdu.needs.val() & self.buffers.spare.val();
                self.state.d.next = FramerState::Choose;
                if self.fpdu.too_long.val() {
                    self.offered.d.next.kind = self.kind_event.val();
                    self.offered.d.next.status = self.length_error.val();
                    self.offered.d.next.octets = 0.into();
                    if self.live.val() {
                        self.state.d.next = FramerState::Offer;
                    }
                } else if !self.fpdu.whole.val() {
                    self.state.d.next = FramerState::Finish;
                } else if self.live.val() & !(self.fpdu.needs.val() & self.buffers.waits.val()) {
                    self.fpdu.advance.next = true;
                    self.more.d.next = true;
                    self.buffers.give.next =
                        self.fpdu.needs.val() & self.fpdu.last.val() & self.buffers.spare.val();
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Finish => {
                // No whole FPDU is there, and there will never be one behind the stream's end.
                self.state.d.next = FramerState::Choose;
                self.offered.d.next.kind = self.kind_event.val();
                self.offered.d.next.status = self.peer_closed.val();
                self.offered.d.next.sequence = self.fpdu.facts.val().end;
                self.offered.d.next.octets = 0.into();
                if !self.fpdu.between.val() {
                    self.offered.d.next.status = self.closed_early.val();
                }
                if self.fpdu.facts.val().finished & self.live.val() {
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Raw => {
                self.offered.d.next.kind = self.kind_raw.val();
                self.offered.d.next.buffered = self.live.val() & self.buffers.spare.val();
                self.offered.d.next.status = self.success.val();
                self.offered.d.next.sequence = 0.into();
                self.offered.d.next.markers = false;
                self.offered.d.next.crc = false;
                self.offered.d.next.start = self.raw_start.q.val();
                self.offered.d.next.octets = self.raw.beat.val().octets;
                self.state.d.next = FramerState::Choose;
                if !(self.live.val() & self.buffers.waits.val()) {
                    self.raw.ready.next = true;
                    self.buffers.raw_starts.next = true;
                    self.buffers.give.next = self.live.val() & self.buffers.spare.val();
                    self.raw_start.d.next =
                        self.raw_start.q.val() + bit_cast::<32, 16>(self.raw.beat.val().octets);
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Offer => {
                if self.job.ready.val() {
                    self.more.d.next = false;
                    self.state.d.next = FramerState::Choose;
                    if self.more.q.val() & !self.work.next_valid.val() {
                        self.state.d.next = FramerState::Look;
                    } else {
                        self.work.again.next.valid = self.more.q.val();
                    }
                }
            }
            _ => {
                self.state.d.next = FramerState::Choose;
            }
        }
    }
}
