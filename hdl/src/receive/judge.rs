//! Decides what becomes of a checked packet.
//!
//! ```text
//! Idle -> Read -> Wait -> Check -> Decide -> Ask -> Answer -> Give -> Idle
//!         state of the              |       the gate          ^ a delivery
//!         message, WQE              +-------------------------+ nothing to ask: an error, a drop
//! Idle -> Give -> Idle: a fence
//! ```
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::protect::records::*;
use crate::protect::RefusalStatus;
use crate::queue::QueueEntry;
use crate::receive::message_check::MessageCheck;
use crate::receive::message_records::MessageRecords;
use crate::receive::notes::*;
use crate::receive::packet_life::PacketLife;
use crate::receive::records::Opened;
use crate::stream::*;
use crate::transmit::records::ReadSent;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// What the judge does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum JudgeState {
    Idle,
    Read,
    Wait,
    Check,
    Decide,
    Ask,
    Answer,
    Give,
}

/// Matches Sends and raw frames with receive work requests, and Read Responses with the RDMA Reads
/// that were asked for. What does not count any more is dropped: see [`PacketLife`].
#[derive(LogicBlock, Ports, Default)]
pub struct Judge {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// A pulse: a fence enters behind the packet at work. One is under way at a time.
    pub fence: Signal<In, Bit>,
    /// The packet; it is taken when it is judged.
    pub arrival: StreamSink<Arrival>,
    /// The receive work requests: see `queue::RequestFetch`. A packet that is `buffered` has one.
    pub head_qp: Signal<Out, QpNumber>,
    pub entry: Signal<In, QueueEntry>,
    pub take: Signal<Out, Bit>,
    pub take_qp: Signal<Out, QpNumber>,
    /// A raw frame is judged, and does not need the work request that it was given.
    pub raw_ends: Signal<Out, Bit>,
    pub raw_returns: Signal<Out, Bit>,
    /// One more Read Request of `room_qp` may be held, a clock later; that counts a `read_asked`
    /// that was taken in the clock of the question.
    pub room_qp: Signal<Out, QpNumber>,
    pub read_room: Signal<In, Bit>,
    /// A Read Request is being passed on: `read_room` may change.
    pub asking: Signal<In, Bit>,
    /// This side's Read Requests.
    pub read_sent: Signal<In, ReadSent>,
    pub question: StreamSource<GateQuestion>,
    pub answer: StreamSink<WriteAnswer>,
    pub delivery: StreamSource<Delivery>,
    pub opened: Signal<Out, Opened>,
    /// Pulses: an FPDU was found good,
    pub checked: Signal<Out, Bit>,
    /// its CRC was wrong,
    pub crc_wrong: Signal<Out, Bit>,
    /// it was let pass;
    pub passed: Signal<Out, Bit>,
    /// a raw frame was dropped.
    pub raw_dropped: Signal<Out, Bit>,
    records: MessageRecords,
    life: PacketLife,
    refusals: RefusalStatus,
    check: MessageCheck,
    state: DFF<JudgeState>,
    given: DFF<Delivery>,
    asked: DFF<GateQuestion>,
    message: DFF<Bits<64>>,
    /// A Read Request may be held.
    room: DFF<Bit>,
    fence_waits: DFF<Bit>,
    decided: DFF<Bits<8>>,
    /// The work request is used up, the message counts, the response is placed: a clock after
    /// `Answer`. A life that begins in that clock wins in all three.
    takes: DFF<Bit>,
    writes: DFF<Bit>,
    reads_on: DFF<Bit>,
    good: DFF<Bit>,
    bad_crc: DFF<Bit>,
    pass: DFF<Bit>,
    dropped: DFF<Bit>,
    returned: DFF<Bit>,
    is_raw: Signal<Local, Bit>,
    send: Signal<Local, Bit>,
    kind_raw: Literal<2, { packet_kind::RAW }>,
    crc_error: Literal<8, { status::MPA_CRC as u64 }>,
    no_buffer: Literal<8, { status::DDP_NO_BUFFER as u64 }>,
    too_long: Literal<8, { status::DDP_TOO_LONG as u64 }>,
}

impl Logic for Judge {
    //= rfc5041#7.1  What may not be placed ends the queue pair.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, given, asked, message, good, room, fence_waits);
        dff_setup!(self, clock, bad_crc, pass, dropped, decided, takes, writes, reads_on, returned);
        clock!(self, clock, records, life);
        self.records.context_write.next = self.context_write.val();
        self.records.change.next = self.change.val();
        self.records.read_sent.next = self.read_sent.val();
        self.records.packet.next = self.arrival.beat.val();
        self.records.follows.next = self.writes.q.val();
        self.records.following.next = self.message.q.val();
        self.records.answers.next = self.reads_on.q.val();
        self.life.change.next = self.change.val();
        self.life.look.next = self.state.q.val() == JudgeState::Idle;
        self.life.qp.next = self.arrival.beat.val().qp;
        self.life.generation.next = self.arrival.beat.val().generation;
        self.life.fail.next = false;
        self.head_qp.next = self.arrival.beat.val().qp;
        self.room_qp.next = self.arrival.beat.val().qp;
        self.arrival.ready.next = (self.state.q.val() == JudgeState::Give)
            & self.delivery.ready.val()
            & !self.given.q.val().fence;
        self.question.beat.next = self.asked.q.val();
        self.question.valid.next = self.state.q.val() == JudgeState::Ask;
        self.answer.ready.next = self.state.q.val() == JudgeState::Answer;
        self.delivery.beat.next = self.given.q.val();
        self.delivery.valid.next = self.state.q.val() == JudgeState::Give;
        self.refusals.refusal.next = self.answer.beat.val().refusal;
        self.refusals.remote.next =
            self.arrival.beat.val().tagged & !self.arrival.beat.val().response;
        self.refusals.response.next = false;
        self.is_raw.next = self.arrival.beat.val().kind == self.kind_raw.val();
        self.send.next = !self.arrival.beat.val().tagged & !self.arrival.beat.val().request;
        self.check.packet.next = self.arrival.beat.val();
        self.check.entry.next = self.entry.val();
        self.check.has_entry.next = self.arrival.beat.val().buffered;
        self.room.d.next = self.read_room.val();
        self.check.has_room.next = self.room.q.val();
        self.check.fits.next = self.records.fits.val();
        self.check.expected.next = self.records.expected.val();
        self.check.pd.next = self.records.pd.val();
        self.check.cq.next = self.records.cq.val();
        self.good.d.next = false;
        self.bad_crc.d.next = false;
        self.pass.d.next = false;
        self.dropped.d.next = false;
        self.returned.d.next = false;
        self.fence_waits.d.next = self.fence_waits.q.val() | self.fence.val();
        self.take.next = self.takes.q.val();
        self.takes.d.next = false;
        self.writes.d.next = false;
        self.reads_on.d.next = false;
        self.take_qp.next = self.arrival.beat.val().qp;
        match self.state.q.val() {
            JudgeState::Idle => {
                self.given.d.next.fence = false;
                if self.fence_waits.q.val() {
                    self.fence_waits.d.next = false;
                    self.given.d.next.fence = true;
                    self.state.d.next = JudgeState::Give;
                } else if self.arrival.valid.val() {
                    self.state.d.next = JudgeState::Read;
                }
            }
            JudgeState::Read => {
                self.state.d.next = JudgeState::Wait;
            }
            JudgeState::Wait => {
                // `read_room` counts the Read Request before.
                if !self.asking.val() | !self.arrival.beat.val().request {
                    self.state.d.next = JudgeState::Check;
                }
            }
            JudgeState::Check => {
                self.given.d.next = self.check.delivery.val();
                self.asked.d.next = self.check.question.val();
                self.message.d.next = self.check.expected_next.val();
                self.decided.d.next = self.check.verdict.val();
                self.state.d.next = JudgeState::Decide;
            }
            JudgeState::Decide => {
                self.state.d.next = JudgeState::Give;
                if self.life.live.val() {
                    self.good.d.next = !self.is_raw.val() & !self.arrival.beat.val().status.any();
                    self.bad_crc.d.next = self.decided.q.val() == self.crc_error.val();
                    if self.decided.q.val() == 0 {
                        self.state.d.next = JudgeState::Ask;
                    } else if self.is_raw.val()
                        & ((self.decided.q.val() == self.no_buffer.val())
                            | (self.decided.q.val() == self.too_long.val()))
                    {
                        self.dropped.d.next = true;
                        self.returned.d.next = self.arrival.beat.val().buffered;
                    } else {
                        self.given.d.next.event = true;
                        self.life.fail.next = true;
                    }
                } else {
                    self.dropped.d.next = self.is_raw.val();
                }
            }
            JudgeState::Ask => {
                if self.question.ready.val() {
                    self.state.d.next = JudgeState::Answer;
                }
            }
            JudgeState::Answer => {
                self.given.d.next.address = self.answer.beat.val().address;
                self.given.d.next.paged = self.answer.beat.val().paged;
                if self.answer.valid.val() {
                    self.state.d.next = JudgeState::Give;
                    if self.answer.beat.val().refusal.any() {
                        self.given.d.next.event = self.life.live.val();
                        self.given.d.next.status = self.refusals.status.val();
                        self.life.fail.next = self.life.live.val();
                    } else if self.life.live.val() {
                        self.pass.d.next = !self.is_raw.val();
                        self.given.d.next.write =
                            self.arrival.beat.val().length.any() & !self.arrival.beat.val().request;
                        self.given.d.next.ask = self.arrival.beat.val().request;
                        self.given.d.next.done =
                            self.arrival.beat.val().response & self.arrival.beat.val().last;
                        self.given.d.next.complete = self.send.val() & self.arrival.beat.val().last;
                        self.takes.d.next = self.send.val() & self.arrival.beat.val().last;
                        self.writes.d.next = !self.arrival.beat.val().tagged;
                        self.reads_on.d.next = self.arrival.beat.val().response;
                    }
                }
            }
            JudgeState::Give => {
                if self.delivery.ready.val() {
                    self.state.d.next = JudgeState::Idle;
                }
            }
            _ => {
                self.state.d.next = JudgeState::Idle;
            }
        }

        self.opened.next.valid = self.good.q.val();
        self.opened.next.qp = self.arrival.beat.val().qp;
        self.opened.next.generation = self.arrival.beat.val().generation;
        self.checked.next = self.good.q.val();
        self.crc_wrong.next = self.bad_crc.q.val();
        self.passed.next = self.pass.q.val();
        self.raw_dropped.next = self.dropped.q.val();
        self.raw_returns.next = self.returned.q.val();
        self.raw_ends.next =
            self.is_raw.val() & self.arrival.valid.val() & self.arrival.ready.val();
    }
}
