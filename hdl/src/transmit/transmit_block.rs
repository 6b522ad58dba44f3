//! The transmit engine as one block.
use crate::complete::records::Completion;
use crate::configuration::QpNumber;
use crate::control::records::*;
use crate::life::{LifeFilter, QpChange};
use crate::pcie::records::ReadRequest;
use crate::pins::Ports;
use crate::protect::records::{GateAnswer, GateQuestion};
use crate::protect::Gate;
use crate::queue::{FenceJoin, RequestFetch};
use crate::receive::records::{Acknowledgement, Opened, ReadAsked, ReadDone, ReceiveEdge};
use crate::stream::*;
use crate::transmit::ack_processor::AckProcessor;
use crate::transmit::frame_assembler::FrameAssembler;
use crate::transmit::header_builder::HeaderBuilder;
use crate::transmit::loss_detector::LossDetector;
use crate::transmit::query::SendQuery;
use crate::transmit::read_limit::OutboundLimit;
use crate::transmit::records::*;
use crate::transmit::response_queue::ResponseQueue;
use crate::transmit::scheduler::Scheduler;
use crate::transmit::segment_path::SegmentPath;
use crate::transmit::segmenter::Segmenter;
use crate::transmit::send_completions::SendCompletions;
use rust_hdl::prelude::*;

/// What has passed which station in this clock: `ironwarp_abi::trace` bits 0 to 6.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Stations {
    /// A doorbell.
    pub rung: Bit,
    /// Work requests, on chip.
    pub arrived: Bit,
    /// A segment, to be built.
    pub started: Bit,
    /// The first beat of a payload.
    pub read: Bit,
    /// A segment, stored.
    pub stored: Bit,
    /// A frame's first beat ...
    pub begun: Bit,
    /// ... and its last.
    pub sent: Bit,
}

/// What is counted of repairs.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Repairs {
    /// A segment leaves again.
    pub resent: Bit,
    /// A retransmission timer has expired.
    pub expired: Bit,
}

/// From doorbell to Ethernet frame.
///
/// ```text
/// read_asked -> ResponseQueue ----+
/// doorbell --> RequestFetch --> Segmenter <--> Scheduler <--------------------+
///                               |  |  ^ Gate, OutboundLimit                   |
///                               |  |  +--- lost ------- LossDetector <--------+
///                               |  |  +---------- SND.UNA, SND.WND --- AckProcessor <-- ACKs
///                               |  +--> SendCompletions <---------------------+
///                               v               |
///                          SegmentPath          +--------> completions
///                        payload, FPDU, markers, CRC
///                               |  | summary
///                               |  +------> HeaderBuilder <-- receive edges
///                               |                | header
///                               +---------> FrameAssembler --> frames
/// ```
/// A `fence` goes two ways: behind the reads of work requests, and as a job behind the segments,
/// out of the assembler. Then no memory is read and nothing leaves any more for what was stopped
/// before it.
#[derive(LogicBlock, Ports)]
pub struct Transmit {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub doorbell: Signal<In, QpDoorbell>,
    /// A pulse: tell when everything that is under way has left ...
    pub fence: Signal<In, Bit>,
    /// ... by a pulse. One is under way at a time.
    pub fenced: Signal<Out, Bit>,
    /// Reads of work requests, and their answers in the same order.
    pub request_read: StreamSource<ReadRequest>,
    pub request_data: StreamSink<Beat>,
    /// Reads of payload, and their answers in the same order.
    pub payload_read: StreamSource<ReadRequest>,
    pub payload_data: StreamSink<Beat>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// Microseconds, and the least retransmission timeout.
    pub now: Signal<In, Bits<32>>,
    pub retransmit_min: Signal<In, Bits<24>>,
    /// The peers' acknowledgements.
    pub acknowledgement: StreamSink<Acknowledgement>,
    /// What our acknowledgements shall say, and when one is due.
    pub receive_edge: Signal<In, ReceiveEdge>,
    pub opened: Signal<In, Opened>,
    /// The peer's Read Requests: offered only while there is room.
    pub read_asked: StreamSink<ReadAsked>,
    /// A queue pair ...
    pub room_qp: Signal<In, QpNumber>,
    /// ... of which one more Read Request may be held, a clock later: with one that is taken in the
    /// clock of `room_qp`.
    pub read_room: Signal<Out, Bit>,
    /// Our Read Requests.
    pub read_sent: Signal<Out, ReadSent>,
    /// Our RDMA Reads whose response is placed: at most every other clock.
    pub read_done: Signal<In, ReadDone>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,
    /// Ethernet frames without frame check sequence; `valid` is continuous inside a frame.
    pub frame: StreamSource<Beat>,
    /// The queue pair that the next three are about, a clock later.
    pub query_qp: Signal<In, QpNumber>,
    /// SND.NXT of what was handed to the wire: exact when a fence has come out.
    pub query_send_next: Signal<Out, Bits<32>>,
    pub query_send_unacknowledged: Signal<Out, Bits<32>>,
    pub query_send_window: Signal<Out, Bits<32>>,
    /// A frame's last beat has left (a pulse).
    pub frame_sent: Signal<Out, Bit>,
    /// Pulses: a segment leaves again, a retransmission timer has expired.
    pub counts: Signal<Out, Bits<2>>,
    /// `ironwarp_abi::trace` bits 0 to 6.
    pub stations: Signal<Out, Bits<7>>,

    requests: RequestFetch,
    responses: ResponseQueue,
    reads: OutboundLimit,
    done: LifeFilter,
    scheduler: Scheduler,
    segmenter: Segmenter,
    gate: Gate,
    path: SegmentPath,
    builder: HeaderBuilder,
    assembler: FrameAssembler,
    acks: AckProcessor,
    losses: LossDetector,
    retire: SendCompletions,
    query: SendQuery,
    completions: Merge2<Completion>,
    events: Merge2<QpEvent>,
    troubles: Merge2<QpEvent>,
    underway: DFF<Bit>,
    fences: FenceJoin,
    passed: Signal<Local, Stations>,
    leaving: Signal<Local, Bit>,
    counted: Signal<Local, Repairs>,
}

impl Default for Transmit {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            change: Default::default(),
            doorbell: Default::default(),
            fence: Default::default(),
            fenced: Default::default(),
            request_read: Default::default(),
            request_data: Default::default(),
            payload_read: Default::default(),
            payload_data: Default::default(),
            max_read: Default::default(),
            now: Default::default(),
            retransmit_min: Default::default(),
            acknowledgement: Default::default(),
            receive_edge: Default::default(),
            opened: Default::default(),
            read_asked: Default::default(),
            room_qp: Default::default(),
            read_room: Default::default(),
            read_sent: Default::default(),
            read_done: Default::default(),
            completion: Default::default(),
            event: Default::default(),
            frame: Default::default(),
            query_qp: Default::default(),
            query_send_next: Default::default(),
            query_send_unacknowledged: Default::default(),
            query_send_window: Default::default(),
            frame_sent: Default::default(),
            counts: Default::default(),
            stations: Default::default(),
            requests: RequestFetch::send(),
            responses: Default::default(),
            reads: Default::default(),
            done: Default::default(),
            scheduler: Default::default(),
            segmenter: Default::default(),
            gate: Default::default(),
            path: Default::default(),
            builder: Default::default(),
            assembler: Default::default(),
            acks: Default::default(),
            losses: Default::default(),
            retire: Default::default(),
            query: Default::default(),
            completions: Default::default(),
            events: Default::default(),
            troubles: Default::default(),
            underway: Default::default(),
            fences: Default::default(),
            passed: Default::default(),
            leaving: Default::default(),
            counted: Default::default(),
        }
    }
}

impl Logic for Transmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, underway);
        clock!(self, clock, requests, responses, reads, done, scheduler, segmenter, gate, path);
        clock!(self, clock, builder, assembler, acks, retire, query, completions, events, fences);
        clock!(self, clock, losses, troubles);

        // What the host says.
        self.requests.context_write.next = self.context_write.val();
        self.responses.context_write.next = self.context_write.val();
        self.reads.context_write.next = self.context_write.val();
        self.segmenter.context_write.next = self.context_write.val();
        self.gate.context_write.next = self.context_write.val();
        self.builder.context_write.next = self.context_write.val();
        self.acks.context_write.next = self.context_write.val();
        self.query.context_write.next = self.context_write.val();
        self.losses.context_write.next = self.context_write.val();
        self.requests.change.next = self.change.val();
        self.responses.change.next = self.change.val();
        self.reads.change.next = self.change.val();
        self.done.change.next = self.change.val();
        self.scheduler.change.next = self.change.val();
        self.segmenter.change.next = self.change.val();
        self.builder.change.next = self.change.val();
        self.acks.change.next = self.change.val();
        self.retire.change.next = self.change.val();
        self.query.change.next = self.change.val();
        self.losses.change.next = self.change.val();
        self.requests.doorbell.next = self.doorbell.val();
        self.requests.max_read.next = self.max_read.val();
        self.path.max_read.next = self.max_read.val();

        // The fence.
        self.requests.fence.next = self.fence.val();
        self.segmenter.fence.next = self.fence.val();
        self.fences.one.next = self.requests.fenced.val();
        self.fences.other.next = self.assembler.fenced.val();
        self.fenced.next = self.fences.both.val();

        // Who is looked at, and what there is.
        StreamSource::<QpNumber>::join(
            &mut self.scheduler.candidate,
            &mut self.segmenter.candidate,
        );
        self.scheduler.arrived.next = self.requests.arrived.val();
        self.scheduler.asked.next = self.responses.arrived.val();
        self.responses.free.next = self.scheduler.asked_free.val();
        self.scheduler.moved.next.valid = self.acks.send_edge.val().valid;
        self.scheduler.moved.next.qp = self.acks.send_edge.val().qp;
        self.acks.free.next = self.scheduler.moved_free.val();
        self.scheduler.opened.next = self.opened.val();
        self.scheduler.uncrowded.next = self.retire.uncrowded.val();
        self.scheduler.again.next = self.segmenter.again.val();
        self.scheduler.qp.next = self.segmenter.qp.val();
        self.scheduler.awaits.next = self.segmenter.awaits.val();
        self.scheduler.reads.next = self.segmenter.reads.val();
        self.scheduler.head.next = self.requests.head.val();
        self.segmenter.go.next = self.scheduler.go.val();
        self.segmenter.respond.next = self.scheduler.respond.val();
        self.scheduler.write.next = self.segmenter.write_turn.val();
        self.scheduler.following.next = self.segmenter.following.val();
        self.retire.crowd_qp.next = self.segmenter.qp.val();
        self.scheduler.crowded.next = self.retire.crowded.val();
        self.reads.qp.next = self.segmenter.qp.val();
        self.scheduler.read_room.next = self.reads.room.val();

        // Work requests become segments.
        StreamSource::<ReadRequest>::link(&mut self.request_read, &mut self.requests.read);
        StreamSink::<Beat>::link(&mut self.request_data, &mut self.requests.data);
        self.requests.head_qp.next = self.segmenter.qp.val();
        self.requests.take.next = self.segmenter.used_request.val();
        self.requests.take_qp.next = self.segmenter.qp.val();
        self.segmenter.head.next = self.requests.head.val();
        self.scheduler.head_available.next = self.requests.head_available.val();
        self.segmenter.send_edge.next = self.acks.send_edge.val();
        StreamSource::<GateQuestion>::join(&mut self.segmenter.question, &mut self.gate.question);
        StreamSource::<GateAnswer>::join(&mut self.gate.answer, &mut self.segmenter.answer);
        StreamSource::<SentRequest>::join(&mut self.segmenter.request, &mut self.retire.request);

        // The peer's Read Requests become responses; ours are counted.
        StreamSink::<ReadAsked>::link(&mut self.read_asked, &mut self.responses.asked);
        self.responses.room_qp.next = self.room_qp.val();
        self.read_room.next = self.responses.room.val();
        self.responses.head_qp.next = self.segmenter.qp.val();
        self.segmenter.asked.next = self.responses.head.val();
        self.scheduler.asked_available.next = self.responses.head_available.val();
        self.responses.take.next = self.segmenter.used_response.val();
        self.responses.take_qp.next = self.segmenter.qp.val();
        self.reads.start.next = self.segmenter.read_sent.val().valid;
        self.reads.start_qp.next = self.segmenter.qp.val();
        self.done.valid.next = self.read_done.val().valid;
        self.done.qp.next = self.read_done.val().qp;
        self.done.generation.next = self.read_done.val().generation;
        self.reads.done.next = self.done.lives.val();
        self.reads.done_qp.next = self.done.lives_qp.val();
        self.scheduler.read_done.next.valid = self.done.lives.val();
        self.scheduler.read_done.next.qp = self.done.lives_qp.val();
        self.retire.read_done.next.valid = self.done.lives.val();
        self.retire.read_done.next.qp = self.done.lives_qp.val();
        self.reads.count_qp.next = self.retire.done_qp.val();
        self.retire.done.next = self.reads.ended.val();
        self.read_sent.next = self.segmenter.read_sent.val();

        // What is lost is sent again.
        self.losses.now.next = self.now.val();
        self.losses.least.next = self.retransmit_min.val();
        self.losses.sent.next = self.segmenter.sent.val();
        self.losses.send_edge.next = self.acks.send_edge.val();
        self.losses.qp.next = self.segmenter.qp.val();
        self.segmenter.lost.next = self.losses.lost.val();
        self.losses.found.next = self.segmenter.found.val();
        self.scheduler.lost.next = self.losses.loss.val();
        self.losses.free.next = self.scheduler.lost_free.val();
        self.requests.rewind.next = self.segmenter.rewind.val();
        self.responses.rewind.next = self.segmenter.rewind.val();
        self.segmenter.rewind_free.next = self.requests.rewind_free.val();
        self.segmenter.request_number.next = self.requests.head_number.val();
        self.segmenter.response_number.next = self.responses.head_number.val();
        self.scheduler.full.next = self.segmenter.log_full.val();
        self.scheduler.replaying.next = self.segmenter.replaying.val();
        self.scheduler.replays_posted.next = self.segmenter.replays_posted.val();
        self.scheduler.roomy.next = self.segmenter.roomy.val();
        self.responses.freed.next = self.segmenter.released.val();
        self.counted.next.resent = self.segmenter.resent.val();
        self.counted.next.expired = self.losses.expired.val() & self.losses.loss.val().valid;
        self.counts.next = self.counted.val().into();

        // Segments become FPDUs.
        StreamSource::<SegmentJob>::join(&mut self.segmenter.job, &mut self.path.job);
        StreamSource::<SendJob>::join(&mut self.path.send, &mut self.builder.job);
        StreamSource::<ReadRequest>::link(&mut self.payload_read, &mut self.path.payload_read);
        StreamSink::<Beat>::link(&mut self.payload_data, &mut self.path.payload_data);

        // FPDUs become frames.
        self.builder.receive_edge.next = self.receive_edge.val();
        StreamSource::<SegmentSummary>::join(&mut self.path.summary, &mut self.builder.summary);
        StreamSource::<FrameHeader>::join(&mut self.builder.header, &mut self.assembler.header);
        StreamSource::<Beat>::join(&mut self.path.segment, &mut self.assembler.segment);
        StreamSource::<Beat>::link(&mut self.frame, &mut self.assembler.source);

        // Acknowledgements, completions, errors.
        StreamSink::<Acknowledgement>::link(
            &mut self.acknowledgement,
            &mut self.acks.acknowledgement,
        );
        self.acks.sent.next = self.segmenter.sent.val();
        self.retire.send_edge.next = self.acks.send_edge.val();
        StreamSource::<Completion>::join(&mut self.retire.completion, &mut self.completions.sink_a);
        StreamSource::<Completion>::join(
            &mut self.builder.completion,
            &mut self.completions.sink_b,
        );
        StreamSource::<Completion>::link(&mut self.completion, &mut self.completions.source);
        StreamSource::<QpEvent>::join(&mut self.segmenter.event, &mut self.events.sink_a);
        StreamSource::<QpEvent>::join(&mut self.builder.event, &mut self.troubles.sink_a);
        StreamSource::<QpEvent>::join(&mut self.losses.event, &mut self.troubles.sink_b);
        StreamSource::<QpEvent>::join(&mut self.troubles.source, &mut self.events.sink_b);
        StreamSource::<QpEvent>::link(&mut self.event, &mut self.events.source);

        // What others look at.
        self.query.left.next = self.builder.left.val();
        self.query.send_edge.next = self.acks.send_edge.val();
        self.query.qp.next = self.query_qp.val();
        self.query_send_next.next = self.query.number.val();
        self.query_send_unacknowledged.next = self.query.unacknowledged.val();
        self.query_send_window.next = self.query.window.val();
        self.leaving.next = self.frame.valid.val() & self.frame.ready.val();
        if self.leaving.val() {
            self.underway.d.next = !self.frame.beat.val().last;
        }
        self.frame_sent.next = self.leaving.val() & self.frame.beat.val().last;
        self.passed.next.rung = self.doorbell.val().valid & !self.doorbell.val().receive;
        self.passed.next.arrived = self.requests.arrived.val().valid;
        self.passed.next.started = self.path.started.val();
        self.passed.next.read = self.path.reading.val();
        self.passed.next.stored = self.path.stored.val();
        self.passed.next.begun = self.leaving.val() & !self.underway.q.val();
        self.passed.next.sent = self.frame_sent.val();
        self.stations.next = self.passed.val().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("transmit", &mut Transmit::default());
    }
}
