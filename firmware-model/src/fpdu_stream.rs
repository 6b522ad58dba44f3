//! Finds the FPDUs in the octets of a TCP stream (RFC 5044 s. 4, s. 6).

use crate::fpdu;
use crate::Status;
use ironwarp_abi::status;
use ironwarp_wire::mpa::fpdu::LENGTH_BYTES;
use ironwarp_wire::mpa::stream::Framing;

/// The octets that wait for the rest of their FPDU, in a buffer of fixed size.
#[derive(Debug)]
pub(crate) struct FpduStream {
    framing: Framing,
    /// The largest FPDU, in octets of stream.
    largest: usize,
    /// Where in the stream the next FPDU begins, or the marker before it.
    offset: u64,
    buffer: Box<[u8]>,
    /// Where in the buffer that is.
    start: usize,
    /// Where in the buffer the next octet of the stream goes.
    end: usize,
}

impl FpduStream {
    /// Begins at the start of the stream, where the first marker is if there are any. Takes FPDUs
    /// of up to `largest` octets, which is no more than the `capacity` of its buffer.
    pub fn new(framing: Framing, largest: usize, capacity: usize) -> Self {
        let buffer = vec![0; capacity.max(largest)].into();
        Self { framing, largest, offset: 0, buffer, start: 0, end: 0 }
    }

    /// Takes the next octets of the stream. False if they do not fit; then nothing is taken.
    #[must_use]
    pub fn push(&mut self, octets: &[u8]) -> bool {
        let Some(room) = self.room(octets.len()).get_mut(..octets.len()) else { return false };
        room.copy_from_slice(octets);
        self.fill(octets.len());
        true
    }

    /// Where the next octets of the stream go. At least `wanted` octets of room, if so many are
    /// free at all.
    pub fn room(&mut self, wanted: usize) -> &mut [u8] {
        let small = self.start == self.end || self.buffer.len() - self.end < wanted;
        if small && self.start != 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }

    /// The stream's next octets have been put at the front of the [`room`](Self::room).
    pub fn fill(&mut self, octets: usize) {
        self.end = (self.end + octets).min(self.buffer.len());
    }

    /// How many octets wait.
    pub fn waiting(&self) -> usize {
        self.end - self.start
    }

    /// Where in the stream the next FPDU begins, or the marker before it.
    pub fn framed(&self) -> u64 {
        self.offset
    }

    /// How many octets have been taken since the start of the stream.
    pub fn received(&self) -> u64 {
        self.offset + self.waiting() as u64
    }

    /// The stream may end here: nothing of the next FPDU has come but perhaps a marker before it.
    pub fn is_between(&self) -> bool {
        self.waiting() == 0 || self.waiting() == fpdu::leading(self.framing, self.offset)
    }

    /// The ULPDU of the next FPDU, or None until all of it is here.
    //= rfc5044#8  After an error nothing more is delivered: the caller stops the queue pair.
    pub fn next_ulpdu(&mut self) -> Result<Option<&[u8]>, Status> {
        let Some(bytes) = self.next_bytes()?.filter(|bytes| *bytes <= self.waiting()) else {
            return Ok(None);
        };
        let fpdu = &mut self.buffer[self.start..self.start + bytes];
        let offset = self.offset;
        self.start += bytes;
        self.offset += bytes as u64;
        let ulpdu = fpdu::open(fpdu, self.framing, offset)?;
        Ok(Some(&fpdu[ulpdu]))
    }

    /// The length of the next FPDU with its markers, once its length field is here.
    //= rfc5044#6  The length field alone decides where an FPDU ends.
    fn next_bytes(&self) -> Result<Option<usize>, Status> {
        let leading = fpdu::leading(self.framing, self.offset);
        let from_length = self.buffer[self.start..self.end].get(leading..).unwrap_or_default();
        let Some((length, _)) = from_length.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let ulpdu = usize::from(u16::from_be_bytes(*length));
        let bytes = fpdu::stream_bytes(self.framing, self.offset, ulpdu);
        match bytes <= self.largest {
            true => Ok(Some(bytes)),
            false => Err(status::MPA_LENGTH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::REFERENCE;
    use ironwarp_wire::mpa::fpdu::CRC_BYTES;
    use ironwarp_wire::mpa::stream::Framer;
    use proptest::prelude::*;

    fn new(markers: bool, crc: bool) -> FpduStream {
        let (largest, capacity) = (REFERENCE.fpdu_bytes_max(), REFERENCE.stream_ring_bytes());
        FpduStream::new(Framing { markers, crc }, largest, capacity)
    }

    /// Pushes a stream in pieces and takes out what it holds.
    fn ulpdus(
        stream: &mut FpduStream,
        octets: &[u8],
        piece: usize,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let mut found = Vec::new();
        for piece in octets.chunks(piece.max(1)) {
            assert!(stream.push(piece));
            while let Some(ulpdu) = stream.next_ulpdu()? {
                found.push(ulpdu.to_vec());
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
            let mut stream = new(markers, crc);
            prop_assert_eq!(ulpdus(&mut stream, &octets, piece), Ok(made));
            prop_assert!(stream.is_between() && stream.waiting() == 0);
        }

        #[test]
        fn garbage_does_no_harm(octets: Vec<u8>, markers: bool, crc: bool, piece in 1usize..40) {
            let _ = ulpdus(&mut new(markers, crc), &octets, piece);
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
            let found = ulpdus(&mut new(true, true), &flipped, 4096);
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
            let result = ulpdus(&mut new(true, false), &flipped, 4096);
            let expected = if found { Err(status::MPA_MARKER) } else { Ok(vec![vec![0x5a; 600]]) };
            assert_eq!(result, expected, "octet {at}");
        }
    }

    #[test]
    fn the_largest_fpdu_and_one_larger() {
        let largest = REFERENCE.fpdu_bytes_max() - LENGTH_BYTES - CRC_BYTES;
        for (length, fits) in [(largest, true), (largest + 1, false)] {
            let mut octets = Vec::new();
            let mut framer = Framer::new(Framing { markers: false, crc: true });
            framer.frame(&vec![1; length], &mut octets).unwrap();
            let mut stream = new(false, true);
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
        let mut stream = new(true, true);
        for (end, between) in [(0, true), (4, true), (5, false), (11, false), (12, true)] {
            assert!(stream.push(&octets[stream.waiting()..end]));
            let _ = stream.next_ulpdu();
            assert_eq!(stream.is_between(), between, "after {end}");
        }
    }
}
