//! RDMAP: what the DDP segments of a message mean (RFC 5040 §4).
//!
//! The control octet travels in DDP's RsvdULP, at [`crate::ddp::ULP_CONTROL`]. Two messages carry a
//! header of their own after DDP's: the [Read Request](read_request) and the
//! [Terminate](terminate).

pub mod read_request;
pub mod terminate;

/// In the control octet, RV: the bits of the version.
pub const VERSION_MASK: u8 = 0b11 << VERSION_SHIFT;
/// Where RV begins in the control octet.
pub const VERSION_SHIFT: u32 = 6;
/// In the control octet: zero when sent, ignored when received.
pub const RESERVED: u8 = 0b11 << 4;
/// In the control octet: the bits of the opcode.
pub const OPCODE_MASK: u8 = 0b1111;
/// The RV of RFC 5040.
pub const VERSION: u8 = 1;

/// The queues of untagged buffers, DDP's QN (RFC 5040 §4.1, Figure 4).
pub mod queue {
    /// Sends of every kind.
    pub const SEND: u32 = 0;
    /// Read Requests.
    pub const READ_REQUEST: u32 = 1;
    /// Terminates.
    pub const TERMINATE: u32 = 2;
}

/// The kind of a message (RFC 5040 §4.1, Figure 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Places its payload in a buffer that the peer advertised.
    Write = 0,
    /// Asks for the contents of a buffer that the peer advertised.
    ReadRequest = 1,
    /// Answers a Read Request.
    ReadResponse = 2,
    /// Delivers its payload into a buffer that the peer posted.
    Send = 3,
    /// A Send that also takes back an STag of the receiver.
    SendInvalidate = 4,
    /// A Send that also asks for an event.
    SendSolicited = 5,
    /// A Send that does both.
    SendSolicitedInvalidate = 6,
    /// Says why the sender gives the stream up.
    Terminate = 7,
}

/// An opcode that RFC 5040 reserves. RFC 7306 uses 8 to 11 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RDMAP opcode {0:#x} is reserved")]
pub struct ReservedOpcode(pub u8);

impl Opcode {
    /// All of them, in the order of their values.
    pub const ALL: [Self; 8] = [
        Self::Write,
        Self::ReadRequest,
        Self::ReadResponse,
        Self::Send,
        Self::SendInvalidate,
        Self::SendSolicited,
        Self::SendSolicitedInvalidate,
        Self::Terminate,
    ];

    /// Reads the opcode of a control octet; the other bits are not looked at.
    pub fn of(control: u8) -> Result<Self, ReservedOpcode> {
        let value = control & OPCODE_MASK;
        Self::ALL.get(usize::from(value)).copied().ok_or(ReservedOpcode(value))
    }

    /// The control octet of this opcode: RV is one, the reserved bits are zero.
    pub const fn control(self) -> u8 {
        VERSION << VERSION_SHIFT | self as u8
    }

    /// The queue of an untagged message, or None for a tagged one.
    pub const fn queue(self) -> Option<u32> {
        match self {
            Self::Write | Self::ReadResponse => None,
            Self::ReadRequest => Some(queue::READ_REQUEST),
            Self::Terminate => Some(queue::TERMINATE),
            Self::Send
            | Self::SendInvalidate
            | Self::SendSolicited
            | Self::SendSolicitedInvalidate => Some(queue::SEND),
        }
    }

    /// The message goes to a tagged buffer.
    pub const fn is_tagged(self) -> bool {
        self.queue().is_none()
    }

    /// The message names an STag that the receiver shall invalidate.
    pub const fn invalidates(self) -> bool {
        matches!(self, Self::SendInvalidate | Self::SendSolicitedInvalidate)
    }

    /// The message asks for an event at the receiver.
    pub const fn is_solicited(self) -> bool {
        matches!(self, Self::SendSolicited | Self::SendSolicitedInvalidate)
    }
}

/// The RV of a control octet, which is [`VERSION`] from a peer of this RFC.
pub const fn version(control: u8) -> u8 {
    control >> VERSION_SHIFT
}
