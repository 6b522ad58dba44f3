//! The header of a Terminate, which follows the untagged DDP header (RFC 5040 §4.8), and the
//! causes that it can name.
//!
//! RFC 5040 §4.8 defines RDMAP's causes, RFC 5041 §7.2 DDP's, RFC 5044 §8 and RFC 6581 §8
//! MPA's.

use core::ops::Range;

use super::read_request::{self, ReadRequestRepr};
use crate::ddp::{self, Segment, TAGGED_HEADER_BYTES, UNTAGGED_HEADER_BYTES};
use crate::{field, mpa, TooShort};

/// The layer in the high four bits, the error type in the low four.
pub const LAYER_AND_TYPE: usize = 0;
/// The error code.
pub const CODE: usize = LAYER_AND_TYPE + 1;
/// What follows, in the high three bits: [`HAS_LENGTH`], [`HAS_DDP`] and [`HAS_RDMA`].
pub const CONTENTS: usize = CODE + 1;
/// The length of what every Terminate has, in octets: the control field and reserved bits.
pub const CONTROL_BYTES: usize = CONTENTS + 2;
/// The DDP segment length, if M or D is set.
pub const SEGMENT_LENGTH: Range<usize> = CONTROL_BYTES..CONTROL_BYTES + 2;
/// The longest Terminate, in octets.
pub const BYTES_MAX: usize =
    SEGMENT_LENGTH.end + UNTAGGED_HEADER_BYTES + read_request::HEADER_BYTES;

/// In [`CONTENTS`], M: the DDP segment length is valid.
pub const HAS_LENGTH: u8 = 1 << 7;
/// In [`CONTENTS`], D: the DDP header of the offending segment is there.
pub const HAS_DDP: u8 = 1 << 6;
/// In [`CONTENTS`], R: the Read Request's header is there.
pub const HAS_RDMA: u8 = 1 << 5;

/// The cause of a Terminate as numbers, whether they are defined or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    /// The layer that found the error, four bits.
    pub layer: u8,
    /// The type of error within the layer, four bits.
    pub error_type: u8,
    /// The error within its type.
    pub code: u8,
}

impl Code {
    /// Puts together layer, type and code; only the low four bits of the first two count.
    pub const fn new(layer: u8, error_type: u8, code: u8) -> Self {
        Self { layer: layer & 0xf, error_type: error_type & 0xf, code }
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:x}/{:x}/{:02x}", self.layer, self.error_type, self.code)
    }
}

/// Declares the causes of one error type, each with its code on the wire.
macro_rules! causes {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $cause:ident = $code:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$meaning])* $cause = $code,)* }

        impl $name {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$cause,)*];

            fn of(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|cause| *cause as u8 == code)
            }
        }
    };
}

causes! {
    /// RDMAP refuses an access: layer 0, type 1.
    Protection {
        /// The STag names nothing.
        InvalidStag = 0x00,
        /// The access leaves the buffer.
        Bounds = 0x01,
        /// The buffer does not grant this access.
        AccessRights = 0x02,
        /// The buffer is not for this stream.
        OtherStream = 0x03,
        /// Offset and length exceed 64 bits.
        OffsetWrap = 0x04,
        /// The STag cannot be invalidated.
        CannotInvalidate = 0x09,
        /// None of the others.
        Unspecified = 0xff,
    }
}

causes! {
    /// RDMAP refuses an operation: layer 0, type 2.
    Operation {
        /// RV is wrong.
        InvalidVersion = 0x05,
        /// The opcode is reserved, or not due here.
        UnexpectedOpcode = 0x06,
        /// A catastrophe that concerns this stream only.
        StreamCatastrophe = 0x07,
        /// A catastrophe that concerns all streams.
        GlobalCatastrophe = 0x08,
        /// The STag cannot be invalidated.
        CannotInvalidate = 0x09,
        /// None of the others.
        Unspecified = 0xff,
    }
}

causes! {
    /// DDP cannot place a tagged segment: layer 1, type 1.
    TaggedBuffer {
        /// The STag names nothing.
        InvalidStag = 0x00,
        /// The segment leaves the buffer.
        Bounds = 0x01,
        /// The buffer is not for this stream.
        OtherStream = 0x02,
        /// Offset and length exceed 64 bits.
        OffsetWrap = 0x03,
        /// DV is wrong.
        InvalidVersion = 0x04,
    }
}

causes! {
    /// DDP cannot place an untagged segment: layer 1, type 2.
    UntaggedBuffer {
        /// There is no such queue.
        InvalidQueue = 0x01,
        /// The queue has no buffer for this message.
        NoBuffer = 0x02,
        /// The message number is outside the queue's range.
        MessageRange = 0x03,
        /// The offset lies outside the buffer.
        InvalidOffset = 0x04,
        /// The message is longer than its buffer.
        MessageTooLong = 0x05,
        /// DV is wrong.
        InvalidVersion = 0x06,
    }
}

/// Why a stream is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// RDMAP failed locally; there is no code.
    RdmapCatastrophe,
    /// RDMAP refuses an access.
    Protection(Protection),
    /// RDMAP refuses an operation.
    Operation(Operation),
    /// DDP failed locally.
    DdpCatastrophe,
    /// DDP cannot place a tagged segment.
    TaggedBuffer(TaggedBuffer),
    /// DDP cannot place an untagged segment.
    UntaggedBuffer(UntaggedBuffer),
    /// MPA failed.
    Mpa(mpa::Error),
}

impl Cause {
    /// The numbers that say this cause.
    //= rfc6581#8  Layer: 0x2 - LLP Error Type: 0x0 - MPA
    pub const fn code(self) -> Code {
        match self {
            Self::RdmapCatastrophe => Code::new(0, 0, 0),
            Self::Protection(cause) => Code::new(0, 1, cause as u8),
            Self::Operation(cause) => Code::new(0, 2, cause as u8),
            Self::DdpCatastrophe => Code::new(1, 0, 0),
            Self::TaggedBuffer(cause) => Code::new(1, 1, cause as u8),
            Self::UntaggedBuffer(cause) => Code::new(1, 2, cause as u8),
            Self::Mpa(cause) => Code::new(2, 0, cause as u8),
        }
    }

    /// The cause that the numbers say, or None if no RFC defines them.
    ///
    /// MPA's errors are also taken under type 3, where Chelsio's and Intel's RNICs put them.
    pub fn of(code: Code) -> Option<Self> {
        match (code.layer, code.error_type) {
            (0, 0) => Some(Self::RdmapCatastrophe),
            (0, 1) => Protection::of(code.code).map(Self::Protection),
            (0, 2) => Operation::of(code.code).map(Self::Operation),
            (1, 0) => (code.code == 0).then_some(Self::DdpCatastrophe),
            (1, 1) => TaggedBuffer::of(code.code).map(Self::TaggedBuffer),
            (1, 2) => UntaggedBuffer::of(code.code).map(Self::UntaggedBuffer),
            (2, 0 | 3) => mpa::Error::of(code.code).map(Self::Mpa),
            _ => None,
        }
    }
}

/// A copy of the DDP header that a Terminate complains about, as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DdpHeader {
    /// Zero beyond the header's end.
    bytes: [u8; UNTAGGED_HEADER_BYTES],
}

impl DdpHeader {
    /// Copies the header at the start of a ULPDU.
    pub fn of(ulpdu: &[u8]) -> Result<Self, TooShort> {
        let header = Segment::new(ulpdu)?.header();
        let mut bytes = [0; UNTAGGED_HEADER_BYTES];
        bytes[..header.len()].copy_from_slice(header);
        Ok(Self { bytes })
    }

    /// The header: 14 octets if its T flag is set, 18 if not.
    pub fn as_bytes(&self) -> &[u8] {
        let tagged = self.bytes[ddp::CONTROL] & ddp::TAGGED != 0;
        &self.bytes[..if tagged { TAGGED_HEADER_BYTES } else { UNTAGGED_HEADER_BYTES }]
    }
}

/// The fields of a Terminate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TerminateRepr {
    /// Why; [`Cause::of`] says it in words.
    pub code: Code,
    /// M: the length of the offending DDP segment as MPA delivered it, in octets.
    pub segment_length: Option<u16>,
    /// D: the header of the offending DDP segment.
    pub ddp_header: Option<DdpHeader>,
    /// R: the Read Request concerned.
    pub read_request: Option<ReadRequestRepr>,
}

impl TerminateRepr {
    /// Reads the payload of a Terminate. Fails if it lacks a part that M, D or R announces.
    pub fn parse(bytes: &[u8]) -> Result<Self, TooShort> {
        let (control, mut rest) = field::split::<CONTROL_BYTES>(bytes)?;
        let contents = control[CONTENTS];
        let mut repr = Self {
            code: Code::new(control[LAYER_AND_TYPE] >> 4, control[LAYER_AND_TYPE], control[CODE]),
            segment_length: None,
            ddp_header: None,
            read_request: None,
        };
        //= rfc5040#4.8  The length MUST be valid if M is set and MUST be present when D is set.
        if contents & (HAS_LENGTH | HAS_DDP) != 0 {
            let (length, after) = field::split::<2>(rest)?;
            repr.segment_length = (contents & HAS_LENGTH != 0).then(|| field::u16(length, 0..2));
            rest = after;
        }
        if contents & HAS_DDP != 0 {
            let header = DdpHeader::of(rest)?;
            rest = &rest[header.as_bytes().len()..];
            repr.ddp_header = Some(header);
        }
        if contents & HAS_RDMA != 0 {
            repr.read_request = Some(ReadRequestRepr::parse(rest)?);
        }
        Ok(repr)
    }

    /// Writes the Terminate to the start of `out` and answers its length in octets.
    pub fn emit(&self, out: &mut [u8; BYTES_MAX]) -> usize {
        out[..CONTROL_BYTES].fill(0);
        out[LAYER_AND_TYPE] = self.code.layer << 4 | (self.code.error_type & 0xf);
        out[CODE] = self.code.code;
        let mut end = CONTROL_BYTES;
        if self.segment_length.is_some() || self.ddp_header.is_some() {
            field::put(out, SEGMENT_LENGTH, self.segment_length.unwrap_or(0).to_be_bytes());
            end = SEGMENT_LENGTH.end;
        }
        if self.segment_length.is_some() {
            out[CONTENTS] |= HAS_LENGTH;
        }
        if let Some(header) = &self.ddp_header {
            out[CONTENTS] |= HAS_DDP;
            let header = header.as_bytes();
            out[end..end + header.len()].copy_from_slice(header);
            end += header.len();
        }
        if let Some(request) = &self.read_request {
            out[CONTENTS] |= HAS_RDMA;
            field::put(out, end..end + read_request::HEADER_BYTES, request.emit());
            end += read_request::HEADER_BYTES;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every defined cause has numbers of its own and comes back from them.
    #[test]
    fn causes_and_codes_agree() {
        let mut causes = vec![Cause::RdmapCatastrophe, Cause::DdpCatastrophe];
        causes.extend(Protection::ALL.iter().copied().map(Cause::Protection));
        causes.extend(Operation::ALL.iter().copied().map(Cause::Operation));
        causes.extend(TaggedBuffer::ALL.iter().copied().map(Cause::TaggedBuffer));
        causes.extend(UntaggedBuffer::ALL.iter().copied().map(Cause::UntaggedBuffer));
        causes.extend(mpa::Error::ALL.iter().copied().map(Cause::Mpa));
        for cause in &causes {
            assert_eq!(Cause::of(cause.code()), Some(*cause));
        }
        let mut defined = 0;
        for layer in 0..16 {
            for error_type in 0..16 {
                for code in 0..=255 {
                    let code = Code::new(layer, error_type, code);
                    let cause = Cause::of(code);
                    defined += usize::from(cause.is_some_and(|cause| cause.code() == code));
                }
            }
        }
        assert_eq!(defined, causes.len());
    }

    /// Chelsio and Intel report MPA's CRC error as 2/3/02.
    #[test]
    fn mpa_errors_under_the_vendors_type_are_understood() {
        assert_eq!(Cause::of(Code::new(2, 3, 2)), Some(Cause::Mpa(mpa::Error::Crc)));
        assert_eq!(Cause::of(Code::new(2, 1, 2)), None);
    }
}
