//! TCP segments as they leave: Ethernet, IPv4 and TCP headers, and selective acknowledgements.

use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::sack::Blocks;
use ironwarp_wire::sequence::Sequence;
use ironwarp_wire::{checksum, ethernet, ipv4, tcp};
use std::ops::Range;

const TCP: usize = ethernet::HEADER_BYTES + ipv4::HEADER_BYTES;
/// Octets before the TCP payload if there are no options.
pub(super) const HEADER_BYTES: usize = TCP + tcp::HEADER_BYTES;
const TIME_TO_LIVE: u8 = 64;

/// What varies from segment to segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// The MAC address that the frame goes to.
    pub next_hop: u64,
    pub sequence: Sequence,
    /// RCV.NXT.
    pub acknowledged: Sequence,
    /// The window field as it travels.
    pub window: u16,
    /// What has arrived behind gaps: options that make the header longer.
    pub sack: Blocks,
}

/// Fills the headers of a frame whose TCP payload is in its place.
///
/// The payload fits an IPv4 datagram: the largest segment is far smaller. PSH is set if there is
/// any. IPv4's identification is zero, which RFC 6864 s. 4.1 allows with DF.
pub(super) fn fill(frame: &mut [u8], connection: &QueuePairContext, numbers: &Numbers) {
    let Some(datagram_bytes) = frame.len().checked_sub(ethernet::HEADER_BYTES) else { return };
    numbers.sack.emit(frame.get_mut(HEADER_BYTES..).unwrap_or_default());
    let mut put = |at: usize, field: Range<usize>, value: &[u8]| {
        if let Some(place) = frame.get_mut(at + field.start..at + field.end) {
            place.copy_from_slice(value);
        }
    };
    put(0, ethernet::DESTINATION, &numbers.next_hop.to_be_bytes()[2..]);
    put(0, ethernet::SOURCE, &connection.local_mac.to_be_bytes()[2..]);
    put(0, ethernet::TYPE, &ethernet::TYPE_IPV4.to_be_bytes());

    let ip = ethernet::HEADER_BYTES;
    let one = |at| at..at + 1;
    put(ip, one(ipv4::VERSION_AND_LENGTH), &[ipv4::VERSION_4_WITHOUT_OPTIONS]);
    put(ip, ipv4::TOTAL_LENGTH, &(datagram_bytes as u16).to_be_bytes());
    put(ip, ipv4::FRAGMENT, &ipv4::DO_NOT_FRAGMENT.to_be_bytes());
    put(ip, one(ipv4::TIME_TO_LIVE), &[TIME_TO_LIVE]);
    put(ip, one(ipv4::PROTOCOL), &[ipv4::PROTOCOL_TCP]);
    put(ip, ipv4::SOURCE, &connection.local_ip.to_be_bytes());
    put(ip, ipv4::DESTINATION, &connection.remote_ip.to_be_bytes());

    let header_bytes = tcp::HEADER_BYTES + numbers.sack.option_bytes();
    let has_data = datagram_bytes > ipv4::HEADER_BYTES + header_bytes;
    let flags = if has_data { tcp::PSH | tcp::ACK } else { tcp::ACK };
    put(TCP, tcp::SOURCE_PORT, &connection.local_port.to_be_bytes());
    put(TCP, tcp::DESTINATION_PORT, &connection.remote_port.to_be_bytes());
    put(TCP, tcp::SEQUENCE, &numbers.sequence.0.to_be_bytes());
    put(TCP, tcp::ACKNOWLEDGMENT, &numbers.acknowledged.0.to_be_bytes());
    put(TCP, one(tcp::DATA_OFFSET), &[(header_bytes as u8 / 4) << 4]);
    put(TCP, one(tcp::FLAGS), &[flags]);
    put(TCP, tcp::WINDOW, &numbers.window.to_be_bytes());

    let of_header = checksum::internet(frame.get(ip..TCP).unwrap_or_default());
    let (source, destination) = (connection.local_ip, connection.remote_ip);
    let of_segment = checksum::tcp_over_ipv4(
        source.to_be_bytes(),
        destination.to_be_bytes(),
        frame.get(TCP..).unwrap_or_default(),
    );
    for (at, field, value) in [(ip, ipv4::CHECKSUM, of_header), (TCP, tcp::CHECKSUM, of_segment)] {
        if let Some(place) = frame.get_mut(at + field.start..at + field.end) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }
}

/// The frame of a segment that only acknowledges.
pub(super) fn acknowledgement(connection: &QueuePairContext, numbers: &Numbers) -> Vec<u8> {
    let mut frame = vec![0; HEADER_BYTES + numbers.sack.option_bytes()];
    fill(&mut frame, connection, numbers);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::Ends;
    use crate::tcp::arrival::{judge, Arrival, Segment};

    const CONNECTION: QueuePairContext = QueuePairContext {
        send_markers: false,
        receive_markers: false,
        crc: false,
        await_first_fpdu: false,
        sack: false,
        retries: 0,
        reassembly_log2: 0,
        reassembly: 0,
        send_window_shift: 0,
        receive_window_shift: 0,
        pd: 0,
        mulpdu: 1454,
        send_cq: 0,
        receive_cq: 0,
        send_queue_log2: 0,
        receive_queue_log2: 0,
        read_in: 0,
        read_out: 0,
        local_ip: 0x0a00_0001,
        remote_ip: 0x0a00_0002,
        local_port: 5000,
        remote_port: 6000,
        local_mac: 0x0200_0000_0001,
        remote_mac: 0x0200_0000_0077,
        send_queue: 0,
        receive_queue: 0,
        send_next: 0,
        send_window: 0,
        receive_next: 0,
        receive_window: 0,
    };
    const NUMBERS: Numbers = Numbers {
        next_hop: 0x0200_0000_0002,
        sequence: Sequence(7),
        acknowledged: Sequence(u32::MAX),
        window: 513,
        sack: Blocks::NONE,
    };
    const PEER: [u8; 6] = [2, 0, 0, 0, 0, 2];

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; HEADER_BYTES];
        frame.extend_from_slice(payload);
        fill(&mut frame, &CONNECTION, &NUMBERS);
        frame
    }

    fn judged(frame: &[u8]) -> Arrival<'_> {
        judge(frame, PEER, 9014)
    }

    fn arrived(payload: &[u8]) -> Arrival<'_> {
        Arrival::Tcp(Segment {
            ends: Ends {
                remote_ip: CONNECTION.local_ip,
                local_ip: CONNECTION.remote_ip,
                remote_port: 5000,
                local_port: 6000,
            },
            sequence: NUMBERS.sequence,
            acknowledged: Some(NUMBERS.acknowledged),
            window: 513,
            fin: false,
            rst: false,
            syn: false,
            sack: Blocks::NONE,
            payload,
        })
    }

    #[test]
    fn what_leaves_arrives() {
        for length in [0, 1, 6, 7, 1460] {
            let payload = vec![0xa5; length];
            let mut sent = frame(&payload);
            assert_eq!(judged(&sent), arrived(&payload));
            sent.resize(sent.len().max(60) + 4, 0x77);
            assert_eq!(judged(&sent), arrived(&payload), "padding is no payload");
        }
        assert_eq!(frame(&[])[TCP + tcp::FLAGS], tcp::ACK);
        assert_eq!(frame(&[1])[TCP + tcp::FLAGS], tcp::ACK | tcp::PSH);
    }

    #[test]
    fn blocks_lie_between_header_and_payload() {
        let mut sack = Blocks::default();
        sack.push((Sequence(70), Sequence(90)));
        let numbers = Numbers { sack, ..NUMBERS };
        let frame = acknowledgement(&CONNECTION, &numbers);
        assert_eq!((frame.len(), frame[TCP + tcp::FLAGS]), (HEADER_BYTES + 12, tcp::ACK));
        let Arrival::Tcp(segment) = judged(&frame) else { panic!("it does not arrive") };
        assert_eq!((segment.sack, segment.payload.len()), (sack, 0));
    }

    /// Every bit that a checksum covers, flipped alone, makes the frame bad, foreign or raw.
    #[test]
    fn no_flipped_bit_gets_through() {
        let sent = frame(b"iWARP");
        for bit in 0..8 * sent.len() {
            let mut flipped = sent.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let judged = judged(&flipped);
            let covered = bit / 8 >= ethernet::HEADER_BYTES;
            // Another version or header length is not for the device to judge.
            let version = bit / 8 == ethernet::HEADER_BYTES;
            match bit / 8 {
                0..6 if bit != 0 => assert_eq!(judged, Arrival::Foreign),
                6..12 => assert_eq!(judged, arrived(b"iWARP"), "the sender is not looked at"),
                _ if covered && !version => assert_eq!(judged, Arrival::Bad, "bit {bit}"),
                _ => assert_eq!(judged, Arrival::Raw, "bit {bit}"),
            }
        }
    }

    #[test]
    fn cut_frames_are_bad() {
        let sent = frame(b"iWARP");
        for length in 0..sent.len() {
            assert_eq!(judged(&sent[..length]), Arrival::Bad, "{length}");
        }
        for longest in [60, 2048, 9014] {
            assert_eq!(judge(&vec![0; longest + 1], [0; 6], longest), Arrival::Bad);
            assert_eq!(judge(&vec![0; longest], [0; 6], longest), Arrival::Raw);
        }
    }

    /// Changes IPv4 or TCP octets and makes the checksums right again.
    fn changed(change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut frame = frame(b"iWARP");
        change(&mut frame[ethernet::HEADER_BYTES..]);
        let (ip, segment) = frame[ethernet::HEADER_BYTES..].split_at_mut(ipv4::HEADER_BYTES);
        ip[ipv4::CHECKSUM].fill(0);
        let of_header = checksum::internet(ip);
        ip[ipv4::CHECKSUM].copy_from_slice(&of_header.to_be_bytes());
        segment[tcp::CHECKSUM].fill(0);
        let of_segment = checksum::tcp_over_ipv4([10, 0, 0, 1], [10, 0, 0, 2], segment);
        segment[tcp::CHECKSUM].copy_from_slice(&of_segment.to_be_bytes());
        frame
    }

    #[test]
    fn what_is_not_plain_tcp_is_raw_or_bad() {
        let offset = ipv4::HEADER_BYTES + tcp::DATA_OFFSET;
        for (frame, expected) in [
            (changed(|ip| ip[0] = 0x46), Arrival::Raw),
            (changed(|ip| ip[0] = 0x65), Arrival::Raw),
            (changed(|ip| ip[6] |= 0x20), Arrival::Raw),
            (changed(|ip| ip[7] |= 1), Arrival::Raw),
            (changed(|ip| ip[ipv4::PROTOCOL] = 17), Arrival::Raw),
            (changed(|ip| ip[offset] = 0x40), Arrival::Bad),
            (changed(|ip| ip[offset] = 0x70), Arrival::Bad),
            (changed(|ip| ip[3] = 19), Arrival::Bad),
            (changed(|ip| ip[3] = 39), Arrival::Bad),
            (changed(|_| {}), arrived(b"iWARP")),
        ] {
            assert_eq!(judged(&frame), expected);
        }
        let mut options = changed(|ip| ip[offset] = 0x60);
        assert_eq!(judged(&options), arrived(b"P"), "TCP's options are skipped");
        options[0] |= 1;
        assert_eq!(judged(&options), Arrival::Raw, "to a group");
    }
}
