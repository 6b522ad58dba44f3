//! The transmit engine as one block.
use crate::complete::records::Completion;
use crate::control::records::*;
use crate::pcie::records::ReadRequest;
use crate::protect::records::{GateAnswer, GateQuestion};
use crate::protect::Gate;
use crate::queue::RequestFetch;
use crate::receive::records::{Acknowledgement, Opened, ReadAsked, ReadDone, ReceiveEdge};
use crate::stream::*;
use crate::transmit::ack_processor::AckProcessor;
use crate::transmit::frame_assembler::FrameAssembler;
use crate::transmit::header_builder::HeaderBuilder;
use crate::transmit::job_fork::JobFork;
use crate::transmit::payload_read::PayloadRead;
use crate::transmit::query::SendQuery;
use crate::transmit::read_limit::ReadLimit;
use crate::transmit::records::*;
use crate::transmit::response_queue::ResponseQueue;
use crate::transmit::scheduler::Scheduler;
use crate::transmit::segment_store::SegmentStore;
use crate::transmit::segmenter::Segmenter;
use crate::transmit::send_completions::SendCompletions;
use crate::transmit::stream_writer::StreamWriter;
use rust_hdl::prelude::*;

/// From doorbell to Ethernet frame.
///
/// ```text
/// read_asked -> ResponseQueue ----+
/// doorbell --> RequestFetch --> Segmenter <--> Scheduler <--------------------+
///                               |  |  ^ Gate, ReadLimit                       |
///                               |  |  +---------- SND.UNA, SND.WND --- AckProcessor <-- ACKs
///                               |  +--> SendCompletions <---------------------+
///                               v               |
///     PayloadRead <--------- JobFork            +--------> completions
///          |                    | |
///          +--> StreamWriter <--+ +----------------+
///               framer, markers, CRC               v
///                    |                        HeaderBuilder <-- receive edges
///                    v        summary              |
///               SegmentStore ----------------------+
///                    |                             v header
///                    +-----------------------> FrameAssembler --> frames
/// ```
#[derive(LogicBlock)]
pub struct Transmit {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp_command: Signal<In, Command>,
    /// Bit n: queue pair n is started, and neither stopped nor in error.
    pub active: Signal<In, Bits<16>>,
    pub doorbell: Signal<In, Doorbell>,
    /// Reads of work requests, and their answers in the same order.
    pub request_read: StreamSource<ReadRequest>,
    pub request_data: StreamSink<Beat>,
    /// Reads of payload, and their answers in the same order.
    pub payload_read: StreamSource<ReadRequest>,
    pub payload_data: StreamSink<Beat>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// The peers' acknowledgements.
    pub acknowledgement: StreamSink<Acknowledgement>,
    /// What our acknowledgements shall say, and when one is due.
    pub receive_edge: Signal<In, ReceiveEdge>,
    pub opened: Signal<In, Opened>,
    /// The peer's Read Requests.
    pub read_asked: StreamSink<ReadAsked>,
    /// Bit n: one more Read Request of queue pair n may be held; right from the clock after
    /// `read_asked` was taken on.
    pub read_room: Signal<Out, Bits<16>>,
    /// Our Read Requests.
    pub read_sent: Signal<Out, ReadSent>,
    /// Our RDMA Reads whose response is placed.
    pub read_done: Signal<In, ReadDone>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,
    /// Ethernet frames without frame check sequence; `valid` is continuous inside a frame.
    pub frame: StreamSource<Beat>,
    /// The queue pair that the next three are about, a clock later.
    pub query_qp: Signal<In, Bits<8>>,
    pub query_send_next: Signal<Out, Bits<32>>,
    pub query_send_unacknowledged: Signal<Out, Bits<32>>,
    pub query_send_window: Signal<Out, Bits<32>>,
    /// A frame's last beat has left (a pulse).
    pub frame_sent: Signal<Out, Bit>,
    /// `ironwarp_abi::trace` bits 0 to 6.
    pub stations: Signal<Out, Bits<7>>,

    requests: RequestFetch,
    responses: ResponseQueue,
    reads: ReadLimit,
    scheduler: Scheduler,
    segmenter: Segmenter,
    gate: Gate,
    jobs: JobFork,
    payload: PayloadRead,
    writer: StreamWriter,
    store: SegmentStore,
    builder: HeaderBuilder,
    assembler: FrameAssembler,
    acks: AckProcessor,
    retire: SendCompletions,
    query: SendQuery,
    completions: Merge2<Completion>,
    events: Merge2<QpEvent>,
    underway: DFF<Bit>,
    leaving: Signal<Local, Bit>,
    rung: Signal<Local, Bit>,
    kind: Constant<Bits<2>>,
}

impl Default for Transmit {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            qp_command: Default::default(),
            active: Default::default(),
            doorbell: Default::default(),
            request_read: Default::default(),
            request_data: Default::default(),
            payload_read: Default::default(),
            payload_data: Default::default(),
            max_read: Default::default(),
            acknowledgement: Default::default(),
            receive_edge: Default::default(),
            opened: Default::default(),
            read_asked: Default::default(),
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
            stations: Default::default(),
            requests: RequestFetch::send(),
            responses: Default::default(),
            reads: ReadLimit::outbound(),
            scheduler: Default::default(),
            segmenter: Default::default(),
            gate: Default::default(),
            jobs: Default::default(),
            payload: Default::default(),
            writer: Default::default(),
            store: Default::default(),
            builder: Default::default(),
            assembler: Default::default(),
            acks: Default::default(),
            retire: Default::default(),
            query: Default::default(),
            completions: Default::default(),
            events: Default::default(),
            underway: Default::default(),
            leaving: Default::default(),
            rung: Default::default(),
            kind: Constant::new(doorbell_kind::SEND.to_bits()),
        }
    }
}

impl Logic for Transmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, underway);
        clock!(self, clock, requests, scheduler, segmenter, gate, jobs, payload, writer, store);
        clock!(
            self,
            clock,
            responses,
            reads,
            builder,
            assembler,
            acks,
            retire,
            query,
            completions,
            events
        );

        // What the host says.
        self.requests.context_write.next = self.context_write.val();
        self.responses.context_write.next = self.context_write.val();
        self.reads.context_write.next = self.context_write.val();
        self.segmenter.context_write.next = self.context_write.val();
        self.gate.context_write.next = self.context_write.val();
        self.builder.context_write.next = self.context_write.val();
        self.acks.context_write.next = self.context_write.val();
        self.requests.command.next = self.qp_command.val();
        self.responses.command.next = self.qp_command.val();
        self.reads.command.next = self.qp_command.val();
        self.scheduler.command.next = self.qp_command.val();
        self.segmenter.command.next = self.qp_command.val();
        self.builder.command.next = self.qp_command.val();
        self.acks.command.next = self.qp_command.val();
        self.retire.command.next = self.qp_command.val();
        self.requests.doorbell.next = self.doorbell.val();
        self.scheduler.active.next = self.active.val();
        self.builder.active.next = self.active.val();
        self.requests.max_read.next = self.max_read.val();
        self.payload.max_read.next = self.max_read.val();

        // Work requests become segments.
        StreamSource::<ReadRequest>::link(&mut self.request_read, &mut self.requests.read);
        StreamSink::<Beat>::link(&mut self.request_data, &mut self.requests.data);
        self.requests.head_qp.next = self.segmenter.qp.val();
        self.requests.take.next = self.segmenter.used_up.val() & !self.segmenter.response.val();
        self.requests.take_qp.next = self.segmenter.qp.val();
        self.segmenter.head.next = self.requests.head.val();
        self.scheduler.available.next = self.requests.available.val();
        self.scheduler.crowded.next = self.retire.crowded.val();
        self.scheduler.opened.next = self.opened.val();
        self.scheduler.send_edge.next = self.acks.send_edge.val();
        self.scheduler.open.next = self.segmenter.open.val();
        self.scheduler.open_qp.next = self.segmenter.open_qp.val();
        self.scheduler.qp.next = self.segmenter.qp.val();
        self.scheduler.block.next = self.segmenter.block.val();
        self.scheduler.halt.next = self.segmenter.halt.val();
        self.scheduler.asked.next = self.responses.available.val();
        self.scheduler.read_done.next = self.read_done.val();
        self.scheduler.pause.next = self.segmenter.pause.val();
        self.scheduler.commit.next = self.segmenter.commit.val();
        self.scheduler.response.next = self.segmenter.response.val();
        self.scheduler.last.next = self.segmenter.last.val();
        self.segmenter.respond.next = self.scheduler.respond.val();
        self.segmenter.any.next = self.scheduler.any.val();
        self.segmenter.choice.next = self.scheduler.choice.val();
        self.segmenter.send_edge.next = self.acks.send_edge.val();
        StreamSource::<GateQuestion>::join(&mut self.segmenter.question, &mut self.gate.question);
        StreamSource::<GateAnswer>::join(&mut self.gate.answer, &mut self.segmenter.answer);
        StreamSource::<SegmentJob>::join(&mut self.segmenter.job, &mut self.jobs.sink);
        StreamSource::<SentRequest>::join(&mut self.segmenter.request, &mut self.retire.request);

        // The peer's Read Requests become responses; ours are counted.
        StreamSink::<ReadAsked>::link(&mut self.read_asked, &mut self.responses.asked);
        self.read_room.next = self.responses.room.val();
        self.responses.head_qp.next = self.segmenter.qp.val();
        self.segmenter.asked.next = self.responses.head.val();
        self.responses.take.next = self.segmenter.used_up.val() & self.segmenter.response.val();
        self.responses.take_qp.next = self.segmenter.qp.val();
        self.reads.start.next = self.segmenter.read_sent.val().valid;
        self.reads.start_qp.next = self.segmenter.qp.val();
        self.reads.done.next = self.read_done.val().valid;
        self.reads.done_qp.next = self.read_done.val().qp;
        self.segmenter.read_room.next = self.reads.room.val();
        self.read_sent.next = self.segmenter.read_sent.val();
        self.retire.read_done.next = self.read_done.val();

        // Segments become FPDUs.
        StreamSource::<ReadJob>::join(&mut self.jobs.read, &mut self.payload.job);
        StreamSource::<FrameJob>::join(&mut self.jobs.frame, &mut self.writer.frame);
        StreamSource::<StreamJob>::join(&mut self.jobs.marker, &mut self.writer.marker);
        StreamSource::<StreamJob>::join(&mut self.jobs.check, &mut self.writer.check);
        StreamSource::<SendJob>::join(&mut self.jobs.send, &mut self.builder.job);
        StreamSource::<ReadRequest>::link(&mut self.payload_read, &mut self.payload.read);
        StreamSink::<Beat>::link(&mut self.payload_data, &mut self.payload.data);
        StreamSource::<Beat>::join(&mut self.payload.source, &mut self.writer.payload);
        StreamSource::<Beat>::join(&mut self.writer.source, &mut self.store.sink);

        // FPDUs become frames.
        self.builder.receive_edge.next = self.receive_edge.val();
        StreamSource::<SegmentSummary>::join(&mut self.store.summary, &mut self.builder.summary);
        StreamSource::<FrameHeader>::join(&mut self.builder.header, &mut self.assembler.header);
        StreamSource::<Beat>::join(&mut self.store.source, &mut self.assembler.segment);
        StreamSource::<Beat>::link(&mut self.frame, &mut self.assembler.source);

        // Acknowledgements, completions, errors.
        StreamSink::<Acknowledgement>::link(
            &mut self.acknowledgement,
            &mut self.acks.acknowledgement,
        );
        self.acks.sent.next = self.segmenter.sent.val();
        self.retire.send_edge.next = self.acks.send_edge.val();
        // Acknowledgements count until the host's stop, but nothing completes after an event.
        // When a start tells its edge, `active` is set already.
        self.retire.send_edge.next.valid = self.acks.send_edge.val().valid
            & self.active.val().get_bit(self.acks.send_edge.val().qp.index());
        StreamSource::<Completion>::join(&mut self.retire.completion, &mut self.completions.sink_a);
        StreamSource::<Completion>::join(
            &mut self.builder.completion,
            &mut self.completions.sink_b,
        );
        StreamSource::<Completion>::link(&mut self.completion, &mut self.completions.source);
        StreamSource::<QpEvent>::join(&mut self.segmenter.event, &mut self.events.sink_a);
        StreamSource::<QpEvent>::join(&mut self.builder.event, &mut self.events.sink_b);
        StreamSource::<QpEvent>::link(&mut self.event, &mut self.events.source);

        // What others look at.
        self.query.sent.next = self.segmenter.sent.val();
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
        self.rung.next = self.doorbell.val().valid & (self.doorbell.val().kind == self.kind.val());
        self.stations.next = 0.into();
        self.stations.next = self.stations.val().replace_bit(0, self.rung.val());
        self.stations.next = self.stations.val().replace_bit(1, self.requests.arrived.val());
        self.stations.next = self.stations.val().replace_bit(2, self.jobs.started.val());
        self.stations.next = self.stations.val().replace_bit(3, self.payload.started.val());
        self.stations.next = self.stations.val().replace_bit(4, self.store.stored.val());
        self.stations.next =
            self.stations.val().replace_bit(5, self.leaving.val() & !self.underway.q.val());
        self.stations.next = self.stations.val().replace_bit(6, self.frame_sent.val());
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
