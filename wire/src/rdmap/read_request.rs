//! The header of a Read Request, which follows the untagged DDP header (RFC 5040 §4.4).

use core::ops::Range;

use crate::{field, TooShort};

/// Names the buffer of the requester that the response goes to.
pub const SINK_STAG: Range<usize> = 0..4;
/// Where in that buffer, in octets.
pub const SINK_OFFSET: Range<usize> = SINK_STAG.end..SINK_STAG.end + 8;
/// How much to read, in octets.
pub const LENGTH: Range<usize> = SINK_OFFSET.end..SINK_OFFSET.end + 4;
/// Names the buffer of the responder to read.
pub const SOURCE_STAG: Range<usize> = LENGTH.end..LENGTH.end + 4;
/// Where in that buffer, in octets.
pub const SOURCE_OFFSET: Range<usize> = SOURCE_STAG.end..SOURCE_STAG.end + 8;
/// The length of the header, in octets.
pub const HEADER_BYTES: usize = SOURCE_OFFSET.end;

const _: () = assert!(HEADER_BYTES == 28);

/// The fields of a Read Request's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadRequestRepr {
    /// Names the buffer of the requester that the response goes to.
    pub sink_stag: u32,
    /// Where in that buffer, in octets.
    pub sink_offset: u64,
    /// How much to read, in octets.
    pub length: u32,
    /// Names the buffer of the responder to read.
    pub source_stag: u32,
    /// Where in that buffer, in octets.
    pub source_offset: u64,
}

impl ReadRequestRepr {
    /// Reads the fields from the start of a Read Request's payload.
    pub fn parse(bytes: &[u8]) -> Result<Self, TooShort> {
        let (header, _) = field::split::<HEADER_BYTES>(bytes)?;
        Ok(Self {
            sink_stag: field::u32(header, SINK_STAG),
            sink_offset: field::u64(header, SINK_OFFSET),
            length: field::u32(header, LENGTH),
            source_stag: field::u32(header, SOURCE_STAG),
            source_offset: field::u64(header, SOURCE_OFFSET),
        })
    }

    /// The header as it travels.
    pub fn emit(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        field::put(&mut header, SINK_STAG, self.sink_stag.to_be_bytes());
        field::put(&mut header, SINK_OFFSET, self.sink_offset.to_be_bytes());
        field::put(&mut header, LENGTH, self.length.to_be_bytes());
        field::put(&mut header, SOURCE_STAG, self.source_stag.to_be_bytes());
        field::put(&mut header, SOURCE_OFFSET, self.source_offset.to_be_bytes());
        header
    }
}
