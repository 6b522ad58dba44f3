//! Writes the corpus's first files, out of what Linux siw has said to itself.
//!
//! ```text
//! cargo run -p ironwarp-fuzz --example seeds
//! ```

use ironwarp_wire::ddp::{Segment, TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::startup::{Parsed, StartupRepr};
use ironwarp_wire::mpa::stream::{Deframer, Framer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::terminate::{Cause, DdpHeader, TerminateRepr, BYTES_MAX};
use ironwarp_wire::rdmap::Opcode;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};
use std::fs;
use std::path::Path;

const SERVER_PORT: u16 = 7174;

fn write(target: &str, name: &str, octets: &[u8]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    fs::create_dir_all(&corpus).unwrap();
    fs::write(corpus.join(name), octets).unwrap();
}

/// The frames of a capture, and the two directions of its one connection.
fn read(name: &str) -> (Vec<Vec<u8>>, [Vec<u8>; 2]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(name);
    let mut capture = pcap_file::pcap::PcapReader::new(fs::File::open(path).unwrap()).unwrap();
    let (mut frames, mut ways) = (Vec::new(), [Vec::new(), Vec::new()]);
    while let Some(packet) = capture.next_packet() {
        let frame = packet.unwrap().data.into_owned();
        let header = EthernetFrame::new_checked(&frame[..]).unwrap();
        if header.ethertype() == EthernetProtocol::Ipv4 {
            let datagram = Ipv4Packet::new_checked(header.payload()).unwrap();
            if datagram.next_header() == IpProtocol::Tcp {
                let segment = TcpPacket::new_checked(datagram.payload()).unwrap();
                let way = &mut ways[usize::from(segment.dst_port() != SERVER_PORT)];
                way.extend_from_slice(segment.payload());
            }
        }
        frames.push(frame);
    }
    (frames, ways)
}

/// A step of a programme for the device.
fn step(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[kind][..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// Everything that the two directions of a connection hold.
fn of_connection(name: &str, crc: bool, ways: &[Vec<u8>; 2]) {
    for (way, side) in ways.iter().zip(["to-server", "to-client"]) {
        let parsed = match side {
            "to-server" => StartupRepr::parse_request(way),
            _ => StartupRepr::parse_reply(way),
        };
        let Ok(Parsed::Frame { consumed, .. }) = parsed else { panic!("{name} {side}") };
        write("startup", &format!("{name}-{side}"), &way[..consumed]);
        let stream = &way[consumed..];
        let options = if crc { 2 } else { 0 };
        let some = &stream[..stream.len().min(700)];
        write("deframer", &format!("{name}-{side}"), &[&[options, 99], some].concat());
        let mut deframer = Deframer::new(Framing { markers: false, crc });
        deframer.push(stream);
        let mut programme = vec![options];
        for number in 0..6 {
            let Some(ulpdu) = deframer.next_ulpdu().unwrap() else { break };
            write("ddp", &format!("{name}-{side}-{number}"), &ulpdu);
            let segment = Segment::new(&ulpdu).unwrap();
            if segment.payload().len() == 28 {
                let asked = format!("{name}-{side}-{number}");
                write("read_request", &asked, segment.payload());
            }
            programme.extend(step(4, &ulpdu));
            programme.extend(step(5, &[0; 3][..number % 4 % 3]));
            programme.extend(step(0, &[]));
        }
        for target in ["frames", "octets"] {
            write(target, &format!("{name}-{side}"), &programme);
        }
    }
}

/// A stream with markers, which Linux does not speak.
fn with_markers() {
    let mut framer = Framer::new(Framing { markers: true, crc: true });
    let mut stream = vec![3, 40];
    for length in [18, 500, 700, 0] {
        framer.frame(&vec![length as u8; length], &mut stream).unwrap();
    }
    write("deframer", "markers", &stream);
}

fn terminates() {
    for (name, cause, header) in [
        ("crc", Cause::Mpa(ironwarp_wire::mpa::Error::Crc), None),
        ("rdmap", Cause::RdmapCatastrophe, Some(DdpHeader::of(&[0x41; 18]).unwrap())),
        ("ddp", Cause::DdpCatastrophe, Some(DdpHeader::of(&[0xc1; 14]).unwrap())),
    ] {
        let segment_length = header.map(|_| 100);
        let code = cause.code();
        let message =
            TerminateRepr { code, segment_length, ddp_header: header, read_request: None };
        let mut out = [0; BYTES_MAX];
        let length = message.emit(&mut out);
        write("terminate", name, &out[..length]);
    }
}

/// What the steps of a programme can be, each once or more.
fn all_steps() {
    let tagged = |opcode: Opcode, offset, payload: &[u8]| {
        let header =
            TaggedRepr { last: true, ulp_control: opcode.control(), stag: 0x2222_2202, offset };
        [&header.emit()[..], payload].concat()
    };
    let untagged = |opcode: Opcode, message, payload: &[u8]| {
        let (ulp_control, queue) = (opcode.control(), opcode.queue().unwrap());
        let header =
            UntaggedRepr { last: true, ulp_control, ulp_word: 0, queue, message, offset: 0 };
        [&header.emit()[..], payload].concat()
    };
    let asked = ReadRequestRepr {
        sink_stag: 1,
        sink_offset: 2,
        length: 2000,
        source_stag: 0x1111_1101,
        source_offset: 3,
    };
    let programme = [
        step(5, &[]),
        step(5, &[0]),
        step(5, &[0, 0]),
        step(5, &[0, 0, 0]),
        step(0, &[]),
        step(2, &[0, 20, 0x10, 0xff]),
        step(4, &tagged(Opcode::Write, 9, b"x")),
        step(4, &tagged(Opcode::ReadResponse, 0, &[7; 300])),
        step(4, &untagged(Opcode::ReadRequest, 1, &asked.emit())),
        step(0, &[]),
        step(4, &untagged(Opcode::SendSolicited, 1, b"send")),
        step(2, &[251, 0, 0x18, 0xff, 1, 2, 3, 4, 5, 6, 7, 8]),
        step(9, &[0x38, 0, 0, 0]),
        step(0, &[]),
        step(4, &untagged(Opcode::Terminate, 1, &[0x20, 2, 0, 0])),
        step(7, &[]),
        step(6, &[0x0c, 0, 1, 0, 1, 0, 0, 0]),
        step(2, &[0, 0, 0x11, 0xff]),
        step(8, &[]),
        step(0, &[]),
        step(2, &[0, 0, 0x14, 0xff]),
        step(7, &[]),
        step(3, &[0, 4, 0x41]),
    ];
    for (target, options) in [("frames", 2), ("octets", 3), ("frames", 15)] {
        let programme = [&[options][..], &programme.concat()].concat();
        write(target, &format!("all-steps-{options}"), &programme);
    }
}

/// Connections to the driver's listener: opened, started, cut, closed and reset.
fn connections() {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    const FIN: u8 = 0x01;
    const RST: u8 = 0x04;
    let near = |flags, payload: &[u8]| step(1, &[&[0, 0, flags, 0, 5], payload].concat());
    let request = b"MPA ID Req Frame\x40\x01\x00\x05hello, and an FPDU";
    let open = [near(SYN, &[]), near(ACK, &[])].concat();
    let pass = step(2, &[0, 0, 9]);
    for (name, rest) in [
        ("whole", vec![near(ACK, request), pass.clone(), near(ACK | FIN, &[])]),
        ("cut", vec![near(ACK, &request[..7]), near(ACK, &request[7..19]), near(ACK | FIN, b"x")]),
        ("reset", vec![near(ACK, &request[..20]), near(RST, &[]), near(SYN, &[])]),
        ("silent", vec![near(ACK, request), step(2, &[0, 0, 0, 9]), near(ACK, &[])]),
        ("early", vec![step(1, &[&[5, 0, ACK, 1, 0], &request[..]].concat()), pass.clone()]),
        ("late", vec![step(1, &[&[0xfb, 1, ACK, 1, 0], &request[..]].concat()), pass.clone()]),
    ] {
        write("segments", name, &[open.clone(), rest.concat()].concat());
    }
}

fn main() {
    for (name, crc) in [("siw-rping-crc", true), ("siw-rping", false)] {
        let (frames, ways) = read(&format!("{name}.pcap"));
        of_connection(name, crc, &ways);
        let programme: Vec<u8> = frames.iter().take(12).flat_map(|frame| step(1, frame)).collect();
        write("frames", &format!("{name}-capture"), &[&[2], &programme[..]].concat());
        let programme: Vec<u8> = frames.iter().take(12).flat_map(|frame| step(0, frame)).collect();
        write("segments", &format!("{name}-capture"), &programme);
        write("segments", &format!("{name}-frame"), &frames[frames.len() / 2]);
    }
    with_markers();
    terminates();
    all_steps();
    connections();
}
