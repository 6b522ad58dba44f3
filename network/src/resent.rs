//! Sees which TCP segments bring octets again that were sent before.

use crate::packet::ipv4_packet;
use ironwarp_wire::sequence::Sequence;
use ironwarp_wire::{ipv4, tcp};
use std::collections::BTreeMap;

/// Streams that are followed at a time. One more, and all are forgotten: peers cannot make this
/// grow.
const STREAMS_MAX: usize = 4096;

/// Addresses and ports as they stand in a packet.
type Flow = [u8; 12];

/// A segment of the stream, without what it carries.
struct Segment {
    flow: Flow,
    syn: bool,
    start: Sequence,
    /// Octets of the sequence space that it takes.
    length: u32,
}

/// What was sent of a stream, from its first octet (or SYN) on.
#[derive(Debug)]
struct Sent {
    first: Sequence,
    /// Behind the last.
    end: Sequence,
}

/// The streams of one direction.
#[derive(Debug, Default)]
pub(crate) struct Resent {
    streams: BTreeMap<Flow, Sent>,
}

impl Resent {
    /// Looks at a frame on its way. True for a segment that takes sequence numbers, none of them
    /// new: a retransmission, or a probe.
    pub fn look(&mut self, frame: &[u8]) -> bool {
        let Some(segment) = parse(frame).filter(|segment| segment.length > 0) else { return false };
        let Segment { flow, syn, start, length } = segment;
        if !self.streams.contains_key(&flow) && self.streams.len() >= STREAMS_MAX {
            self.streams.clear();
        }
        let sent = self.streams.entry(flow).or_insert(Sent { first: start, end: start });
        if syn && start != sent.first {
            // The connection before is over.
            *sent = Sent { first: start, end: start };
        }
        let end = start + length;
        let new = end.is_after(sent.end);
        if new {
            sent.end = end;
        }
        !new
    }
}

fn parse(frame: &[u8]) -> Option<Segment> {
    let packet = frame.get(ipv4_packet(frame)?)?;
    let word = |octets: &[u8]| octets.try_into().map(u16::from_be_bytes).ok();
    let long = |octets: &[u8]| octets.try_into().map(u32::from_be_bytes).ok();
    let words = packet.get(ipv4::VERSION_AND_LENGTH)? & 0xf;
    let fragment =
        word(packet.get(ipv4::FRAGMENT)?)? & (ipv4::FRAGMENT_OFFSET | ipv4::MORE_FRAGMENTS);
    if *packet.get(ipv4::PROTOCOL)? != ipv4::PROTOCOL_TCP || fragment != 0 {
        return None;
    }
    let addresses = packet.get(ipv4::SOURCE.start..ipv4::DESTINATION.end)?;
    let segment = packet.get(4 * usize::from(words)..)?;
    let ports = segment.get(..tcp::DESTINATION_PORT.end)?;
    let offset = 4 * usize::from(segment.get(tcp::DATA_OFFSET)? >> 4);
    let payload = segment.get(offset..)?.len() as u32;
    let flags = segment[tcp::FLAGS];
    let syn = flags & tcp::SYN != 0;
    Some(Segment {
        flow: [addresses, ports].concat().try_into().ok()?,
        syn,
        start: Sequence(long(segment.get(tcp::SEQUENCE)?)?),
        length: payload + u32::from(syn) + u32::from(flags & tcp::FIN != 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::ethernet;

    /// A segment of so many octets from a port, in a padded frame.
    fn segment(port: u16, flags: u8, sequence: u32, payload: u16) -> Vec<u8> {
        let mut frame = vec![0; 14 + 40 + usize::from(payload)];
        frame[12..14].copy_from_slice(&ethernet::TYPE_IPV4.to_be_bytes());
        let packet = &mut frame[14..];
        packet[ipv4::VERSION_AND_LENGTH] = ipv4::VERSION_4_WITHOUT_OPTIONS;
        packet[ipv4::TOTAL_LENGTH].copy_from_slice(&(40 + payload).to_be_bytes());
        packet[ipv4::PROTOCOL] = ipv4::PROTOCOL_TCP;
        let header = &mut packet[ipv4::HEADER_BYTES..];
        header[tcp::SOURCE_PORT].copy_from_slice(&port.to_be_bytes());
        header[tcp::SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
        header[tcp::DATA_OFFSET] = 5 << 4;
        header[tcp::FLAGS] = flags;
        frame.resize(frame.len().max(ethernet::FRAME_BYTES_MIN), 0);
        frame
    }

    #[test]
    fn only_what_was_sent_before_is_sent_again() {
        let mut resent = Resent::default();
        let mut again = |frame: Vec<u8>| resent.look(&frame);
        let first = u32::MAX - 5;
        assert!(!again(segment(1, tcp::SYN, first, 0)));
        assert!(again(segment(1, tcp::SYN, first, 0)));
        assert!(!again(segment(1, tcp::ACK, first + 1, 0)), "it takes no sequence number");
        assert!(!again(segment(1, tcp::ACK, first + 1, 10)));
        assert!(again(segment(1, tcp::ACK, first + 1, 10)), "across zero");
        assert!(again(segment(1, tcp::ACK, first + 3, 8)));
        assert!(!again(segment(1, tcp::ACK, first + 3, 9)), "one octet is new");
        assert!(!again(segment(2, tcp::ACK, first + 1, 10)), "another stream");
        assert!(!again(segment(1, tcp::FIN, first.wrapping_add(12), 0)));
        assert!(again(segment(1, tcp::FIN, first.wrapping_add(12), 0)));
        assert!(!again(segment(1, tcp::SYN, first - 1000, 0)), "a connection of the same ports");
    }

    #[test]
    fn what_is_no_whole_segment_is_none() {
        let whole = segment(1, tcp::ACK, 1, 100);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_none(), "{length} octets");
        }
        for (at, value) in [(12, 0), (14 + 6, 0x20), (14 + 9, 17), (14 + 32, 0xf0), (14, 0x4f)] {
            let mut other = segment(1, tcp::ACK, 1, 0);
            other[at] = value;
            assert!(parse(&other).is_none(), "octet {at} is {value:#x}");
        }
    }
}
