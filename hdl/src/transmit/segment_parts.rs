//! Writes down a segment for the blocks that build it.
use crate::configuration::{CqNumber, Generation, QpNumber};
use crate::literal::Literal;
use crate::protect::records::*;
use crate::queue::QueueEntry;
use crate::transmit::records::*;
use ironwarp_wire::ddp;
use ironwarp_wire::rdmap::{self, queue, Opcode};
use rust_hdl::prelude::*;

/// DDP's and RDMAP's control octets.
const fn control(tagged: u8, opcode: Opcode) -> u64 {
    let rdmap = rdmap::VERSION << rdmap::VERSION_SHIFT | opcode as u8;
    ((tagged | ddp::VERSION) as u64) << 8 | rdmap as u64
}

/// From the work request, the queue pair's state and the segment's size: the gate's question, the
/// job, and the notes of what is outstanding. Combinational.
///
/// The gate is asked for the segment of a Write or a Send, for the whole sink of an RDMA Read, and
/// for all that is left of a Read Response.
#[derive(LogicBlock, Default)]
pub struct SegmentParts {
    pub qp: Signal<In, QpNumber>,
    pub generation: Signal<In, Generation>,
    pub head: Signal<In, QueueEntry>,
    pub state: Signal<In, SendState>,
    /// From the context: protection domain, markers, CRC, the send queue's completion queue.
    pub pd: Signal<In, Bits<16>>,
    pub markers: Signal<In, Bit>,
    pub crc: Signal<In, Bit>,
    pub cq: Signal<In, CqNumber>,
    /// Octets of the stream after the segment.
    pub after: Signal<In, Bits<32>>,
    /// Bus address of the payload, from the gate.
    pub address: Signal<In, Bits<64>>,
    /// The job is a fence.
    pub fence: Signal<In, Bit>,
    /// From [`RequestCheck`](super::request_check::RequestCheck).
    pub raw: Signal<In, Bit>,
    pub write: Signal<In, Bit>,
    pub read: Signal<In, Bit>,
    pub solicited: Signal<In, Bit>,
    pub signaled: Signal<In, Bit>,
    /// The work request is the peer's, and looks like a Write.
    pub response: Signal<In, Bit>,
    /// From [`SegmentSizer`](super::segment_sizer::SegmentSizer).
    pub payload: Signal<In, Bits<16>>,
    pub ulpdu: Signal<In, Bits<16>>,
    pub last: Signal<In, Bit>,
    pub question: Signal<Out, GateQuestion>,
    pub job: Signal<Out, SegmentJob>,
    pub request: Signal<Out, SentRequest>,
    /// The message, for the log; the numbers are of the queues.
    pub logged: Signal<Out, LoggedMessage>,
    pub request_number: Signal<In, Bits<16>>,
    pub response_number: Signal<In, Bits<8>>,
    /// `valid` says no more than that the segment is a Read Request.
    pub read_sent: Signal<Out, ReadSent>,
    from: Signal<Local, Bits<64>>,
    to: Signal<Local, Bits<64>>,
    frame: Signal<Local, FrameJob>,
    read_job: Signal<Local, ReadJob>,
    stream_job: Signal<Local, StreamJob>,
    send_job: Signal<Local, SendJob>,
    last_bit: Signal<Local, Bits<16>>,
    left: Signal<Local, Bits<32>>,
    position: Signal<Local, Bits<32>>,
    send_number: Signal<Local, Bits<32>>,
    read_number: Signal<Local, Bits<32>>,
    one: Literal<32, 1>,
    local_read: Literal<2, { right::LOCAL_READ }>,
    local_write: Literal<2, { right::LOCAL_WRITE }>,
    remote_read: Literal<2, { right::REMOTE_READ }>,
    write_control: Literal<16, { control(ddp::TAGGED, Opcode::Write) }>,
    send_control: Literal<16, { control(0, Opcode::Send) }>,
    solicited_control: Literal<16, { control(0, Opcode::SendSolicited) }>,
    read_control: Literal<16, { control(0, Opcode::ReadRequest) }>,
    response_control: Literal<16, { control(ddp::TAGGED, Opcode::ReadResponse) }>,
    read_queue: Literal<64, { (queue::READ_REQUEST as u64) << 32 }>,
    last_control: Literal<16, { (ddp::LAST as u64) << 8 }>,
}

impl Logic for SegmentParts {
    //= rfc5041#5.1  Message sequence numbers count from 1; offsets from 0.
    //= rfc5040#4.1  Opcode, queue number 0 for a Send; RFC 5041 s. 4: T, L, version.
    //= rfc5040#4.4  A Read Request: queue number 1.
    #[hdl_gen]
    fn update(&mut self) {
        // The gate's question.
        self.from.next = self.head.val().local_offset + bit_cast::<64, 32>(self.state.val().offset);
        self.question.next.stag = self.head.val().local_stag;
        self.question.next.pd = self.pd.val();
        self.question.next.right = self.local_read.val();
        self.question.next.offset = self.from.val();
        self.question.next.length = bit_cast::<32, 16>(self.payload.val());
        self.left.next = self.head.val().length - self.state.val().offset;
        if self.read.val() {
            self.question.next.right = self.local_write.val();
            self.question.next.length = self.head.val().length;
        }
        if self.response.val() {
            self.question.next.right = self.remote_read.val();
            self.question.next.length = self.left.val();
        }

        // The job. Messages count from 1.
        self.send_number.next = self.state.val().sends + self.one.val();
        self.read_number.next = self.state.val().reads + self.one.val();
        self.last_bit.next = 0.into();
        if self.last.val() {
            self.last_bit.next = self.last_control.val();
        }
        self.to.next = self.head.val().remote_offset + bit_cast::<64, 32>(self.state.val().offset);
        self.frame.next.raw = self.raw.val();
        self.frame.next.empty = !self.payload.val().any() | self.read.val();
        self.frame.next.long = !self.write.val();
        self.frame.next.ulpdu = self.ulpdu.val();
        self.frame.next.control = self.send_control.val() | self.last_bit.val();
        if self.solicited.val() {
            self.frame.next.control = self.solicited_control.val() | self.last_bit.val();
        }
        self.frame.next.first = 0.into();
        self.frame.next.second = bit_cast::<64, 32>(self.send_number.val());
        self.frame.next.third = self.state.val().offset;
        if self.write.val() {
            self.frame.next.control = self.write_control.val() | self.last_bit.val();
            self.frame.next.first = self.head.val().remote_stag;
            self.frame.next.second = self.to.val();
        }
        if self.response.val() {
            self.frame.next.control = self.response_control.val() | self.last_bit.val();
        }
        if self.read.val() {
            self.frame.next.control = self.read_control.val() | self.last_bit.val();
            self.frame.next.second =
                self.read_queue.val() | bit_cast::<64, 32>(self.read_number.val());
        }
        self.frame.next.asks = self.read.val();
        self.frame.next.sink_stag = self.head.val().local_stag;
        self.frame.next.sink_offset = self.head.val().local_offset;
        self.frame.next.length = self.head.val().length;
        self.frame.next.source_stag = self.head.val().remote_stag;
        self.frame.next.source_offset = self.head.val().remote_offset;
        self.read_job.next.address = self.address.val();
        self.read_job.next.bytes = self.payload.val();
        if self.read.val() {
            self.read_job.next.bytes = 0.into();
        }
        self.stream_job.next.markers = self.markers.val() & !self.raw.val();
        self.stream_job.next.crc = self.crc.val() & !self.raw.val();
        self.position.next = self.state.val().position;
        self.stream_job.next.position = self.position.val().get_bits::<9>(0);
        self.send_job.next.fence = self.fence.val();
        self.send_job.next.qp = self.qp.val();
        self.send_job.next.generation = self.generation.val();
        self.send_job.next.raw = self.raw.val();
        self.send_job.next.position = self.position.val();
        self.send_job.next.bytes = self.payload.val();
        self.send_job.next.signaled = self.signaled.val();
        self.send_job.next.request = self.head.val().number;
        self.send_job.next.cq = self.cq.val();
        self.job.next.read = self.read_job.val();
        self.job.next.frame = self.frame.val();
        self.job.next.stream = self.stream_job.val();
        self.job.next.send = self.send_job.val();
        self.request.next.qp = self.qp.val();
        self.request.next.generation = self.generation.val();
        self.request.next.end = self.after.val();
        self.request.next.request = self.head.val().number;
        self.request.next.signaled = self.signaled.val();
        self.request.next.cq = self.cq.val();
        self.request.next.length = self.head.val().length;
        self.request.next.read = self.read.val();
        self.logged.next.end = self.after.val();
        self.logged.next.sends = self.state.val().sends;
        self.logged.next.reads = self.state.val().reads;
        self.logged.next.request = self.request_number.val();
        self.logged.next.response = self.response_number.val();
        self.logged.next.posted = !self.response.val();
        self.logged.next.send = !self.write.val() & !self.read.val();
        self.logged.next.read = self.read.val();
        self.read_sent.next.valid = self.read.val();
        self.read_sent.next.qp = self.qp.val();
        self.read_sent.next.generation = self.generation.val();
        self.read_sent.next.sink_stag = self.head.val().local_stag;
        self.read_sent.next.sink_offset = self.head.val().local_offset;
        self.read_sent.next.length = self.head.val().length;
    }
}
