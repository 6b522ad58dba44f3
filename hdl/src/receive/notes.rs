//! What crosses between the blocks of the receive engine.
use crate::configuration::{CqNumber, Generation, QpNumber, BUCKET_BITS};
use crate::pins::Pin;
use crate::receive::ring_sizes::RingPosition;
use ironwarp_abi::limits::READ_BITS;
use rust_hdl::prelude::*;

/// Where a frame goes: the values of [`FrameHead::way`].
pub mod way {
    /// Nowhere: it is meant for another station.
    pub const FOREIGN: u64 = 0;
    /// To queue pair 0, whole.
    pub const RAW: u64 = 1;
    /// Into the TCP stream of a queue pair.
    pub const SEGMENT: u64 = 2;
}

/// How far a frame's headers are known: the values of [`FrameHead::kind`].
pub mod header_kind {
    /// No IPv4: nothing is checked.
    pub const NONE: u64 = 0;
    /// IPv4 with options, or another version: software checks it.
    pub const PACKET: u64 = 1;
    /// IPv4 with a header of five words that is a fragment or holds no TCP.
    pub const HEADER: u64 = 2;
    /// The same, whole, and TCP in it.
    pub const SEGMENT: u64 = 3;
}

/// The gate's answer about octets that are to be written.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct WriteAnswer {
    /// One of `protect::records::refusal`.
    pub refusal: Bits<3>,
    /// Bus address of the first octet, unless they are in pages.
    pub address: Bits<64>,
    /// They are; pieces say where, up to a last one, refused or not.
    pub paged: Bit,
}

/// The bits of [`FrameHead::flags`] (RFC 9293 s. 3.1).
pub mod tcp_flag {
    /// No more data from the sender.
    pub const FIN: usize = 0;
    /// Synchronise sequence numbers.
    pub const SYN: usize = 1;
    /// Reset the connection.
    pub const RST: usize = 2;
    /// The acknowledgement number counts.
    pub const ACK: usize = 4;
}

/// The header fields of a frame, in host order.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameHead {
    /// One of [`way`].
    pub way: Bits<2>,
    /// One of [`header_kind`].
    pub kind: Bits<2>,
    /// The TCP header is shorter than five words, or longer than the packet.
    pub broken: Bit,
    /// The flow's bucket, if `way` is `SEGMENT`.
    pub bucket: Bits<BUCKET_BITS>,
    /// The queue pair that owns the flow, if `way` is `SEGMENT` and the flow was looked up ...
    pub qp: QpNumber,
    /// ... and its generation then.
    pub generation: Generation,
    pub remote_ip: Bits<32>,
    pub local_ip: Bits<32>,
    pub remote_port: Bits<16>,
    pub local_port: Bits<16>,
    pub sequence: Bits<32>,
    pub acknowledgement: Bits<32>,
    pub window: Bits<16>,
    /// The flags octet: [`tcp_flag`].
    pub flags: Bits<8>,
    /// The octet of the frame at which the TCP payload starts: 54 to 94.
    pub payload_at: Bits<7>,
    /// Octets of TCP payload, by the IPv4 total length.
    pub payload: Bits<16>,
}

/// A flow of the flow table (`ironwarp_abi::context::FlowContext`).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FlowEntry {
    pub remote_ip: Bits<32>,
    pub local_ip: Bits<32>,
    /// The peer's port in bits 31:16, and ours.
    pub ports: Bits<32>,
    /// The next flow of the list; zero ends it.
    pub behind: QpNumber,
    /// The entry may be used.
    pub valid: Bit,
}

/// What the checks over a whole frame have found.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameVerdict {
    /// The MAC found the frame check sequence right.
    pub intact: Bit,
    /// The frame holds a whole IPv4 packet whose header checksum is right.
    pub header_good: Bit,
    /// That, and its TCP checksum is right.
    pub checked: Bit,
}

/// A beat of a frame whose way is known.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameBeat {
    /// The record means something in this clock.
    pub valid: Bit,
    pub data: Bits<64>,
    /// Octets, 1 to 8.
    pub bytes: Bits<4>,
    /// The frame's first beat.
    pub first: Bit,
    /// The frame's last beat: what follows `way` counts.
    pub last: Bit,
    /// One of [`way`].
    pub way: Bits<2>,
    /// One of [`header_kind`].
    pub kind: Bits<2>,
    /// See [`FrameHead::broken`].
    pub broken: Bit,
    /// See [`FrameVerdict`].
    pub intact: Bit,
    /// See [`FrameVerdict`].
    pub header_good: Bit,
    /// See [`FrameVerdict`].
    pub checked: Bit,
}

/// What becomes of a TCP segment if its checksums are right.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Decision {
    pub qp: QpNumber,
    /// The octets are taken: RCV.NXT becomes `expected`.
    pub accept: Bit,
    /// The segment also ends the stream (FIN); `expected` counts it.
    pub finish: Bit,
    /// The octets would be next, but do not fit in the ring.
    pub no_room: Bit,
    /// The octets are old, or come after a gap.
    pub out_of_order: Bit,
    /// The peer resets the connection.
    pub reset: Bit,
    /// An acknowledgement must be sent.
    pub acknowledge: Bit,
    /// The acknowledgement and window fields go to the transmit side.
    pub forward: Bit,
    /// RCV.NXT from now on.
    pub expected: Bits<32>,
    /// The sequence number after the last octet, FIN not counted.
    pub end: Bits<32>,
    /// The ring position that the frame's octet 0 would have.
    pub origin: RingPosition,
    /// The octets of the frame from `low` to before `high` are written.
    pub low: Bits<16>,
    /// See `low`.
    pub high: Bits<16>,
}

/// RCV.NXT of a queue pair.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReceivedEdge {
    /// Something was received in this life; else RCV.NXT is that of the context.
    pub begun: Bit,
    /// The peer has sent FIN.
    pub closed: Bit,
    pub number: Bits<32>,
}

/// A sequence number of a queue pair.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SequenceMark {
    /// There is one in this life; else RCV.NXT of the context stands for it.
    pub begun: Bit,
    pub number: Bits<32>,
}

/// A stream has grown: octets before `end` are in the ring. A broadcast, in the clock after the
/// queue pair was looked at: in that clock a change of its life wins.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct StreamGrown {
    /// The record means something in this clock.
    pub valid: Bit,
    pub qp: QpNumber,
    /// Sequence number after the last octet.
    pub end: Bits<32>,
    /// No octet will follow: the peer has sent FIN.
    pub finished: Bit,
}

/// How far a stream has come.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct StreamEnd {
    /// It has grown in this life; else `end` means nothing.
    pub begun: Bit,
    /// See [`StreamGrown::end`].
    pub end: Bits<32>,
    /// See [`StreamGrown::finished`].
    pub finished: Bit,
}

/// Receive work requests have come on chip. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct BuffersArrived {
    /// The record means something in this clock.
    pub valid: Bit,
    pub qp: QpNumber,
    /// So many have come in this life, modulo 2^16.
    pub number: Bits<16>,
}

/// A raw frame that is complete in ring 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct RawFrame {
    /// Queue pair 0's generation when the frame came.
    pub generation: Generation,
    pub octets: Bits<16>,
}

/// The peer has reset a connection. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct PeerReset {
    /// The record means something in this clock.
    pub valid: Bit,
    pub qp: QpNumber,
    pub generation: Generation,
    /// RCV.NXT.
    pub expected: Bits<32>,
}

/// Octets have been taken out of a ring. A broadcast, as [`StreamGrown`].
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct StreamTaken {
    /// The record means something in this clock.
    pub valid: Bit,
    pub qp: QpNumber,
    pub generation: Generation,
    /// Octets before this sequence number need no room any more.
    pub end: Bits<32>,
}

/// An acknowledgement may be due.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct EdgeNote {
    pub qp: QpNumber,
    pub generation: Generation,
    /// RCV.NXT.
    pub expected: Bits<32>,
    /// It is due.
    pub acknowledge: Bit,
}

/// What is known of the next FPDU of a stream.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FpduFacts {
    /// The stream has markers.
    pub markers: Bit,
    /// Its CRCs count.
    pub crc: Bit,
    /// Where in the stream the FPDU starts, modulo 512.
    pub position: Bits<9>,
    /// Its first octet's sequence number.
    pub start: Bits<32>,
    /// Octets of the stream from there on.
    pub available: Bits<32>,
    /// The sequence number after the last of them.
    pub end: Bits<32>,
    /// No octet will follow.
    pub finished: Bit,
}

/// The kinds of [`PacketHead`].
pub mod packet_kind {
    /// An FPDU with its markers.
    pub const FPDU: u64 = 0;
    /// A raw frame.
    pub const RAW: u64 = 1;
    /// No octets: only `status` counts.
    pub const EVENT: u64 = 2;
}

/// Goes ahead of a packet that leaves a ring.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct PacketHead {
    /// One of [`packet_kind`].
    pub kind: Bits<2>,
    pub qp: QpNumber,
    /// The queue pair's generation when the packet was found.
    pub generation: Generation,
    /// A receive work request is on chip for it: see
    /// [`BufferCount`](crate::receive::buffer_count::BufferCount).
    pub buffered: Bit,
    /// The FPDU has markers.
    pub markers: Bit,
    /// The FPDU's CRC counts.
    pub crc: Bit,
    /// Where in the stream the FPDU starts, modulo 512.
    pub position: Bits<9>,
    /// One of `ironwarp_abi::status`, for an event.
    pub status: Bits<8>,
    /// For an event at the end of a stream: the next sequence number expected.
    pub sequence: Bits<32>,
    /// The position in the ring at which the packet starts: of a stream, its sequence number.
    pub start: Bits<32>,
    /// Octets of the packet.
    pub octets: Bits<16>,
}

/// A packet that has been checked; its payload, if any, is in the FPDU buffer.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Arrival {
    /// One of [`packet_kind`].
    pub kind: Bits<2>,
    pub qp: QpNumber,
    /// See [`PacketHead::generation`].
    pub generation: Generation,
    /// See [`PacketHead::buffered`].
    pub buffered: Bit,
    /// One of `ironwarp_abi::status`: success, or what ends the queue pair.
    pub status: Bits<8>,
    /// See [`PacketHead::sequence`].
    pub sequence: Bits<32>,
    /// The DDP segment is tagged.
    pub tagged: Bit,
    /// The DDP message ends.
    pub last: Bit,
    /// Send with Solicited Event.
    pub solicited: Bit,
    /// Read Request.
    pub request: Bit,
    /// Read Response.
    pub response: Bit,
    /// Tagged: the STag. Untagged: the queue number's place, not used.
    pub stag: Bits<32>,
    /// Tagged: the tagged offset. Untagged: MSN in bits 63:32, MO in bits 31:0.
    pub offset: Bits<64>,
    /// Octets of payload in the FPDU buffer.
    pub length: Bits<16>,
}

/// How far the responses to a queue pair's RDMA Reads have come.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadProgress {
    /// Reads answered, modulo twice the most that there can be.
    pub answered: Bits<{ READ_BITS + 1 }>,
    /// Octets placed of the oldest one that is not.
    pub placed: Bits<32>,
}

/// Where an outstanding RDMA Read is kept.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadPlace {
    /// Its number, modulo the places.
    pub slot: Bits<READ_BITS>,
    pub qp: QpNumber,
}

/// The data sink of an RDMA Read that waits for its response.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct OutstandingRead {
    pub stag: Bits<32>,
    /// The tagged offset of its first octet.
    pub offset: Bits<64>,
    /// Octets.
    pub length: Bits<32>,
}

/// What is done with a checked packet.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Delivery {
    /// It is no packet, but a fence behind those before it; nothing else counts.
    pub fence: Bit,
    pub qp: QpNumber,
    /// See [`PacketHead::generation`].
    pub generation: Generation,
    /// Octets of payload in the FPDU buffer.
    pub length: Bits<16>,
    /// Write them: to `address`, or where the pieces say that the page walker found.
    pub write: Bit,
    pub address: Bits<64>,
    /// There are pieces; if not for `write`, for nothing.
    pub paged: Bit,
    /// They are a Read Request: pass it on. If neither this nor `write`, drop them.
    pub ask: Bit,
    /// Then tell that the oldest outstanding RDMA Read is done.
    pub done: Bit,
    /// Then tell that a message has arrived.
    pub complete: Bit,
    /// The receive work request's number.
    pub request: Bits<16>,
    /// Octets of the message.
    pub message: Bits<32>,
    pub solicited: Bit,
    /// Then tell that the queue pair has ended, with `status` and `sequence`.
    pub event: Bit,
    pub status: Bits<8>,
    pub sequence: Bits<32>,
    /// The completion queue that is told.
    pub cq: CqNumber,
}
