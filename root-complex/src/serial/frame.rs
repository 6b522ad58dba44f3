//! Frames in octets.

use ironwarp_abi::serial::{ESCAPE, ESCAPED, FLAG, HEADER_BYTES, PACKET_BYTES_MAX};

/// Octets of the CRC.
const CRC_BYTES: usize = 4;

/// What lies between two flags, without its CRC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// One of `ironwarp_abi::serial::kind`.
    pub kind: u8,
    /// The packet's number, or the nonce's low octet.
    pub sequence: u8,
    /// What was taken, or the nonce's high octet.
    pub acknowledge: u8,
    /// Settings or version.
    pub detail: u8,
    /// A packet, or what goes with the kind.
    pub body: Vec<u8>,
}

impl Frame {
    /// Appends the frame as it goes over the line, with flags, escapes and CRC.
    pub fn emit(&self, line: &mut impl Extend<u8>) {
        let header = [self.kind, self.sequence, self.acknowledge, self.detail];
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), &self.body).to_le_bytes();
        line.extend([FLAG]);
        for &octet in header.iter().chain(&self.body).chain(&crc) {
            match octet {
                FLAG | ESCAPE => line.extend([ESCAPE, octet ^ ESCAPED]),
                _ => line.extend([octet]),
            }
        }
        line.extend([FLAG]);
    }

    fn parse(octets: &[u8]) -> Option<Self> {
        let (content, &crc) = octets.split_last_chunk::<CRC_BYTES>()?;
        let (&[kind, sequence, acknowledge, detail], body) =
            content.split_first_chunk::<HEADER_BYTES>()?;
        let good = crc32c::crc32c(content) == u32::from_le_bytes(crc);
        good.then(|| Self { kind, sequence, acknowledge, detail, body: body.to_vec() })
    }
}

/// Finds frames among octets, whatever else is there.
#[derive(Clone, Debug, Default)]
pub struct Deframer {
    octets: Vec<u8>,
    escape: bool,
    spoiled: bool,
}

impl Deframer {
    /// Takes the next octet of the line; a good frame, if one ends with it.
    pub fn push(&mut self, octet: u8) -> Option<Frame> {
        if octet == FLAG {
            let whole = !std::mem::take(&mut self.spoiled) & !std::mem::take(&mut self.escape);
            let frame = if whole { Frame::parse(&self.octets) } else { None };
            self.octets.clear();
            return frame;
        }
        if octet == ESCAPE {
            self.escape = true;
            return None;
        }
        if self.octets.len() == HEADER_BYTES + PACKET_BYTES_MAX + CRC_BYTES {
            self.spoiled = true;
            return None;
        }
        let escaped = if std::mem::take(&mut self.escape) { ESCAPED } else { 0 };
        self.octets.push(octet ^ escaped);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(line: &[u8]) -> Vec<Frame> {
        let mut deframer = Deframer::default();
        line.iter().filter_map(|&octet| deframer.push(octet)).collect()
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let octets = prop_oneof![any::<u8>(), Just(FLAG), Just(ESCAPE)];
        let body = prop::collection::vec(octets, 0..=PACKET_BYTES_MAX);
        (any::<[u8; 4]>(), body).prop_map(|([kind, sequence, acknowledge, detail], body)| Frame {
            kind,
            sequence,
            acknowledge,
            detail,
            body,
        })
    }

    proptest! {
        #[test]
        fn frames_are_found_behind_any_noise(noise in any::<Vec<u8>>(), sent in frame()) {
            let mut line = noise;
            sent.emit(&mut line);
            prop_assert_eq!(frames(&line).pop(), Some(sent));
        }

        #[test]
        fn a_changed_octet_is_seen(sent in frame(), at in any::<usize>(), flip in 1..=255_u8) {
            let mut line = Vec::new();
            sent.emit(&mut line);
            let at = 1 + at % (line.len() - 2);
            line[at] ^= flip;
            prop_assert!(!frames(&line).contains(&sent));
        }
    }

    /// An acknowledgement, by hand: its CRC is that of 04 00 03 12.
    #[test]
    fn a_frame_looks_as_it_should() {
        let frame = Frame { kind: 4, acknowledge: 3, detail: 0x12, ..Frame::default() };
        let mut line = Vec::new();
        frame.emit(&mut line);
        let mut expected = vec![FLAG, 4, 0, 3, 0x12];
        expected.extend(crc32c::crc32c(&[4, 0, 3, 0x12]).to_le_bytes());
        expected.push(FLAG);
        assert_eq!(line, expected);
    }
}
