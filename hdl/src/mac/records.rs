//! What travels between the MAC's blocks.
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// One clock of the Gigabit Media Independent Interface (IEEE 802.3 clause 35), either way.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Gmii {
    /// RXD or TXD: an octet, its first bit on the wire is bit 0.
    pub data: Bits<8>,
    /// RX_DV or TX_EN: `data` belongs to a frame or to its preamble.
    pub enable: Bit,
    /// RX_ER or TX_ER: the octet is damaged.
    pub error: Bit,
}

/// One clock of a frame that is being received, preamble gone, frame check sequence still there.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReceivedOctet {
    pub data: Bits<8>,
    /// `data` is the frame's next octet.
    pub valid: Bit,
    /// The frame ended with the octet before; there is none in this clock.
    pub end: Bit,
    /// With `end`: the PHY found the frame damaged.
    pub damaged: Bit,
}

/// What is known of a frame one clock after its end.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReceiveVerdict {
    /// A frame has ended, and the rest says what it was.
    pub valid: Bit,
    /// Its frame check sequence was wrong, or the PHY found it damaged.
    pub damaged: Bit,
    /// It was shorter than 64 octets or longer than the largest frame.
    pub misfit: Bit,
}

/// One-clock pulses of what the MAC did, for the host's counters.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct MacCounts {
    /// A frame came with a wrong frame check sequence, or was damaged as the PHY found.
    pub damaged: Bit,
    /// A frame came that was too short or too long.
    pub misfit: Bit,
    /// A PAUSE frame came.
    pub pause: Bit,
    /// A frame was lost between the line and the device: one that came while the device did not
    /// take beats, or one whose beats did not come in time to be sent.
    pub lost: Bit,
}
