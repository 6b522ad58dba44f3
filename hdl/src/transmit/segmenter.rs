//! Turns work requests and the peer's Read Requests into segments, one FPDU each.
use crate::control::records::{Command, ContextWrite, QpEvent};
use crate::protect::records::*;
use crate::queue::QueueEntry;
use crate::stream::*;
use crate::transmit::generations::Generations;
use crate::transmit::records::*;
use crate::transmit::segment_planner::SegmentPlanner;
use crate::transmit::send_states::SendStates;
use crate::transmit::watch::Watch;
use rust_hdl::prelude::*;

/// What [`Segmenter`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum SegmenterState {
    /// Waits for a queue pair that can send.
    Choose,
    /// Its state, context and work request are read, and whose turn it is ...
    Look,
    /// ... and kept.
    Fetch,
    /// The work request is checked.
    Sort,
    /// Can it be done?
    Check,
    /// Asks the gate.
    Ask,
    /// Waits for the gate, while the segment's length is computed. Does it fit in the window?
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

/// A segment about every 12 clocks.
///
/// ```text
/// Choose -> Look -> Fetch -> Sort -> Check -> Ask -> Answer -> Emit -> Note -> Commit -> Choose
///                                      |               | full? refused?
///                                      v               v
///                                Fail, Choose    Choose, Fail -> Choose
/// ```
/// From `Check` it goes back to `Choose` if the work request is an RDMA Read too many.
/// A command to the queue pair at work makes the work `stale`: nothing of it takes effect. One that
/// comes in the very clock of the choice is noticed a clock later.
///
/// The gate takes three clocks: as long as the planner needs to say whether the segment is too long
/// for the window. What the planner knows of the window is then older than that; if the window has
/// `moved` since the choice, the queue pair is chosen again instead of being blocked.
#[derive(LogicBlock, Default)]
pub struct Segmenter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    /// From the scheduler: this queue pair can send.
    pub any: Signal<In, Bit>,
    pub choice: Signal<In, Bits<4>>,
    /// It is the turn of a Read Response of `qp`, a clock after the choice.
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
    /// A segment is handed on: of a Read Response? The message's last?
    pub commit: Signal<Out, Bit>,
    pub response: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    /// With the last, its work request or Read Request is used up. That does not look at a command
    /// of this clock, which would empty the queue all the same: commands come from afar.
    pub used_up: Signal<Out, Bit>,
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
    watch: Watch,
    address: DFF<Bits<64>>,
    why: DFF<Bits<8>>,
    noting: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
}

impl Logic for Segmenter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, responding, address, why);
        clock!(self, clock, states, planner, generations, watch);
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
        self.question.valid.next = self.state.q.val() == SegmenterState::Ask;
        self.answer.ready.next = self.state.q.val() == SegmenterState::Answer;
        self.job.beat.next = self.planner.job.val();
        self.job.valid.next =
            (self.state.q.val() == SegmenterState::Emit) & !self.watch.stale.val();
        self.noting.next = (self.state.q.val() == SegmenterState::Note)
            & self.planner.noted.val()
            & !self.watch.stale.val();
        self.request.beat.next = self.planner.request.val();
        self.request.valid.next = self.noting.val();
        self.event.beat.next = self.planner.failure.val();
        self.event.beat.next.status = self.why.q.val();
        self.event.valid.next = self.state.q.val() == SegmenterState::Fail;

        self.watch.command.next = self.command.val();
        self.watch.send_edge.next = self.send_edge.val();
        self.watch.choosing.next = self.state.q.val() == SegmenterState::Choose;
        self.watch.qp.next = self.chosen.q.val();

        self.room.next = self.read_room.val().get_bit(self.chosen.q.val().index());
        self.planner.refusal.next = self.answer.beat.val().refusal;
        self.block.next = false;
        self.pause.next = false;
        self.halt.next = false;
        self.commit.next = false;
        self.used_up.next = false;
        match self.state.q.val() {
            SegmenterState::Choose => {
                if self.any.val() {
                    self.chosen.d.next = self.choice.val();
                    self.state.d.next = SegmenterState::Look;
                }
            }
            SegmenterState::Look => {
                self.responding.d.next = self.respond.val();
                self.state.d.next = SegmenterState::Fetch;
            }
            SegmenterState::Fetch => {
                self.state.d.next = SegmenterState::Sort;
            }
            SegmenterState::Sort => {
                self.state.d.next = SegmenterState::Check;
            }
            SegmenterState::Check => {
                self.why.d.next = self.planner.status.val();
                self.state.d.next = SegmenterState::Ask;
                if self.planner.read.val() & !self.room.val() {
                    self.pause.next = self.planner.good.val() & !self.watch.stale_now.val();
                    self.state.d.next = SegmenterState::Choose;
                }
                if !self.planner.good.val() {
                    self.state.d.next = SegmenterState::Fail;
                }
                if self.watch.stale.val() {
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Ask => {
                if self.question.ready.val() {
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
                    if self.planner.full.val() {
                        self.block.next = !self.watch.moved_now.val() & !self.watch.stale_now.val();
                        self.state.d.next = SegmenterState::Choose;
                    }
                    if self.watch.stale.val() {
                        self.state.d.next = SegmenterState::Choose;
                    }
                }
            }
            SegmenterState::Emit => {
                if self.job.ready.val() {
                    self.state.d.next = SegmenterState::Note;
                }
                if self.watch.stale.val() {
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
                    self.commit.next = !self.watch.stale_now.val();
                    self.used_up.next = self.planner.last.val() & !self.watch.stale.val();
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Fail => {
                self.halt.next = self.event.ready.val() & !self.watch.stale_now.val();
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
