//! Plans the next segment of a queue pair.
use crate::control::records::{ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::memory::{ContextTable, Table};
use crate::protect::records::GateQuestion;
use crate::queue::{context_field, QueueEntry};
use crate::transmit::answer_status::AnswerStatus;
use crate::transmit::records::*;
use crate::transmit::request_check::{RequestCheck, SortedRequest};
use crate::transmit::segment_parts::SegmentParts;
use crate::transmit::segment_sizer::SegmentSizer;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use ironwarp_wire::rdmap::read_request;
use rust_hdl::prelude::*;

/// Everything about the next segment of `qp` that follows from its work request and its state.
///
/// ```text
/// head --> RequestCheck --> sorted --> good, status
///   |                         |
///   +----> entry -------------+--> SegmentSizer --> last, full?
///                             |         |
///                             +--> SegmentParts --> question, job, request
/// ```
/// `state` is there a clock after `qp`, and `head` two. `good` and `status` are there a clock after
/// `head`, `payload`, `last` and the `question` two, the rest four, and `full` five. Hold the
/// inputs.
#[derive(LogicBlock)]
pub struct SegmentPlanner {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub send_edge: Signal<In, SendEdge>,
    pub qp: Signal<In, Bits<4>>,
    pub generation: Signal<In, Bits<4>>,
    pub head: Signal<In, QueueEntry>,
    /// A Read Request of the peer, as a Write; with `response`, it is the one to plan for.
    pub asked: Signal<In, QueueEntry>,
    pub response: Signal<In, Bit>,
    pub state: Signal<In, SendState>,
    /// Bus address of the payload, from the gate.
    pub address: Signal<In, Bits<64>>,
    pub good: Signal<Out, Bit>,
    pub status: Signal<Out, Bits<8>>,
    pub raw: Signal<Out, Bit>,
    pub write: Signal<Out, Bit>,
    pub read: Signal<Out, Bit>,
    /// Octets of payload.
    pub payload: Signal<Out, Bits<16>>,
    pub last: Signal<Out, Bit>,
    /// SND.NXT after the segment.
    pub after: Signal<Out, Bits<32>>,
    /// The segment does not fit in the peer's window.
    pub full: Signal<Out, Bit>,
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
    pub read_sent: Signal<Out, ReadSent>,
    flags: ContextTable<QP_BITS, 3>,
    firsts: ContextTable<QP_BITS, 1>,
    edges: Table<SendEdge, QP_BITS>,
    check: RequestCheck,
    sizer: SegmentSizer,
    parts: SegmentParts,
    answer: AnswerStatus,
    entry: DFF<QueueEntry>,
    sorted: DFF<SortedRequest>,
    /// Octets of the stream before the segment.
    position: DFF<Bits<32>>,
    /// Octets that are sent and not acknowledged; are they more than the window has?
    flight: DFF<Bits<32>>,
    closed: DFF<Bit>,
    /// The window that is left (RFC 9293 s. 3.8.6.2.1).
    usable: DFF<Bits<32>>,
    beyond: DFF<Bit>,
    next_entry: Signal<Local, QueueEntry>,
    flags_word: Signal<Local, Bits<32>>,
    sizes_word: Signal<Local, Bits<32>>,
    reads_word: Signal<Local, Bits<32>>,
    reads: Signal<Local, Bits<4>>,
    end_number: Signal<Local, Bits<32>>,
    reads_shift: Constant<Bits<32>>,
    read_header: Literal<32, { read_request::HEADER_BYTES as u64 }>,
}

impl Default for SegmentPlanner {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            send_edge: Default::default(),
            qp: Default::default(),
            generation: Default::default(),
            head: Default::default(),
            asked: Default::default(),
            response: Default::default(),
            entry: Default::default(),
            sorted: Default::default(),
            flight: Default::default(),
            closed: Default::default(),
            usable: Default::default(),
            beyond: Default::default(),
            next_entry: Default::default(),
            state: Default::default(),
            address: Default::default(),
            good: Default::default(),
            status: Default::default(),
            raw: Default::default(),
            write: Default::default(),
            read: Default::default(),
            payload: Default::default(),
            last: Default::default(),
            after: Default::default(),
            full: Default::default(),
            refusal: Default::default(),
            refused: Default::default(),
            failure: Default::default(),
            noted: Default::default(),
            answer: Default::default(),
            question: Default::default(),
            job: Default::default(),
            request: Default::default(),
            read_sent: Default::default(),
            flags: ContextTable::new(table::QUEUE_PAIR, 0),
            firsts: ContextTable::new(table::QUEUE_PAIR, 13),
            edges: Default::default(),
            check: Default::default(),
            sizer: Default::default(),
            parts: Default::default(),
            flags_word: Default::default(),
            sizes_word: Default::default(),
            reads_word: Default::default(),
            reads: Default::default(),
            position: Default::default(),
            end_number: Default::default(),
            reads_shift: Constant::new((context_field("read_out").bit() as u64).to_bits()),
            read_header: Default::default(),
        }
    }
}

impl Logic for SegmentPlanner {
    //= rfc9293#3.8.6  Nothing is sent beyond SND.UNA + SND.WND.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, entry, sorted, position, flight, closed, usable, beyond);
        clock!(self, clock, flags, firsts, edges, sizer);
        self.flags.context_write.next = self.context_write.val();
        self.firsts.context_write.next = self.context_write.val();
        self.flags.index.next = self.qp.val();
        self.firsts.index.next = self.qp.val();
        self.flags_word.next = self.flags.words[0].val();
        self.sizes_word.next = self.flags.words[1].val();
        self.reads_word.next = self.flags.words[2].val() >> self.reads_shift.val();
        self.reads.next = self.reads_word.val().get_bits::<4>(0);
        self.failure.next.qp = bit_cast::<8, 4>(self.qp.val());
        self.failure.next.status = 0.into();
        self.failure.next.cq = self.sizes_word.val().get_bits::<8>(24);
        self.failure.next.sequence = 0.into();
        self.answer.refusal.next = self.refusal.val();
        self.answer.response.next = self.response.val();
        self.refused.next = self.answer.status.val();
        self.edges.read_index.next = self.qp.val();
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_index.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();

        self.next_entry.next = self.head.val();
        if self.response.val() {
            self.next_entry.next = self.asked.val();
        }
        self.entry.d.next = self.next_entry.val();
        self.check.qp.next = self.qp.val();
        self.check.entry.next = self.next_entry.val();
        self.check.reads.next = self.reads.val().any();
        self.sorted.d.next = self.check.sorted.val();
        self.good.next = self.sorted.q.val().good;
        self.status.next = self.sorted.q.val().status;
        self.raw.next = self.sorted.q.val().raw;
        self.write.next = self.sorted.q.val().write;
        self.read.next = self.sorted.q.val().read;

        self.position.d.next = self.state.val().number - self.firsts.words[0].val();
        self.sizer.raw.next = self.sorted.q.val().raw;
        self.sizer.to_stag.next = self.sorted.q.val().write;
        self.sizer.length.next = self.entry.q.val().length;
        if self.sorted.q.val().read {
            self.sizer.length.next = self.read_header.val();
        }
        self.sizer.offset.next = self.state.val().offset;
        self.sizer.mulpdu.next = self.sizes_word.val().get_bits::<16>(0);
        self.sizer.markers.next = self.flags_word.val().get_bit(0);
        self.sizer.position.next = self.position.q.val().get_bits::<9>(0);
        self.payload.next = self.sizer.payload.val();
        self.last.next = self.sizer.last.val();
        self.noted.next = self.sizer.last.val() & !self.sorted.q.val().raw & !self.response.val();
        self.end_number.next =
            self.state.val().number + bit_cast::<32, 16>(self.sizer.octets.val());
        self.after.next = self.end_number.val();

        // What is in flight and the segment may not be more than the window.
        self.flight.d.next = self.state.val().number - self.edges.read_record.val().unacknowledged;
        self.closed.d.next = self.flight.q.val() > self.edges.read_record.val().window;
        self.usable.d.next = self.edges.read_record.val().window - self.flight.q.val();
        self.beyond.d.next = self.closed.q.val()
            | (bit_cast::<32, 16>(self.sizer.octets.val()) > self.usable.q.val());
        self.full.next = !self.sorted.q.val().raw & self.beyond.q.val();

        self.parts.qp.next = self.qp.val();
        self.parts.generation.next = self.generation.val();
        self.parts.head.next = self.entry.q.val();
        self.parts.state.next = self.state.val();
        self.parts.flags_word.next = self.flags_word.val();
        self.parts.sizes_word.next = self.sizes_word.val();
        self.parts.position.next = self.position.q.val();
        self.parts.after.next = self.end_number.val();
        self.parts.address.next = self.address.val();
        self.parts.raw.next = self.sorted.q.val().raw;
        self.parts.write.next = self.sorted.q.val().write;
        self.parts.read.next = self.sorted.q.val().read;
        self.parts.response.next = self.response.val();
        self.parts.solicited.next = self.sorted.q.val().solicited;
        self.parts.signaled.next = self.sorted.q.val().signaled;
        self.parts.payload.next = self.sizer.payload.val();
        self.parts.ulpdu.next = self.sizer.ulpdu.val();
        self.parts.last.next = self.sizer.last.val();
        self.question.next = self.parts.question.val();
        self.job.next = self.parts.job.val();
        self.request.next = self.parts.request.val();
        self.read_sent.next = self.parts.read_sent.val();
    }
}
