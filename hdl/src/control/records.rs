//! What the control plane tells the engines. Each record is a broadcast: `valid` for one clock.
use rust_hdl::prelude::*;

/// The host wrote a word of a context table (see `ironwarp_abi::context`).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ContextWrite {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which table: one of `ironwarp_abi::context::table`, or [`EVERY_TABLE`].
    pub table: Bits<4>,
    /// Which context of the table.
    pub index: Bits<8>,
    /// Which word of the context.
    pub word: Bits<6>,
    /// The word.
    pub data: Bits<32>,
}

/// The number in [`ContextWrite`] that means all words of a context in every table.
pub const EVERY_TABLE: u64 = 15;

/// After a reset: everything about objects of one number is cleared.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Wipe {
    /// The record means something in this clock.
    pub valid: Bit,
    /// The objects' number; tables that have fewer take it modulo their size.
    pub index: Bits<8>,
}

/// The host starts or stops a queue pair or a completion queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Command {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair or completion queue.
    pub index: Bits<8>,
    /// Start it; else stop it.
    pub enable: Bit,
}

/// The kinds of [`Doorbell`], as in its `kind` field.
pub mod doorbell_kind {
    /// Send work requests posted.
    pub const SEND: u64 = 0;
    /// Receive work requests posted.
    pub const RECEIVE: u64 = 1;
    /// Completion entries consumed.
    pub const CONSUMED: u64 = 2;
    /// A completion queue is armed.
    pub const ARM: u64 = 3;
}

/// The host rang a doorbell.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Doorbell {
    /// The record means something in this clock.
    pub valid: Bit,
    /// One of [`doorbell_kind`].
    pub kind: Bits<2>,
    /// Which queue pair or completion queue.
    pub index: Bits<8>,
    /// The index written: posted or consumed so far, modulo 2^16.
    pub value: Bits<16>,
}

/// A queue pair met an error or an end; it stops being active. Travels on a stream.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct QpEvent {
    /// Which queue pair.
    pub qp: Bits<8>,
    /// One of `ironwarp_abi::status`.
    pub status: Bits<8>,
    /// The completion queue that is told: the queue pair's receive CQ.
    pub cq: Bits<8>,
    /// For the end of a TCP stream: the next sequence number expected from the peer.
    pub sequence: Bits<32>,
}

/// The host wrote a word of a page of BAR 0. A broadcast inside the control plane.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct PageWrite {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which word of the page.
    pub word: Bits<10>,
    /// The word.
    pub data: Bits<32>,
}

/// A message-signalled interrupt: a write of one double word.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct MsixMessage {
    /// Bus address, a multiple of 4.
    pub address: Bits<64>,
    /// The double word.
    pub data: Bits<32>,
}
