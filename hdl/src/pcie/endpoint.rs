//! The PCI Express side as one block.
use super::answer_tlp::AnswerTlp;
use super::bar_reader::BarReader;
use super::byte_shift::ByteShift;
use super::completion_timer::CompletionTimer;
use super::posted_data::PostedData;
use super::posted_select::PostedSelect;
use super::read_channel::ReadChannel;
use super::read_tlp::ReadTlp;
use super::records::*;
use super::tlp;
use super::tlp_builder::TlpBuilder;
use super::tlp_merge::TlpMerge;
use super::tlp_receiver::TlpReceiver;
use super::write_splitter::WriteSplitter;
use crate::configuration::BAR_BITS;
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::{Merge2, Merge3, SkidBuffer, StreamFifo};
use rust_hdl::prelude::*;

/// Between transaction-layer packets and the engines.
///
/// ```text
///            +-> bar_write
/// pcie_in -> TlpReceiver -> StreamFifo -> BarReader <-> bar_read, bar_answer
///            |                              +---------------------> AnswerTlp -----+
///            | completions                            writes under way ^           |
///            |     payload_write ------> PostedSelect -> WriteSplitter |           v
///            |     completion_write -->    | order             v       |      TlpMerge -> pcie_out
///            |     ..._write_data -----> PostedData -> ByteShift -> TlpBuilder --> ^
///            v                                                                     |
///       ReadChannel: payload, (send, receive, line -> Merge3) -> Merge2 -> ReadTlp +
///            ^ CompletionTimer
/// ```
/// Packets are in wire order: header octet 0 is byte 0 of the first beat. The host must not have
/// more than 16 non-posted requests under way to the device (its flow-control credits), so that
/// `pcie_in` never waits for `pcie_out`. All tags from 0 to 255 are used: Extended Tag must be
/// enabled (s. 2.2.6.2).
///
/// A read ends when its octets have come, when it is refused, or when it times out (s. 2.8). What
/// answers no read, or answers it wrongly, is dropped and counted (s. 2.3.2).
#[derive(LogicBlock, Ports)]
pub struct Pcie {
    pub clock: Signal<In, Clock>,
    /// Packets from the host.
    pub pcie_in: StreamSink<Beat>,
    /// Packets to the host.
    pub pcie_out: StreamSource<Beat>,
    /// Maximum payload size, 128 << n, as in the Device Control register; above 512 taken as 512.
    pub max_payload: Signal<In, Bits<3>>,
    /// Maximum read request size, likewise.
    pub max_read: Signal<In, Bits<3>>,
    /// Bus, device and function of the device.
    pub requester: Signal<In, Bits<16>>,
    /// Bus Master Enable: the device may send requests. While not, they wait; answers to the host
    /// do not. A packet that has begun to leave ends.
    pub bus_master: Signal<In, Bit>,
    /// A microsecond has passed.
    pub microsecond: Signal<In, Bit>,
    /// Microseconds until a read is given up; less than 2: never.
    pub completion_timeout: Signal<In, Bits<24>>,
    /// The host writes a register.
    pub bar_write: StreamSource<BarWrite>,
    /// The host reads a register: its byte offset in BAR 0 ...
    pub bar_read: StreamSource<Bits<BAR_BITS>>,
    /// ... and its value, one for every offset taken.
    pub bar_answer: StreamSink<Bits<32>>,
    /// Reads of payload, 32 at a time.
    pub payload_read: StreamSink<ReadRequest>,
    /// One packet a request, in order.
    pub payload_data: StreamSource<Beat>,
    /// Reads of send work requests, four at a time.
    pub send_read: StreamSink<ReadRequest>,
    pub send_data: StreamSource<Beat>,
    /// Reads of receive work requests, four at a time.
    pub receive_read: StreamSink<ReadRequest>,
    pub receive_data: StreamSource<Beat>,
    /// Reads of lines of page lists, two at a time.
    pub line_read: StreamSink<ReadRequest>,
    pub line_data: StreamSource<Beat>,
    /// Writes of received payload; on the bus in the order in which requests are taken here and at
    /// `completion_write`.
    pub payload_write: StreamSink<WriteRequest>,
    pub payload_write_data: StreamSink<Beat>,
    /// Writes of completion entries and interrupt messages.
    pub completion_write: StreamSink<WriteRequest>,
    pub completion_write_data: StreamSink<Beat>,
    /// A packet came that the device could not take, or did not expect.
    pub unexpected: Signal<Out, Bit>,
    receiver: TlpReceiver,
    bar_requests: StreamFifo<BarRequest, 4>,
    bar_reader: BarReader,
    answer_tlp: AnswerTlp,
    timer: CompletionTimer,
    payload_channel: ReadChannel<5, 11, { tlp::PAYLOAD_TAG_BITS }>,
    send_channel: ReadChannel<2, 8, { tlp::REQUEST_TAG_BITS }>,
    receive_channel: ReadChannel<2, 8, { tlp::REQUEST_TAG_BITS }>,
    line_channel: ReadChannel<1, 7, { tlp::LINE_TAG_BITS }>,
    request_issues: Merge3<ReadIssue>,
    issues: Merge2<ReadIssue>,
    read_tlp: ReadTlp,
    select: PostedSelect,
    posted_data: PostedData,
    shift: ByteShift,
    splitter: WriteSplitter,
    builder: TlpBuilder,
    merge: TlpMerge,
    out: SkidBuffer<Beat>,
    came: DFF<Bit>,
    came_before: DFF<Bit>,
    /// Two packets were unexpected in one clock: one is yet to be told.
    owed: DFF<Bit>,
    strange: Signal<Local, Bit>,
    unknown: Signal<Local, Bit>,
}

impl Default for Pcie {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            pcie_in: Default::default(),
            pcie_out: Default::default(),
            max_payload: Default::default(),
            max_read: Default::default(),
            requester: Default::default(),
            bus_master: Default::default(),
            microsecond: Default::default(),
            completion_timeout: Default::default(),
            bar_write: Default::default(),
            bar_read: Default::default(),
            bar_answer: Default::default(),
            payload_read: Default::default(),
            payload_data: Default::default(),
            send_read: Default::default(),
            send_data: Default::default(),
            receive_read: Default::default(),
            receive_data: Default::default(),
            line_read: Default::default(),
            line_data: Default::default(),
            payload_write: Default::default(),
            payload_write_data: Default::default(),
            completion_write: Default::default(),
            completion_write_data: Default::default(),
            unexpected: Default::default(),
            receiver: Default::default(),
            bar_requests: Default::default(),
            bar_reader: Default::default(),
            answer_tlp: Default::default(),
            timer: Default::default(),
            payload_channel: ReadChannel::new(tlp::PAYLOAD_TAG),
            send_channel: ReadChannel::new(tlp::SEND_TAG),
            receive_channel: ReadChannel::new(tlp::RECEIVE_TAG),
            line_channel: ReadChannel::new(tlp::LINE_TAG),
            request_issues: Default::default(),
            issues: Default::default(),
            read_tlp: Default::default(),
            select: Default::default(),
            posted_data: Default::default(),
            shift: Default::default(),
            splitter: Default::default(),
            builder: Default::default(),
            merge: Default::default(),
            out: Default::default(),
            came: Default::default(),
            came_before: Default::default(),
            owed: Default::default(),
            strange: Default::default(),
            unknown: Default::default(),
        }
    }
}

impl Logic for Pcie {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, came, came_before, owed);
        clock!(self, clock, receiver, bar_requests, bar_reader, answer_tlp, timer);
        clock!(self, clock, payload_channel, send_channel, receive_channel, line_channel);
        clock!(self, clock, request_issues, issues, read_tlp);
        clock!(self, clock, select, shift, splitter, builder, merge, out);

        // From the host.
        self.receiver.requester.next = self.requester.val();
        StreamSink::<Beat>::link(&mut self.pcie_in, &mut self.receiver.sink);
        StreamSource::<BarWrite>::link(&mut self.bar_write, &mut self.receiver.bar_write);
        StreamSource::<BarRequest>::join(
            &mut self.receiver.bar_request,
            &mut self.bar_requests.sink,
        );
        StreamSource::<BarRequest>::join(&mut self.bar_requests.source, &mut self.bar_reader.sink);
        StreamSource::<Bits<BAR_BITS>>::link(&mut self.bar_read, &mut self.bar_reader.bar_read);
        StreamSink::<Bits<32>>::link(&mut self.bar_answer, &mut self.bar_reader.bar_answer);
        self.bar_reader.completer.next = self.requester.val();
        self.payload_channel.completion.next = self.receiver.completion.val();
        self.send_channel.completion.next = self.receiver.completion.val();
        self.receive_channel.completion.next = self.receiver.completion.val();
        self.line_channel.completion.next = self.receiver.completion.val();
        self.came.d.next =
            self.receiver.completion.val().valid & self.receiver.completion.val().first;
        self.came_before.d.next = self.came.q.val();
        self.strange.next = self.receiver.unexpected.val();
        self.unknown.next = self.came_before.q.val()
            & !self.payload_channel.known.val()
            & !self.send_channel.known.val()
            & !self.receive_channel.known.val()
            & !self.line_channel.known.val();
        // Packets are two clocks apart at least: what is owed is told soon.
        self.unexpected.next = self.strange.val() | self.unknown.val() | self.owed.q.val();
        self.owed.d.next = (self.strange.val() & self.unknown.val())
            | (self.owed.q.val() & (self.strange.val() | self.unknown.val()));

        // Reads.
        self.timer.microsecond.next = self.microsecond.val();
        self.timer.timeout.next = self.completion_timeout.val();
        self.payload_channel.pulse.next = self.timer.pulse.val();
        self.send_channel.pulse.next = self.timer.pulse.val();
        self.receive_channel.pulse.next = self.timer.pulse.val();
        self.line_channel.pulse.next = self.timer.pulse.val();
        self.payload_channel.bus_master.next = self.bus_master.val();
        self.send_channel.bus_master.next = self.bus_master.val();
        self.receive_channel.bus_master.next = self.bus_master.val();
        self.line_channel.bus_master.next = self.bus_master.val();
        self.payload_channel.max_read.next = self.max_read.val();
        self.send_channel.max_read.next = self.max_read.val();
        self.receive_channel.max_read.next = self.max_read.val();
        self.line_channel.max_read.next = self.max_read.val();
        StreamSink::<ReadRequest>::link(&mut self.payload_read, &mut self.payload_channel.request);
        StreamSource::<Beat>::link(&mut self.payload_data, &mut self.payload_channel.data);
        StreamSink::<ReadRequest>::link(&mut self.send_read, &mut self.send_channel.request);
        StreamSource::<Beat>::link(&mut self.send_data, &mut self.send_channel.data);
        StreamSink::<ReadRequest>::link(&mut self.receive_read, &mut self.receive_channel.request);
        StreamSource::<Beat>::link(&mut self.receive_data, &mut self.receive_channel.data);
        StreamSource::<ReadIssue>::join(
            &mut self.send_channel.issue,
            &mut self.request_issues.sink_a,
        );
        StreamSource::<ReadIssue>::join(
            &mut self.receive_channel.issue,
            &mut self.request_issues.sink_b,
        );
        StreamSink::<ReadRequest>::link(&mut self.line_read, &mut self.line_channel.request);
        StreamSource::<Beat>::link(&mut self.line_data, &mut self.line_channel.data);
        StreamSource::<ReadIssue>::join(
            &mut self.line_channel.issue,
            &mut self.request_issues.sink_first,
        );
        StreamSource::<ReadIssue>::join(&mut self.request_issues.source, &mut self.issues.sink_a);
        StreamSource::<ReadIssue>::join(&mut self.payload_channel.issue, &mut self.issues.sink_b);
        StreamSource::<ReadIssue>::join(&mut self.issues.source, &mut self.read_tlp.sink);
        self.read_tlp.requester.next = self.requester.val();

        // Writes and answers.
        self.select.bus_master.next = self.bus_master.val();
        StreamSink::<WriteRequest>::link(&mut self.payload_write, &mut self.select.payload);
        StreamSink::<WriteRequest>::link(&mut self.completion_write, &mut self.select.completion);
        StreamSource::<WriteRequest>::join(&mut self.select.request, &mut self.splitter.sink);
        StreamSource::<DataOrder>::join(&mut self.select.order, &mut self.posted_data.order);
        StreamSink::<Beat>::link(&mut self.payload_write_data, &mut self.posted_data.payload);
        StreamSink::<Beat>::link(&mut self.completion_write_data, &mut self.posted_data.completion);
        StreamSource::<ShiftBeat>::join(&mut self.posted_data.source, &mut self.shift.sink);
        StreamSource::<Beat>::join(&mut self.shift.source, &mut self.builder.data);
        StreamSource::<TlpHeader>::join(&mut self.splitter.source, &mut self.builder.header);
        self.splitter.max_payload.next = self.max_payload.val();
        self.splitter.requester.next = self.requester.val();

        self.answer_tlp.bus_master.next = self.bus_master.val();
        self.answer_tlp.taken.next = self.select.taken.val();
        self.answer_tlp.left.next = self.builder.left.val();
        StreamSource::<BarCompletion>::join(&mut self.bar_reader.source, &mut self.answer_tlp.sink);

        // To the host.
        self.merge.bus_master.next = self.bus_master.val();
        StreamSource::<Beat>::join(&mut self.answer_tlp.source, &mut self.merge.answers);
        StreamSource::<Beat>::join(&mut self.builder.source, &mut self.merge.posted);
        StreamSource::<Beat>::join(&mut self.read_tlp.source, &mut self.merge.reads);
        StreamSource::<Beat>::join(&mut self.merge.source, &mut self.out.sink);
        StreamSource::<Beat>::link(&mut self.pcie_out, &mut self.out.source);
    }
}
