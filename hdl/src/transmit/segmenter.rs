//! Turns work requests and the peer's Read Requests into segments, one FPDU each.
use crate::control::records::{Command, ContextWrite, QpEvent};
use crate::protect::records::*;
use crate::queue::QueueEntry;
use crate::stream::*;
use crate::transmit::generations::Generations;
use crate::transmit::records::*;
use crate::transmit::segment_planner::SegmentPlanner;
use crate::transmit::send_states::SendStates;
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
///                          Fail, Choose      Choose      Fail -> Choose
/// ```
/// From `Check` it goes back to `Choose` if the work request is an RDMA Read too many.
/// A command to the queue pair at work makes the work `stale`: nothing of it takes effect.
#[derive(LogicBlock, Default)]
pub struct Segmenter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    /// From the scheduler: this queue pair can send.
    pub any: Signal<In, Bit>,
    pub choice: Signal<In, Bits<4>>,
    /// It is the turn of a Read Response there.
    pub respond: Signal<In, Bit>,
    /// Bit n: queue pair n may have one more RDMA Read outstanding.
    pub read_room: Signal<In, Bits<16>>,
    /// The queue pair at work; the next ones are about it.
    pub qp: Signal<Out, Bits<4>>,
    /// The window stops it.
    pub block: Signal<Out, Bit>,
    /// Its work request waits for an RDMA Read to be done.
    pub pause: Signal<Out, Bit>,
    /// It met an error.
    pub halt: Signal<Out, Bit>,
    /// A segment is handed on: of a Read Response? The message's last, so that its work request or
    /// Read Request is used up?
    pub commit: Signal<Out, Bit>,
    pub response: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    /// Its oldest work request.
    pub head: Signal<In, QueueEntry>,
    /// The peer's oldest Read Request there, as a Write.
    pub asked: Signal<In, QueueEntry>,
    /// `open_qp` has started and need not wait for the peer's first FPDU.
    pub open: Signal<Out, Bit>,
    pub open_qp: Signal<Out, Bits<4>>,
    pub send_edge: Signal<In, SendEdge>,
    pub sent: Signal<Out, SendNext>,
    pub question: StreamSource<GateQuestion>,
    pub answer: StreamSink<GateAnswer>,
    pub job: StreamSource<SegmentJob>,
    pub request: StreamSource<SentRequest>,
    pub read_sent: Signal<Out, ReadSent>,
    pub event: StreamSource<QpEvent>,

    states: SendStates,
    planner: SegmentPlanner,
    generations: Generations,
    state: DFF<SegmenterState>,
    chosen: DFF<Bits<4>>,
    responding: DFF<Bit>,
    stale: DFF<Bit>,
    /// The window moved since the queue pair was chosen.
    moved: DFF<Bit>,
    address: DFF<Bits<64>>,
    why: DFF<Bits<8>>,
    stale_now: Signal<Local, Bit>,
    moved_now: Signal<Local, Bit>,
    noting: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
}

impl Logic for Segmenter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, responding, stale, moved, address, why);
        clock!(self, clock, states, planner, generations);
        self.states.context_write.next = self.context_write.val();
        self.states.command.next = self.command.val();
        self.planner.context_write.next = self.context_write.val();
        self.planner.send_edge.next = self.send_edge.val();
        self.generations.command.next = self.command.val();
        self.generations.qp.next = self.chosen.q.val();
        self.qp.next = self.chosen.q.val();

        self.planner.qp.next = self.chosen.q.val();
        self.planner.generation.next = self.generations.generation.val();
        self.planner.head.next = self.head.val();
        self.planner.asked.next = self.asked.val();
        self.planner.response.next = self.responding.q.val();
        self.planner.state.next = self.states.state.val();
        self.planner.address.next = self.address.q.val();
        self.states.qp.next = self.chosen.q.val();
        self.states.after.next = self.planner.after.val();
        self.states.raw.next = self.planner.raw.val();
        self.states.payload.next = self.planner.payload.val();
        self.states.last.next = self.planner.last.val();
        self.states.write.next = self.planner.write.val();
        self.states.read.next = self.planner.read.val();
        self.sent.next = self.states.sent.val();
        self.open.next = self.states.open.val();
        self.open_qp.next = self.states.open_qp.val();

        self.question.beat.next = self.planner.question.val();
        self.question.valid.next =
            (self.state.q.val() == SegmenterState::Window) & !self.planner.full.val();
        self.answer.ready.next = self.state.q.val() == SegmenterState::Answer;
        self.job.beat.next = self.planner.job.val();
        self.job.valid.next = (self.state.q.val() == SegmenterState::Emit) & !self.stale.q.val();
        self.noting.next = (self.state.q.val() == SegmenterState::Note)
            & self.planner.noted.val()
            & !self.stale.q.val();
        self.request.beat.next = self.planner.request.val();
        self.request.valid.next = self.noting.val();
        self.event.beat.next = self.planner.failure.val();
        self.event.beat.next.status = self.why.q.val();
        self.event.valid.next = self.state.q.val() == SegmenterState::Fail;

        self.stale_now.next = self.stale.q.val()
            | (self.command.val().valid
                & (bit_cast::<4, 8>(self.command.val().index) == self.chosen.q.val()));
        self.stale.d.next = self.stale_now.val();
        self.moved_now.next = self.moved.q.val()
            | (self.send_edge.val().valid & (self.send_edge.val().qp == self.chosen.q.val()));
        self.moved.d.next = self.moved_now.val();

        self.room.next = self.read_room.val().get_bit(self.chosen.q.val().index());
        self.planner.refusal.next = self.answer.beat.val().refusal;
        self.block.next = false;
        self.pause.next = false;
        self.halt.next = false;
        self.commit.next = false;
        match self.state.q.val() {
            SegmenterState::Choose => {
                self.stale.d.next = self.command.val().valid
                    & (bit_cast::<4, 8>(self.command.val().index) == self.choice.val());
                self.moved.d.next = false;
                if self.any.val() {
                    self.chosen.d.next = self.choice.val();
                    self.responding.d.next = self.respond.val();
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
                self.why.d.next = self.planner.status.val();
                self.state.d.next = SegmenterState::Size;
                if self.planner.read.val() & !self.room.val() {
                    self.pause.next = self.planner.good.val() & !self.stale_now.val();
                    self.state.d.next = SegmenterState::Choose;
                }
                if !self.planner.good.val() {
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
                if self.planner.full.val() {
                    self.block.next = !self.moved_now.val() & !self.stale_now.val();
                    self.state.d.next = SegmenterState::Choose;
                } else if self.question.ready.val() {
                    self.state.d.next = SegmenterState::Answer;
                }
            }
            SegmenterState::Answer => {
                self.address.d.next = self.answer.beat.val().address;
                self.why.d.next = self.planner.refused.val();
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
                if !self.states.busy.val() {
                    self.commit.next = !self.stale_now.val();
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

        self.response.next = self.responding.q.val();
        self.last.next = self.planner.last.val();
        self.states.commit.next = self.commit.val();
        self.read_sent.next = self.planner.read_sent.val();
        self.read_sent.next.valid = self.commit.val() & self.planner.read.val();
    }
}
