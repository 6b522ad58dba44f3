//! What a peer or a host can do wrong: each ends the queue pair with its status and no harm.

mod common;

use common::peer::{tagged, untagged, Peer};
use common::*;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_wire::rdmap::Opcode;

fn event(status: u8) -> CompletionEntry {
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind: kind::EVENT,
        status,
        ..CompletionEntry::default()
    }
}

/// One ULPDU for a device with one receive buffer of 100 octets. Answers what the host is told.
fn after(ulpdu: &[u8]) -> Vec<CompletionEntry> {
    let mut station = Station::new(0);
    station.start(&context(0, PLAIN));
    station.region(0x3333_3303, 0, |region| region.local_read = true);
    station.region(0x4444_4404, 0, |region| {
        (region.remote_write, region.pd) = (true, PD + 1);
    });
    station.post_receive(QP, &buffer(100, 0));
    let before = station.memory.octets.clone();
    Peer::new(PLAIN).send(&mut station, ulpdu);
    let entries = station.completions();
    if entries.iter().any(|entry| entry.status != 0) {
        assert!(!station.is_active());
        assert_eq!(station.read(reg::COUNT_FPDUS_PLACED), 0);
        let rings = SINK as usize;
        assert_eq!(station.memory.octets[rings..], before[rings..], "nothing is placed");
    }
    entries
}

/// A ULPDU with one octet changed.
fn with(mut ulpdu: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    ulpdu[at] = value;
    ulpdu
}

//= rfc5041#7.2
//= rfc5040#7.2
//= type=test
#[test]
fn each_wrong_ulpdu_has_its_status() {
    let write = || tagged(SINK_STAG, 0, b"write");
    let send = || untagged(1, 0, true, b"send");
    for (what, ulpdu, expected) in [
        ("no octet", vec![], status::MPA_LENGTH),
        ("13 of 14 octets", write()[..13].to_vec(), status::MPA_LENGTH),
        ("17 of 18 octets", send()[..17].to_vec(), status::MPA_LENGTH),
        ("tagged DV 0", with(write(), 0, 0xc0), status::DDP_TAGGED_VERSION),
        ("untagged DV 2", with(send(), 0, 0x42), status::DDP_UNTAGGED_VERSION),
        ("RV 0", with(write(), 1, 0x00), status::RDMAP_VERSION),
        ("RV 3", with(send(), 1, 0xc3), status::RDMAP_VERSION),
        ("opcode 8", with(send(), 1, 0x48), status::RDMAP_OPCODE),
        ("tagged Send", with(write(), 1, Opcode::Send.control()), status::RDMAP_OPCODE),
        ("untagged Write", with(send(), 1, Opcode::Write.control()), status::RDMAP_OPCODE),
        ("tagged Read Request", with(write(), 1, 0x41), status::RDMAP_OPCODE),
        ("untagged Read Response", with(send(), 1, 0x42), status::RDMAP_OPCODE),
        ("Send Invalidate", with(send(), 1, 0x44), status::RDMAP_OPCODE),
        ("tagged Terminate", with(write(), 1, 0x47), status::RDMAP_OPCODE),
        ("Read Request of QN 0", with(send(), 1, 0x41), status::DDP_QUEUE),
        ("Terminate of QN 0", with(send(), 1, 0x47), status::DDP_QUEUE),
        ("Terminate", with(with(send(), 1, 0x47), 9, 2), status::PEER_TERMINATED),
        ("Read Response to nothing", with(write(), 1, 0x42), status::RDMAP_READ_RESPONSE),
        ("QN 1", with(send(), 9, 1), status::DDP_QUEUE),
        ("QN 2^24", with(send(), 6, 1), status::DDP_QUEUE),
        ("MSN 0", untagged(0, 0, true, b""), status::DDP_MSN),
        ("MSN 2", untagged(2, 0, true, b""), status::DDP_MSN),
        ("MO 1", untagged(1, 1, true, b""), status::DDP_MO),
        ("101 octets", untagged(1, 0, true, &[1; 101]), status::DDP_TOO_LONG),
        ("no region", tagged(0x2222_2302, 0, b"x"), status::DDP_STAG),
        ("another index of the region", tagged(0xa222_2202, 0, b"x"), status::DDP_STAG),
        ("another key", tagged(0x2222_2203, 0, b"x"), status::DDP_STAG),
        ("another domain", tagged(0x4444_4404, 0, b"x"), status::DDP_DOMAIN),
        ("no right", tagged(0x3333_3303, 0, b"x"), status::DDP_RIGHTS),
        ("wrap", tagged(SINK_STAG, u64::MAX, b"xy"), status::DDP_WRAP),
        ("outside", tagged(SINK_STAG, u64::from(REGION_BYTES), b"x"), status::DDP_BOUNDS),
        ("across the end", tagged(SINK_STAG, 0x5_ffff, b"xy"), status::DDP_BOUNDS),
    ] {
        assert_eq!(after(&ulpdu), [event(expected)], "{what}");
    }
}

#[test]
fn reserved_bits_and_empty_writes_are_no_error() {
    let received = |length| CompletionEntry { kind: kind::RECEIVE, length, ..event(0) };
    assert_eq!(after(&with(tagged(SINK_STAG, 0, b"x"), 0, 0xfd)), []);
    assert_eq!(after(&with(tagged(SINK_STAG, 0, b"x"), 1, 0x70)), []);
    assert_eq!(after(&with(untagged(1, 0, true, b"x"), 2, 0xff)), [received(1)]);
    //= rfc5041#5.2
    //= type=test
    assert_eq!(after(&tagged(0xdead_beef, u64::MAX, b"")), []);
    assert_eq!(after(&untagged(1, 0, true, &[5; 100])), [received(100)]);
}

#[test]
fn no_buffer_for_the_message() {
    let mut station = Station::new(0);
    station.start(&context(0, PLAIN));
    Peer::new(PLAIN).send(&mut station, &untagged(1, 0, true, b"x"));
    assert_eq!(station.completions(), [event(status::DDP_NO_BUFFER)]);
}

#[test]
fn segments_of_a_message_follow_each_other() {
    for (second, expected) in [
        (untagged(1, 5, true, b"tail"), None),
        (untagged(1, 4, true, b"tail"), Some(status::DDP_MO)),
        (untagged(2, 5, true, b"tail"), Some(status::DDP_MSN)),
        (untagged(1, 5, true, &[1; 96]), Some(status::DDP_TOO_LONG)),
    ] {
        let mut station = Station::new(0);
        station.start(&context(0, PLAIN));
        station.post_receive(QP, &buffer(100, 0));
        let mut peer = Peer::new(PLAIN);
        peer.send(&mut station, &untagged(1, 0, false, b"head "));
        assert_eq!(station.completions(), []);
        peer.send(&mut station, &tagged(SINK_STAG, 500, b"an RDMA Write between them"));
        peer.send(&mut station, &second);
        let received = CompletionEntry { kind: kind::RECEIVE, length: 9, ..event(0) };
        assert_eq!(station.completions(), [expected.map_or(received, event)]);
        if expected.is_none() {
            assert_eq!(station.octets(SINK, 9), b"head tail");
        }
    }
}

//= rfc5044#8
//= type=test
#[test]
fn a_wrong_crc_ends_the_stream_and_nothing_behind_it_counts() {
    let mut station = Station::new(0);
    station.start(&context(0, PLAIN));
    let mut peer = Peer::new(PLAIN);
    let mut octets = peer.fpdu(&tagged(SINK_STAG, 0, b"good"));
    let good = octets.len();
    octets.extend(peer.fpdu(&tagged(SINK_STAG, 4, b"bad")));
    octets.extend(peer.fpdu(&tagged(SINK_STAG, 8, b"late")));
    octets[good + 16] ^= 1;
    let segment = peer.data(&octets);
    peer.emit(&mut station, &segment);
    assert_eq!(station.completions(), [event(status::MPA_CRC)]);
    assert_eq!(station.read(reg::COUNT_FPDU_CRC_ERRORS), 1);
    assert_eq!(station.read(reg::COUNT_FPDUS_PLACED), 1);
    assert_eq!(station.octets(SINK, 12), b"good\0\0\0\0\0\0\0\0");
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"more"));
    assert_eq!((station.completions(), station.octets(SINK, 4)), (vec![], b"good".to_vec()));
}

#[test]
fn without_crc_the_field_is_not_looked_at() {
    let mut station = Station::new(0);
    let wish = Wish { crc: false, ..PLAIN };
    station.start(&context(0, wish));
    let mut peer = Peer::new(wish);
    let mut octets = peer.fpdu(&tagged(SINK_STAG, 0, b"good"));
    assert_eq!(octets[20..], [0; 4]);
    octets[20..].fill(0x55);
    let segment = peer.data(&octets);
    peer.emit(&mut station, &segment);
    assert_eq!((station.completions(), station.octets(SINK, 4)), (vec![], b"good".to_vec()));
}

/// Each fault by itself in an otherwise good request.
#[test]
fn each_wrong_send_request_has_its_status() {
    let good = write_request(3000, 0, 0);
    for (request, expected, segments) in [
        (SendRequest { opcode: 0, ..good }, status::BAD_OPCODE, 0),
        (SendRequest { opcode: opcode::RAW_FRAME, ..good }, status::BAD_OPCODE, 0),
        (SendRequest { opcode: opcode::SEND, ..good }, status::RESERVED_FIELD, 0),
        (SendRequest { remote_offset: 1, ..send_request(9, 0) }, status::RESERVED_FIELD, 0),
        (SendRequest { local_stag: 0x1111_1201, ..good }, status::LOCAL_STAG, 0),
        (SendRequest { local_stag: 0x4444_4404, ..good }, status::LOCAL_DOMAIN, 0),
        (SendRequest { local_stag: SINK_STAG, ..good }, status::LOCAL_RIGHTS, 0),
        (SendRequest { local_offset: 0x5_ffff, ..good }, status::LOCAL_BOUNDS, 0),
        (SendRequest { local_offset: u64::MAX, ..good }, status::LOCAL_BOUNDS, 0),
        (SendRequest { local_offset: 0x6_0000 - 2000, ..good }, status::LOCAL_BOUNDS, 1),
        (SendRequest { local_stag: 0x5555_5505, ..good }, status::DMA_FAULT, 0),
    ] {
        let mut stations = connected(PLAIN);
        stations[0].region(0x4444_4404, 0, |region| {
            (region.local_read, region.pd) = (true, PD + 1);
        });
        // A region beyond the end of memory.
        stations[0].region(0x5555_5505, 1 << 30, |region| region.local_read = true);
        stations[0].post(&write_request(8, 0, 0));
        stations[0].post(&request);
        stations[0].post(&write_request(8, 0, 0));
        run(&mut stations);
        // The first request has left and is acknowledged; its completion is lost with the stop.
        assert_eq!(stations[0].completions(), [event(expected)], "{request:?}");
        assert_eq!(stations[1].read(reg::COUNT_FPDUS_PLACED), 1 + segments, "{request:?}");
        assert!(!stations[0].is_active());
    }
}

#[test]
fn every_reserved_bit_is_checked() {
    let fields: Vec<_> = SendRequest::FIELDS.iter().map(|f| f.offset..f.offset + f.width).collect();
    for bit in (0..8 * SendRequest::BYTES).filter(|bit| !fields.iter().any(|f| f.contains(bit))) {
        let mut station = Station::new(0);
        station.start(&context(0, PLAIN));
        let mut bytes = write_request(8, 0, 0).to_bytes();
        bytes[bit / 8] |= 1 << (bit % 8);
        station.post_bytes(QP, &bytes);
        assert!(station.poll().is_empty());
        assert_eq!(station.completions(), [event(status::RESERVED_FIELD)], "bit {bit}");
    }
}

#[test]
fn each_wrong_receive_request_has_its_status() {
    let good = buffer(100, 0);
    for (request, expected) in [
        (ironwarp_abi::queue::ReceiveRequest { local_stag: 1, ..good }, status::LOCAL_STAG),
        (buffer(100, u64::from(REGION_BYTES) - 3), status::LOCAL_BOUNDS),
        (
            ironwarp_abi::queue::ReceiveRequest { local_stag: SOURCE_STAG, ..good },
            status::LOCAL_RIGHTS,
        ),
    ] {
        let mut station = Station::new(0);
        station.start(&context(0, PLAIN));
        station.post_receive(QP, &request);
        Peer::new(PLAIN).send(&mut station, &untagged(1, 0, true, b"four"));
        assert_eq!(station.completions(), [event(expected)], "{request:?}");
    }
}

#[test]
fn a_ring_that_cannot_be_read() {
    let mut station = Station::new(0);
    let mut context = context(0, PLAIN);
    (context.send_queue, context.receive_queue) = (0, 0);
    station.start(&context);
    station.post(&write_request(8, 0, 0));
    station.poll();
    assert_eq!(station.completions(), [event(status::DMA_FAULT)]);
    station.start(&context);
    station.post_receive(QP, &buffer(8, 0));
    Peer::new(PLAIN).send(&mut station, &untagged(1, 0, true, b"x"));
    let second = CompletionEntry { generation: FIRST + 1, ..event(status::DMA_FAULT) };
    assert_eq!(station.completions(), [second]);
}

//= rfc5044#8
//= type=test
#[test]
fn a_marker_that_disagrees_ends_the_stream() {
    for crc in [false, true] {
        let mut station = Station::new(0);
        let wish = Wish { markers: true, crc, ..PLAIN };
        station.start(&context(0, wish));
        let mut peer = Peer::new(wish);
        let mut octets = peer.fpdu(&tagged(SINK_STAG, 0, &[7; 600]));
        octets[515] ^= 8;
        let covered = octets.len() - 4;
        if crc {
            let crc = ironwarp_wire::mpa::crc::of(&octets[..covered]);
            octets[covered..].copy_from_slice(&crc.to_le_bytes());
        }
        let segment = peer.data(&octets);
        peer.emit(&mut station, &segment);
        assert_eq!(station.completions(), [event(status::MPA_MARKER)], "CRC {crc}");
        assert_eq!(station.octets(SINK, 600), [0; 600]);
    }
}
