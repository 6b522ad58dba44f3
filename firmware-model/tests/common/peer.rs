//! A peer that a test scripts: the TCP segments of station 1, octet by octet.

use super::{context, Station, Wish, SINK_STAG, SOURCE_STAG};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::Opcode;
use ironwarp_wire::sack::Blocks;
use ironwarp_wire::sequence::Sequence;
use ironwarp_wire::{checksum, ethernet, ipv4, tcp};

/// A TCP segment as the peer sends it, or as it came to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    pub sequence: u32,
    pub acknowledged: u32,
    pub flags: u8,
    pub window: u16,
    pub payload: Vec<u8>,
}

pub struct Peer {
    context: QueuePairContext,
    framer: Framer,
    /// Its SND.NXT if it sends in order.
    pub next: u32,
    /// What it acknowledges.
    pub acknowledged: u32,
}

impl Peer {
    pub fn new(wish: Wish) -> Self {
        let context = context(1, wish);
        Self {
            context,
            framer: Framer::new(Framing { markers: wish.markers, crc: wish.crc }),
            next: context.send_next,
            acknowledged: context.receive_next,
        }
    }

    /// The segment that only acknowledges.
    pub fn plain(&self) -> Tcp {
        Tcp {
            sequence: self.next,
            acknowledged: self.acknowledged,
            flags: tcp::ACK,
            window: 0x7fff,
            payload: Vec::new(),
        }
    }

    /// The octets of stream around a ULPDU.
    pub fn fpdu(&mut self, ulpdu: &[u8]) -> Vec<u8> {
        let mut fpdu = Vec::new();
        self.framer.frame(ulpdu, &mut fpdu).unwrap();
        fpdu
    }

    /// The next octets of the stream, in a segment.
    pub fn data(&mut self, payload: &[u8]) -> Tcp {
        let segment = Tcp { payload: payload.to_vec(), ..self.plain() };
        self.next = self.next.wrapping_add(payload.len() as u32);
        segment
    }

    /// Sends ULPDUs, each in a segment of its own.
    pub fn send(&mut self, station: &mut Station, ulpdu: &[u8]) {
        let fpdu = self.fpdu(ulpdu);
        let segment = self.data(&fpdu);
        self.emit(station, &segment);
    }

    pub fn emit(&self, station: &mut Station, segment: &Tcp) {
        station.receive(&self.frame(segment));
    }

    pub fn frame(&self, segment: &Tcp) -> Vec<u8> {
        self.frame_with(segment, &[])
    }

    /// A segment with TCP options, a multiple of four octets of them.
    pub fn frame_with(&self, segment: &Tcp, options: &[u8]) -> Vec<u8> {
        let mac = |address: u64| address.to_be_bytes()[2..].to_vec();
        let mut frame = mac(self.context.remote_mac);
        frame.extend(mac(self.context.local_mac));
        frame.extend(ethernet::TYPE_IPV4.to_be_bytes());
        let total = (40 + options.len() + segment.payload.len()) as u16;
        let (source, destination) =
            (self.context.local_ip.to_be_bytes(), self.context.remote_ip.to_be_bytes());
        let mut ip = vec![ipv4::VERSION_4_WITHOUT_OPTIONS, 0];
        ip.extend(total.to_be_bytes());
        ip.extend([0x12, 0x34, 0x40, 0, 33, ipv4::PROTOCOL_TCP, 0, 0]);
        ip.extend(source);
        ip.extend(destination);
        let sum = checksum::internet(&ip);
        ip[ipv4::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        let mut tcp = self.context.local_port.to_be_bytes().to_vec();
        tcp.extend(self.context.remote_port.to_be_bytes());
        tcp.extend(segment.sequence.to_be_bytes());
        tcp.extend(segment.acknowledged.to_be_bytes());
        tcp.extend([0x50 + 4 * options.len() as u8, segment.flags]);
        tcp.extend(segment.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(options);
        tcp.extend(&segment.payload);
        let sum = checksum::tcp_over_ipv4(source, destination, &tcp);
        tcp[tcp::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        [frame, ip, tcp].concat()
    }
}

/// Reads what a station sent: plain headers are expected.
pub fn read(frame: &[u8]) -> Tcp {
    let (segment, sack) = read_sack(frame);
    assert_eq!(sack, []);
    segment
}

/// Reads what a station sent, and the blocks that it acknowledges selectively.
pub fn read_sack(frame: &[u8]) -> (Tcp, Vec<(u32, u32)>) {
    assert_eq!(frame[12..15], [8, 0, 0x45]);
    let total = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let (ip, tcp) = frame[14..14 + total].split_at(20);
    assert_eq!((checksum::internet(ip), ip[9], tcp[12] & 15), (0, 6, 0));
    let options = &tcp[20..usize::from(tcp[12] >> 4) * 4];
    let blocks = Blocks::parse(options);
    assert_eq!(options.len(), blocks.option_bytes());
    let end = |field: std::ops::Range<usize>| <[u8; 4]>::try_from(&ip[field]).unwrap();
    assert_eq!(checksum::tcp_over_ipv4(end(ipv4::SOURCE), end(ipv4::DESTINATION), tcp), 0);
    let number = |field: std::ops::Range<usize>| u32::from_be_bytes(tcp[field].try_into().unwrap());
    let segment = Tcp {
        sequence: number(tcp::SEQUENCE),
        acknowledged: number(tcp::ACKNOWLEDGMENT),
        flags: tcp[tcp::FLAGS],
        window: u16::from_be_bytes(tcp[tcp::WINDOW].try_into().unwrap()),
        payload: tcp[20 + options.len()..].to_vec(),
    };
    (segment, blocks.iter().map(|(left, right)| (left.0, right.0)).collect())
}

/// The option that acknowledges blocks selectively.
pub fn sack(blocks: &[(u32, u32)]) -> Vec<u8> {
    let mut all = Blocks::default();
    blocks.iter().for_each(|(left, right)| all.push((Sequence(*left), Sequence(*right))));
    let mut options = vec![0; all.option_bytes()];
    all.emit(&mut options);
    options
}

/// A segment of an RDMA Write.
pub fn tagged(stag: u32, offset: u64, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::Write.control();
    let header = TaggedRepr { last: true, ulp_control, stag, offset };
    [&header.emit()[..], payload].concat()
}

/// A segment of a Read Response.
pub fn response(stag: u32, offset: u64, last: bool, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::ReadResponse.control();
    [&TaggedRepr { last, ulp_control, stag, offset }.emit()[..], payload].concat()
}

/// A Read Request for [`SOURCE_STAG`] with the peer's own sink.
pub fn asking(message: u32, length: u32, from: u64, to: u64) -> Vec<u8> {
    let ulp_control = Opcode::ReadRequest.control();
    let header =
        UntaggedRepr { last: true, ulp_control, ulp_word: 0, queue: 1, message, offset: 0 };
    let request = ReadRequestRepr {
        sink_stag: SINK_STAG,
        sink_offset: to,
        length,
        source_stag: SOURCE_STAG,
        source_offset: from,
    };
    [&header.emit()[..], &request.emit()].concat()
}

/// A segment of a Send.
pub fn untagged(message: u32, offset: u32, last: bool, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::Send.control();
    let header = UntaggedRepr { last, ulp_control, ulp_word: 0, queue: 0, message, offset };
    [&header.emit()[..], payload].concat()
}
