//! What has arrived: Ethernet, IPv4 and TCP headers read and checked.

use crate::flows::Ends;
use ironwarp_wire::sack::Blocks;
use ironwarp_wire::sequence::Sequence;
use ironwarp_wire::{checksum, ethernet, ipv4, tcp};
use std::ops::Range;

/// In the first octet of a MAC address: the address is one of a group.
const GROUP: u8 = 1;

/// A frame, judged by its headers alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival<'a> {
    /// Malformed, or a checksum is wrong.
    Bad,
    /// Meant for another station.
    Foreign,
    /// For software.
    Raw,
    /// A TCP segment that the device can read; for software if no queue pair owns its connection.
    Tcp(Segment<'a>),
}

/// A TCP segment whose checksums are right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub ends: Ends,
    pub sequence: Sequence,
    /// The acknowledgement number, if ACK is set.
    pub acknowledged: Option<Sequence>,
    /// The window field as it travelled.
    pub window: u16,
    pub fin: bool,
    pub rst: bool,
    pub syn: bool,
    /// What the peer has behind gaps.
    pub sack: Blocks,
    pub payload: &'a [u8],
}

/// Judges a frame without frame check sequence, of up to `longest` octets, for the station with
/// this MAC address.
pub(crate) fn judge(frame: &[u8], station: [u8; 6], longest: usize) -> Arrival<'_> {
    if frame.len() > longest {
        return Arrival::Bad;
    }
    let Some((header, datagram)) = frame.split_at_checked(ethernet::HEADER_BYTES) else {
        return Arrival::Bad;
    };
    let destination = &header[ethernet::DESTINATION];
    let group = destination[0] & GROUP != 0;
    if !group && destination != station {
        return Arrival::Foreign;
    }
    if u16_of(header, ethernet::TYPE) != ethernet::TYPE_IPV4 {
        return Arrival::Raw;
    }
    match of_datagram(datagram) {
        //= rfc1122#4.2.3.10  What was sent to a group is no segment of a connection.
        Arrival::Tcp(_) if group => Arrival::Raw,
        other => other,
    }
}

fn of_datagram(datagram: &[u8]) -> Arrival<'_> {
    let Some(header) = datagram.get(..ipv4::HEADER_BYTES) else {
        return Arrival::Bad;
    };
    // Options, and whatever else does not begin with these four bits, is software's to judge.
    if header[ipv4::VERSION_AND_LENGTH] != ipv4::VERSION_4_WITHOUT_OPTIONS {
        return Arrival::Raw;
    }
    let total = usize::from(u16_of(header, ipv4::TOTAL_LENGTH));
    // What is behind the datagram is Ethernet's padding.
    let Some(body) = datagram.get(ipv4::HEADER_BYTES..total) else {
        return Arrival::Bad;
    };
    if checksum::internet(header) != 0 {
        return Arrival::Bad;
    }
    let fragment = u16_of(header, ipv4::FRAGMENT);
    let fragmented = fragment & (ipv4::MORE_FRAGMENTS | ipv4::FRAGMENT_OFFSET) != 0;
    if fragmented || header[ipv4::PROTOCOL] != ipv4::PROTOCOL_TCP {
        return Arrival::Raw;
    }
    of_segment(body, array(header, ipv4::SOURCE), array(header, ipv4::DESTINATION))
}

fn of_segment(segment: &[u8], source: [u8; 4], destination: [u8; 4]) -> Arrival<'_> {
    let Some(header) = segment.get(..tcp::HEADER_BYTES) else {
        return Arrival::Bad;
    };
    let header_bytes = usize::from(header[tcp::DATA_OFFSET] >> 4) * 4;
    let Some(payload) = segment.get(header_bytes..).filter(|_| header_bytes >= tcp::HEADER_BYTES)
    else {
        return Arrival::Bad;
    };
    if checksum::tcp_over_ipv4(source, destination, segment) != 0 {
        return Arrival::Bad;
    }
    let flags = header[tcp::FLAGS];
    let number = |field| Sequence(u32::from_be_bytes(array(header, field)));
    Arrival::Tcp(Segment {
        ends: Ends {
            remote_ip: u32::from_be_bytes(source),
            local_ip: u32::from_be_bytes(destination),
            remote_port: u16_of(header, tcp::SOURCE_PORT),
            local_port: u16_of(header, tcp::DESTINATION_PORT),
        },
        sequence: number(tcp::SEQUENCE),
        acknowledged: (flags & tcp::ACK != 0).then(|| number(tcp::ACKNOWLEDGMENT)),
        window: u16_of(header, tcp::WINDOW),
        fin: flags & tcp::FIN != 0,
        rst: flags & tcp::RST != 0,
        syn: flags & tcp::SYN != 0,
        sack: Blocks::parse(segment.get(tcp::HEADER_BYTES..header_bytes).unwrap_or_default()),
        payload,
    })
}

/// The field of a header that is known to be whole.
fn array<const N: usize>(header: &[u8], field: Range<usize>) -> [u8; N] {
    let mut value = [0; N];
    for (to, from) in value.iter_mut().zip(header.get(field).unwrap_or_default()) {
        *to = *from;
    }
    value
}

fn u16_of(header: &[u8], field: Range<usize>) -> u16 {
    u16::from_be_bytes(array(header, field))
}
