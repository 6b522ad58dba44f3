//! Finds FPDUs in a stream of octets.
//!
//! ```text
//! Choose -> Load -> Look -> Wait -> Length -> Total -> Issue --> job
//!   ^ a queue pair    ask the ring for   how long is    all of it
//!   | whose stream    the length field   the FPDU?      there?
//!   +--- has grown <-----------------------------------------+ if so, look for the next one
//! ```
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::memory::Table;
use crate::mpa::MarkerCount;
use crate::queue::Pick;
use crate::receive::epochs::Epochs;
use crate::receive::fpdu_length::FpduLength;
use crate::receive::notes::*;
use crate::receive::qp_word::{QpWord, FLAGS, RECEIVE_NEXT};
use crate::stream::*;
use ironwarp_abi::limits::FPDU_BYTES_MAX;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// The shortest FPDU, and so the least that must be there before its length is looked at.
const FPDU_BYTES_MIN: u64 = 8;

/// What the framer does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum FramerState {
    Choose,
    Load,
    Look,
    Wait,
    Length,
    Total,
    Issue,
    Finish,
    Offer,
}

/// Keeps where the next FPDU of every queue pair starts, and issues a job for every FPDU of which
/// all octets are there, and for every raw frame. While FPDUs wait, one job in ten clocks.
#[derive(LogicBlock, Default)]
pub struct Framer {
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
    starts: Table<Bits<32>, 4>,
    ends: Table<Bits<32>, 4>,
    initial: QpWord<RECEIVE_NEXT>,
    flags: QpWord<FLAGS>,
    markers: MarkerCount,
    pick: Pick,
    size: FpduLength,
    epochs: Epochs,
    state: DFF<FramerState>,
    /// Bit n: the stream of queue pair n may hold a whole FPDU.
    work: DFF<Bits<16>>,
    /// Bit n: no FPDU was found since the start of queue pair n.
    fresh: DFF<Bits<16>>,
    /// Bit n: the peer has ended the stream of queue pair n.
    finished: DFF<Bits<16>>,
    qp: DFF<Bits<4>>,
    disturbed: DFF<Bit>,
    raw_turn: DFF<Bit>,
    raw_start: DFF<Bits<32>>,
    start: DFF<Bits<32>>,
    end: DFF<Bits<32>>,
    available: DFF<Bits<32>>,
    position: DFF<Bits<9>>,
    marked: DFF<Bit>,
    fpdu: DFF<Bits<17>>,
    too_long: DFF<Bit>,
    total: DFF<Bits<17>>,
    offered: DFF<PacketHead>,
    first: Signal<Local, Bits<32>>,
    relative: Signal<Local, Bits<32>>,
    rest: Signal<Local, Bits<32>>,
    marker_octets: Signal<Local, Bits<17>>,
    beyond: Signal<Local, Bits<32>>,
    end_after: Signal<Local, Bits<32>>,
    command_index: Signal<Local, Bits<8>>,
    command_qp: Signal<Local, Bits<4>>,
    whole: Signal<Local, Bit>,
    work_next: Signal<Local, Bits<16>>,
    fresh_next: Signal<Local, Bits<16>>,
    finished_next: Signal<Local, Bits<16>>,
    least: Literal<32, FPDU_BYTES_MIN>,
    longest: Literal<17, { FPDU_BYTES_MAX as u64 }>,
    one: Literal<32, 1>,
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
        dff_setup!(self, clock, state, work, fresh, finished, qp, disturbed, raw_turn, raw_start);
        dff_setup!(self, clock, start, end, available, position, marked, fpdu, too_long, total);
        dff_setup!(self, clock, offered);
        clock!(self, clock, starts, ends, initial, flags, epochs);
        self.initial.context_write.next = self.context_write.val();
        self.flags.context_write.next = self.context_write.val();
        self.epochs.qp_command.next = self.qp_command.val();
        self.initial.qp.next = self.qp.q.val();
        self.flags.qp.next = self.qp.q.val();
        self.starts.read_index.next = self.qp.q.val();
        self.ends.read_index.next = self.qp.q.val();
        self.ends.write.next = self.grown.val().valid;
        self.ends.write_index.next = self.grown.val().qp;
        self.ends.write_record.next = self.grown.val().end;
        self.pick.wanted.next = self.work.q.val();
        self.pick.last.next = self.qp.q.val();
        self.markers.position.next = self.position.q.val();
        self.markers.octets.next = self.fpdu.q.val().get_bits::<14>(0);
        self.job.beat.next = self.offered.q.val();
        self.job.valid.next = self.state.q.val() == FramerState::Offer;
        self.raw.ready.next = (self.state.q.val() == FramerState::Choose)
            & (self.raw_turn.q.val() | !self.pick.any.val());

        // Look: where the FPDU starts, and what is there.
        self.first.next = self.starts.read_record.val();
        if self.fresh.q.val().get_bit(self.qp.q.val().index()) {
            self.first.next = self.initial.word.val();
        }
        self.relative.next = self.first.val() - self.initial.word.val();
        self.rest.next = self.ends.read_record.val() - self.first.val();
        self.peek.next = self.state.q.val() == FramerState::Look;
        self.peek_qp.next = self.qp.q.val();
        self.peek_at.next = self.first.val().get_bits::<15>(0);

        // Length: a marker may stand before the field.
        self.size.data.next = self.peek_data.val();
        self.size.marker.next = self.marked.q.val() & !self.position.q.val().any();
        self.marker_octets.next = 0.into();
        if self.marked.q.val() {
            self.marker_octets.next = bit_cast::<17, 6>(self.markers.count.val()) << 2;
        }
        self.beyond.next = self.start.q.val() + bit_cast::<32, 17>(self.total.q.val());
        self.end_after.next = self.end.q.val() + self.one.val();
        self.whole.next = self.available.q.val() >= bit_cast::<32, 17>(self.total.q.val());
        self.starts.write.next = false;
        self.starts.write_index.next = self.qp.q.val();
        self.starts.write_record.next = self.beyond.val();

        self.work_next.next = self.work.q.val();
        self.fresh_next.next = self.fresh.q.val();
        self.finished_next.next = self.finished.q.val();
        match self.state.q.val() {
            FramerState::Choose => {
                self.disturbed.d.next = false;
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
                    self.work_next.next =
                        self.work.q.val().replace_bit(self.pick.choice.val().index(), false);
                    self.raw_turn.d.next = true;
                    self.state.d.next = FramerState::Load;
                }
            }
            FramerState::Load => {
                self.state.d.next = FramerState::Look;
            }
            FramerState::Look => {
                self.start.d.next = self.first.val();
                self.end.d.next = self.ends.read_record.val();
                self.available.d.next = self.rest.val();
                self.position.d.next = self.relative.val().get_bits::<9>(0);
                self.marked.d.next = self.flags.word.val().get_bit(1);
                self.offered.d.next.qp = self.qp.q.val();
                self.offered.d.next.epoch = self.epochs.now.val().get_bit(self.qp.q.val().index());
                self.offered.d.next.markers = self.flags.word.val().get_bit(1);
                self.offered.d.next.crc = self.flags.word.val().get_bit(2);
                self.offered.d.next.position = self.relative.val().get_bits::<9>(0);
                self.offered.d.next.start = self.first.val();
                self.offered.d.next.sequence = 0.into();
                self.state.d.next = FramerState::Wait;
                if self.rest.val() < self.least.val() {
                    self.state.d.next = FramerState::Finish;
                }
            }
            FramerState::Wait => {
                self.state.d.next = FramerState::Length;
            }
            FramerState::Length => {
                self.fpdu.d.next = self.size.octets.val();
                self.too_long.d.next = self.size.octets.val() > self.longest.val();
                self.state.d.next = FramerState::Total;
            }
            FramerState::Total => {
                self.total.d.next = self.fpdu.q.val() + self.marker_octets.val();
                self.state.d.next = FramerState::Issue;
            }
            FramerState::Issue => {
                self.offered.d.next.kind = self.kind_fpdu.val();
                self.offered.d.next.status = self.success.val();
                self.offered.d.next.octets = self.total.q.val().get_bits::<16>(0);
                if self.too_long.q.val() | (self.total.q.val() > self.longest.val()) {
                    self.offered.d.next.kind = self.kind_event.val();
                    self.offered.d.next.status = self.length_error.val();
                    self.offered.d.next.octets = 0.into();
                    self.state.d.next = FramerState::Offer;
                } else if self.whole.val() {
                    self.starts.write.next = !self.disturbed.q.val();
                    self.work_next.next =
                        self.work.q.val().replace_bit(self.qp.q.val().index(), true);
                    self.fresh_next.next =
                        self.fresh.q.val().replace_bit(self.qp.q.val().index(), false);
                    self.state.d.next = FramerState::Offer;
                } else {
                    self.state.d.next = FramerState::Finish;
                }
                if self.disturbed.q.val() | !self.active.val().get_bit(self.qp.q.val().index()) {
                    self.starts.write.next = false;
                    self.work_next.next = self.work.q.val();
                    self.fresh_next.next = self.fresh.q.val();
                    self.state.d.next = FramerState::Choose;
                }
            }
            FramerState::Finish => {
                // No whole FPDU is there. Will there ever be one?
                self.state.d.next = FramerState::Choose;
                self.offered.d.next.kind = self.kind_event.val();
                self.offered.d.next.status = self.peer_closed.val();
                self.offered.d.next.sequence = self.end_after.val();
                self.offered.d.next.octets = 0.into();
                if self.available.q.val().any() {
                    self.offered.d.next.status = self.closed_early.val();
                }
                if self.finished.q.val().get_bit(self.qp.q.val().index())
                    & self.active.val().get_bit(self.qp.q.val().index())
                    & !self.disturbed.q.val()
                {
                    self.finished_next.next =
                        self.finished.q.val().replace_bit(self.qp.q.val().index(), false);
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

        // News from outside comes last: it wins.
        if self.grown.val().valid {
            self.work_next.next =
                self.work_next.val().replace_bit(self.grown.val().qp.index(), true);
            if self.grown.val().finished {
                self.finished_next.next =
                    self.finished_next.val().replace_bit(self.grown.val().qp.index(), true);
            }
        }
        self.command_index.next = self.qp_command.val().index;
        self.command_qp.next = self.command_index.val().get_bits::<4>(0);
        if self.qp_command.val().valid {
            self.work_next.next =
                self.work_next.val().replace_bit(self.command_qp.val().index(), false);
            self.finished_next.next =
                self.finished_next.val().replace_bit(self.command_qp.val().index(), false);
            self.fresh_next.next =
                self.fresh_next.val().replace_bit(self.command_qp.val().index(), true);
            if self.command_qp.val() == self.qp.q.val() {
                self.disturbed.d.next = true;
            }
        }
        self.work.d.next = self.work_next.val();
        self.fresh.d.next = self.fresh_next.val();
        self.finished.d.next = self.finished_next.val();
    }
}
