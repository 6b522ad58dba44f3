//! What crosses between the blocks of the transmit engine.
use crate::configuration::{CqNumber, Generation, QpNumber};
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// The payload of a segment, in host memory.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadJob {
    /// Bus address of the first octet.
    pub address: Bits<64>,
    /// Octets; zero reads nothing and gives no packet.
    pub bytes: Bits<16>,
}

/// The header of a segment's FPDU. All fields are in host order.
///
/// ```text
///           octet 0   1   2         3          4 .. 7   8 .. 15   16 .. 19
/// tagged    length       DDP ctrl  RDMAP ctrl  first    second                RFC 5041 s. 4.2
/// untagged  length       DDP ctrl  RDMAP ctrl  first    second    third       RFC 5041 s. 4.3
/// ```
/// The header of a Read Request follows that of DDP, instead of a payload (RFC 5040 s. 4.4).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameJob {
    /// No FPDU: the payload is a whole Ethernet frame.
    pub raw: Bit,
    /// The segment has no payload from host memory.
    pub empty: Bit,
    /// There is a `third`.
    pub long: Bit,
    /// ULPDU length (RFC 5044 s. 4.2).
    pub ulpdu: Bits<16>,
    /// The two control octets, DDP's in bits 15:8.
    pub control: Bits<16>,
    /// The STag, or zero.
    pub first: Bits<32>,
    /// The tagged offset, or the queue number and the message sequence number.
    pub second: Bits<64>,
    /// The message offset.
    pub third: Bits<32>,
    /// It is a Read Request, of the next five.
    pub asks: Bit,
    /// Data sink: STag ...
    pub sink_stag: Bits<32>,
    /// ... and tagged offset.
    pub sink_offset: Bits<64>,
    /// Octets to read.
    pub length: Bits<32>,
    /// Data source: STag ...
    pub source_stag: Bits<32>,
    /// ... and tagged offset.
    pub source_offset: Bits<64>,
}

/// How a segment lies in the MPA stream.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct StreamJob {
    /// Put markers in.
    pub markers: Bit,
    /// Put the CRC into the last four octets.
    pub crc: Bit,
    /// Octets of the stream before the segment, modulo 512.
    pub position: Bits<9>,
}

/// What the frame builder must know of a segment.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SendJob {
    /// It is no segment, but a fence behind those before it; nothing else means anything.
    pub fence: Bit,
    /// The queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The payload is a whole Ethernet frame.
    pub raw: Bit,
    /// Octets of the stream before the segment.
    pub position: Bits<32>,
    /// Raw: octets of the frame.
    pub bytes: Bits<16>,
    /// Raw: write a completion.
    pub signaled: Bit,
    /// Raw: the work request's number.
    pub request: Bits<16>,
    /// Raw: the completion queue.
    pub cq: CqNumber,
}

/// A segment that shall be built.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SegmentJob {
    /// For [`PayloadRead`](super::payload_read::PayloadRead).
    pub read: ReadJob,
    /// For [`FpduFramer`](super::fpdu_framer::FpduFramer).
    pub frame: FrameJob,
    /// For the marker and the CRC inserter.
    pub stream: StreamJob,
    /// For [`HeaderBuilder`](super::header_builder::HeaderBuilder).
    pub send: SendJob,
}

/// A segment that is stored, or was bad.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SegmentSummary {
    /// The one's complement sum of its 16-bit words, each with the first octet in bits 7:0, in so
    /// many bits as it takes.
    pub sum: Bits<32>,
    /// Octets.
    pub bytes: Bits<16>,
    /// The bus refused the payload: nothing is stored.
    pub error: Bit,
}

/// A frame that shall leave.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameHeader {
    /// It is none, but a fence behind those before it.
    pub fence: Bit,
    /// Forget the stored segment.
    pub discard: Bit,
    /// The stored segment is the frame.
    pub raw: Bit,
    /// There is no stored segment.
    pub bare: Bit,
    /// Raw: octets of the frame's last beat.
    pub tail: Bits<4>,
    /// The 54 octets of header in network order, the first octet in the highest byte: destination.
    pub destination: Bits<48>,
    /// Source and EtherType.
    pub source: Bits<64>,
    /// IPv4 version to fragment offset.
    pub network: Bits<64>,
    /// IPv4 time to live to source address.
    pub address: Bits<64>,
    /// IPv4 destination address, TCP ports.
    pub ports: Bits<64>,
    /// TCP sequence and acknowledgement number.
    pub numbers: Bits<64>,
    /// TCP data offset to urgent pointer.
    pub control: Bits<64>,
}

/// Sending has moved on. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SendNext {
    /// The record means something in this clock.
    pub valid: Bit,
    /// The queue pair.
    pub qp: QpNumber,
    /// Octets of the stream that are sent: SND.NXT less the context's `send_next`.
    pub position: Bits<32>,
}

/// The peer has acknowledged, or moved its window. A broadcast; and what is kept of the last one of
/// a queue pair, if `valid`: before the first, nothing is acknowledged, and the window is that of
/// the context.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SendEdge {
    /// The record means something.
    pub valid: Bit,
    /// The queue pair.
    pub qp: QpNumber,
    /// Octets of the stream that are acknowledged: SND.UNA less the context's `send_next`.
    pub acknowledged: Bits<32>,
    /// SND.WND in octets.
    pub window: Bits<32>,
    /// Duplicate acknowledgements since the last one that acknowledged something: at most 3.
    pub duplicates: Bits<2>,
}

/// A work request whose last octet was handed to the stream.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SentRequest {
    /// The queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// Octets of the stream up to its last one.
    pub end: Bits<32>,
    /// Its number in its queue.
    pub request: Bits<16>,
    /// Write a completion when it is acknowledged.
    pub signaled: Bit,
    /// The completion queue.
    pub cq: CqNumber,
    /// Octets of the message.
    pub length: Bits<32>,
    /// An RDMA Read: not done before its response is placed.
    pub read: Bit,
}

/// What sending has come to on a queue pair, from zero at its start.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct SendState {
    /// Octets of the stream: SND.NXT less the context's `send_next`.
    pub position: Bits<32>,
    /// Sends that are sent ...
    pub sends: Bits<32>,
    /// ... and Read Requests.
    pub reads: Bits<32>,
    /// Octets of the current message that are sent.
    pub offset: Bits<32>,
    /// The most that `position` has been: it goes back when octets were lost.
    pub furthest: Bits<32>,
}

/// A message that was sent whole, as far as it takes to send it again.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct LoggedMessage {
    /// Octets of the stream up to its last one; it begins where the one before it ends.
    pub end: Bits<32>,
    /// [`SendState`]'s counts as it began ...
    pub sends: Bits<32>,
    pub reads: Bits<32>,
    /// ... and the numbers of the next work request, and of the peer's next Read Request.
    pub request: Bits<16>,
    pub response: Bits<8>,
    /// It is a work request's, not a Read Response;
    pub posted: Bit,
    /// it counts as a Send, or as a Read Request.
    pub send: Bit,
    pub read: Bit,
}

/// Whose turn it is on a queue pair.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Turn {
    /// A message is begun and not finished.
    pub begun: Bit,
    /// The latest message is a work request's, not a Read Response.
    pub posted: Bit,
    /// It met an error: nothing follows.
    pub failed: Bit,
}

/// A Read Request has left; its response goes to this buffer. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadSent {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The data sink's STag ...
    pub sink_stag: Bits<32>,
    /// ... and the tagged offset in it.
    pub sink_offset: Bits<64>,
    /// Octets.
    pub length: Bits<32>,
}
