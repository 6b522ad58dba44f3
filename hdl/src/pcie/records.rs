//! What crosses between the engines and the PCIe side.
use crate::configuration::BAR_BITS;
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// Asks for octets of host memory. Never crosses a 4 KiB boundary.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadRequest {
    /// Bus address of the first octet; any alignment.
    pub address: Bits<64>,
    /// Octets, 1 to 512, and no more than the maximum read request size.
    pub bytes: Bits<10>,
}

/// Announces octets for host memory; as many follow on the data stream, dense, ended by `last`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct WriteRequest {
    /// Bus address of the first octet; any alignment. The engine splits at 4 KiB boundaries and at
    /// the maximum payload size.
    pub address: Bits<64>,
    /// Octets, at least 1.
    pub bytes: Bits<16>,
    /// The octets of the next request follow on the data stream without a `last` between them: its
    /// address is a multiple of 4 KiB, as is the one behind this request.
    pub more: Bit,
}

/// The host writes a word of BAR 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct BarWrite {
    /// Byte offset in BAR 0, a multiple of 4.
    pub address: Bits<BAR_BITS>,
    /// The word.
    pub data: Bits<32>,
}

/// A beat on its way through a [`ByteShift`](super::byte_shift::ByteShift).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ShiftBeat {
    /// The octets.
    pub data: Bits<64>,
    /// How many octets count, from byte 0; 8 in every beat but the last.
    pub bytes: Bits<4>,
    /// The packet ends with this beat.
    pub last: Bit,
    /// With `last`: the packet is bad.
    pub error: Bit,
    /// Octets by which the packet moves back; the same in all its beats.
    pub shift: Bits<3>,
    /// The first eight octets, after the move, are no part of the packet; the same in all beats.
    pub drop_first: Bit,
}

/// The data of a completion of one of our reads. A broadcast: there is always room for it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct CompletionBeat {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which read.
    pub tag: Bits<8>,
    /// The completion begins with this record.
    pub first: Bit,
    /// The completion ends with this record.
    pub last: Bit,
    /// It is the only record of a completion that refuses the whole read: its status is not
    /// Successful Completion.
    pub refused: Bit,
    /// The data is poisoned.
    pub poisoned: Bit,
    /// With `last`: the packet ended before its length, and counts for nothing.
    pub cut: Bit,
    /// Byte Count of the header: octets that were still to come, with those of this completion.
    pub count: Bits<12>,
    /// Lower Address of the header: of the first octet that counts.
    pub lower_address: Bits<7>,
    /// Double words of data; 0 means 1024.
    pub dwords: Bits<10>,
    /// Two double words.
    pub data: Bits<64>,
    /// The low double word counts.
    pub low: Bit,
    /// The high double word counts; it comes after the low one.
    pub high: Bit,
}

/// A part of a [`ReadRequest`] that is one memory read.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadPiece {
    /// Bus address of the first octet.
    pub address: Bits<64>,
    /// Octets; they lie in one aligned block of 512.
    pub bytes: Bits<10>,
    /// The address of the request's first octet modulo 8.
    pub offset: Bits<3>,
    /// The request ends with this piece.
    pub last: Bit,
}

/// A memory read that is to be sent.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadIssue {
    /// Bus address; its two lowest bits do not count.
    pub address: Bits<64>,
    /// Double words, 1 to 128.
    pub dwords: Bits<8>,
    /// Byte enables of the first double word.
    pub first_enables: Bits<4>,
    /// Byte enables of the last double word; zero if it is the first.
    pub last_enables: Bits<4>,
    /// The tag.
    pub tag: Bits<8>,
}

/// What a read channel remembers of a read that it has issued.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct OpenRead {
    /// Address bits 8:2 of the first double word.
    pub start: Bits<8>,
    /// Address bits 8:3 of the first octet.
    pub first_beat: Bits<6>,
    /// Address bits 8:3 of the last octet.
    pub last_beat: Bits<6>,
    /// Octets up to and with the last one in the last beat.
    pub lanes: Bits<4>,
    /// The address of the request's first octet modulo 8.
    pub offset: Bits<3>,
    /// The request ends with this read.
    pub last: Bit,
    /// Address bits 1:0 of the first octet.
    pub lead: Bits<2>,
    /// Octets, 1 to 512.
    pub bytes: Bits<10>,
    /// Where its data is kept: a slot of the channel's store.
    pub slot: Bits<5>,
    /// Its tag.
    pub tag: Bits<8>,
}

/// A non-posted request of the host, to be answered with a completion.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct BarRequest {
    /// Byte offset in BAR 0.
    pub address: Bits<BAR_BITS>,
    /// Who asks.
    pub requester: Bits<16>,
    /// Its tag.
    pub tag: Bits<8>,
    /// Its traffic class.
    pub traffic: Bits<3>,
    /// Its attributes: No Snoop and Relaxed Ordering.
    pub attributes: Bits<2>,
    /// Double words that a completion would bring; 0 means 1024.
    pub dwords: Bits<10>,
    /// Byte enables of the first of them.
    pub enables: Bits<4>,
    /// Byte enables of the last of them, if there are several.
    pub last_enables: Bits<4>,
    /// It is a memory read, whose completion has a Lower Address.
    pub memory: Bit,
    /// It is a locked read, which has completions of its own kind.
    pub locked: Bit,
    /// It is a memory read of a register or of two; else it is an Unsupported Request.
    pub supported: Bit,
}

/// A completion that answers a [`BarRequest`].
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct BarCompletion {
    /// Header octets 0 to 7.
    pub head: Bits<64>,
    /// Header octets 8 to 11.
    pub tail: Bits<32>,
    /// The data.
    pub data: Bits<64>,
    /// Double words of data, 0 to 2.
    pub dwords: Bits<2>,
}

/// Whose data comes next; see [`PostedData`](super::posted_data::PostedData).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct DataOrder {
    /// From the completion client, else from the payload client.
    pub from_completions: Bit,
    /// The bus address modulo 4.
    pub offset: Bits<2>,
}

/// A header of a memory write, and how much data follows.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct TlpHeader {
    /// Octets 0 to 7.
    pub head: Bits<64>,
    /// Octets 8 to 15.
    pub tail: Bits<64>,
    /// The header has 16 octets, else 12.
    pub wide: Bit,
    /// Double words of data.
    pub dwords: Bits<8>,
    /// The write ends with this packet.
    pub last: Bit,
}
