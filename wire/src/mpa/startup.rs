//! The frames that start MPA: the Initiator's Request and the Responder's Reply (RFC 5044 §7.1.1),
//! and the enhanced form that negotiates reads and the first message (RFC 6581 §6, §9).
//!
//! ```text
//!   0                16      17         18        20            24
//!   key              M C R S  revision   PD_Length  A B IRD C D ORD, if S   private data
//! ```

use core::ops::Range;

use crate::field;

/// What the sender claims to be: [`REQUEST_KEY`] or [`REPLY_KEY`].
pub const KEY: Range<usize> = 0..16;
/// [`MARKERS`], [`CRC`], [`REJECTED`] and [`ENHANCED`]; the other bits are reserved.
pub const FLAGS: usize = KEY.end;
/// Rev: the revision of MPA.
pub const REVISION: usize = FLAGS + 1;
/// PD_Length: the octets that follow, enhanced data included.
pub const PRIVATE_DATA_LENGTH: Range<usize> = REVISION + 1..REVISION + 3;
/// The length of the frame without private data, in octets.
pub const HEADER_BYTES: usize = PRIVATE_DATA_LENGTH.end;
/// The size of the enhanced data, in octets.
pub const ENHANCED_BYTES: usize = 4;
/// The most that PD_Length may say.
pub const PRIVATE_DATA_BYTES_MAX: usize = 512;
/// The longest frame, in octets.
pub const FRAME_BYTES_MAX: usize = HEADER_BYTES + PRIVATE_DATA_BYTES_MAX;

/// The key of a Request.
pub const REQUEST_KEY: &[u8; 16] = b"MPA ID Req Frame";
/// The key of a Reply.
pub const REPLY_KEY: &[u8; 16] = b"MPA ID Rep Frame";

/// In [`FLAGS`], M: the sender wants markers in what it receives.
pub const MARKERS: u8 = 1 << 7;
/// In [`FLAGS`], C: the sender wants CRCs in both directions.
pub const CRC: u8 = 1 << 6;
/// In [`FLAGS`], R: the Responder refuses the connection.
pub const REJECTED: u8 = 1 << 5;
/// In [`FLAGS`], S: the private data begins with enhanced data.
pub const ENHANCED: u8 = 1 << 4;

/// In the first half of the enhanced data, A: the peers are equals and use ready-to-receive.
pub const PEER_TO_PEER: u16 = 1 << 15;
/// In the first half, B: an empty Send can be the ready-to-receive.
pub const RTR_SEND: u16 = 1 << 14;
/// In the second half, C: an empty Write can be the ready-to-receive.
pub const RTR_WRITE: u16 = 1 << 15;
/// In the second half, D: an empty Read can be the ready-to-receive.
pub const RTR_READ: u16 = 1 << 14;
/// In both halves: the bits of IRD or ORD, and the largest depth there is.
pub const DEPTH_MASK: u16 = 0x3fff;
/// The depth that says: this is not negotiated, the upper layer takes care of it.
pub const DEPTH_NOT_NEGOTIATED: u16 = DEPTH_MASK;

/// Which of the two frames it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From the Initiator.
    Request,
    /// From the Responder.
    Reply {
        /// R: the connection is refused.
        rejected: bool,
    },
}

/// The revision of MPA that a frame speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revision {
    /// RFC 5044.
    One,
    /// RFC 6581, whose frames need not carry enhanced data.
    Two(Option<Enhanced>),
}

/// What RFC 6581 §9 puts before the private data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced {
    /// A, with B, C and D: the ways to say ready-to-receive. None for client and server.
    pub peer_to_peer: Option<ReadyToReceive>,
    /// IRD: how many Read Requests the sender can take at a time, 0 to 16383.
    pub inbound_reads: u16,
    /// ORD: how many Read Requests the sender would like to have outstanding, 0 to 16383.
    pub outbound_reads: u16,
}

/// The kinds of empty message that can be the Initiator's first one (RFC 6581 §9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReadyToReceive {
    /// B: an empty Send.
    pub send: bool,
    /// C: an empty RDMA Write.
    pub write: bool,
    /// D: an empty RDMA Read.
    pub read: bool,
}

/// A startup frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StartupRepr<'a> {
    /// Which of the two it is.
    pub kind: Kind,
    /// M: the sender wants markers in what it receives.
    pub markers: bool,
    /// C: the sender wants CRCs. They are in use if either side wants them.
    pub crc: bool,
    /// Rev, and what it brings with it.
    pub revision: Revision,
    /// The upper layer's private data, without enhanced data.
    pub private_data: &'a [u8],
}

/// Why a frame cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The private data leaves no room: at most 512 octets with the enhanced data.
    #[error("{0} octets of private data are more than the frame can hold")]
    PrivateDataTooLong(usize),
    /// IRD or ORD needs more than 14 bits.
    #[error("a read depth of {0} is above {DEPTH_MASK}")]
    DepthTooLarge(u16),
}

/// What came of looking at the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// All right so far, but at least `need` more octets must come.
    Incomplete {
        /// How many octets are surely missing, at least one.
        need: usize,
    },
    /// A whole frame.
    Frame {
        /// The frame.
        frame: StartupRepr<'a>,
        /// Its length; octets behind it belong to the first FPDU.
        consumed: usize,
    },
}

/// Why a stream does not start with the frame that is due: MPA's error 4, upon which the TCP
/// connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// The peer does not speak MPA.
    #[error("the stream does not begin with MPA's key")]
    BadKey,
    /// Both sides are Initiators, or both Responders.
    #[error("the peer takes the same role")]
    SameRole,
    /// The revision is neither one nor two.
    #[error("MPA revision {0} is not supported")]
    BadRevision(u8),
    /// PD_Length is above 512.
    #[error("{0} octets of private data are more than the 512 allowed")]
    PrivateDataTooLong(u16),
    /// The frame says that it is enhanced and has no room for enhanced data.
    #[error("an enhanced frame cannot have {0} octets of private data only")]
    EnhancedDataMissing(u16),
}

impl<'a> StartupRepr<'a> {
    /// Looks for a Request at the start of a stream, for the Responder.
    pub fn parse_request(stream: &'a [u8]) -> Result<Parsed<'a>, StartupError> {
        Self::parse(stream, REQUEST_KEY, REPLY_KEY)
    }

    /// Looks for a Reply at the start of a stream, for the Initiator.
    pub fn parse_reply(stream: &'a [u8]) -> Result<Parsed<'a>, StartupError> {
        Self::parse(stream, REPLY_KEY, REQUEST_KEY)
    }

    /// Every error is reported as soon as the octets that prove it are there.
    fn parse(
        stream: &'a [u8],
        due: &[u8; KEY.end],
        other: &[u8; KEY.end],
    ) -> Result<Parsed<'a>, StartupError> {
        //= rfc5044#7.1.1  Close the connection if any other value is detected.
        let key = &stream[..stream.len().min(KEY.end)];
        if key == other {
            return Err(StartupError::SameRole);
        }
        if !due.starts_with(key) && !other.starts_with(key) {
            return Err(StartupError::BadKey);
        }
        if let Some(revision) = stream.get(REVISION).filter(|rev| !matches!(rev, 1 | 2)) {
            return Err(StartupError::BadRevision(*revision));
        }
        let Ok((header, rest)) = field::split::<HEADER_BYTES>(stream) else {
            return Ok(Parsed::Incomplete { need: HEADER_BYTES - stream.len() });
        };
        let length = field::u16(header, PRIVATE_DATA_LENGTH);
        if usize::from(length) > PRIVATE_DATA_BYTES_MAX {
            return Err(StartupError::PrivateDataTooLong(length));
        }
        //= rfc6581#6  S counts in revision two; in revision one it is a reserved bit.
        let enhanced = header[REVISION] == 2 && header[FLAGS] & ENHANCED != 0;
        if enhanced && usize::from(length) < ENHANCED_BYTES {
            return Err(StartupError::EnhancedDataMissing(length));
        }
        let Some(data) = rest.get(..usize::from(length)) else {
            return Ok(Parsed::Incomplete { need: usize::from(length) - rest.len() });
        };
        let (enhanced, private_data) = match data.split_first_chunk() {
            Some((word, private_data)) if enhanced => (Some(Enhanced::parse(*word)), private_data),
            _ => (None, data),
        };
        let rejected = header[FLAGS] & REJECTED != 0;
        let frame = StartupRepr {
            kind: if due == REQUEST_KEY { Kind::Request } else { Kind::Reply { rejected } },
            markers: header[FLAGS] & MARKERS != 0,
            crc: header[FLAGS] & CRC != 0,
            revision: if header[REVISION] == 1 { Revision::One } else { Revision::Two(enhanced) },
            private_data,
        };
        Ok(Parsed::Frame { frame, consumed: HEADER_BYTES + data.len() })
    }

    /// Writes the frame to the start of `out` and answers its length in octets.
    pub fn emit(&self, out: &mut [u8; FRAME_BYTES_MAX]) -> Result<usize, EmitError> {
        let (revision, enhanced) = match self.revision {
            Revision::One => (1, None),
            Revision::Two(enhanced) => (2, enhanced),
        };
        let start = HEADER_BYTES + if enhanced.is_some() { ENHANCED_BYTES } else { 0 };
        let end = start + self.private_data.len();
        if end > FRAME_BYTES_MAX {
            return Err(EmitError::PrivateDataTooLong(self.private_data.len()));
        }
        let (key, rejected) = match self.kind {
            Kind::Request => (REQUEST_KEY, false),
            Kind::Reply { rejected } => (REPLY_KEY, rejected),
        };
        field::put(out, KEY, *key);
        out[FLAGS] = bit(MARKERS, self.markers)
            | bit(CRC, self.crc)
            | bit(REJECTED, rejected)
            | bit(ENHANCED, enhanced.is_some());
        out[REVISION] = revision;
        let length = (end - HEADER_BYTES) as u16;
        field::put(out, PRIVATE_DATA_LENGTH, length.to_be_bytes());
        if let Some(enhanced) = enhanced {
            field::put(out, HEADER_BYTES..start, enhanced.emit()?);
        }
        out[start..end].copy_from_slice(self.private_data);
        Ok(end)
    }
}

impl Enhanced {
    //= rfc6581#9.2  Flags B, C and D count only if A is one.
    fn parse(word: [u8; ENHANCED_BYTES]) -> Self {
        let [first, second] = [field::u16(&word, 0..2), field::u16(&word, 2..4)];
        Self {
            peer_to_peer: (first & PEER_TO_PEER != 0).then_some(ReadyToReceive {
                send: first & RTR_SEND != 0,
                write: second & RTR_WRITE != 0,
                read: second & RTR_READ != 0,
            }),
            inbound_reads: first & DEPTH_MASK,
            outbound_reads: second & DEPTH_MASK,
        }
    }

    //= rfc6581#9  The field MUST be sent in network byte order, with 14-bit IRD and ORD.
    fn emit(&self) -> Result<[u8; ENHANCED_BYTES], EmitError> {
        for depth in [self.inbound_reads, self.outbound_reads] {
            if depth > DEPTH_MASK {
                return Err(EmitError::DepthTooLarge(depth));
            }
        }
        let rtr = self.peer_to_peer.unwrap_or_default();
        let first = self.inbound_reads
            | if self.peer_to_peer.is_some() { PEER_TO_PEER } else { 0 }
            | if rtr.send { RTR_SEND } else { 0 };
        let second = self.outbound_reads
            | if rtr.write { RTR_WRITE } else { 0 }
            | if rtr.read { RTR_READ } else { 0 };
        let mut word = [0; ENHANCED_BYTES];
        field::put(&mut word, 0..2, first.to_be_bytes());
        field::put(&mut word, 2..4, second.to_be_bytes());
        Ok(word)
    }
}

fn bit(mask: u8, set: bool) -> u8 {
    if set {
        mask
    } else {
        0
    }
}
