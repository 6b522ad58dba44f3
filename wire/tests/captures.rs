//! Linux siw talks to Linux siw: rping's ten rounds, captured, with and without CRC.
//!
//! A round is: the client sends its buffer's address, the server reads it and says go; the client
//! sends the address of its sink, the server writes there and says done.

use std::collections::BTreeMap;
use std::path::Path;

use ironwarp_wire::ddp::Segment;
use ironwarp_wire::mpa::startup::{Enhanced, Kind, Parsed, Revision, StartupRepr};
use ironwarp_wire::mpa::stream::{Deframer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::{self, Opcode};
use ironwarp_wire::sequence::Sequence;
use ironwarp_wire::{checksum, ddp};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

const ROUNDS: usize = 10;
const SERVER_PORT: u16 = 7174;

/// Both directions of the one connection of a capture: to the server, and back.
struct Conversation {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

/// One direction, put together by sequence number from wherever SYN was.
#[derive(Default)]
struct Direction {
    first: Option<Sequence>,
    segments: BTreeMap<u32, Vec<u8>>,
}

impl Direction {
    fn take(&mut self, segment: &TcpPacket<&[u8]>) {
        let sequence = Sequence(segment.seq_number().0 as u32);
        if segment.syn() {
            self.first = Some(sequence + 1);
        } else if !segment.payload().is_empty() {
            let at = sequence.since(self.first.expect("SYN comes first"));
            self.segments.insert(at, segment.payload().to_vec());
        }
    }

    fn stream(self) -> Vec<u8> {
        let mut stream = Vec::new();
        for (at, payload) in self.segments {
            let known = stream.len().checked_sub(at as usize).expect("no octets are missing");
            stream.extend(payload.iter().skip(known));
        }
        stream
    }
}

fn read(name: &str) -> Conversation {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/vectors").join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    let mut capture = pcap_file::pcap::PcapReader::new(file).unwrap();
    let (mut to_server, mut to_client) = (Direction::default(), Direction::default());
    while let Some(packet) = capture.next_packet() {
        let packet = packet.unwrap();
        let frame = EthernetFrame::new_checked(&packet.data[..]).unwrap();
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            continue;
        }
        let datagram = Ipv4Packet::new_checked(frame.payload()).unwrap();
        if datagram.next_header() != IpProtocol::Tcp {
            continue;
        }
        let header = &frame.payload()[..usize::from(datagram.header_len())];
        assert_eq!(checksum::internet(header), 0);
        let (source, destination) = (datagram.src_addr().octets(), datagram.dst_addr().octets());
        assert_eq!(checksum::tcp_over_ipv4(source, destination, datagram.payload()), 0);
        let segment = TcpPacket::new_checked(datagram.payload()).unwrap();
        let to = if segment.dst_port() == SERVER_PORT { &mut to_server } else { &mut to_client };
        to.take(&segment);
    }
    Conversation { to_server: to_server.stream(), to_client: to_client.stream() }
}

/// The opcodes of a direction in order, and the payloads that it placed or delivered.
fn messages(framing: Framing, stream: &[u8]) -> Vec<(Opcode, Vec<u8>)> {
    let mut deframer = Deframer::new(framing);
    deframer.push(stream);
    let mut messages = Vec::new();
    let mut numbers = [ddp::FIRST_MESSAGE; 2];
    while let Some(ulpdu) = deframer.next_ulpdu().unwrap() {
        let segment = Segment::new(&ulpdu).unwrap();
        assert_eq!(segment.version(), ddp::VERSION);
        assert_eq!(rdmap::version(segment.ulp_control()), rdmap::VERSION);
        let opcode = Opcode::of(segment.ulp_control()).unwrap();
        match segment {
            Segment::Tagged(_) => assert!(opcode.is_tagged()),
            Segment::Untagged(segment) => {
                assert_eq!(Some(segment.queue()), opcode.queue());
                let due = &mut numbers[segment.queue() as usize];
                assert_eq!((segment.message(), segment.offset()), (*due, 0));
                *due += 1;
            }
        }
        messages.push((opcode, segment.payload().to_vec()));
        // rping's messages are short: each is one segment.
        assert!(segment.is_last());
    }
    assert_eq!(deframer.finish(), Ok(()));
    messages
}

/// Takes the startup frame off a stream, and checks that it is siw's.
fn startup<'a>(
    stream: &'a [u8],
    parsed: Result<Parsed<'a>, impl std::fmt::Debug>,
    kind: Kind,
    crc: bool,
) -> &'a [u8] {
    let Parsed::Frame { frame, consumed } = parsed.unwrap() else { panic!("the frame is cut") };
    let enhanced = Enhanced { peer_to_peer: None, inbound_reads: 1, outbound_reads: 1 };
    let revision = Revision::Two(Some(enhanced));
    let due = StartupRepr { kind, markers: false, crc, revision, private_data: &[] };
    assert_eq!(frame, due);
    &stream[consumed..]
}

/// What rping writes in a round: `rdma-ping-N: ` and then letters from a rolling start.
fn ping_data(round: usize) -> Vec<u8> {
    let mut data = format!("rdma-ping-{round}: ").into_bytes();
    let letters = (b'A'..=b'z').cycle().skip(round);
    data.extend(letters.take(99 - data.len()));
    data.push(0);
    data
}

fn rping(name: &str, crc: bool) {
    let Conversation { to_server, to_client } = read(name);
    let framing = Framing { markers: false, crc };
    let request = StartupRepr::parse_request(&to_server);
    let to_server = messages(framing, startup(&to_server, request, Kind::Request, crc));
    let reply = StartupRepr::parse_reply(&to_client);
    let accepted = Kind::Reply { rejected: false };
    let to_client = messages(framing, startup(&to_client, reply, accepted, crc));

    let round = [Opcode::Send, Opcode::ReadResponse, Opcode::Send];
    assert_eq!(to_server.len(), ROUNDS * round.len());
    for (number, messages) in to_server.chunks(round.len()).enumerate() {
        assert_eq!([messages[0].0, messages[1].0, messages[2].0], round);
        assert_eq!(messages[1].1, ping_data(number), "what the server read in round {number}");
    }
    let round = [Opcode::ReadRequest, Opcode::Send, Opcode::Write, Opcode::Send];
    assert_eq!(to_client.len(), ROUNDS * round.len());
    for (number, messages) in to_client.chunks(round.len()).enumerate() {
        assert_eq!([messages[0].0, messages[1].0, messages[2].0, messages[3].0], round);
        let request = ReadRequestRepr::parse(&messages[0].1).unwrap();
        // rping's Send says where to read: address, key and length of the client's buffer.
        let advertised = &to_server[number * 3].1;
        assert_eq!(advertised[..8], request.source_offset.to_be_bytes());
        assert_eq!(advertised[8..12], request.source_stag.to_be_bytes());
        assert_eq!(advertised[12..], request.length.to_be_bytes());
        assert_eq!(messages[2].1, ping_data(number), "what the server wrote in round {number}");
    }
}

//= rfc5044#7.1.1
//= type=test
#[test]
fn siw_without_crc() {
    rping("siw-rping.pcap", false);
}

//= rfc5044#4.4
//= type=test
#[test]
fn siw_with_crc() {
    rping("siw-rping-crc.pcap", true);
}
