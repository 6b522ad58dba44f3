//! Turns work requests and the peer's Read Requests into segments, one FPDU each.
use crate::configuration::QpNumber;
use crate::control::records::{ContextWrite, QpEvent};
use crate::life::{LifeWatch, QpChange};
use crate::pins::Ports;
use crate::protect::records::*;
use crate::queue::{QpNote, QueueEntry, Rewind};
use crate::stream::*;
use crate::transmit::message_log::MessageLog;
use crate::transmit::records::*;
use crate::transmit::segment_planner::SegmentPlanner;
use rust_hdl::prelude::*;

/// What [`Segmenter`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum SegmenterState {
    /// Takes the number of a queue pair that may have something to send; its records are looked up.
    Choose,
    /// They are read ...
    Look,
    /// ... and its oldest work request, too. What may it send?
    Fetch,
    /// The work request is checked.
    Sort,
    /// Can it be done?
    Check,
    /// Asks the gate.
    Ask,
    /// Waits for the gate, while the segment's length is computed. Does it fit in the window?
    Answer,
    /// The message is whole: notes its work request as outstanding, however long that takes. What
    /// answers the segment must find it known, so the segment leaves later.
    Note,
    /// Offers the segment to be built.
    Emit,
    /// Writes the queue pair's state back, in the next clock.
    Commit,
    /// Offers the error.
    Fail,
    /// Offers a fence, between two segments.
    Fence,
    /// Octets are lost: sending goes back, as soon as nobody else moves the work requests' numbers.
    Rewind,
    /// A message that would be sent again is acknowledged by now: it is passed over.
    Skip,
}

/// A segment about every 11 clocks.
///
/// ```text
/// Choose -> Look -> Fetch -> Sort -> Check -> Ask -> Answer -> Note -> Emit -> Commit -> Choose
///                     | nothing        | bad           | full? refused?
///                     v                v               v
///                   Choose            Fail           Choose, Fail -> Choose
///
/// Fetch -- lost --> Rewind --> Choose           Fetch -- acknowledged --> Skip --> Choose
/// ```
/// When octets are lost, sending goes back to the oldest message of the log that is not
/// acknowledged, and makes the same segments again: segmentation is a function of the work request,
/// the stream's position and the MULPDU. A segment that is acknowledged by now is made, but not
/// sent.
/// A change of the life of the queue pair at work makes the work void: nothing of it takes effect
/// any more, and an error is told of the life that is over. The gate takes three clocks: as long
/// as the planner needs to say whether the segment is too long for the window. A queue pair that is
/// let go comes again with the next news of it.
#[derive(LogicBlock, Ports, Default)]
pub struct Segmenter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// A pulse: a job that is a fence follows the segments so far.
    pub fence: Signal<In, Bit>,
    /// From the scheduler: look at this queue pair.
    pub candidate: StreamSink<QpNumber>,
    /// The queue pair at work; the next ones are about it.
    pub qp: Signal<Out, QpNumber>,
    /// A clock later: it must await the peer's first FPDU; it may have RDMA Reads outstanding.
    pub awaits: Signal<Out, Bit>,
    pub reads: Signal<Out, Bit>,
    /// Two clocks later: its oldest work request, and the peer's oldest Read Request, as a Write.
    pub head: Signal<In, QueueEntry>,
    pub asked: Signal<In, QueueEntry>,
    /// What the scheduler says then: something may be sent, and it is a response.
    pub go: Signal<In, Bit>,
    pub respond: Signal<In, Bit>,
    /// The queue pair's record from now on.
    pub write_turn: Signal<Out, Bit>,
    pub following: Signal<Out, Turn>,
    /// It is to be looked at again.
    pub again: Signal<Out, QpNote>,
    /// Its work request, or its Read Request, is used up.
    pub used_request: Signal<Out, Bit>,
    pub used_response: Signal<Out, Bit>,
    pub send_edge: Signal<In, SendEdge>,
    pub sent: Signal<Out, SendNext>,
    pub question: StreamSource<GateQuestion>,
    pub answer: StreamSink<GateAnswer>,
    pub job: StreamSource<SegmentJob>,
    pub request: StreamSource<SentRequest>,
    pub read_sent: Signal<Out, ReadSent>,
    /// Octets of `qp` are lost, a clock later; sending has gone back.
    pub lost: Signal<In, Bit>,
    pub found: Signal<Out, QpNote>,
    /// Two clocks after `qp`, from where sending could be continued after that.
    pub request_number: Signal<In, Bits<16>>,
    pub response_number: Signal<In, Bits<8>>,
    pub rewind: Signal<Out, Rewind>,
    pub rewind_free: Signal<In, Bit>,
    /// The log of `qp` is full, a clock later; it is replayed, and the message is a work request's,
    /// two clocks later.
    pub log_full: Signal<Out, Bit>,
    pub replaying: Signal<Out, Bit>,
    pub replays_posted: Signal<Out, Bit>,
    pub roomy: Signal<Out, QpNote>,
    /// A Read Response was made for the first time.
    pub released: Signal<Out, Bit>,
    /// A segment is sent again (a pulse).
    pub resent: Signal<Out, Bit>,
    pub event: StreamSource<QpEvent>,

    planner: SegmentPlanner,
    log: MessageLog,
    watch: LifeWatch,
    state: DFF<SegmenterState>,
    fencing: DFF<Bit>,
    chosen: DFF<QpNumber>,
    responding: DFF<Bit>,
    /// The message is one of the log.
    again_now: DFF<Bit>,
    covered: DFF<Bit>,
    missing: DFF<Bit>,
    address: DFF<Bits<64>>,
    why: DFF<Bits<8>>,
    look_qp: Signal<Local, QpNumber>,
    lapsed: Signal<Local, Bit>,
    noting: Signal<Local, Bit>,
    commit: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    passed: Signal<Local, Bit>,
}

impl Logic for Segmenter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, fencing, chosen, responding, again_now, covered, missing);
        dff_setup!(self, clock, address, why);
        clock!(self, clock, planner, log, watch);
        self.look_qp.next = self.chosen.q.val();
        if self.state.q.val() == SegmenterState::Choose {
            self.look_qp.next = self.candidate.beat.val();
        }
        self.qp.next = self.look_qp.val();
        self.watch.change.next = self.change.val();
        self.watch.look.next = self.state.q.val() == SegmenterState::Choose;
        self.watch.qp.next = self.look_qp.val();
        self.lapsed.next = self.watch.disturbed.val() | !self.watch.life.val().active;
        self.planner.context_write.next = self.context_write.val();
        self.planner.change.next = self.change.val();
        self.planner.send_edge.next = self.send_edge.val();
        self.planner.qp.next = self.look_qp.val();
        self.planner.chosen.next = self.chosen.q.val();
        self.planner.generation.next = self.watch.life.val().generation;
        self.planner.head.next = self.head.val();
        self.planner.asked.next = self.asked.val();
        self.planner.response.next = self.responding.q.val();
        self.planner.address.next = self.address.q.val();
        self.planner.fence.next = self.state.q.val() == SegmenterState::Fence;
        self.planner.refusal.next = self.answer.beat.val().refusal;
        self.log.change.next = self.change.val();
        self.log.send_edge.next = self.send_edge.val();
        self.log.qp.next = self.look_qp.val();
        self.log.looking.next = self.state.q.val() == SegmenterState::Look;
        self.log.back.next = self.lost.val();
        self.missing.d.next = self.lost.val();
        self.log_full.next = self.log.full.val();
        self.replaying.next = self.log.replaying.val();
        self.replays_posted.next = self.log.message.val().posted;
        self.roomy.next = self.log.roomy.val();
        self.planner.replaying.next = self.again_now.q.val();
        self.planner.request_number.next = self.request_number.val();
        self.planner.response_number.next = self.response_number.val();
        self.planner.some.next = self.log.some.val();
        self.planner.base.next = self.log.base.val();
        self.planner.message.next = self.log.message.val();
        self.sent.next = self.planner.sent.val();
        self.awaits.next = self.planner.awaits.val();
        self.reads.next = self.planner.reads.val();

        self.question.beat.next = self.planner.question.val();
        self.question.valid.next = self.state.q.val() == SegmenterState::Ask;
        self.answer.ready.next = self.state.q.val() == SegmenterState::Answer;
        self.job.beat.next = self.planner.job.val();
        self.job.valid.next = (self.state.q.val() == SegmenterState::Emit) & !self.lapsed.val();
        if self.state.q.val() == SegmenterState::Fence {
            self.job.valid.next = true;
        }
        self.noting.next = (self.state.q.val() == SegmenterState::Note)
            & self.planner.noted.val()
            & !self.lapsed.val();
        self.request.beat.next = self.planner.request.val();
        self.request.valid.next = self.noting.val();
        self.event.beat.next = self.planner.failure.val();
        self.event.beat.next.status = self.why.q.val();
        self.event.valid.next = self.state.q.val() == SegmenterState::Fail;

        self.candidate.ready.next = false;
        self.again.next.valid = false;
        self.again.next.qp = self.chosen.q.val();
        self.commit.next = false;
        self.planner.rewind.next = false;
        self.planner.skip.next = false;
        self.log.rewind.next = false;
        self.found.next.valid = false;
        self.found.next.qp = self.chosen.q.val();
        self.rewind.next.valid = false;
        self.rewind.next.qp = self.chosen.q.val();
        self.rewind.next.request = self.log.message.val().request;
        self.rewind.next.response = self.log.message.val().response;
        self.write_turn.next = false;
        self.following.next.begun = !self.planner.last.val();
        self.following.next.posted = !self.responding.q.val();
        self.following.next.failed = self.state.q.val() == SegmenterState::Fail;
        match self.state.q.val() {
            SegmenterState::Choose => {
                self.chosen.d.next = self.candidate.beat.val();
                if self.fencing.q.val() {
                    self.state.d.next = SegmenterState::Fence;
                } else if self.candidate.valid.val() {
                    self.candidate.ready.next = true;
                    self.state.d.next = SegmenterState::Look;
                }
            }
            SegmenterState::Look => {
                self.state.d.next = SegmenterState::Fetch;
            }
            SegmenterState::Fetch => {
                self.responding.d.next = self.respond.val();
                self.again_now.d.next = self.log.replaying.val();
                self.state.d.next = SegmenterState::Choose;
                if self.missing.q.val() & !self.lapsed.val() {
                    self.state.d.next = SegmenterState::Rewind;
                } else if self.go.val() & !self.lapsed.val() {
                    self.state.d.next = SegmenterState::Sort;
                    if self.log.replaying.val() & self.planner.arrived.val() {
                        self.state.d.next = SegmenterState::Skip;
                    }
                }
            }
            SegmenterState::Sort => {
                self.state.d.next = SegmenterState::Check;
            }
            SegmenterState::Check => {
                self.why.d.next = self.planner.status.val();
                self.state.d.next = SegmenterState::Ask;
                if !self.planner.good.val() {
                    self.state.d.next = SegmenterState::Fail;
                }
            }
            SegmenterState::Ask => {
                if self.question.ready.val() {
                    self.state.d.next = SegmenterState::Answer;
                }
            }
            SegmenterState::Answer => {
                self.address.d.next = self.answer.beat.val().address;
                self.covered.d.next = self.planner.covered.val();
                self.why.d.next = self.planner.refused.val();
                if self.answer.valid.val() {
                    self.state.d.next = SegmenterState::Choose;
                    if !self.lapsed.val() & self.planner.covered.val() {
                        self.again.next.valid = true;
                        self.state.d.next = SegmenterState::Commit;
                    } else if !self.lapsed.val() & !self.planner.full.val() {
                        self.state.d.next = SegmenterState::Note;
                        self.again.next.valid = true;
                        if self.answer.beat.val().refusal.any() {
                            self.again.next.valid = false;
                            self.state.d.next = SegmenterState::Fail;
                        }
                    }
                }
            }
            SegmenterState::Note => {
                if self.request.ready.val() | !self.noting.val() {
                    self.state.d.next = SegmenterState::Emit;
                }
            }
            SegmenterState::Emit => {
                if self.job.ready.val() | self.lapsed.val() {
                    self.state.d.next = SegmenterState::Commit;
                }
            }
            SegmenterState::Commit => {
                self.commit.next = !self.lapsed.val();
                self.write_turn.next = !self.lapsed.val() & !self.again_now.q.val();
                self.state.d.next = SegmenterState::Choose;
            }
            SegmenterState::Fail => {
                self.write_turn.next = !self.lapsed.val();
                if self.event.ready.val() {
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Fence => {
                if self.job.ready.val() {
                    self.fencing.d.next = false;
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Rewind => {
                if self.lapsed.val() {
                    self.state.d.next = SegmenterState::Choose;
                } else if self.log.some.val() & self.planner.arrived.val() {
                    // The log has not forgotten yet what is acknowledged.
                    self.again.next.valid = true;
                    self.state.d.next = SegmenterState::Choose;
                } else if self.rewind_free.val() {
                    self.planner.rewind.next = true;
                    self.log.rewind.next = true;
                    self.rewind.next.valid = self.log.some.val();
                    self.found.next.valid = true;
                    self.again.next.valid = true;
                    self.state.d.next = SegmenterState::Choose;
                }
            }
            SegmenterState::Skip => {
                self.planner.skip.next = !self.lapsed.val();
                self.again.next.valid = true;
                self.state.d.next = SegmenterState::Choose;
            }
            _ => {
                self.state.d.next = SegmenterState::Choose;
            }
        }
        if self.fence.val() {
            self.fencing.d.next = true;
        }

        // A life that begins in this clock wins over everything that is written.
        self.planner.commit.next = self.commit.val();
        self.resent.next = self.commit.val()
            & !self.covered.q.val()
            & !self.planner.raw.val()
            & !self.planner.sent.val().valid;
        self.ended.next = self.commit.val() & self.planner.last.val();
        self.passed.next = self.ended.val() | self.planner.skip.val();
        self.used_request.next = self.passed.val() & !self.responding.q.val();
        self.used_response.next = self.passed.val() & self.responding.q.val();
        self.released.next = self.used_response.val() & !self.again_now.q.val();
        self.log.append.next =
            self.ended.val() & !self.planner.raw.val() & !self.again_now.q.val();
        self.log.advance.next = self.passed.val() & self.again_now.q.val();
        self.log.appended.next = self.planner.logged.val();
        self.read_sent.next = self.planner.read_sent.val();
        self.read_sent.next.valid = self.commit.val()
            & self.planner.read.val()
            & !self.again_now.q.val()
            & self.watch.life_now.val().active
            & !self.watch.disturbed_now.val();
    }
}
