//! The receive engine.
use crate::complete::records::Completion;
use crate::configuration::QpNumber;
use crate::control::records::{ContextWrite, QpDoorbell, QpEvent};
use crate::life::QpChange;
use crate::pcie::records::{ReadRequest, WriteRequest};
use crate::pins::Ports;
use crate::protect::gate::Gate;
use crate::protect::records::{GateAnswer, GateQuestion};
use crate::queue::RequestFetch;
use crate::receive::deframer::Deframer;
use crate::receive::frame_intake::FrameIntake;
use crate::receive::judge::Judge;
use crate::receive::notes::*;
use crate::receive::placement::Placement;
use crate::receive::records::*;
use crate::receive::reset_events::ResetEvents;
use crate::receive::stream_ring::StreamRing;
use crate::receive::tcp_receive::TcpReceive;
use crate::receive::window_teller::WindowTeller;
use crate::stream::*;
use crate::transmit::records::ReadSent;
use ironwarp_abi::limits::FLOW_KEY_BITS;
use rust_hdl::prelude::*;

/// From Ethernet frames to octets in registered buffers.
///
/// ```text
/// mac -> FrameIntake -> TcpReceive -> StreamRing -> Deframer -> Judge --> Placement -> write
///                         |    |                    |  ^        ^  |         |
///   acknowledgement <-----+    +---> WindowTeller <-+  |        |  +- Gate   +-> completion,event
///                                        |           RequestFetch            +-> read_asked,
///                                        +-> edge       read_sent                  read_done
/// ```
/// A fence goes through Judge and Placement behind what the gate has let pass, and through the
/// reads of RequestFetch.
#[derive(LogicBlock, Ports)]
pub struct Receive {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub doorbell: Signal<In, QpDoorbell>,
    /// A pulse: tell when what has passed the gate, and was asked of the host, has left ...
    pub fence: Signal<In, Bit>,
    /// ... by a pulse. One is under way at a time.
    pub fenced: Signal<Out, Bit>,
    /// The key of the flow table's hash.
    pub flow_key: Signal<In, Bits<FLOW_KEY_BITS>>,
    /// The maximum read request size, as PCI Express encodes it.
    pub max_read: Signal<In, Bits<3>>,
    /// Frames from the MAC; `ready` is always set.
    pub mac: StreamSink<Beat>,
    pub mac_address: Signal<In, Bits<48>>,
    /// Reads of receive work requests.
    pub request_read: StreamSource<ReadRequest>,
    pub request_data: StreamSink<Beat>,
    /// Payload to host memory.
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,
    pub acknowledgement: StreamSource<Acknowledgement>,
    pub receive_edge: Signal<Out, ReceiveEdge>,
    pub opened: Signal<Out, Opened>,
    /// The peer's Read Requests.
    pub read_asked: StreamSource<ReadAsked>,
    /// One more Read Request of `room_qp` may be held, a clock later; that counts a `read_asked`
    /// that was taken in the clock of the question.
    pub room_qp: Signal<Out, QpNumber>,
    pub read_room: Signal<In, Bit>,
    /// Our Read Requests.
    pub read_sent: Signal<In, ReadSent>,
    /// Our RDMA Reads whose response is placed.
    pub read_done: Signal<Out, ReadDone>,
    pub query_qp: Signal<In, QpNumber>,
    /// RCV.NXT of that queue pair, two clocks later.
    pub query_receive_next: Signal<Out, Bits<32>>,
    /// Pulses, in the order of the registers from `COUNT_FRAMES_RECEIVED` to `COUNT_FPDUS_PLACED`.
    pub counts: Signal<Out, Bits<9>>,
    /// The stations `FRAME_ARRIVED` to `PAYLOAD_PLACED` of `ironwarp_abi::trace`.
    pub stations: Signal<Out, Bits<5>>,
    intake: FrameIntake,
    tcp: TcpReceive,
    ring: StreamRing,
    raw_frames: StreamFifo<RawFrame, 8>,
    deframer: Deframer,
    requests: RequestFetch,
    judge: Judge,
    gate: Gate,
    placement: Placement,
    resets: ResetEvents,
    events: Merge2<QpEvent>,
    acknowledgements: StreamFifo<Acknowledgement, 5>,
    notes: StreamFifo<EdgeNote, 5>,
    removals: StreamFifo<StreamTaken, 5>,
    teller: WindowTeller,
    /// Which of the two ways the fence still is on.
    in_placement: DFF<Bit>,
    in_requests: DFF<Bit>,
    fence_out: DFF<Bit>,
    seen: Signal<Local, Bits<9>>,
    passed_stations: Signal<Local, Bits<5>>,
}

impl Default for Receive {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            change: Default::default(),
            doorbell: Default::default(),
            fence: Default::default(),
            fenced: Default::default(),
            flow_key: Default::default(),
            max_read: Default::default(),
            mac: Default::default(),
            mac_address: Default::default(),
            request_read: Default::default(),
            request_data: Default::default(),
            write: Default::default(),
            write_data: Default::default(),
            completion: Default::default(),
            event: Default::default(),
            acknowledgement: Default::default(),
            receive_edge: Default::default(),
            opened: Default::default(),
            read_asked: Default::default(),
            room_qp: Default::default(),
            read_room: Default::default(),
            read_sent: Default::default(),
            read_done: Default::default(),
            query_qp: Default::default(),
            query_receive_next: Default::default(),
            counts: Default::default(),
            stations: Default::default(),
            intake: Default::default(),
            tcp: Default::default(),
            ring: Default::default(),
            raw_frames: Default::default(),
            deframer: Default::default(),
            requests: RequestFetch::receive(),
            judge: Default::default(),
            gate: Default::default(),
            placement: Default::default(),
            resets: Default::default(),
            events: Default::default(),
            acknowledgements: Default::default(),
            notes: Default::default(),
            removals: Default::default(),
            teller: Default::default(),
            in_placement: Default::default(),
            in_requests: Default::default(),
            fence_out: Default::default(),
            seen: Default::default(),
            passed_stations: Default::default(),
        }
    }
}

impl Logic for Receive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_placement, in_requests, fence_out);
        clock!(self, clock, intake, tcp, ring, raw_frames, deframer, requests, judge, gate);
        clock!(self, clock, placement, resets, events, acknowledgements, notes, removals, teller);

        // What control tells.
        self.intake.context_write.next = self.context_write.val();
        self.tcp.context_write.next = self.context_write.val();
        self.deframer.context_write.next = self.context_write.val();
        self.requests.context_write.next = self.context_write.val();
        self.judge.context_write.next = self.context_write.val();
        self.gate.context_write.next = self.context_write.val();
        self.resets.context_write.next = self.context_write.val();
        self.teller.context_write.next = self.context_write.val();
        self.intake.change.next = self.change.val();
        self.tcp.change.next = self.change.val();
        self.deframer.change.next = self.change.val();
        self.requests.change.next = self.change.val();
        self.judge.change.next = self.change.val();
        self.placement.change.next = self.change.val();
        self.teller.change.next = self.change.val();
        self.deframer.doorbell.next = self.doorbell.val();
        self.requests.doorbell.next = self.doorbell.val();
        self.requests.max_read.next = self.max_read.val();
        // Nothing that was received is received again.
        self.requests.rewind.next.valid = false;
        self.requests.rewind.next.qp = 0.into();
        self.requests.rewind.next.request = 0.into();
        self.requests.rewind.next.response = 0.into();
        self.judge.fence.next = self.fence.val();
        self.requests.fence.next = self.fence.val();
        self.in_placement.d.next =
            (self.in_placement.q.val() | self.fence.val()) & !self.placement.fenced.val();
        self.in_requests.d.next =
            (self.in_requests.q.val() | self.fence.val()) & !self.requests.fenced.val();
        self.fence_out.d.next = (self.in_placement.q.val() | self.in_requests.q.val())
            & !self.in_placement.d.val()
            & !self.in_requests.d.val();
        self.fenced.next = self.fence_out.q.val();

        // Frames to the rings.
        StreamSink::<Beat>::link(&mut self.mac, &mut self.intake.mac);
        self.intake.mac_address.next = self.mac_address.val();
        self.intake.flow_key.next = self.flow_key.val();
        self.tcp.frame.next = self.intake.frame.val();
        self.tcp.segment.next = self.intake.segment.val();
        self.tcp.segment_valid.next = self.intake.segment_valid.val();
        self.ring.write_qp.next = self.tcp.write_qp.val();
        self.ring.write_at.next = self.tcp.write_at.val();
        self.ring.write_data.next = self.tcp.write_data.val();
        self.ring.write_mask.next = self.tcp.write_mask.val();
        self.raw_frames.sink.beat.next = self.tcp.raw.val();
        self.raw_frames.sink.valid.next = self.tcp.raw_valid.val();
        self.tcp.raw_ready.next = self.raw_frames.sink.ready.val();

        // Rings to checked packets.
        self.deframer.grown.next = self.tcp.grown.val();
        StreamSource::<RawFrame>::join(&mut self.raw_frames.source, &mut self.deframer.raw);
        self.ring.read_qp.next = self.deframer.read_qp.val();
        self.ring.read_at.next = self.deframer.read_at.val();
        self.deframer.read_data.next = self.ring.read_data.val();
        self.tcp.taken.next = self.deframer.taken.val();

        // Packets to host memory.
        StreamSource::<Arrival>::join(&mut self.deframer.arrival, &mut self.judge.arrival);
        StreamSource::<Beat>::join(&mut self.deframer.payload, &mut self.placement.payload);
        StreamSource::<ReadRequest>::link(&mut self.request_read, &mut self.requests.read);
        StreamSink::<Beat>::link(&mut self.request_data, &mut self.requests.data);
        self.deframer.arrived.next.valid = self.requests.arrived.val().valid;
        self.deframer.arrived.next.qp = self.requests.arrived.val().qp;
        self.deframer.arrived.next.number = self.requests.arrived_number.val();
        self.deframer.raw_ends.next = self.judge.raw_ends.val();
        self.deframer.raw_returns.next = self.judge.raw_returns.val();
        self.requests.head_qp.next = self.judge.head_qp.val();
        self.judge.entry.next = self.requests.head.val();
        self.requests.take.next = self.judge.take.val();
        self.requests.take_qp.next = self.judge.take_qp.val();
        StreamSource::<GateQuestion>::join(&mut self.judge.question, &mut self.gate.question);
        StreamSource::<GateAnswer>::join(&mut self.gate.answer, &mut self.judge.answer);
        StreamSource::<Delivery>::join(&mut self.judge.delivery, &mut self.placement.delivery);
        StreamSource::<WriteRequest>::link(&mut self.write, &mut self.placement.write);
        StreamSource::<Beat>::link(&mut self.write_data, &mut self.placement.write_data);
        StreamSource::<Completion>::link(&mut self.completion, &mut self.placement.completion);

        // RDMA Reads.
        StreamSource::<ReadAsked>::link(&mut self.read_asked, &mut self.placement.read_asked);
        self.judge.asking.next = self.placement.asking.val();
        self.room_qp.next = self.judge.room_qp.val();
        self.judge.read_room.next = self.read_room.val();
        self.judge.read_sent.next = self.read_sent.val();
        self.read_done.next = self.placement.read_done.val();

        // Ends of streams, and errors.
        self.resets.seen.next = self.tcp.peer_reset.val();
        StreamSource::<QpEvent>::join(&mut self.resets.event, &mut self.events.sink_a);
        StreamSource::<QpEvent>::join(&mut self.placement.event, &mut self.events.sink_b);
        StreamSource::<QpEvent>::link(&mut self.event, &mut self.events.source);

        // What the transmit side must know.
        self.acknowledgements.sink.beat.next = self.tcp.acknowledgement.val();
        self.acknowledgements.sink.valid.next = self.tcp.acknowledgement_valid.val();
        StreamSource::<Acknowledgement>::link(
            &mut self.acknowledgement,
            &mut self.acknowledgements.source,
        );
        self.notes.sink.beat.next = self.tcp.note.val();
        self.notes.sink.valid.next = self.tcp.note_valid.val();
        self.removals.sink.beat.next = self.deframer.taken.val();
        self.removals.sink.valid.next = self.deframer.taken.val().valid;
        StreamSource::<EdgeNote>::join(&mut self.notes.source, &mut self.teller.note);
        StreamSource::<StreamTaken>::join(&mut self.removals.source, &mut self.teller.taken);
        self.receive_edge.next = self.teller.receive_edge.val();
        self.opened.next = self.judge.opened.val();
        self.teller.query_qp.next = self.query_qp.val();
        self.query_receive_next.next = self.teller.query_receive_next.val();

        self.seen.next = bit_cast::<9, 7>(self.tcp.counts.val());
        self.seen.next = self
            .seen
            .val()
            .replace_bit(3, self.tcp.counts.val().get_bit(3) | self.intake.overflow.val());
        self.seen.next = self
            .seen
            .val()
            .replace_bit(4, self.tcp.counts.val().get_bit(4) | self.judge.raw_dropped.val());
        self.seen.next = self.seen.val().replace_bit(7, self.judge.crc_wrong.val());
        self.seen.next = self.seen.val().replace_bit(8, self.judge.passed.val());
        self.counts.next = self.seen.val();
        self.passed_stations.next = 0.into();
        self.passed_stations.next =
            self.passed_stations.val().replace_bit(0, self.intake.starts.val());
        self.passed_stations.next =
            self.passed_stations.val().replace_bit(1, self.tcp.counts.val().get_bit(6));
        self.passed_stations.next =
            self.passed_stations.val().replace_bit(2, self.judge.checked.val());
        self.passed_stations.next =
            self.passed_stations.val().replace_bit(3, self.judge.passed.val());
        self.passed_stations.next =
            self.passed_stations.val().replace_bit(4, self.placement.placed.val());
        self.stations.next = self.passed_stations.val();
    }
}
