//! Turns work requests into segments, one FPDU each.
use crate::control::records::{Command, ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::memory::{ContextTable, Table};
use crate::protect::records::*;
use crate::queue::QueueEntry;
use crate::stream::*;
use crate::transmit::generations::Generations;
use crate::transmit::records::*;
use crate::transmit::request_check::RequestCheck;
use crate::transmit::segment_parts::SegmentParts;
use crate::transmit::segment_sizer::SegmentSizer;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// What [`Segmenter`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum SegmenterState {
    /// Waits for a queue pair that can send.
    Choose,
    /// Its state and context are read ...
    Look,
    /// ... and its work request.
    Fetch,
    /// Can the work request be done?
    Check,
    /// The segment's length is computed.
    Size,
    /// Does the segment fit in the window? Then asks the gate.
    Window,
    /// Waits for the gate.
    Answer,
    /// Offers the segment to be built.
    Emit,
    /// The message is whole: notes its work request as outstanding.
    Note,
    /// Writes the queue pair's state back.
    Commit,
    /// Offers the error.
    Fail,
}

/// A segment about every 13 clocks.
///
/// ```text
/// Choose -> Look -> Fetch -> Check -> Size -> Window -> Answer -> Emit -> Note -> Commit -> Choose
///                              |               | full?    |
///                              v               v          v refused
///                             Fail           Choose      Fail -> Choose
/// ```
/// A command to the queue pair at work makes the work `stale`: nothing of it takes effect.
#[derive(LogicBlock)]
pub struct Segmenter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    /// From the scheduler: this queue pair can send.
    pub any: Signal<In, Bit>,
    pub choice: Signal<In, Bits<4>>,
    /// The queue pair at work; the next three are about it.
    pub qp: Signal<Out, Bits<4>>,
    /// The window stops it.
    pub block: Signal<Out, Bit>,
    /// It met an error.
    pub halt: Signal<Out, Bit>,
    /// Its work request is used up.
    pub take: Signal<Out, Bit>,
    /// Its oldest work request.
    pub head: Signal<In, QueueEntry>,
    /// `open_qp` has started and need not wait for the peer's first FPDU.
    pub open: Signal<Out, Bit>,
    pub open_qp: Signal<Out, Bits<4>>,
    pub send_edge: Signal<In, SendEdge>,
    pub sent: Signal<Out, SendNext>,
    pub question: StreamSource<GateQuestion>,
    pub answer: StreamSink<GateAnswer>,
    pub job: StreamSource<SegmentJob>,
    pub request: StreamSource<SentRequest>,
    pub event: StreamSource<QpEvent>,

    flags: ContextTable<QP_BITS, 2>,
    firsts: ContextTable<QP_BITS, 1>,
    start_flags: ContextTable<QP_BITS, 1>,
    start_firsts: ContextTable<QP_BITS, 1>,
    states: Table<SendState, QP_BITS>,
    edges: Table<SendEdge, QP_BITS>,
    generations: Generations,
    check: RequestCheck,
    sizer: SegmentSizer,
    parts: SegmentParts,
    state: DFF<SegmenterState>,
    chosen: DFF<Bits<4>>,
    starting: DFF<Bit>,
    starting_qp: DFF<Bits<4>>,
    stale: DFF<Bit>,
    /// The window moved since the queue pair was chosen.
    moved: DFF<Bit>,
    address: DFF<Bits<64>>,
    why: DFF<Bits<8>>,
    told: DFF<SendNext>,

    stale_now: Signal<Local, Bit>,
    moved_now: Signal<Local, Bit>,
    flags_word: Signal<Local, Bits<32>>,
    sizes_word: Signal<Local, Bits<32>>,
    start_word: Signal<Local, Bits<32>>,
    position: Signal<Local, Bits<32>>,
    after: Signal<Local, Bits<32>>,
    used: Signal<Local, Bits<32>>,
    full: Signal<Local, Bit>,
    commit: Signal<Local, Bit>,
    noting: Signal<Local, Bit>,
    wraps: Literal<3, { refusal::WRAP }>,
    bounds: Literal<8, { status::LOCAL_BOUNDS as u64 }>,
    /// What leads from the gate's refusals to the status codes.
    shift: Literal<8, { status::LOCAL_STAG as u64 - refusal::STAG }>,
    one: Literal<32, 1>,
}

impl Default for Segmenter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            any: Default::default(),
            choice: Default::default(),
            qp: Default::default(),
            block: Default::default(),
            halt: Default::default(),
            take: Default::default(),
            head: Default::default(),
            open: Default::default(),
            open_qp: Default::default(),
            send_edge: Default::default(),
            sent: Default::default(),
            question: Default::default(),
            answer: Default::default(),
            job: Default::default(),
            request: Default::default(),
            event: Default::default(),
            flags: ContextTable::new(table::QUEUE_PAIR, 0),
            firsts: ContextTable::new(table::QUEUE_PAIR, 13),
            start_flags: ContextTable::new(table::QUEUE_PAIR, 0),
            start_firsts: ContextTable::new(table::QUEUE_PAIR, 13),
            states: Default::default(),
            edges: Default::default(),
            generations: Default::default(),
            check: Default::default(),
            sizer: Default::default(),
            parts: Default::default(),
            state: Default::default(),
            chosen: Default::default(),
            starting: Default::default(),
            starting_qp: Default::default(),
            stale: Default::default(),
            moved: Default::default(),
            address: Default::default(),
            why: Default::default(),
            told: Default::default(),
            stale_now: Default::default(),
            moved_now: Default::default(),
            flags_word: Default::default(),
            sizes_word: Default::default(),
            start_word: Default::default(),
            position: Default::default(),
            after: Default::default(),
            used: Default::default(),
            full: Default::default(),
            commit: Default::default(),
            noting: Default::default(),
            wraps: Default::default(),
            bounds: Default::default(),
            shift: Default::default(),
            one: Default::default(),
        }
    }
}

impl Logic for Segmenter {
    //= rfc5041#5.1  Message sequence numbers count from 1; offsets from 0.
    //= rfc9293#3.8.6  Nothing is sent beyond SND.UNA + SND.WND.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, starting, starting_qp, stale, moved);
        dff_setup!(self, clock, address, why, told);
        clock!(self, clock, flags, firsts, start_flags, start_firsts);
        clock!(self, clock, states, edges, generations, sizer);
        self.flags.context_write.next = self.context_write.val();
        self.firsts.context_write.next = self.context_write.val();
        self.start_flags.context_write.next = self.context_write.val();
        self.start_firsts.context_write.next = self.context_write.val();
        self.generations.command.next = self.command.val();

        // What is known of the queue pair at work.
        self.qp.next = self.chosen.q.val();
        self.flags.index.next = self.chosen.q.val();
        self.firsts.index.next = self.chosen.q.val();
        self.states.read_index.next = self.chosen.q.val();
        self.edges.read_index.next = self.chosen.q.val();
        self.generations.qp.next = self.chosen.q.val();
        self.check.qp.next = self.chosen.q.val();
        self.check.entry.next = self.head.val();
        self.flags_word.next = self.flags.words[0].val();
        self.sizes_word.next = self.flags.words[1].val();
        self.position.next = self.states.read_record.val().number - self.firsts.words[0].val();
        self.sizer.raw.next = self.check.raw.val();
        self.sizer.to_stag.next = self.check.write.val();
        self.sizer.length.next = self.head.val().length;
        self.sizer.offset.next = self.states.read_record.val().offset;
        self.sizer.mulpdu.next = self.sizes_word.val().get_bits::<16>(0);
        self.sizer.markers.next = self.flags_word.val().get_bit(0);
        self.sizer.position.next = self.position.val().get_bits::<9>(0);
        self.after.next =
            self.states.read_record.val().number + bit_cast::<32, 16>(self.sizer.octets.val());
        self.used.next = self.after.val() - self.edges.read_record.val().unacknowledged;
        self.full.next =
            !self.check.raw.val() & (self.used.val() > self.edges.read_record.val().window);
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_index.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();

        // The gate's question, the job and the note.
        self.parts.qp.next = self.chosen.q.val();
        self.parts.generation.next = self.generations.generation.val();
        self.parts.head.next = self.head.val();
        self.parts.state.next = self.states.read_record.val();
        self.parts.flags_word.next = self.flags_word.val();
        self.parts.sizes_word.next = self.sizes_word.val();
        self.parts.position.next = self.position.val();
        self.parts.after.next = self.after.val();
        self.parts.address.next = self.address.q.val();
        self.parts.raw.next = self.check.raw.val();
        self.parts.write.next = self.check.write.val();
        self.parts.solicited.next = self.check.solicited.val();
        self.parts.signaled.next = self.check.signaled.val();
        self.parts.payload.next = self.sizer.payload.val();
        self.parts.ulpdu.next = self.sizer.ulpdu.val();
        self.parts.last.next = self.sizer.last.val();
        self.question.beat.next = self.parts.question.val();
        self.question.valid.next =
            (self.state.q.val() == SegmenterState::Window) & !self.full.val();
        self.answer.ready.next = self.state.q.val() == SegmenterState::Answer;
        self.job.beat.next = self.parts.job.val();
        self.job.valid.next = (self.state.q.val() == SegmenterState::Emit) & !self.stale.q.val();
        self.noting.next = (self.state.q.val() == SegmenterState::Note)
            & self.sizer.last.val()
            & !self.check.raw.val()
            & !self.stale.q.val();
        self.request.beat.next = self.parts.request.val();
        self.request.valid.next = self.noting.val();
        self.event.beat.next.qp = bit_cast::<8, 4>(self.chosen.q.val());
        self.event.beat.next.status = self.why.q.val();
        self.event.beat.next.cq = self.sizes_word.val().get_bits::<8>(24);
        self.event.beat.next.sequence = 0.into();
        self.event.valid.next = self.state.q.val() == SegmenterState::Fail;

        // Starts, and what they make stale.
        self.start_flags.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.start_firsts.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.starting.d.next = self.command.val().valid & self.command.val().enable;
        self.starting_qp.d.next = bit_cast::<4, 8>(self.command.val().index);
        self.start_word.next = self.start_flags.words[0].val();
        self.open.next = self.starting.q.val() & !self.start_word.val().get_bit(3);
        self.open_qp.next = self.starting_qp.q.val();
        self.stale_now.next = self.stale.q.val()
            | (self.command.val().valid
                & (bit_cast::<4, 8>(self.command.val().index) == self.chosen.q.val()));
        self.stale.d.next = self.stale_now.val();
        self.moved_now.next = self.moved.q.val()
            | (self.send_edge.val().valid & (self.send_edge.val().qp == self.chosen.q.val()));
        self.moved.d.next = self.moved_now.val();

        self.block.next = false;
        self.halt.next = false;
        self.take.next = false;
        self.commit.next = false;
        match self.state.q.val() {
            SegmenterState::Choose => {
                self.stale.d.next = self.command.val().valid
                    & (bit_cast::<4, 8>(self.command.val().index) == self.choice.val());
                self.moved.d.next = false;
                if self.any.val() {
                    self.chosen.d.next = self.choice.val();
                    self.state.d.next = SegmenterState::Look;
                }
            }
            SegmenterState::Look => {
                self.state.d.next = SegmenterState::Fetch;
            }
            SegmenterState::Fetch => {
                self.state.d.next = SegmenterState::Check;
            }
            SegmenterState::Check => {
                self.why.d.next = self.check.status.val();
                self.state.d.next = SegmenterState::Size;
                if !self.check.good.val() {
                    self.state.d.next = SegmenterState::Fail;
                }
                if self.stale.q.val() {
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Size => {
                self.state.d.next = SegmenterState::Window;
            }
            SegmenterState::Window => {
                if self.full.val() {
                    self.block.next = !self.moved_now.val() & !self.stale_now.val();
                    self.state.d.next = SegmenterState::Choose;
                } else if self.question.ready.val() {
                    self.state.d.next = SegmenterState::Answer;
                }
            }
            SegmenterState::Answer => {
                self.address.d.next = self.answer.beat.val().address;
                self.why.d.next =
                    bit_cast::<8, 3>(self.answer.beat.val().refusal) + self.shift.val();
                if self.answer.beat.val().refusal == self.wraps.val() {
                    self.why.d.next = self.bounds.val();
                }
                if self.answer.valid.val() {
                    self.state.d.next = SegmenterState::Emit;
                    if self.answer.beat.val().refusal != 0 {
                        self.state.d.next = SegmenterState::Fail;
                    }
                    if self.stale.q.val() {
                        self.state.d.next = SegmenterState::Choose;
                    }
                }
            }
            SegmenterState::Emit => {
                if self.job.ready.val() {
                    self.state.d.next = SegmenterState::Note;
                }
                if self.stale.q.val() {
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Note => {
                if self.request.ready.val() | !self.noting.val() {
                    self.state.d.next = SegmenterState::Commit;
                }
            }
            SegmenterState::Commit => {
                // A start writes first.
                if !self.starting.q.val() {
                    self.commit.next = !self.stale_now.val();
                    self.take.next = self.sizer.last.val() & !self.stale_now.val();
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Fail => {
                self.halt.next = self.event.ready.val() & !self.stale_now.val();
                if self.event.ready.val() {
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            _ => {
                self.state.d.next = SegmenterState::Choose;
            }
        }

        // The state after the segment, or that of a start.
        self.states.write.next = self.commit.val();
        self.states.write_index.next = self.chosen.q.val();
        self.states.write_record.next = self.states.read_record.val();
        if !self.check.raw.val() {
            self.states.write_record.next.number = self.after.val();
        }
        self.states.write_record.next.offset =
            self.states.read_record.val().offset + bit_cast::<32, 16>(self.sizer.payload.val());
        if self.sizer.last.val() {
            self.states.write_record.next.offset = 0.into();
            if !self.check.write.val() {
                self.states.write_record.next.message =
                    self.states.read_record.val().message + self.one.val();
            }
        }
        if self.starting.q.val() {
            self.states.write.next = true;
            self.states.write_index.next = self.starting_qp.q.val();
            self.states.write_record.next.number = self.start_firsts.words[0].val();
            self.states.write_record.next.message = self.one.val();
            self.states.write_record.next.offset = 0.into();
        }
        self.told.d.next.valid = self.commit.val() | self.starting.q.val();
        self.told.d.next.qp = self.chosen.q.val();
        self.told.d.next.number = self.after.val();
        if self.check.raw.val() {
            self.told.d.next.valid = self.starting.q.val();
        }
        if self.starting.q.val() {
            self.told.d.next.qp = self.starting_qp.q.val();
            self.told.d.next.number = self.start_firsts.words[0].val();
        }
        self.sent.next = self.told.q.val();
    }
}
