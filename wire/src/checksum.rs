//! The internet checksum of IPv4 and TCP (RFC 1071).

/// A sum under way. Pieces are added in order; each but the last has an even number of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds octets as words of 16 bits in network byte order; an odd last octet is a high one.
    pub const fn bytes(mut self, mut bytes: &[u8]) -> Self {
        while let [high, low, rest @ ..] = bytes {
            self.0 += u16::from_be_bytes([*high, *low]) as u64;
            bytes = rest;
        }
        if let [high] = bytes {
            self.0 += u16::from_be_bytes([*high, 0]) as u64;
        }
        self
    }

    /// Adds one word of 16 bits.
    pub const fn word(mut self, word: u16) -> Self {
        self.0 += word as u64;
        self
    }

    /// The checksum: the complement of the sum in ones' complement arithmetic.
    ///
    /// Over a header that holds its correct checksum this is zero.
    pub const fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The internet checksum of `bytes`.
pub const fn internet(bytes: &[u8]) -> u16 {
    Sum(0).bytes(bytes).finish()
}

/// The checksum of a TCP segment, header and payload, over IPv4 with its pseudo header.
///
/// Zero if the segment holds its correct checksum. The length of the segment must fit an IPv4
/// datagram; only its low 16 bits enter the sum.
//= rfc9293#3.1  The checksum also covers a pseudo-header conceptually prefixed to the TCP header.
pub const fn tcp_over_ipv4(source: [u8; 4], destination: [u8; 4], segment: &[u8]) -> u16 {
    Sum(0)
        .bytes(&source)
        .bytes(&destination)
        .word(crate::ipv4::PROTOCOL_TCP as u16)
        .word(segment.len() as u16)
        .bytes(segment)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
    #[test]
    fn the_example_of_the_rfc() {
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(internet(&example), !0xddf2);
        assert_eq!(internet(&[]), 0xffff);
        assert_eq!(internet(&[0xab]), !0xab00);
    }

    proptest! {
        #[test]
        fn with_its_checksum_the_sum_is_zero(mut bytes: Vec<u8>) {
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            let checksum = internet(&bytes);
            bytes.extend(checksum.to_be_bytes());
            prop_assert_eq!(internet(&bytes), 0);
        }
    }
}
