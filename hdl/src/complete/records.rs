//! What the engines hand to the completion writer.
use crate::configuration::{CqNumber, Generation, QpNumber};
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// A completion entry in the making (see `ironwarp_abi::queue::CompletionEntry`).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Completion {
    /// The completion queue.
    pub cq: CqNumber,
    /// The queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// One of `ironwarp_abi::queue::kind`.
    pub kind: Bits<8>,
    /// One of `ironwarp_abi::status`.
    pub status: Bits<8>,
    /// The work request's number in its queue.
    pub request: Bits<16>,
    /// The message asked for a solicited event.
    pub solicited: Bit,
    /// Octets of the message.
    pub length: Bits<32>,
    /// For events of a stream: the next sequence number expected.
    pub sequence: Bits<32>,
}

/// What the completion writer keeps of a completion queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct CqRecord {
    /// Entries written since the queue was started, modulo 2^16.
    pub producer: Bits<16>,
    /// The next entry raises the interrupt.
    pub armed: Bit,
    /// An entry found the queue full: it takes nothing more.
    pub overflowed: Bit,
}
