//! Software that frames ULPDUs into a TCP stream and finds them again (RFC 5044 §4, §6).
//!
//! The reference for the hardware's framer and deframer, and half of every scripted peer. Offsets
//! count from the first octet after the startup frame, where the first marker goes.

use super::fpdu::{self, CRC_BYTES, LENGTH_BYTES, MULPDU_MAX};
use super::marker::{self, MarkerRepr, MARKER_BYTES};
use super::{crc, Error};

/// What the two startup frames agreed on, for one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Framing {
    /// The receiver wants markers.
    pub markers: bool,
    /// Either side wants CRCs. Without, the CRC field is sent as zero and not looked at.
    pub crc: bool,
}

/// The ULPDU is longer than [`MULPDU_MAX`]; it has this many octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ULPDU of {0} octets is longer than MPA allows")]
pub struct UlpduTooLong(pub usize);

/// FPDUs begin at stream offsets that are multiples of four; this is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no FPDU begins at stream offset {0}, which is not a multiple of four")]
pub struct Misaligned(pub u64);

/// Makes FPDUs.
#[derive(Debug, Clone)]
pub struct Framer {
    framing: Framing,
    offset: u64,
}

impl Framer {
    /// Begins at the start of the stream.
    pub fn new(framing: Framing) -> Self {
        Self { framing, offset: 0 }
    }

    /// Begins anywhere in the stream, where an FPDU has just ended.
    pub fn at(framing: Framing, offset: u64) -> Result<Self, Misaligned> {
        aligned(offset)?;
        Ok(Self { framing, offset })
    }

    /// Where in the stream the next octet goes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends the FPDU around one ULPDU to `out`, with the marker before it if one is due there.
    pub fn frame(&mut self, ulpdu: &[u8], out: &mut Vec<u8>) -> Result<(), UlpduTooLong> {
        let length = u16::try_from(ulpdu.len()).ok().filter(|_| ulpdu.len() <= MULPDU_MAX);
        let length = length.ok_or(UlpduTooLong(ulpdu.len()))?;
        let first = out.len();
        let mut fpdu_start = None;
        self.append(&length.to_be_bytes(), &mut fpdu_start, out);
        self.append(ulpdu, &mut fpdu_start, out);
        //= rfc5044#4.1  The pad data MUST be set to zero by the sender.
        self.append(&[0; 3][..fpdu::pad_bytes(ulpdu.len())], &mut fpdu_start, out);
        //= rfc5044#4.4  A marker immediately following the pad is included in the CRC.
        self.append_marker_if_due(fpdu_start, out);
        //= rfc5044#4.4  The CRC covers length, ULPDU, pad and all markers of the FPDU.
        let crc = if self.framing.crc { crc::of(&out[first..]) } else { 0 };
        self.append(&crc.to_le_bytes(), &mut fpdu_start, out);
        Ok(())
    }

    /// Appends octets with the markers that fall between them, and notes where the FPDU begins.
    fn append(&mut self, mut bytes: &[u8], fpdu_start: &mut Option<u64>, out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            self.append_marker_if_due(*fpdu_start, out);
            fpdu_start.get_or_insert(self.offset);
            let room =
                if self.framing.markers { marker::distance(self.offset) } else { usize::MAX };
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            out.extend_from_slice(now);
            self.offset += now.len() as u64;
            bytes = later;
        }
    }

    fn append_marker_if_due(&mut self, fpdu_start: Option<u64>, out: &mut Vec<u8>) {
        if self.framing.markers && marker::is_at(self.offset) {
            out.extend_from_slice(&marker_at(self.offset, fpdu_start).emit());
            self.offset += MARKER_BYTES as u64;
        }
    }
}

/// The marker that belongs at `offset` of an FPDU, which has not begun yet if `fpdu_start` is None.
//= rfc5044#4.3  FPDUPTR counts from the length field, or is zero between FPDUs.
fn marker_at(offset: u64, fpdu_start: Option<u64>) -> MarkerRepr {
    // An FPDU that the length field can say is shorter than 2^16 + 2^10; only one that breaks
    // MPA's limit can have a marker whose pointer wraps.
    MarkerRepr { pointer: fpdu_start.map_or(0, |start| (offset - start) as u16) }
}

fn aligned(offset: u64) -> Result<(), Misaligned> {
    if offset % fpdu::ALIGNMENT as u64 == 0 {
        Ok(())
    } else {
        Err(Misaligned(offset))
    }
}

/// Why a stream cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeframeError {
    /// The CRC of the FPDU whose length field is at `offset` is wrong.
    #[error("FPDU at stream offset {offset}: CRC {received:08x}, but {calculated:08x} calculated")]
    Crc {
        /// Where the FPDU or the marker before it begins.
        offset: u64,
        /// The CRC field.
        received: u32,
        /// What it should be.
        calculated: u32,
    },
    /// A marker does not point to the FPDU that it is in.
    #[error("marker at stream offset {offset} points {pointer} back, the FPDU began {due} back")]
    Marker {
        /// Where the marker begins.
        offset: u64,
        /// Its pointer.
        pointer: u16,
        /// What it should be.
        due: u16,
    },
    /// The stream ended inside an FPDU.
    #[error("the stream ends {held} octets into the FPDU at stream offset {offset}")]
    Cut {
        /// Where the FPDU or the marker before it begins.
        offset: u64,
        /// How many octets of it there are.
        held: usize,
    },
}

impl DeframeError {
    /// The error as RFC 5044 §8 numbers it.
    pub fn code(&self) -> Error {
        match self {
            Self::Crc { .. } => Error::Crc,
            Self::Marker { .. } => Error::Marker,
            Self::Cut { .. } => Error::ConnectionLost,
        }
    }
}

/// Finds the ULPDUs of a stream that arrives in pieces of any size.
#[derive(Debug, Clone)]
pub struct Deframer {
    framing: Framing,
    /// Where in the stream `held` begins.
    offset: u64,
    held: Vec<u8>,
    /// How many octets at the front of `held` are done with.
    done: usize,
    failed: Option<DeframeError>,
}

impl Deframer {
    /// Begins at the start of the stream.
    pub fn new(framing: Framing) -> Self {
        Self { framing, offset: 0, held: Vec::new(), done: 0, failed: None }
    }

    /// Begins anywhere in the stream, where an FPDU has just ended.
    pub fn at(framing: Framing, offset: u64) -> Result<Self, Misaligned> {
        aligned(offset)?;
        Ok(Self { offset, ..Self::new(framing) })
    }

    /// Where in the stream the next FPDU begins, or the marker before it.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes in the next octets of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.done);
        self.done = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next ULPDU, or None until more octets come. An error is final and comes again.
    //= rfc5044#8  After an error MPA MUST NOT deliver any additional FPDUs.
    pub fn next_ulpdu(&mut self) -> Result<Option<Vec<u8>>, DeframeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Some(bytes) = self.next_fpdu_bytes() else {
            return Ok(None);
        };
        let fpdu = &self.held[self.done..self.done + bytes];
        match self.open(fpdu) {
            Ok(ulpdu) => {
                self.offset += bytes as u64;
                self.done += bytes;
                Ok(Some(ulpdu))
            }
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Call when the stream has ended: fails if that was inside an FPDU, or after an error.
    pub fn finish(&self) -> Result<(), DeframeError> {
        let held = self.held.len() - self.done;
        match self.failed {
            Some(error) => Err(error),
            None if held == 0 => Ok(()),
            // A sender may put the marker between two FPDUs before it knows of the second.
            None if self.leading() == held => Ok(()),
            None => Err(DeframeError::Cut { offset: self.offset, held }),
        }
    }

    /// The size of the marker right before the FPDU, or zero.
    fn leading(&self) -> usize {
        if self.framing.markers && marker::is_at(self.offset) {
            MARKER_BYTES
        } else {
            0
        }
    }

    /// The length of the next FPDU with its markers, once all of it is here.
    //= rfc5044#6  The length field alone decides where an FPDU ends.
    fn next_fpdu_bytes(&self) -> Option<usize> {
        let held = &self.held[self.done..];
        let (length, _) = held.get(self.leading()..)?.split_first_chunk::<LENGTH_BYTES>()?;
        let plain = fpdu::fpdu_bytes(usize::from(u16::from_be_bytes(*length)));
        let markers = if self.framing.markers { marker::count(self.offset, plain) } else { 0 };
        let bytes = plain + markers * MARKER_BYTES;
        (held.len() >= bytes).then_some(bytes)
    }

    /// Checks one whole FPDU and takes its ULPDU out.
    fn open(&self, fpdu: &[u8]) -> Result<Vec<u8>, DeframeError> {
        let (covered, field) = fpdu.split_at(fpdu.len() - CRC_BYTES);
        let received = field.iter().rev().fold(0, |crc, octet| crc << 8 | u32::from(*octet));
        let calculated = crc::of(covered);
        //= rfc5044#4.1  When CRCs are not enabled, the field MUST NOT be checked.
        if self.framing.crc && received != calculated {
            return Err(DeframeError::Crc { offset: self.offset, received, calculated });
        }
        let mut plain = self.without_markers(covered)?;
        let length = usize::from(u16::from_be_bytes([plain[0], plain[1]]));
        plain.truncate(LENGTH_BYTES + length);
        plain.drain(..LENGTH_BYTES);
        Ok(plain)
    }

    fn without_markers(&self, mut covered: &[u8]) -> Result<Vec<u8>, DeframeError> {
        if !self.framing.markers {
            return Ok(covered.to_vec());
        }
        let fpdu_start = self.offset + self.leading() as u64;
        let mut plain = Vec::with_capacity(covered.len());
        let mut offset = self.offset;
        while !covered.is_empty() {
            if marker::is_at(offset) {
                let Some((marker, rest)) = covered.split_first_chunk() else {
                    break;
                };
                let pointer = MarkerRepr::parse(marker).pointer;
                let due = marker_at(offset, (offset >= fpdu_start).then_some(fpdu_start)).pointer;
                //= rfc5044#8  Code 3: marker and length do not agree on the start of an FPDU.
                if pointer != due {
                    return Err(DeframeError::Marker { offset, pointer, due });
                }
                offset += MARKER_BYTES as u64;
                covered = rest;
            }
            let (now, later) = covered.split_at(marker::distance(offset).min(covered.len()));
            plain.extend_from_slice(now);
            offset += now.len() as u64;
            covered = later;
        }
        Ok(plain)
    }
}
