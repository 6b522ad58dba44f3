//! Corruption that only checksums find.

use crate::packet::ipv4_packet;

/// Changes one bit of the IPv4 packet in a frame: one that header checksum, TCP, UDP or ICMP cover,
/// and never padding. The internet checksum finds every single bit (RFC 1071). False, and nothing
/// changes, if the frame carries no such packet: ARP, for one, has no checksum that could find it.
pub(crate) fn damage(frame: &mut [u8], choice: u64) -> bool {
    let Some(packet) = ipv4_packet(frame).and_then(|octets| frame.get_mut(octets)) else {
        return false;
    };
    let at = choice / 8 % packet.len() as u64;
    packet[at as usize] ^= 1 << (choice % 8);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of that type with a packet that says this length, padded to 60 octets.
    fn frame(kind: u16, length: u16) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        frame[16..18].copy_from_slice(&length.to_be_bytes());
        frame
    }

    #[test]
    fn one_bit_of_the_packet_changes() {
        let whole = frame(0x0800, 40);
        let mut seen = [false; 40];
        for choice in 0..8 * 40 {
            let mut bad = whole.clone();
            assert!(damage(&mut bad, choice));
            let changed: Vec<usize> = (0..60).filter(|n| bad[*n] != whole[*n]).collect();
            let [at] = changed[..] else { panic!("{changed:?}") };
            assert_eq!((bad[at] ^ whole[at]).count_ones(), 1);
            seen[at - 14] = true;
        }
        assert_eq!(seen, [true; 40], "every octet of the packet, and no padding");
    }

    #[test]
    fn what_no_checksum_covers_stays() {
        for mut frame in [
            frame(0x0806, 40),
            frame(0x86dd, 40),
            frame(0x0800, 47),
            frame(0x0800, 19),
            vec![8; 13],
        ] {
            let before = frame.clone();
            assert!(!damage(&mut frame, 12345));
            assert_eq!(frame, before);
        }
    }
}
