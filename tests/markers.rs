//! Every FPDU of a megabyte with markers, read back from the capture by the software deframer.

use ironwarp_wire::ddp::Segment;
use ironwarp_wire::mpa::startup::{Parsed, StartupRepr};
use ironwarp_wire::mpa::stream::{Deframer, Framing};
use ironwarp_wire::{ethernet, ipv4, tcp};
use pcap_file::pcapng::{Block, PcapNgReader};
use std::fs::File;
use std::path::Path;
use std::process::Command;

/// The TCP payload of one direction, in order; nothing may be missing.
fn stream(capture: &Path, from_port: u16) -> Vec<u8> {
    let mut reader = PcapNgReader::new(File::open(capture).expect("a capture")).expect("pcapng");
    let (mut octets, mut expected) = (vec![], None);
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.expect("a block") else { continue };
        let ip = &packet.data[ethernet::HEADER_BYTES..];
        if ip[ipv4::VERSION_AND_LENGTH] != ipv4::VERSION_4_WITHOUT_OPTIONS {
            continue;
        }
        let half = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        let total = half(&ip[ipv4::TOTAL_LENGTH]);
        let segment = &ip[ipv4::HEADER_BYTES..total];
        if half(&segment[tcp::SOURCE_PORT]) != usize::from(from_port) {
            continue;
        }
        let sequence = u32::from_be_bytes(segment[tcp::SEQUENCE].try_into().expect("four octets"));
        if segment[tcp::FLAGS] & tcp::SYN != 0 {
            expected = Some(sequence.wrapping_add(1));
            continue;
        }
        let payload = &segment[usize::from(segment[tcp::DATA_OFFSET] >> 4) * 4..];
        if !payload.is_empty() {
            assert_eq!(Some(sequence), expected, "in order and without gaps");
            expected = Some(sequence.wrapping_add(payload.len() as u32));
            octets.extend(payload);
        }
    }
    octets
}

//= rfc5044#4.3
//= type=test
#[test]
fn a_megabyte_with_markers_is_framed_to_the_rule() {
    for kinds in [["sim", "sim"], ["sim", "model"], ["model", "sim"], ["model", "model"]] {
        framed_to_the_rule(kinds);
    }
}

/// Moves it from one kind of device to another, and reads the capture.
fn framed_to_the_rule([device, peer]: [&str; 2]) {
    println!("{device} to {peer}");
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("out.pcapng");
    let output = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .args(["demo", "--json", "--mtu", "1500", "--markers"])
        .args(["--device", device, "--peer", peer, "--capture"])
        .arg(&capture)
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let port = 4791;
    let receiver = stream(&capture, port);
    let Ok(Parsed::Frame { consumed, .. }) = StartupRepr::parse_reply(&receiver) else {
        panic!("no Reply at the start of the receiver's stream");
    };
    let mut messages = Deframer::new(Framing { markers: true, crc: true });
    messages.push(&receiver[consumed..]);
    assert!(messages.next_ulpdu().expect("a good FPDU").is_some());
    assert_eq!(messages.next_ulpdu(), Ok(None));

    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sender = stream(&capture, sender_port(&capture, port));
    let Ok(Parsed::Frame { consumed, .. }) = StartupRepr::parse_request(&sender) else {
        panic!("no Request at the start of the sender's stream");
    };
    let mut fpdus = Deframer::new(Framing { markers: true, crc: true });
    fpdus.push(&sender[consumed..]);
    let (mut written, mut sends, mut ends_at_marker) = (0, 0, 0);
    while let Some(ulpdu) = fpdus.next_ulpdu().expect("good CRCs and markers") {
        let segment = Segment::new(&ulpdu).expect("a DDP header");
        match segment {
            Segment::Tagged(_) => written += segment.payload().len(),
            Segment::Untagged(_) => sends += 1,
        }
        ends_at_marker += usize::from(fpdus.offset() % 512 == 0);
    }
    fpdus.finish().expect("nothing is left over");
    assert_eq!((written, sends), (report["bytes"].as_u64().expect("octets") as usize, 2));
    assert!(ends_at_marker > 0, "the case that tshark cannot read is among them");
}

/// The port of the only other station.
fn sender_port(capture: &Path, receiver: u16) -> u16 {
    let mut reader = PcapNgReader::new(File::open(capture).expect("a capture")).expect("pcapng");
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.expect("a block") else { continue };
        let ip = &packet.data[ethernet::HEADER_BYTES..];
        if ip[ipv4::VERSION_AND_LENGTH] == ipv4::VERSION_4_WITHOUT_OPTIONS {
            let header = &ip[ipv4::HEADER_BYTES..];
            let ports = [&header[tcp::SOURCE_PORT], &header[tcp::DESTINATION_PORT]];
            let ports = ports.map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
            return if ports[0] == receiver { ports[1] } else { ports[0] };
        }
    }
    panic!("no TCP in the capture");
}
