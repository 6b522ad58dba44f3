//! The whole receive engine, and what must not be placed: bad, old, foreign, raw, and the end.
use crate::receive::bench::*;
use crate::receive::ring_sizes::{LONGEST_FPDU, LONGEST_FRAME, RING_BYTES};
use crate::receive::scripts::*;
use crate::stream::bench::*;
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::Opcode;
use rand::Rng;

#[test]
fn a_segment_with_a_bad_checksum_leaves_no_trace() {
    let (mut bench, stream, payload) = ready_for_a_write(1);
    let good = Segment::of(2, 1000, &stream).frame();
    for at in 14..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bench.frame(&bad);
    }
    bench.frame_with(&good, true);
    bench.idle(100);
    assert!(bench.edges.is_empty() && bench.memory.is_empty() && bench.events.is_empty());
    assert_eq!(bench.counts[ACCEPTED], 0);
    // The type and the first octet of IPv4 decide what is checked.
    assert_eq!(bench.counts[RAW_NO_BUFFER], 1);
    assert_eq!(bench.counts[BAD] + 1, bench.counts[RECEIVED]);
    bench.frame(&good);
    bench.idle(200);
    assert_eq!(bench.octets(BUS + 8, 100), Some(payload));
    assert_eq!((bench.counts[ACCEPTED], bench.counts[PLACED]), (1, 1));
    assert_eq!(bench.trace[1..], [1, 1, 1, 1]);
}

//= rfc9293#3.10.7.4
//= type=test
#[test]
fn gaps_and_duplicates_are_acknowledged_and_dropped() {
    let (mut bench, stream, payload) = ready_for_a_write(2);
    let (left, right) = stream.split_at(50);
    bench.segment(&Segment::of(2, 1050, right));
    bench.idle(60);
    assert_eq!(bench.last_edge(2), Some((1000, WINDOW)));
    assert_eq!(bench.counts[OUT_OF_ORDER], 1);
    bench.segment(&Segment::of(2, 1000, left));
    bench.idle(60);
    assert_eq!(bench.last_edge(2), Some((1050, WINDOW.min(RING_BYTES - 50))));
    bench.segment(&Segment::of(2, 1000, left));
    bench.idle(60);
    assert_eq!(bench.edges.len(), 3);
    assert!(bench.edges.iter().all(|edge| edge.acknowledge));
    assert!(bench.memory.is_empty());
    // The left part again, and more: what is known is cut off, even if it has another content.
    let overlap = [&[0xee; 50][..], right].concat();
    bench.segment(&Segment::of(2, 1000, &overlap));
    bench.idle(200);
    assert_eq!(bench.octets(BUS + 8, 100), Some(payload));
    assert_eq!(bench.last_edge(2), Some((1000 + stream.len() as u64, WINDOW)));
    assert_eq!(bench.counts[ACCEPTED], 2);
}

//= rfc9293#3.8.6.1
//= type=test
#[test]
fn what_does_not_fit_is_dropped_whole_and_answered() {
    let (mut bench, _, _) = ready_for_a_write(3);
    // Nothing leaves for host memory: the FPDU buffer fills up, and then the ring.
    bench.ready = 0.0;
    let mut fpdu = vec![];
    let framing = Framing { markers: false, crc: true };
    let octets = vec![5; LONGEST_FPDU.min(LONGEST_FRAME - 54) as usize - 64];
    Framer::new(framing).frame(&write(STAG, 0, &octets), &mut fpdu).unwrap();
    let mut sent = 1000;
    loop {
        bench.segment(&Segment::of(2, sent, &fpdu));
        bench.idle(60);
        if bench.counts[NO_ROOM] == 1 {
            break;
        }
        sent += fpdu.len() as u32;
        assert!(sent < 100_000);
    }
    assert_eq!(bench.last_edge(2).map(|edge| edge.0), Some(u64::from(sent)));
    let accepted = bench.counts[ACCEPTED];
    assert_eq!(bench.edges.iter().filter(|edge| edge.acknowledge).count() as u64, accepted + 1);
    // With room again, it is taken.
    bench.ready = 1.0;
    bench.idle(9000);
    bench.segment(&Segment::of(2, sent, &fpdu));
    bench.idle(2500);
    assert_eq!(bench.counts[PLACED], accepted + 1);
    assert_eq!(bench.last_edge(2), Some((u64::from(sent) + fpdu.len() as u64, WINDOW)));
}

//= rfc5044#6
//= type=test
#[test]
fn a_bad_crc_places_nothing_and_ends_the_queue_pair() {
    let (mut bench, mut stream, _) = ready_for_a_write(4);
    stream[60] ^= 1;
    let again = stream.clone();
    stream.extend(again);
    bench.segment(&Segment::of(2, 1000, &stream));
    bench.idle(300);
    assert!(bench.memory.is_empty() && bench.completions.is_empty() && bench.opened.is_empty());
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.events[0].status.to_u64(), u64::from(status::MPA_CRC));
    assert_eq!((bench.events[0].qp.to_u64(), bench.events[0].cq.to_u64()), (2, 3));
    assert_eq!(bench.counts[CRC_ERRORS], 1);
    // Started anew, it works.
    let (_, good, payload) = ready_for_a_write(4);
    bench.start(2, 5000, false, true);
    bench.segment(&Segment::of(2, 5000, &good));
    bench.idle(300);
    assert_eq!(bench.octets(BUS + 8, 100), Some(payload));
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn errors_of_the_peer_have_their_codes() {
    let stag = STAG;
    let too_long = vec![0xff; 64];
    let mut wrong_ddp = write(stag, 0, &[1; 20]);
    wrong_ddp[0] ^= 2;
    let mut wrong_rdmap = write(stag, 0, &[1; 20]);
    wrong_rdmap[1] ^= 0x80;
    let invalidate = untagged(Opcode::SendInvalidate, 0, 1, 0, &[0; 28]);
    let mut queue = send(1, 0, true, &[0; 28]);
    queue[9] = 1;
    let short = write(stag, 0, &[])[..13].to_vec();
    let cases: [(&str, Vec<u8>, u8); 17] = [
        ("index", write(stag ^ 0x100, 0, &[1; 9]), status::DDP_STAG),
        ("key", write(stag + 1, 0, &[1; 9]), status::DDP_STAG),
        ("bounds", write(stag, (1 << 20) - 8, &[1; 9]), status::DDP_BOUNDS),
        ("wrap", write(stag, u64::MAX - 3, &[1; 9]), status::DDP_WRAP),
        ("ddp version", wrong_ddp, status::DDP_TAGGED_VERSION),
        ("rdmap version", wrong_rdmap, status::RDMAP_VERSION),
        ("opcode", invalidate, status::RDMAP_OPCODE),
        ("queue", queue, status::DDP_QUEUE),
        ("read request on queue 0", untagged(Opcode::ReadRequest, 0, 1, 0, &[]), status::DDP_QUEUE),
        ("terminate", untagged(Opcode::Terminate, 2, 9, 4, &[1; 7]), status::PEER_TERMINATED),
        ("terminate on queue 0", untagged(Opcode::Terminate, 0, 1, 0, &[]), status::DDP_QUEUE),
        ("short", short, status::MPA_LENGTH),
        ("msn", send(2, 0, true, &[1; 9]), status::DDP_MSN),
        ("mo", send(1, 4, true, &[1; 9]), status::DDP_MO),
        ("too long", send(1, 0, true, &too_long), status::DDP_TOO_LONG),
        ("no buffer", send(1, 0, true, &[1; 9]), status::SUCCESS),
        ("second without buffer", send(2, 0, true, &[1; 9]), status::DDP_NO_BUFFER),
    ];
    for (name, ulpdu, expected) in cases {
        let mut bench = Bench::new(9);
        bench.region();
        bench.start(2, 0, false, true);
        bench.post(2, buffer(stag, 0, 63));
        let mut framer = Framer::new(Framing { markers: false, crc: true });
        let mut stream = vec![];
        if name.starts_with("second") {
            framer.frame(&send(1, 0, true, &[]), &mut stream).unwrap();
        }
        framer.frame(&ulpdu, &mut stream).unwrap();
        bench.segment(&Segment::of(2, 0, &stream));
        bench.idle(300);
        let seen: Vec<u64> = bench.events.iter().map(|event| event.status.to_u64()).collect();
        if expected == status::SUCCESS {
            assert_eq!((seen, bench.memory.len()), (vec![], 9), "{name}");
        } else {
            assert_eq!(seen, [u64::from(expected)], "{name}");
            assert!(bench.memory.is_empty(), "{name}");
        }
    }
}

#[test]
fn a_marker_that_points_elsewhere_is_an_error() {
    let mut bench = Bench::new(1);
    let stag = bench.region();
    bench.start(3, 0, true, false);
    let mut stream = figure_5();
    stream[3] = 8;
    bench.post(3, buffer(stag, 0x100, 64));
    bench.segment(&Segment::of(3, 0, &stream));
    bench.idle(200);
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.events[0].status.to_u64(), u64::from(status::MPA_MARKER));
}

#[test]
fn an_fpdu_that_is_too_long_is_an_error() {
    let (mut bench, _, _) = ready_for_a_write(3);
    let length = TOO_LONG.to_be_bytes();
    bench.segment(&Segment::of(2, 1000, &[&length[..], &[0; 7]].concat()));
    bench.idle(100);
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.events[0].status.to_u64(), u64::from(status::MPA_LENGTH));
}

#[test]
fn the_end_of_the_stream_comes_after_its_data() {
    for early in [false, true] {
        let (mut bench, stream, payload) = ready_for_a_write(5);
        let stream = if early { [&stream[..], &[0, 9, 1]].concat() } else { stream };
        let last = Segment { flags: ACK | FIN, ..Segment::of(2, 1000, &stream) };
        bench.segment(&last);
        bench.idle(300);
        assert_eq!(bench.octets(BUS + 8, 100), Some(payload));
        let expected = if early { status::PEER_CLOSED_EARLY } else { status::PEER_CLOSED };
        assert_eq!(bench.events.len(), 1);
        assert_eq!(bench.events[0].status.to_u64(), u64::from(expected));
        // The FIN itself is not counted: the driver closes the connection.
        let end = 1000 + stream.len() as u64;
        assert_eq!(bench.events[0].sequence.to_u64(), end);
        assert_eq!(bench.last_edge(2).map(|edge| edge.0), Some(end));
        bench.uut.query_qp.next = 2.into();
        bench.idle(3);
        assert_eq!(bench.uut.query_receive_next.val().to_u64(), end);
    }
}

#[test]
fn a_fin_alone_ends_the_stream() {
    let (mut bench, _, _) = ready_for_a_write(5);
    bench.segment(&Segment { flags: ACK | FIN, ..Segment::of(2, 1000, &[]) });
    bench.idle(100);
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.events[0].status.to_u64(), u64::from(status::PEER_CLOSED));
    assert_eq!(bench.events[0].sequence.to_u64(), 1000);
}

#[test]
fn a_reset_in_the_right_place_ends_the_stream() {
    let (mut bench, _, _) = ready_for_a_write(6);
    bench.segment(&Segment { flags: RST, ..Segment::of(2, 1001, &[]) });
    bench.idle(60);
    assert_eq!(bench.events, []);
    bench.segment(&Segment { flags: RST, ..Segment::of(2, 1000, &[]) });
    bench.idle(60);
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.events[0].status.to_u64(), u64::from(status::PEER_RESET));
    assert_eq!((bench.events[0].qp.to_u64(), bench.events[0].cq.to_u64()), (2, 3));
}

#[test]
fn acknowledgements_go_to_the_transmit_side() {
    let (mut bench, stream, _) = ready_for_a_write(7);
    let pure = Segment { acknowledgement: 4321, window: 99, ..Segment::of(2, 1000, &[]) };
    bench.segment(&pure);
    bench.segment(&Segment { options: 12, ..Segment::of(2, 1000, &stream) });
    bench.segment(&Segment::of(2, 1000, &stream));
    bench.segment(&Segment { flags: ACK | SYN, ..Segment::of(2, 1000, &[]) });
    bench.idle(200);
    let seen: Vec<_> = bench
        .acknowledgements
        .iter()
        .map(|ack| (ack.qp.to_u64(), ack.number.to_u64(), ack.window.to_u64()))
        .collect();
    assert_eq!(seen, [(2, 4321, 99), (2, 77, 1234), (2, 77, 1234)]);
    // The pure acknowledgement asked for nothing; data, duplicate and SYN did.
    assert_eq!(bench.edges.iter().filter(|edge| edge.acknowledge).count(), 3);
    assert_eq!(bench.counts[PLACED], 1);
}

#[test]
fn raw_frames_are_delivered_whole() {
    let (mut bench, _, _) = ready_for_a_write(8);
    let stag = STAG;
    let mut rng = rng(8);
    let mut raw = |length: usize, to: [u8; 6]| {
        let mut frame: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        frame[..6].copy_from_slice(&to);
        frame
    };
    let arp = raw(42, [0xff; 6]);
    let odd = raw(333, STATION);
    let foreign = raw(64, [0x02, 9, 9, 9, 9, 9]);
    let shortest = raw(14, STATION);
    let unknown = Segment { remote_port: 1, ..Segment::of(2, 1000, &[7; 90]) }.frame();
    bench.frame(&odd);
    assert_eq!(bench.counts[RAW_NO_BUFFER], 0);
    bench.start(0, 0, false, false);
    for n in 0..5 {
        bench.post(0, buffer(stag, 0x1000 * n, 2048));
    }
    for frame in [&arp, &odd, &foreign, &shortest, &unknown] {
        bench.frame(frame);
    }
    bench.frame_with(&arp, true);
    bench.frame(&raw(13, STATION));
    bench.idle(600);
    assert_eq!(bench.events, []);
    for (n, frame) in [&arp, &odd, &shortest, &unknown].into_iter().enumerate() {
        let at = BUS + 0x1000 * n as u64;
        assert_eq!(bench.octets(at, frame.len()).as_ref(), Some(frame), "frame {n}");
        assert_eq!(bench.completions[n].length.to_u64(), frame.len() as u64);
        assert_eq!(bench.completions[n].request.to_u64(), n as u64);
        assert_eq!(bench.completions[n].qp.to_u64(), 0);
    }
    assert_eq!(bench.completions.len(), 4);
    assert_eq!((bench.counts[FOREIGN], bench.counts[BAD], bench.counts[RAW_NO_BUFFER]), (1, 2, 1));
    // The fifth buffer takes one more; then frames are dropped and counted.
    bench.frame(&arp);
    bench.frame(&odd);
    bench.idle(300);
    assert_eq!(bench.completions.len(), 5);
    assert_eq!(bench.counts[RAW_NO_BUFFER], 2);
}
