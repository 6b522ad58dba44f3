//! What the receive side tells the transmit side.
use rust_hdl::prelude::*;

/// The acknowledgement fields of a TCP segment that belongs to an owned flow. Travels on a stream.
/// The transmit side judges whether it is acceptable (RFC 9293 s. 3.10.7.4).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Acknowledgement {
    /// Which queue pair.
    pub qp: Bits<8>,
    /// The segment's acknowledgement number.
    pub number: Bits<32>,
    /// The segment's window field, not yet shifted.
    pub window: Bits<16>,
}

/// The receive side's edge has moved, or an acknowledgement is due. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReceiveEdge {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: Bits<8>,
    /// The next sequence number expected: what an acknowledgement says.
    pub expected: Bits<32>,
    /// The window to advertise, already shifted.
    pub window: Bits<16>,
    /// A segment that acknowledges must be sent.
    pub acknowledge: Bit,
}

/// The first valid FPDU of a queue pair has arrived: it may send (RFC 5044 s. 7.1.2 rule 4).
/// A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Opened {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: Bits<8>,
}
