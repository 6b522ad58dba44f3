//! Finds FPDUs in a stream of octets.
//!
//! ```text
//! Choose -> Load -> Look -> Peek -> Wait -> Length -> Total -> Issue --> job
//!   ^ a queue pair            ask the ring for   how long is    all of it
//!   | whose stream            the length field   the FPDU?      there?
//!   +--- has grown <-------------------------------------------------+ if so, look for the next
//! ```
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::queue::Pick;
use crate::receive::epochs::Epochs;
use crate::receive::fpdu_size::FpduSize;
use crate::receive::fpdu_start::FpduStart;
use crate::receive::notes::*;
use crate::receive::qp_word::{QpWord, FLAGS};
use crate::receive::stream_span::StreamSpan;
use crate::receive::stream_work::StreamWork;
use crate::stream::*;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// What the framer does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum FramerState {
    Choose,
    Load,
    Look,
    Peek,
    Wait,
    Length,
    Total,
    Issue,
    Finish,
    Offer,
}

/// Keeps where the next FPDU of every queue pair starts, and issues a job for every FPDU of which
/// all octets are there, and for every raw frame. While FPDUs wait, one job in eleven clocks.
#[derive(LogicBlock, Default)]
pub struct Framer<const BANK: usize> {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp_command: Signal<In, Command>,
    pub active: Signal<In, Bits<16>>,
    pub grown: Signal<In, StreamGrown>,
    /// The length of a raw frame that is complete in ring 0.
    pub raw: StreamSink<Bits<16>>,
    /// Read eight octets of the ring of `peek_qp` from `peek_at`.
    pub peek: Signal<Out, Bit>,
    pub peek_qp: Signal<Out, Bits<4>>,
    pub peek_at: Signal<Out, Bits<15>>,
    /// They come two clocks later.
    pub peek_data: Signal<In, Bits<64>>,
    pub job: StreamSource<PacketHead>,
    span: StreamSpan,
    work: StreamWork,
    flags: QpWord<FLAGS>,
    pick: Pick,
    start: FpduStart,
    size: FpduSize<BANK>,
    epochs: Epochs,
    state: DFF<FramerState>,
    qp: DFF<Bits<4>>,
    disturbed: DFF<Bit>,
    raw_turn: DFF<Bit>,
    raw_start: DFF<Bits<32>>,
    stream_end: DFF<Bits<32>>,
    available: DFF<Bits<32>>,
    offered: DFF<PacketHead>,
    kind_fpdu: Literal<2, { packet_kind::FPDU }>,
    kind_raw: Literal<2, { packet_kind::RAW }>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    length_error: Literal<8, { status::MPA_LENGTH as u64 }>,
    peer_closed: Literal<8, { status::PEER_CLOSED as u64 }>,
    closed_early: Literal<8, { status::PEER_CLOSED_EARLY as u64 }>,
}

impl<const BANK: usize> Logic for Framer<BANK> {
    //= rfc5044#4.2  The length field says where an FPDU ends and the next one starts.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, disturbed, raw_turn, raw_start);
        dff_setup!(self, clock, stream_end, available, offered);
        clock!(self, clock, span, work, size, flags, epochs);
        self.span.context_write.next = self.context_write.val();
        self.span.qp_command.next = self.qp_command.val();
        self.span.grown.next = self.grown.val();
        self.span.qp.next = self.qp.q.val();
        self.span.beyond.next =
            self.offered.q.val().start + bit_cast::<32, 17>(self.size.total.val());
        self.span.advance.next = false;
        self.flags.context_write.next = self.context_write.val();
        self.epochs.qp_command.next = self.qp_command.val();
        self.flags.qp.next = self.qp.q.val();
        self.pick.wanted.next = self.work.wanted.val();
        self.work.qp_command.next = self.qp_command.val();
        self.work.grown.next = self.grown.val();
        self.pick.last.next = self.qp.q.val();
        self.job.beat.next = self.offered.q.val();
        self.job.valid.next = self.state.q.val() == FramerState::Offer;
        self.raw.ready.next = (self.state.q.val() == FramerState::Choose)
            & (self.raw_turn.q.val() | !self.pick.any.val());
        // Where the FPDU starts, and what is there.
        self.peek.next = self.state.q.val() == FramerState::Peek;
        self.peek_qp.next = self.qp.q.val();
        self.peek_at.next = bit_cast::<15, 32>(self.offered.q.val().start);
        self.size.data.next = self.peek_data.val();
        self.size.markers.next = self.offered.q.val().markers;
        self.size.position.next = self.offered.q.val().position;
        self.start.position.next = bit_cast::<32, 9>(self.offered.q.val().position);
        self.start.available.next = self.available.q.val();
        self.start.markers.next = self.offered.q.val().markers;
        self.work.qp.next = self.qp.q.val();
        self.work.look.next = self.state.q.val() == FramerState::Load;
        self.work.again.next = false;
        self.work.tell.next = false;
        match self.state.q.val() {
            FramerState::Choose => {
                self.disturbed.d.next = false;
                self.offered.d.next.sequence = 0.into();
                if self.raw.valid.val() & self.raw.ready.val() {
                    self.offered.d.next.kind = self.kind_raw.val();
                    self.offered.d.next.qp = 0.into();
                    self.offered.d.next.epoch = self.epochs.now.val().get_bit(0);
                    self.offered.d.next.markers = false;
                    self.offered.d.next.crc = false;
                    self.offered.d.next.status = self.success.val();
                    self.offered.d.next.start = self.raw_start.q.val();
                    self.offered.d.next.octets = self.raw.beat.val();
                    self.raw_start.d.next =
                        self.raw_start.q.val() + bit_cast::<32, 16>(self.raw.beat.val());
                    self.raw_turn.d.next = false;
                    self.state.d.next = FramerState::Offer;
                } else if self.pick.any.val() {
                    self.qp.d.next = self.pick.choice.val();
                    self.raw_turn.d.next = true;
                    self.state.d.next = FramerState::Load;
                }
            }
            FramerState::Load => {
                // A command that came in the clock of the choice has taken the work away.
                self.state.d.next = FramerState::Look;
                if !self.work.wanted.val().get_bit(self.qp.q.val().index()) {
                    self.state.d.next = FramerState::Choose;
                }
            }
            FramerState::Look => {
                self.stream_end.d.next = self.span.stream_end.val();
                self.available.d.next = self.span.available.val();
                self.offered.d.next.qp = self.qp.q.val();
                self.offered.d.next.epoch = self.epochs.now.val().get_bit(self.qp.q.val().index());
                self.offered.d.next.markers = self.flags.word.val().get_bit(1);
                self.offered.d.next.crc = self.flags.word.val().get_bit(2);
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
                self.state.d.next = FramerState::Total;
            }
            FramerState::Total => {
                self.state.d.next = FramerState::Issue;
            }
            FramerState::Issue => {
                self.offered.d.next.kind = self.kind_fpdu.val();
                self.offered.d.next.status = self.success.val();
                self.offered.d.next.octets = self.size.total.val().get_bits::<16>(0);
                if self.size.too_long.val() {
                    self.offered.d.next.kind = self.kind_event.val();
                    self.offered.d.next.status = self.length_error.val();
                    self.offered.d.next.octets = 0.into();
                    self.state.d.next = FramerState::Offer;
                } else if self.available.q.val() >= bit_cast::<32, 17>(self.size.total.val()) {
                    self.span.advance.next = true;
                    self.work.again.next = true;
                    self.state.d.next = FramerState::Offer;
                } else {
                    self.state.d.next = FramerState::Finish;
                }
                if self.disturbed.q.val() | !self.active.val().get_bit(self.qp.q.val().index()) {
                    self.span.advance.next = false;
                    self.work.again.next = false;
                    self.state.d.next = FramerState::Choose;
                }
            }
            FramerState::Finish => {
                // No whole FPDU is there. Will there ever be one? Not if nothing came since.
                self.state.d.next = FramerState::Choose;
                self.offered.d.next.kind = self.kind_event.val();
                self.offered.d.next.status = self.peer_closed.val();
                self.offered.d.next.sequence = self.stream_end.q.val();
                self.offered.d.next.octets = 0.into();
                if !self.start.between.val() {
                    self.offered.d.next.status = self.closed_early.val();
                }
                if self.work.finished.val().get_bit(self.qp.q.val().index())
                    & self.active.val().get_bit(self.qp.q.val().index())
                    & !self.work.wanted.val().get_bit(self.qp.q.val().index())
                    & !self.disturbed.q.val()
                {
                    self.work.tell.next = true;
                    self.state.d.next = FramerState::Offer;
                }
            }
            FramerState::Offer => {
                if self.job.ready.val() {
                    self.state.d.next = FramerState::Choose;
                }
            }
            _ => {
                self.state.d.next = FramerState::Choose;
            }
        }

        if self.qp_command.val().valid
            & (bit_cast::<4, 8>(self.qp_command.val().index) == self.qp.q.val())
            & (self.state.q.val() != FramerState::Choose)
        {
            self.disturbed.d.next = true;
        }
    }
}
