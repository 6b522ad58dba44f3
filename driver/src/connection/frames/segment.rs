//! TCP segments in Ethernet frames, as the connection manager sees and builds them.

use ironwarp_wire::sequence::Sequence;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol,
    Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};
use std::net::Ipv4Addr;

/// The two ends of a TCP connection, from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Flow {
    /// Our address.
    pub local_ip: Ipv4Addr,
    /// The peer's.
    pub remote_ip: Ipv4Addr,
    /// Our port.
    pub local_port: u16,
    /// The peer's.
    pub remote_port: u16,
}

/// A flow and the link below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The ends.
    pub flow: Flow,
    /// Our station.
    pub local_mac: [u8; 6],
    /// The next hop to the peer.
    pub remote_mac: [u8; 6],
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To us.
    In,
    /// From us.
    Out,
}

/// What the connection manager needs to know of a TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Path, from our side whatever the direction.
    pub path: Path,
    /// Sequence number of the first octet, or of SYN or FIN.
    pub sequence: Sequence,
    /// The acknowledgement, if the segment has one.
    pub acknowledged: Option<Sequence>,
    /// The window field as it is.
    pub window: u16,
    /// SYN.
    pub syn: bool,
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
    /// The option of a SYN: the largest segment that the sender takes.
    pub mss: Option<u16>,
    /// The option of a SYN: the sender's window scale.
    pub window_scale: Option<u8>,
    /// The option of a SYN: the sender takes selective acknowledgements (RFC 2018 s. 2).
    pub sack_permitted: bool,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Segment {
    /// An acknowledgement and nothing else.
    pub fn bare(path: Path, sequence: Sequence, acknowledged: Sequence, window: u16) -> Self {
        Self {
            path,
            sequence,
            acknowledged: Some(acknowledged),
            window,
            syn: false,
            fin: false,
            rst: false,
            mss: None,
            window_scale: None,
            sack_permitted: false,
            payload: Vec::new(),
        }
    }

    /// Reads a frame; None if it is no TCP segment over IPv4, is cut, or a checksum is wrong.
    pub fn parse(frame: &[u8], direction: Direction) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let checks = ChecksumCapabilities::default();
        let ip = Ipv4Repr::parse(&packet, &checks).ok()?;
        if ip.next_header != IpProtocol::Tcp || packet.more_frags() || packet.frag_offset() != 0 {
            return None;
        }
        let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
        let (source, destination) = (IpAddress::Ipv4(ip.src_addr), IpAddress::Ipv4(ip.dst_addr));
        let repr = TcpRepr::parse(&tcp, &source, &destination, &checks).ok()?;
        let (from, to) = (ethernet.src_addr().0, ethernet.dst_addr().0);
        let path = match direction {
            Direction::In => Path {
                flow: Flow {
                    local_ip: ip.dst_addr,
                    remote_ip: ip.src_addr,
                    local_port: repr.dst_port,
                    remote_port: repr.src_port,
                },
                local_mac: to,
                remote_mac: from,
            },
            Direction::Out => Path {
                flow: Flow {
                    local_ip: ip.src_addr,
                    remote_ip: ip.dst_addr,
                    local_port: repr.src_port,
                    remote_port: repr.dst_port,
                },
                local_mac: from,
                remote_mac: to,
            },
        };
        Some(Self {
            path,
            sequence: from_smoltcp(repr.seq_number),
            acknowledged: repr.ack_number.map(from_smoltcp),
            window: repr.window_len,
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            mss: repr.max_seg_size,
            window_scale: repr.window_scale,
            sack_permitted: repr.sack_permitted,
            payload: repr.payload.into(),
        })
    }

    /// A SYN that asks for a connection.
    pub fn opens(&self) -> bool {
        self.syn && !self.rst && self.acknowledged.is_none()
    }

    /// Where the segment ends in sequence space: SYN and FIN count as an octet each.
    pub fn end(&self) -> Sequence {
        let flags = u32::from(self.syn) + u32::from(self.fin);
        self.sequence + self.payload.len() as u32 + flags
    }

    /// The frame of a segment that we send.
    pub fn emit(&self) -> Vec<u8> {
        let Path { flow, local_mac, remote_mac } = self.path;
        let control = match (self.syn, self.fin, self.rst) {
            (_, _, true) => TcpControl::Rst,
            (_, true, _) => TcpControl::Fin,
            (true, _, _) => TcpControl::Syn,
            _ => TcpControl::None,
        };
        let tcp = TcpRepr {
            src_port: flow.local_port,
            dst_port: flow.remote_port,
            control,
            seq_number: to_smoltcp(self.sequence),
            ack_number: self.acknowledged.map(to_smoltcp),
            window_len: self.window,
            window_scale: self.window_scale,
            max_seg_size: self.mss,
            sack_permitted: self.sack_permitted,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &self.payload,
        };
        let ip = Ipv4Repr {
            src_addr: flow.local_ip,
            dst_addr: flow.remote_ip,
            next_header: IpProtocol::Tcp,
            payload_len: tcp.buffer_len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr {
            src_addr: EthernetAddress(local_mac),
            dst_addr: EthernetAddress(remote_mac),
            ethertype: EthernetProtocol::Ipv4,
        };
        let checks = ChecksumCapabilities::default();
        let length = ethernet.buffer_len() + ip.buffer_len() + tcp.buffer_len();
        let mut frame = vec![0; length];
        let mut out = EthernetFrame::new_unchecked(&mut frame[..]);
        ethernet.emit(&mut out);
        let mut packet = Ipv4Packet::new_unchecked(out.payload_mut());
        ip.emit(&mut packet, &checks);
        let (source, destination) = ends(&packet);
        let mut segment = TcpPacket::new_unchecked(packet.payload_mut());
        tcp.emit(&mut segment, &source, &destination, &checks);
        frame
    }
}

/// Cuts a received segment's payload to `length` octets, and its FIN off with the rest. None if
/// the frame is none that [`Segment::parse`] reads.
pub(crate) fn trim(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut frame = frame.to_vec();
    let headers = {
        let ethernet = EthernetFrame::new_checked(&frame[..]).ok()?;
        let packet = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
        let ip_bytes = usize::from(packet.header_len()) + usize::from(tcp.header_len());
        (ip_bytes + length <= usize::from(packet.total_len())).then_some(ip_bytes)?
    };
    frame.truncate(EthernetFrame::<&[u8]>::header_len() + headers + length);
    let mut ethernet = EthernetFrame::new_unchecked(&mut frame[..]);
    let mut packet = Ipv4Packet::new_unchecked(ethernet.payload_mut());
    packet.set_total_len((headers + length) as u16);
    packet.fill_checksum();
    let (source, destination) = ends(&packet);
    let mut tcp = TcpPacket::new_unchecked(packet.payload_mut());
    tcp.set_fin(false);
    tcp.fill_checksum(&source, &destination);
    Some(frame)
}

fn ends<T: AsRef<[u8]>>(packet: &Ipv4Packet<T>) -> (IpAddress, IpAddress) {
    (IpAddress::Ipv4(packet.src_addr()), IpAddress::Ipv4(packet.dst_addr()))
}

fn from_smoltcp(number: TcpSeqNumber) -> Sequence {
    Sequence(number.0 as u32)
}

fn to_smoltcp(number: Sequence) -> TcpSeqNumber {
    TcpSeqNumber(number.0 as i32)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A path between two stations of the tests.
    pub(crate) fn path() -> Path {
        Path {
            flow: Flow {
                local_ip: Ipv4Addr::new(10, 0, 0, 1),
                remote_ip: Ipv4Addr::new(10, 0, 0, 2),
                local_port: 5000,
                remote_port: 6000,
            },
            local_mac: [2, 0, 0, 0, 0, 1],
            remote_mac: [2, 0, 0, 0, 0, 2],
        }
    }

    /// The same segment as the other side sees it.
    pub(crate) fn mirrored(segment: &Segment) -> Segment {
        let Path { flow, local_mac, remote_mac } = segment.path;
        let flow = Flow {
            local_ip: flow.remote_ip,
            remote_ip: flow.local_ip,
            local_port: flow.remote_port,
            remote_port: flow.local_port,
        };
        let path = Path { flow, local_mac: remote_mac, remote_mac: local_mac };
        Segment { path, ..segment.clone() }
    }

    /// A plain acknowledgement.
    pub(crate) fn segment(sequence: u32, acknowledged: u32) -> Segment {
        Segment {
            path: path(),
            sequence: Sequence(sequence),
            acknowledged: Some(Sequence(acknowledged)),
            window: 1000,
            syn: false,
            fin: false,
            rst: false,
            mss: None,
            window_scale: None,
            sack_permitted: false,
            payload: Vec::new(),
        }
    }

    #[test]
    fn what_is_sent_is_read_by_the_other_side() {
        for (fin, rst) in [(false, false), (true, false), (false, true)] {
            let sent = Segment { fin, rst, ..segment(u32::MAX, 7) };
            let frame = sent.emit();
            assert_eq!(Segment::parse(&frame, Direction::Out), Some(sent.clone()));
            let read = Segment::parse(&frame, Direction::In).unwrap();
            assert_eq!(read, mirrored(&sent));
            assert_eq!(read.end(), Sequence(u32::MAX) + u32::from(fin));
        }
    }

    #[test]
    fn a_wrong_checksum_or_a_cut_frame_is_no_segment() {
        let frame = Segment { payload: b"payload".into(), ..segment(1, 2) }.emit();
        assert_eq!(Segment::parse(&frame, Direction::In).unwrap().payload, b"payload");
        for at in (26..frame.len()).chain([12]) {
            let mut bad = frame.clone();
            bad[at] ^= 0x10;
            assert_eq!(Segment::parse(&bad, Direction::In), None, "octet {at}");
        }
        for length in 0..frame.len() {
            assert_eq!(Segment::parse(&frame[..length], Direction::In), None, "{length} octets");
        }
    }

    #[test]
    fn trimming_leaves_the_head_and_takes_the_fin() {
        let sent = Segment { fin: true, payload: b"payload".into(), ..segment(100, 2) };
        let mut frame = sent.emit();
        frame.extend_from_slice(&[0; 6]); // padding of the link
        for length in 0..=7 {
            let cut = trim(&frame, length).unwrap();
            let read = Segment::parse(&cut, Direction::In).unwrap();
            assert_eq!(read.payload, b"payload"[..length]);
            assert!(!read.fin);
        }
        assert_eq!(trim(&frame, 8), None);
        assert_eq!(trim(&frame[..20], 0), None);
    }
}
