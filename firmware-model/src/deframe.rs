//! Finds the FPDUs in the octets of a TCP stream (RFC 5044 s. 4, s. 6).

use crate::Status;
use ironwarp_abi::limits::FPDU_BYTES_MAX;
use ironwarp_abi::status;
use ironwarp_wire::mpa::crc;
use ironwarp_wire::mpa::fpdu::{fpdu_bytes, CRC_BYTES, LENGTH_BYTES};
use ironwarp_wire::mpa::marker::{count, distance, is_at, MarkerRepr, MARKER_BYTES};
use std::borrow::Cow;

/// The octets that wait for the rest of their FPDU.
#[derive(Debug)]
pub(crate) struct FpduStream {
    markers: bool,
    crc: bool,
    /// Where in the stream the next FPDU begins, or the marker before it.
    offset: u64,
    held: Vec<u8>,
    /// Octets at the front of `held` that are done with.
    done: usize,
}

impl FpduStream {
    /// Begins at the start of the stream, where the first marker is if there are any.
    pub fn new(markers: bool, crc: bool) -> Self {
        Self { markers, crc, offset: 0, held: Vec::new(), done: 0 }
    }

    /// Takes the next octets of the stream.
    pub fn push(&mut self, octets: &[u8]) {
        self.held.drain(..self.done);
        self.done = 0;
        self.held.extend_from_slice(octets);
    }

    /// How many octets wait.
    pub fn waiting(&self) -> usize {
        self.rest().len()
    }

    /// The stream may end here: nothing of the next FPDU has come but perhaps a marker before it.
    pub fn is_between(&self) -> bool {
        self.waiting() == 0 || self.waiting() == self.leading()
    }

    /// The ULPDU of the next FPDU, or None until all of it is here.
    //= rfc5044#8  After an error nothing more is delivered: the caller stops the queue pair.
    pub fn next_ulpdu(&mut self) -> Result<Option<Cow<'_, [u8]>>, Status> {
        let Some(bytes) = self.next_bytes()?.filter(|bytes| *bytes <= self.waiting()) else {
            return Ok(None);
        };
        let (offset, leading, from) = (self.offset, self.leading(), self.done);
        self.done += bytes;
        self.offset += bytes as u64;
        let fpdu = self.held.get(from..self.done).unwrap_or_default();
        let (covered, field) = fpdu.split_at(fpdu.len().saturating_sub(CRC_BYTES));
        //= rfc5044#4.4  The CRC covers length, ULPDU, pad and markers. It travels low octet first.
        if self.crc && crc::of(covered).to_le_bytes() != field {
            return Err(status::MPA_CRC);
        }
        let plain = match self.markers {
            true => Cow::Owned(without_markers(covered, offset, leading)?),
            false => Cow::Borrowed(covered),
        };
        Ok(Some(ulpdu_of(plain)))
    }

    /// The length of the next FPDU with its markers, once its length field is here.
    //= rfc5044#6  The length field alone decides where an FPDU ends.
    fn next_bytes(&self) -> Result<Option<usize>, Status> {
        let from_length = self.rest().get(self.leading()..).unwrap_or_default();
        let Some((length, _)) = from_length.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let plain = fpdu_bytes(usize::from(u16::from_be_bytes(*length)));
        let markers = if self.markers { count(self.offset, plain) } else { 0 };
        let bytes = plain + markers * MARKER_BYTES;
        match bytes <= FPDU_BYTES_MAX {
            true => Ok(Some(bytes)),
            false => Err(status::MPA_LENGTH),
        }
    }

    /// The size of the marker right before the next FPDU, or zero.
    //= rfc5044#4.3  A marker between FPDUs is considered to be contained in the following FPDU.
    fn leading(&self) -> usize {
        match self.markers && is_at(self.offset) {
            true => MARKER_BYTES,
            false => 0,
        }
    }

    fn rest(&self) -> &[u8] {
        self.held.get(self.done..).unwrap_or_default()
    }
}

/// Takes the markers out of an FPDU that begins at `offset` with a marker of `leading` octets.
fn without_markers(mut fpdu: &[u8], offset: u64, leading: usize) -> Result<Vec<u8>, Status> {
    let start = offset + leading as u64;
    let mut plain = Vec::with_capacity(fpdu.len());
    let mut at = offset;
    while !fpdu.is_empty() {
        if is_at(at) {
            let Some((marker, rest)) = fpdu.split_first_chunk() else { break };
            //= rfc5044#4.3  FPDUPTR counts from the length field, or is zero between two FPDUs.
            let due = at.saturating_sub(start);
            //= rfc5044#8  Code 3: marker and length do not agree on the start of an FPDU.
            if u64::from(MarkerRepr::parse(marker).pointer) != due {
                return Err(status::MPA_MARKER);
            }
            at += MARKER_BYTES as u64;
            fpdu = rest;
        }
        let (now, later) = fpdu.split_at(distance(at).min(fpdu.len()));
        plain.extend_from_slice(now);
        at += now.len() as u64;
        fpdu = later;
    }
    Ok(plain)
}

/// Takes length field and pad away.
fn ulpdu_of(plain: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let length = plain.first_chunk().map_or(0, |field| u16::from_be_bytes(*field));
    let range = LENGTH_BYTES..LENGTH_BYTES + usize::from(length);
    match plain {
        Cow::Borrowed(plain) => Cow::Borrowed(plain.get(range).unwrap_or_default()),
        Cow::Owned(mut plain) => {
            plain.truncate(range.end);
            plain.drain(..range.start.min(plain.len()));
            Cow::Owned(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::mpa::stream::{Framer, Framing};
    use proptest::prelude::*;

    /// Pushes a stream in pieces and takes out what it holds.
    fn ulpdus(
        stream: &mut FpduStream,
        octets: &[u8],
        piece: usize,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let mut found = Vec::new();
        for piece in octets.chunks(piece.max(1)) {
            stream.push(piece);
            while let Some(ulpdu) = stream.next_ulpdu()? {
                found.push(ulpdu.into_owned());
            }
        }
        Ok(found)
    }

    proptest! {
        /// What wire's framer makes comes out again, however the stream is cut.
        #[test]
        fn framed_ulpdus_come_out(
            lengths in prop::collection::vec(0usize..1500, 1..6),
            markers: bool, crc: bool, piece in 1usize..3000,
        ) {
            let mut framer = Framer::new(Framing { markers, crc });
            let made: Vec<Vec<u8>> =
                lengths.iter().enumerate().map(|(i, length)| vec![i as u8; *length]).collect();
            let mut octets = Vec::new();
            for ulpdu in &made {
                framer.frame(ulpdu, &mut octets).unwrap();
            }
            let mut stream = FpduStream::new(markers, crc);
            prop_assert_eq!(ulpdus(&mut stream, &octets, piece), Ok(made));
            prop_assert!(stream.is_between() && stream.waiting() == 0);
        }

        #[test]
        fn garbage_does_no_harm(octets: Vec<u8>, markers: bool, crc: bool, piece in 1usize..40) {
            let _ = ulpdus(&mut FpduStream::new(markers, crc), &octets, piece);
        }
    }

    //= rfc5044#4.4
    //= type=test
    #[test]
    fn any_flipped_bit_is_found_by_the_crc() {
        let mut octets = Vec::new();
        let mut framer = Framer::new(Framing { markers: true, crc: true });
        framer.frame(&[0x5a; 600], &mut octets).unwrap();
        for bit in 0..8 * octets.len() {
            // A length field that asks for more octets than there are waits for them.
            let length = (4..6).contains(&(bit / 8));
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = ulpdus(&mut FpduStream::new(true, true), &flipped, 4096);
            let expected = [Err(status::MPA_CRC), Ok(Vec::new()), Err(status::MPA_LENGTH)];
            assert!(
                expected[..if length { 3 } else { 1 }].contains(&found),
                "bit {bit}: {found:?}"
            );
        }
    }

    //= rfc5044#8
    //= type=test
    #[test]
    fn a_marker_that_points_elsewhere_is_found_without_crc() {
        let mut octets = Vec::new();
        let mut framer = Framer::new(Framing { markers: true, crc: false });
        framer.frame(&[0x5a; 600], &mut octets).unwrap();
        for (at, bit, found) in
            [(3, 4, true), (3, 1, false), (1, 0, false), (515, 4, true), (514, 0, true)]
        {
            let mut flipped = octets.clone();
            flipped[at] ^= 1 << bit;
            let result = ulpdus(&mut FpduStream::new(true, false), &flipped, 4096);
            let expected = if found { Err(status::MPA_MARKER) } else { Ok(vec![vec![0x5a; 600]]) };
            assert_eq!(result, expected, "octet {at}");
        }
    }

    #[test]
    fn the_largest_fpdu_and_one_larger() {
        let largest = FPDU_BYTES_MAX - LENGTH_BYTES - CRC_BYTES;
        for (length, fits) in [(largest, true), (largest + 1, false)] {
            let mut octets = Vec::new();
            let mut framer = Framer::new(Framing { markers: false, crc: true });
            framer.frame(&vec![1; length], &mut octets).unwrap();
            let mut stream = FpduStream::new(false, true);
            match fits {
                true => assert_eq!(ulpdus(&mut stream, &octets, 999).unwrap()[0].len(), length),
                false => assert_eq!(ulpdus(&mut stream, &octets[..2], 2), Err(status::MPA_LENGTH)),
            }
        }
    }

    #[test]
    fn the_stream_may_end_behind_a_marker_between_two_fpdus() {
        let mut octets = Vec::new();
        Framer::new(Framing { markers: true, crc: true }).frame(&[], &mut octets).unwrap();
        let mut stream = FpduStream::new(true, true);
        for (end, between) in [(0, true), (4, true), (5, false), (11, false), (12, true)] {
            stream.push(&octets[stream.waiting()..end]);
            let _ = stream.next_ulpdu();
            assert_eq!(stream.is_between(), between, "after {end}");
        }
    }
}
