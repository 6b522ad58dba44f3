//! DDP segments: the ULPDUs that an FPDU carries (RFC 5041 §4).
//!
//! Positions count from the first octet of the ULPDU, which follows MPA's length field.
//!
//! ```text
//!             0        1        2            6            10           14           18
//!   tagged    control  RsvdULP  STag         TO                        payload …
//!   untagged  control  RsvdULP  RsvdULP      QN           MSN          MO           payload …
//! ```

use core::ops::Range;

use crate::{field, TooShort};

/// The DDP control octet: [`TAGGED`], [`LAST`], [`RESERVED`] and [`VERSION_MASK`].
pub const CONTROL: usize = 0;
/// The first octet of RsvdULP, in which RDMAP keeps its control octet ([`crate::rdmap`]).
pub const ULP_CONTROL: usize = CONTROL + 1;
/// What both models begin with, in octets.
pub const COMMON_BYTES: usize = ULP_CONTROL + 1;

/// In [`CONTROL`], T: the segment names its buffer by an STag.
pub const TAGGED: u8 = 1 << 7;
/// In [`CONTROL`], L: the segment ends its message.
pub const LAST: u8 = 1 << 6;
/// In [`CONTROL`]: zero when sent, not checked when received.
pub const RESERVED: u8 = 0b1111 << 2;
/// In [`CONTROL`], DV: the bits of the version.
pub const VERSION_MASK: u8 = 0b11;
/// The DV of RFC 5041.
pub const VERSION: u8 = 1;

/// The table of the tagged model (RFC 5041 §4.2).
pub mod tagged {
    use super::{Range, COMMON_BYTES};

    /// Names the buffer of the data sink.
    pub const STAG: Range<usize> = COMMON_BYTES..COMMON_BYTES + 4;
    /// TO: where in the buffer the payload of this segment goes, in octets.
    pub const OFFSET: Range<usize> = STAG.end..STAG.end + 8;
}

/// The table of the untagged model (RFC 5041 §4.3).
pub mod untagged {
    use super::{Range, COMMON_BYTES};

    /// The rest of RsvdULP, in which RDMAP keeps the STag to invalidate.
    pub const ULP_WORD: Range<usize> = COMMON_BYTES..COMMON_BYTES + 4;
    /// QN: the queue of buffers at the data sink ([`crate::rdmap::queue`]).
    pub const QUEUE: Range<usize> = ULP_WORD.end..ULP_WORD.end + 4;
    /// MSN: which message of the queue; the first is one.
    pub const MESSAGE: Range<usize> = QUEUE.end..QUEUE.end + 4;
    /// MO: where in the message the payload of this segment goes, in octets.
    pub const OFFSET: Range<usize> = MESSAGE.end..MESSAGE.end + 4;
}

/// The length of the header in the tagged model, in octets.
pub const TAGGED_HEADER_BYTES: usize = tagged::OFFSET.end;
/// The length of the header in the untagged model, in octets.
pub const UNTAGGED_HEADER_BYTES: usize = untagged::OFFSET.end;
/// The MSN of the first message of every queue.
//= rfc5041#4.3  The initial value for MSN MUST be one.
pub const FIRST_MESSAGE: u32 = 1;

const _: () = assert!(TAGGED_HEADER_BYTES == 14 && UNTAGGED_HEADER_BYTES == 18);

/// A DDP segment whose header is known to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// T is set.
    Tagged(Tagged<'a>),
    /// T is clear.
    Untagged(Untagged<'a>),
}

impl<'a> Segment<'a> {
    /// Looks at a ULPDU. Fails if it is shorter than the header that its T flag announces.
    ///
    /// The version is not checked: which error a wrong one is depends on the model (§7.2).
    pub fn new(ulpdu: &'a [u8]) -> Result<Self, TooShort> {
        let need = UNTAGGED_HEADER_BYTES;
        let control = *ulpdu.first().ok_or(TooShort { need, have: 0 })?;
        if control & TAGGED != 0 {
            let (header, payload) = field::split(ulpdu)?;
            Ok(Self::Tagged(Tagged { header, payload }))
        } else {
            let (header, payload) = field::split(ulpdu)?;
            Ok(Self::Untagged(Untagged { header, payload }))
        }
    }

    /// The octets of the header.
    pub fn header(&self) -> &'a [u8] {
        match self {
            Self::Tagged(segment) => segment.header,
            Self::Untagged(segment) => segment.header,
        }
    }

    /// The octets after the header.
    pub fn payload(&self) -> &'a [u8] {
        match self {
            Self::Tagged(segment) => segment.payload,
            Self::Untagged(segment) => segment.payload,
        }
    }

    /// L: the segment ends its message.
    pub fn is_last(&self) -> bool {
        self.header()[CONTROL] & LAST != 0
    }

    /// DV, which is [`VERSION`] from a peer of this RFC.
    pub fn version(&self) -> u8 {
        self.header()[CONTROL] & VERSION_MASK
    }

    /// The octet of RsvdULP that both models have: RDMAP's control octet.
    pub fn ulp_control(&self) -> u8 {
        self.header()[ULP_CONTROL]
    }
}

/// A segment of the tagged model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged<'a> {
    header: &'a [u8; TAGGED_HEADER_BYTES],
    payload: &'a [u8],
}

impl Tagged<'_> {
    /// Names the buffer of the data sink.
    pub fn stag(&self) -> u32 {
        field::u32(self.header, tagged::STAG)
    }

    /// TO: where in the buffer the payload goes, in octets.
    pub fn offset(&self) -> u64 {
        field::u64(self.header, tagged::OFFSET)
    }
}

/// A segment of the untagged model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untagged<'a> {
    header: &'a [u8; UNTAGGED_HEADER_BYTES],
    payload: &'a [u8],
}

impl Untagged<'_> {
    /// The rest of RsvdULP: the STag to invalidate, for the opcodes that have one.
    pub fn ulp_word(&self) -> u32 {
        field::u32(self.header, untagged::ULP_WORD)
    }

    /// QN: the queue of buffers at the data sink.
    pub fn queue(&self) -> u32 {
        field::u32(self.header, untagged::QUEUE)
    }

    /// MSN: which message of the queue.
    pub fn message(&self) -> u32 {
        field::u32(self.header, untagged::MESSAGE)
    }

    /// MO: where in the message the payload goes, in octets.
    pub fn offset(&self) -> u32 {
        field::u32(self.header, untagged::OFFSET)
    }
}

/// The fields of a tagged header. Its version is always [`VERSION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaggedRepr {
    /// L: the segment ends its message.
    pub last: bool,
    /// RDMAP's control octet.
    pub ulp_control: u8,
    /// Names the buffer of the data sink.
    pub stag: u32,
    /// TO: where in the buffer the payload goes, in octets.
    pub offset: u64,
}

impl TaggedRepr {
    /// Reads the fields; version and reserved bits are not looked at.
    pub fn parse(segment: &Tagged<'_>) -> Self {
        Self {
            last: Segment::Tagged(*segment).is_last(),
            ulp_control: segment.header[ULP_CONTROL],
            stag: segment.stag(),
            offset: segment.offset(),
        }
    }

    /// The header as it travels.
    pub fn emit(&self) -> [u8; TAGGED_HEADER_BYTES] {
        let mut header = [0; TAGGED_HEADER_BYTES];
        header[CONTROL] = TAGGED | control(self.last);
        header[ULP_CONTROL] = self.ulp_control;
        field::put(&mut header, tagged::STAG, self.stag.to_be_bytes());
        field::put(&mut header, tagged::OFFSET, self.offset.to_be_bytes());
        header
    }
}

/// The fields of an untagged header. Its version is always [`VERSION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UntaggedRepr {
    /// L: the segment ends its message.
    pub last: bool,
    /// RDMAP's control octet.
    pub ulp_control: u8,
    /// The STag to invalidate, or zero.
    pub ulp_word: u32,
    /// QN: the queue of buffers at the data sink.
    pub queue: u32,
    /// MSN: which message of the queue.
    pub message: u32,
    /// MO: where in the message the payload goes, in octets.
    pub offset: u32,
}

impl UntaggedRepr {
    /// Reads the fields; version and reserved bits are not looked at.
    pub fn parse(segment: &Untagged<'_>) -> Self {
        Self {
            last: Segment::Untagged(*segment).is_last(),
            ulp_control: segment.header[ULP_CONTROL],
            ulp_word: segment.ulp_word(),
            queue: segment.queue(),
            message: segment.message(),
            offset: segment.offset(),
        }
    }

    /// The header as it travels.
    pub fn emit(&self) -> [u8; UNTAGGED_HEADER_BYTES] {
        let mut header = [0; UNTAGGED_HEADER_BYTES];
        header[CONTROL] = control(self.last);
        header[ULP_CONTROL] = self.ulp_control;
        field::put(&mut header, untagged::ULP_WORD, self.ulp_word.to_be_bytes());
        field::put(&mut header, untagged::QUEUE, self.queue.to_be_bytes());
        field::put(&mut header, untagged::MESSAGE, self.message.to_be_bytes());
        field::put(&mut header, untagged::OFFSET, self.offset.to_be_bytes());
        header
    }
}

//= rfc5041#4.1  DV is one, and the reserved bits are zero on transmit.
fn control(last: bool) -> u8 {
    if last {
        LAST | VERSION
    } else {
        VERSION
    }
}

/// Where one DDP segment lies in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The first octet; added to the message's TO in the tagged model, the MO in the untagged.
    pub offset: u32,
    /// The number of octets.
    pub length: u32,
    /// The piece ends the message.
    pub last: bool,
}

/// Cuts a message of `length` octets into the fewest segments that fit `mulpdu`.
///
/// `header` is the length of the DDP header in octets. All pieces but the last are full. None if
/// the MULPDU leaves no room for payload, which cannot happen to one that MPA allows (128 or more).
//= rfc5041#5.2  A DDP Message of length zero still consumes exactly one segment.
pub fn pieces(length: u32, mulpdu: usize, header: usize) -> Option<impl Iterator<Item = Piece>> {
    let room = mulpdu.checked_sub(header).filter(|room| *room > 0)?;
    let room = u32::try_from(room).unwrap_or(u32::MAX);
    let piece = move |offset| {
        let left = length - offset;
        Piece { offset, length: left.min(room), last: left <= room }
    };
    let next = move |before: &Piece| (!before.last).then(|| piece(before.offset + room));
    Some(core::iter::successors(Some(piece(0)), next))
}
