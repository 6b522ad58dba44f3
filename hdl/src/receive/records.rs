//! What the receive side tells the transmit side.
use crate::configuration::{Generation, QpNumber};
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// The acknowledgement fields of a TCP segment that belongs to an owned flow. Travels on a stream.
/// The transmit side judges whether it is acceptable (RFC 9293 s. 3.10.7.4).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Acknowledgement {
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The segment's sequence number.
    pub sequence: Bits<32>,
    /// The segment's acknowledgement number.
    pub number: Bits<32>,
    /// The segment's window field, not yet shifted.
    pub window: Bits<16>,
    /// The segment takes no sequence number: no octets, no SYN, no FIN.
    pub bare: Bit,
}

/// The receive side's edge has moved, or an acknowledgement is due. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReceiveEdge {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The next sequence number expected: what an acknowledgement says.
    pub expected: Bits<32>,
    /// The window to advertise, already shifted.
    pub window: Bits<16>,
    /// A segment that acknowledges must be sent.
    pub acknowledge: Bit,
}

/// The first valid FPDU of a queue pair has arrived: it may send (RFC 5044 s. 7.1.2 rule 4).
/// A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Opened {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
}

/// A Read Request of the peer that has passed every check of its own (RFC 5040 s. 4.4).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadAsked {
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
    /// The peer's buffer, which the response goes to ...
    pub sink_stag: Bits<32>,
    /// ... and the tagged offset in it.
    pub sink_offset: Bits<64>,
    /// Octets.
    pub length: Bits<32>,
    /// Our buffer, which is read ...
    pub source_stag: Bits<32>,
    /// ... and the tagged offset in it.
    pub source_offset: Bits<64>,
}

/// The oldest outstanding RDMA Read of a queue pair is placed whole: its writes have gone to PCIe
/// ahead of anything that is sent after the pulse. A broadcast.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadDone {
    /// The record means something in this clock.
    pub valid: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation.
    pub generation: Generation,
}
