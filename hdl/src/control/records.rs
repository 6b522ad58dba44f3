//! What the control plane tells the engines. Each record is a broadcast: `valid` for one clock.
use crate::configuration::{CqNumber, Generation, QpNumber, OBJECT_BITS};
use crate::pins::Pin;
use ironwarp_abi::limits::NUMBER_BITS;
use rust_hdl::prelude::*;

/// A word of a record that the host has committed (see `ironwarp_abi::context`). The words of a
/// record come in order, one a clock without a gap.
///
/// Of a queue pair or a completion queue they come while it is stopped. Of a memory region and a
/// flow the word that holds its `valid` comes first with that bit clear, and as the last; it has
/// all its other bits both times. A bucket is one word. The words of a next hop come
/// for a queue pair that may be at work.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ContextWrite {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which table: one of `ironwarp_abi::context::table`, or [`EVERY_TABLE`].
    pub table: Bits<4>,
    /// Which context of the table; the device has it.
    pub index: Bits<OBJECT_BITS>,
    /// Which word of the context.
    pub word: Bits<6>,
    /// The word.
    pub data: Bits<32>,
}

/// The number in [`ContextWrite`] that means all words of a context in every table.
pub const EVERY_TABLE: u64 = 15;

/// The host asks for the record in the context window to be taken.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct CommitCommand {
    /// The record means something in this clock.
    pub valid: Bit,
    /// For which table.
    pub table: Bits<4>,
    /// For which object, as the host says.
    pub index: Bits<NUMBER_BITS>,
}

/// After a reset: everything about objects of one number is cleared.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Wipe {
    /// The record means something in this clock.
    pub valid: Bit,
    /// The objects' number; tables that have fewer take its low bits.
    pub index: Bits<OBJECT_BITS>,
}

/// The host starts or stops a queue pair.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpCommand {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Start it; else stop it.
    pub enable: Bit,
}

/// The host starts or stops a completion queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct CqCommand {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which completion queue.
    pub cq: CqNumber,
    /// Start it; else stop it.
    pub enable: Bit,
}

/// The host rang a queue pair's doorbell.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpDoorbell {
    /// The record means something in this clock.
    pub valid: Bit,
    /// That of the receive queue; else that of the send queue.
    pub receive: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Work requests posted so far, modulo 2^16.
    pub posted: Bits<16>,
}

/// The host rang a completion queue's doorbell.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct CqDoorbell {
    /// The record means something in this clock.
    pub valid: Bit,
    /// It arms the queue; else it tells what was consumed.
    pub arm: Bit,
    /// Which completion queue.
    pub cq: CqNumber,
    /// Entries consumed so far, modulo 2^16.
    pub consumed: Bits<16>,
}

/// The host asks for a fence.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FenceCommand {
    /// The record means something in this clock.
    pub valid: Bit,
    /// The host's name for it.
    pub number: Bits<16>,
}

/// What is known of a queue pair's lives.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpRecord {
    /// It was started since the reset.
    pub begun: Bit,
    /// How often, modulo 2^8.
    pub generation: Generation,
    /// The host has started it and not stopped it.
    pub started: Bit,
    /// It is started and has not ended.
    pub active: Bit,
    /// Why it ended in its last life: one of `ironwarp_abi::status`; zero if it did not.
    pub status: Bits<8>,
}

/// A queue pair met an error or an end; it stops being active. Travels on a stream. One of a life
/// that is over, or of a queue pair that is not active, has no effect.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpEvent {
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// One of `ironwarp_abi::status`.
    pub status: Bits<8>,
    /// The completion queue that is told: the queue pair's receive CQ.
    pub cq: CqNumber,
    /// For the end of a TCP stream: the next sequence number expected from the peer.
    pub sequence: Bits<32>,
}

/// The host wrote a word of a page of BAR 0. A broadcast inside the control plane.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct PageWrite {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which word of the page.
    pub word: Bits<10>,
    /// The word.
    pub data: Bits<32>,
}

/// A message-signalled interrupt: a write of one double word.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct MsixMessage {
    /// Bus address, a multiple of 4.
    pub address: Bits<64>,
    /// The double word.
    pub data: Bits<32>,
}
