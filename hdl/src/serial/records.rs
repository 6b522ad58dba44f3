//! What the blocks of the serial line tell each other.
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// An octet of a frame, before stuffing and without the CRC.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct FrameOctet {
    pub octet: Bits<8>,
    /// The CRC follows.
    pub last: Bit,
}

/// A good frame has arrived.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Arrived {
    /// For one clock.
    pub valid: Bit,
    pub kind: Bits<8>,
    pub acknowledge: Bits<8>,
    pub detail: Bits<8>,
    /// Sequence and acknowledgement as the one number that `OPEN` has there.
    pub nonce: Bits<16>,
    /// The first octets of the body, if it is no packet.
    pub requester: Bits<16>,
    /// It is a packet, the next one, and it is now in the store.
    pub stored: Bit,
}

/// How a frame begins: its header, octet 0 first, and the identity that only `OPENED` has.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct FrameStart {
    pub kind: Bits<8>,
    pub sequence: Bits<8>,
    pub acknowledge: Bits<8>,
    pub detail: Bits<8>,
    pub identity: Bits<32>,
}
