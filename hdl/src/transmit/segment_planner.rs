//! Plans the next segment of a queue pair.
use crate::configuration::{CqNumber, Generation, QpNumber, CQ_BITS};
use crate::control::records::{ContextWrite, QpEvent};
use crate::life::QpChange;
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::protect::records::GateQuestion;
use crate::protect::RefusalStatus;
use crate::queue::QueueEntry;
use crate::transmit::checkpoints::Checkpoints;
use crate::transmit::records::*;
use crate::transmit::request_check::{RequestCheck, SortedRequest};
use crate::transmit::segment_parts::SegmentParts;
use crate::transmit::segment_sizer::SegmentSizer;
use crate::transmit::send_states::SendStates;
use crate::transmit::send_window::SendWindow;
use ironwarp_wire::rdmap::read_request;
use rust_hdl::prelude::*;

/// Everything about the next segment of `qp` that follows from its work request and its state.
///
/// ```text
/// head --> RequestCheck --> sorted --> good, status
///   |                         |
///   +----> entry -------------+--> SegmentSizer --> SendWindow --> full?
///                             |         | last
///                             +--> SegmentParts --> question, job, request
/// ```
/// `awaits` and `reads` are there a clock after `qp`. Give `head` and `response` from the third
/// clock after `qp` on: `good` and `status` are there a clock after them, `last` and the `question`
/// two, the rest four, and `full` five. Hold the inputs.
#[derive(LogicBlock, Default)]
pub struct SegmentPlanner {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub send_edge: Signal<In, SendEdge>,
    pub qp: Signal<In, QpNumber>,
    /// `qp` a clock later, and its generation.
    pub chosen: Signal<In, QpNumber>,
    pub generation: Signal<In, Generation>,
    pub head: Signal<In, QueueEntry>,
    /// A Read Request of the peer, as a Write; with `response`, it is the one to plan for.
    pub asked: Signal<In, QueueEntry>,
    pub response: Signal<In, Bit>,
    /// The message is one of the log, which is sent again.
    pub replaying: Signal<In, Bit>,
    /// The numbers of the next work request and of the next response.
    pub request_number: Signal<In, Bits<16>>,
    pub response_number: Signal<In, Bits<8>>,
    /// The segment is handed on. Not after a change of the queue pair's life since `qp`.
    pub commit: Signal<In, Bit>,
    /// Sending goes back, to `base` octets of the stream and the `message` of the log, if it has
    /// `some`. Not after a change, either.
    pub rewind: Signal<In, Bit>,
    pub some: Signal<In, Bit>,
    pub base: Signal<In, Bits<32>>,
    /// Or it goes on behind the message of the log that would be sent again: it is acknowledged.
    pub skip: Signal<In, Bit>,
    pub message: Signal<In, LoggedMessage>,
    /// The message of the log is acknowledged whole.
    pub arrived: Signal<Out, Bit>,
    /// Octets of the stream that are acknowledged, a clock after `qp`.
    pub acknowledged: Signal<Out, Bits<32>>,
    /// SND.NXT moves.
    pub sent: Signal<Out, SendNext>,
    /// Bus address of the payload, from the gate.
    pub address: Signal<In, Bits<64>>,
    /// The job is a fence.
    pub fence: Signal<In, Bit>,
    /// The queue pair may send only after the peer's first FPDU.
    pub awaits: Signal<Out, Bit>,
    /// It may have RDMA Reads outstanding.
    pub reads: Signal<Out, Bit>,
    pub good: Signal<Out, Bit>,
    pub status: Signal<Out, Bits<8>>,
    pub read: Signal<Out, Bit>,
    pub raw: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    /// The segment does not fit in the peer's window.
    pub full: Signal<Out, Bit>,
    /// All of the segment is acknowledged.
    pub covered: Signal<Out, Bit>,
    /// One of `protect::records::refusal`, from the gate; and the status that it gives.
    pub refusal: Signal<In, Bits<3>>,
    pub refused: Signal<Out, Bits<8>>,
    /// What tells of an error, but for the status.
    pub failure: Signal<Out, QpEvent>,
    /// With this segment, the work request is outstanding.
    pub noted: Signal<Out, Bit>,
    pub question: Signal<Out, GateQuestion>,
    pub job: Signal<Out, SegmentJob>,
    pub request: Signal<Out, SentRequest>,
    pub logged: Signal<Out, LoggedMessage>,
    pub read_sent: Signal<Out, ReadSent>,
    send_markers: QpField<1, { field_number("send_markers") }>,
    crc: QpField<1, { field_number("crc") }>,
    awaiting: QpField<1, { field_number("await_first_fpdu") }>,
    pd: QpField<16, { field_number("pd") }>,
    mulpdu: QpField<16, { field_number("mulpdu") }>,
    send_cq: QpField<CQ_BITS, { field_number("send_cq") }>,
    receive_cq: QpField<CQ_BITS, { field_number("receive_cq") }>,
    read_out: QpField<8, { field_number("read_out") }>,
    states: SendStates,
    window: SendWindow,
    checkpoints: Checkpoints,
    check: RequestCheck,
    sizer: SegmentSizer,
    parts: SegmentParts,
    answer: RefusalStatus,
    entry: DFF<QueueEntry>,
    sorted: DFF<SortedRequest>,
    state: Signal<Local, SendState>,
    again: Signal<Local, SendState>,
    /// The segment was sent before.
    repeats: DFF<Bit>,
    ahead: Signal<Local, Bits<32>>,
    behind: Signal<Local, Bits<32>>,
    next_entry: Signal<Local, QueueEntry>,
    position: Signal<Local, Bits<32>>,
    beyond: Signal<Local, Bits<32>>,
    markers: Signal<Local, Bit>,
    cq: Signal<Local, CqNumber>,
    one: Literal<32, 1>,
    read_header: Literal<32, { read_request::HEADER_BYTES as u64 }>,
}

impl Logic for SegmentPlanner {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, entry, sorted, repeats);
        clock!(self, clock, send_markers, crc, awaiting, pd, mulpdu, send_cq, receive_cq, read_out);
        clock!(self, clock, states, window, checkpoints, sizer);
        self.send_markers.context_write.next = self.context_write.val();
        self.crc.context_write.next = self.context_write.val();
        self.awaiting.context_write.next = self.context_write.val();
        self.pd.context_write.next = self.context_write.val();
        self.mulpdu.context_write.next = self.context_write.val();
        self.send_cq.context_write.next = self.context_write.val();
        self.receive_cq.context_write.next = self.context_write.val();
        self.read_out.context_write.next = self.context_write.val();
        self.send_markers.qp.next = self.qp.val();
        self.crc.qp.next = self.qp.val();
        self.awaiting.qp.next = self.qp.val();
        self.pd.qp.next = self.qp.val();
        self.mulpdu.qp.next = self.qp.val();
        self.send_cq.qp.next = self.qp.val();
        self.receive_cq.qp.next = self.qp.val();
        self.read_out.qp.next = self.qp.val();
        self.awaits.next = self.awaiting.value.val().any();
        self.reads.next = self.read_out.value.val().any();
        self.markers.next = self.send_markers.value.val().any();
        self.cq.next = self.send_cq.value.val();
        self.failure.next.qp = self.chosen.val();
        self.failure.next.generation = self.generation.val();
        self.failure.next.status = 0.into();
        self.failure.next.cq = self.receive_cq.value.val();
        self.failure.next.sequence = 0.into();
        self.answer.refusal.next = self.refusal.val();
        self.answer.remote.next = false;
        self.answer.response.next = self.response.val();
        self.refused.next = self.answer.status.val();

        self.next_entry.next = self.head.val();
        if self.response.val() {
            self.next_entry.next = self.asked.val();
        }
        self.entry.d.next = self.next_entry.val();
        self.check.qp.next = self.chosen.val();
        self.check.entry.next = self.next_entry.val();
        self.check.reads.next = self.read_out.value.val().any();
        self.sorted.d.next = self.check.sorted.val();
        self.good.next = self.sorted.q.val().good;
        self.status.next = self.sorted.q.val().status;
        self.read.next = self.sorted.q.val().read;
        self.raw.next = self.sorted.q.val().raw;

        self.states.change.next = self.change.val();
        self.states.qp.next = self.qp.val();
        self.states.commit.next = self.commit.val();
        self.states.raw.next = self.sorted.q.val().raw;
        self.states.payload.next = self.sizer.payload.val();
        self.states.last.next = self.sizer.last.val();
        self.states.write.next = self.sorted.q.val().write;
        self.states.read.next = self.sorted.q.val().read;
        self.sent.next = self.states.sent.val();
        self.state.next = self.states.state.val();
        self.position.next = self.state.val().position;
        self.sizer.raw.next = self.sorted.q.val().raw;
        self.sizer.to_stag.next = self.sorted.q.val().write;
        self.sizer.length.next = self.entry.q.val().length;
        if self.sorted.q.val().read {
            self.sizer.length.next = self.read_header.val();
        }
        self.sizer.offset.next = self.state.val().offset;
        self.sizer.mulpdu.next = self.mulpdu.value.val();
        self.sizer.markers.next = self.markers.val();
        self.sizer.position.next = self.position.val().get_bits::<9>(0);
        self.last.next = self.sizer.last.val();
        self.noted.next = self.sizer.last.val()
            & !self.sorted.q.val().raw
            & !self.response.val()
            & !self.replaying.val();
        self.beyond.next = self.position.val() + bit_cast::<32, 16>(self.sizer.octets.val());
        self.states.after.next = self.beyond.val();
        self.window.context_write.next = self.context_write.val();
        self.window.change.next = self.change.val();
        self.window.send_edge.next = self.send_edge.val();
        self.window.qp.next = self.qp.val();
        self.window.position.next = self.position.val();
        self.window.octets.next = self.sizer.octets.val();
        // What was sent before was in the window then (RFC 9293 s. 3.8.6).
        self.ahead.next = self.beyond.val() - self.state.val().furthest;
        self.repeats.d.next = !self.ahead.val().any() | self.ahead.val().get_bit(31);
        self.full.next =
            !self.sorted.q.val().raw & self.window.beyond.val() & !self.repeats.q.val();
        self.covered.next = !self.sorted.q.val().raw & self.window.covered.val();
        self.acknowledged.next = self.window.acknowledged.val();

        // Back to a message's beginning, or to a segment of it before the first that is missing.
        self.checkpoints.change.next = self.change.val();
        self.checkpoints.qp.next = self.qp.val();
        self.checkpoints.acknowledged.next = self.window.acknowledged.val();
        self.checkpoints.pass.next = self.commit.val() & !self.sorted.q.val().raw;
        self.checkpoints.position.next = self.position.val();
        self.checkpoints.offset.next = self.state.val().offset;
        self.checkpoints.base.next = self.base.val();
        self.again.next.position = self.checkpoints.back_position.val();
        self.again.next.offset = self.checkpoints.back_offset.val();
        self.again.next.sends = self.state.val().sends;
        self.again.next.reads = self.state.val().reads;
        self.again.next.furthest = 0.into();
        if self.some.val() {
            self.again.next.sends = self.message.val().sends;
            self.again.next.reads = self.message.val().reads;
        }
        self.behind.next = self.window.acknowledged.val() - self.message.val().end;
        self.arrived.next = !self.behind.val().get_bit(31);
        if self.skip.val() {
            self.again.next.position = self.message.val().end;
            self.again.next.offset = 0.into();
            if self.message.val().send {
                self.again.next.sends = self.message.val().sends + self.one.val();
            }
            if self.message.val().read {
                self.again.next.reads = self.message.val().reads + self.one.val();
            }
        }
        self.states.rewind.next = self.rewind.val() | self.skip.val();
        self.states.to.next = self.again.val();

        self.parts.qp.next = self.chosen.val();
        self.parts.generation.next = self.generation.val();
        self.parts.head.next = self.entry.q.val();
        self.parts.state.next = self.state.val();
        self.parts.pd.next = self.pd.value.val();
        self.parts.markers.next = self.markers.val();
        self.parts.crc.next = self.crc.value.val().any();
        self.parts.cq.next = self.cq.val();
        self.parts.after.next = self.beyond.val();
        self.parts.address.next = self.address.val();
        self.parts.fence.next = self.fence.val();
        self.parts.raw.next = self.sorted.q.val().raw;
        self.parts.write.next = self.sorted.q.val().write;
        self.parts.read.next = self.sorted.q.val().read;
        self.parts.response.next = self.response.val();
        self.parts.solicited.next = self.sorted.q.val().solicited;
        self.parts.signaled.next = self.sorted.q.val().signaled;
        self.parts.payload.next = self.sizer.payload.val();
        self.parts.ulpdu.next = self.sizer.ulpdu.val();
        self.parts.last.next = self.sizer.last.val();
        self.parts.request_number.next = self.request_number.val();
        self.parts.response_number.next = self.response_number.val();
        self.logged.next = self.parts.logged.val();
        self.question.next = self.parts.question.val();
        self.job.next = self.parts.job.val();
        self.request.next = self.parts.request.val();
        self.read_sent.next = self.parts.read_sent.val();
    }
}
