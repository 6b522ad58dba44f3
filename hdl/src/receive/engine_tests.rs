//! The whole receive engine: frames in, memory, completions, events and edges out.
use crate::receive::bench::*;
use crate::stream::bench::*;
use ironwarp_abi::queue::{kind, ReceiveRequest};
use ironwarp_abi::status;
use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::Opcode;
use rand::Rng;

/// Bus address of octet 0 of the bench's region.
const BUS: u64 = 0x5000_0123;

fn write(stag: u32, offset: u64, payload: &[u8]) -> Vec<u8> {
    let header = TaggedRepr { last: true, ulp_control: Opcode::Write.control(), stag, offset };
    [&header.emit()[..], payload].concat()
}

fn send(message: u32, offset: u32, last: bool, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::Send.control();
    let header = UntaggedRepr { last, ulp_control, ulp_word: 0, queue: 0, message, offset };
    [&header.emit()[..], payload].concat()
}

fn buffer(stag: u32, local_offset: u64, length: u32) -> ReceiveRequest {
    ReceiveRequest { length, local_offset, local_stag: stag }
}

/// RFC 5044 figure 5.
fn figure_5() -> Vec<u8> {
    let mut stream = vec![0; 4];
    stream.extend([0x00, 0x2a, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    stream.extend([0; 24]);
    stream.extend([0x52, 0x23, 0x99, 0x83]);
    stream
}

//= rfc5044#4.4
//= type=test
#[test]
fn takes_figure_5() {
    let mut bench = Bench::new(1);
    let stag = bench.region();
    bench.start(3, 0xffff_fff0, true, true);
    bench.post(3, buffer(stag, 0x100, 64));
    bench.idle(40);
    bench.segment(&Segment::of(3, 0xffff_fff0, &figure_5()));
    bench.idle(120);
    assert_eq!(bench.events, []);
    assert_eq!(bench.completions.len(), 1);
    assert_eq!(bench.completions[0].length.to_u64(), 24);
    assert_eq!(bench.octets(BUS + 0x100, 24), Some(vec![0; 24]));
    assert_eq!(bench.opened, [3]);
    assert_eq!(bench.last_edge(3).map(|edge| edge.0), Some(0x24));
}

//= rfc5044#4.3
//= type=test
#[test]
fn takes_figures_5_and_6_in_one_stream() {
    // The first FPDU has 492 octets with its marker; the figure's second follows at 0x1ec.
    let mut stream = vec![];
    let mut framer = Framer::new(Framing { markers: true, crc: true });
    let first: Vec<u8> = (0..464).map(|n| n as u8).collect();
    framer.frame(&send(1, 0, true, &first), &mut stream).unwrap();
    assert_eq!(stream.len(), 0x1ec);
    stream.extend([0x00, 0x2a, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    stream.extend([0, 0, 0, 0x14]);
    stream.extend([0; 24]);
    stream.extend([0x84, 0x92, 0x58, 0x98]);
    let mut bench = Bench::new(6);
    let stag = bench.region();
    bench.start(3, 11, true, true);
    bench.post(3, buffer(stag, 0, 4096));
    bench.post(3, buffer(stag, 4096, 4096));
    bench.segment(&Segment::of(3, 11, &stream));
    bench.idle(400);
    assert_eq!(bench.events, []);
    assert_eq!(bench.completions.len(), 2);
    assert_eq!(bench.octets(BUS, 464), Some(first));
    assert_eq!(bench.octets(BUS + 4096, 24), Some(vec![0; 24]));
    assert_eq!(bench.octets(BUS + 4096 + 24, 1), None);
}

/// A conversation in the making: its stream, and what it must leave behind.
struct Script {
    stream: Vec<u8>,
    /// (offset in the region, octets).
    placed: Vec<(u64, Vec<u8>)>,
    /// Receive buffers to post.
    buffers: Vec<ReceiveRequest>,
    /// Lengths of the messages that complete.
    messages: Vec<u64>,
}

/// Writes and Sends of random sizes, each in one to three DDP segments.
fn script(seed: u64, stag: u32, framing: Framing, messages: usize, longest: usize) -> Script {
    let mut rng = rng(seed ^ 0x5c91);
    let mut framer = Framer::new(framing);
    let mut script = Script { stream: vec![], placed: vec![], buffers: vec![], messages: vec![] };
    let (mut at, mut msn) = (rng.random_range(0..9), 1);
    for _ in 0..messages {
        let octets: Vec<u8> = (0..rng.random_range(0..=longest)).map(|_| rng.random()).collect();
        let cut = rng.random_range(0..=octets.len());
        let (head, tail) = octets.split_at(cut);
        let mut frame = |ulpdu: Vec<u8>| framer.frame(&ulpdu, &mut script.stream).unwrap();
        if rng.random() {
            frame(write(stag, at, head));
            frame(write(stag, at + cut as u64, tail));
        } else {
            if rng.random() {
                frame(send(msn, 0, false, head));
                frame(send(msn, cut as u32, true, tail));
            } else {
                frame(send(msn, 0, true, &octets));
            }
            let spare = rng.random_range(0..3);
            script.buffers.push(buffer(stag, at, (octets.len() + spare) as u32));
            script.messages.push(octets.len() as u64);
            msn += 1;
        }
        let length = octets.len() as u64;
        script.placed.push((at, octets));
        at += length + rng.random_range(0..4);
    }
    script
}

/// Plays a script to queue pair 2, in segments of the sizes that `cut` gives.
fn play(bench: &mut Bench, script: &Script, first: u32, mut cut: impl FnMut(usize) -> usize) {
    for request in &script.buffers {
        bench.post(2, *request);
    }
    bench.idle(40);
    let (mut at, mut rest) = (first, &script.stream[..]);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
        bench.segment(&Segment::of(2, at, now));
        at = at.wrapping_add(now.len() as u32);
        rest = later;
    }
    bench.settle();
    assert_eq!(bench.last_edge(2).map(|edge| edge.0), Some(u64::from(at)));
}

fn check(bench: &Bench, script: &Script, what: &str) {
    assert_eq!(bench.events, [], "{what}");
    let lengths: Vec<u64> = bench.completions.iter().map(|done| done.length.to_u64()).collect();
    assert_eq!(lengths, script.messages, "{what}");
    for (n, done) in bench.completions.iter().enumerate() {
        assert_eq!(done.request.to_u64(), n as u64, "{what}");
        assert_eq!(done.kind.to_u64(), u64::from(kind::RECEIVE), "{what}");
        assert_eq!((done.cq.to_u64(), done.qp.to_u64()), (3, 2), "{what}");
    }
    let mut total = 0;
    for (at, octets) in &script.placed {
        assert_eq!(bench.octets(BUS + at, octets.len()).as_ref(), Some(octets), "{what} at {at}");
        total += octets.len();
    }
    assert_eq!(bench.memory.len(), total, "{what}: octets beside the messages");
}

/// Random conversations, cut anywhere, FPDUs packed and split, with and without markers and CRC.
#[test]
fn places_random_conversations_exactly() {
    for seed in seeds().into_iter().take(8) {
        let mut bench = Bench::new(seed);
        let stag = bench.region();
        let framing = Framing { markers: seed % 2 == 0, crc: seed % 3 != 0 };
        let script = script(seed, stag, framing, 10, if seed % 4 == 1 { 3000 } else { 300 });
        let first = bench.rng.random();
        bench.start(2, first, framing.markers, framing.crc);
        let mut rng = rng(seed ^ 0xc07);
        let most = rng.random_range(1..=1460);
        play(&mut bench, &script, first, |_| rng.random_range(1..=most));
        check(&bench, &script, &format!("SEED={seed}"));
    }
}

/// A Write and a Send, again and again in one stream, cut into two segments at every offset.
#[test]
fn places_fpdus_cut_at_every_offset() {
    for markers in [false, true] {
        let mut bench = Bench::new(u64::from(markers));
        let stag = bench.region();
        bench.start(2, 0xffff_f000, markers, true);
        let mut framer = Framer::new(Framing { markers, crc: true });
        let (mut sequence, mut message, mut placed) = (0xffff_f000_u32, 0, vec![]);
        loop {
            message += 1;
            let (cut, at) = (message as usize, u64::from(message) * 0x100);
            let (first, second) = (bench.octets_of(31), bench.octets_of(17));
            let mut stream = vec![];
            framer.frame(&write(stag, at, &first), &mut stream).unwrap();
            framer.frame(&send(message, 0, true, &second), &mut stream).unwrap();
            if cut >= stream.len() {
                break;
            }
            bench.post(2, buffer(stag, at + 0x80, 17));
            for part in [&stream[..cut], &stream[cut..]] {
                bench.segment(&Segment::of(2, sequence, part));
                sequence = sequence.wrapping_add(part.len() as u32);
            }
            placed.push((BUS + at, first));
            placed.push((BUS + at + 0x80, second));
        }
        bench.settle();
        assert_eq!(bench.events, [], "markers {markers}");
        assert_eq!(bench.completions.len(), placed.len() / 2, "markers {markers}");
        for (at, octets) in &placed {
            let seen = bench.octets(*at, octets.len());
            assert_eq!(seen.as_ref(), Some(octets), "markers {markers}, at {at:x}");
        }
        assert_eq!(bench.last_edge(2).map(|edge| edge.0), Some(u64::from(sequence)));
    }
}

/// A bench with queue pair 2 started at sequence number 1000, and one Write for it.
fn ready_for_a_write(seed: u64) -> (Bench, Vec<u8>, Vec<u8>) {
    let mut bench = Bench::new(seed);
    let stag = bench.region();
    bench.start(2, 1000, false, true);
    let payload: Vec<u8> = (0..100).map(|n| n as u8 ^ 0x5a).collect();
    let mut stream = vec![];
    let framing = Framing { markers: false, crc: true };
    Framer::new(framing).frame(&write(stag, 8, &payload), &mut stream).unwrap();
    (bench, stream, payload)
}

const RECEIVED: usize = 0;
const BAD: usize = 1;
const FOREIGN: usize = 2;
const NO_ROOM: usize = 3;
const RAW_NO_BUFFER: usize = 4;
const OUT_OF_ORDER: usize = 5;
const ACCEPTED: usize = 6;
const CRC_ERRORS: usize = 7;
const PLACED: usize = 8;

#[test]
fn a_segment_with_a_bad_checksum_leaves_no_trace() {
    let (mut bench, stream, payload) = ready_for_a_write(1);
    let good = Segment::of(2, 1000, &stream).frame();
    for at in 14..good.len() {
        // The addresses and ports decide whose frame it is; all else must be noticed.
        if (12..16).contains(&at) || (22..24).contains(&at) || (26..38).contains(&at) {
            continue;
        }
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bench.frame(&bad);
    }
    bench.frame_with(&good, true);
    bench.idle(100);
    assert!(bench.edges.is_empty() && bench.memory.is_empty() && bench.events.is_empty());
    assert_eq!(bench.counts[ACCEPTED], 0);
    assert_eq!(bench.counts[BAD] + bench.counts[RAW_NO_BUFFER], bench.counts[RECEIVED]);
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
    assert_eq!(bench.last_edge(2), Some((1000, 32768)));
    assert_eq!(bench.counts[OUT_OF_ORDER], 1);
    bench.segment(&Segment::of(2, 1000, left));
    bench.idle(60);
    assert_eq!(bench.last_edge(2), Some((1050, 32718)));
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
    assert_eq!(bench.last_edge(2), Some((1000 + stream.len() as u64, 32768)));
    assert_eq!(bench.counts[ACCEPTED], 2);
}

#[test]
fn what_does_not_fit_is_dropped_whole() {
    let (mut bench, _, _) = ready_for_a_write(3);
    // An FPDU that is not all there keeps its octets in the ring.
    bench.segment(&Segment::of(2, 1000, &[0x3e, 0x00]));
    let mut sent = 1002;
    for _ in 0..3 {
        bench.segment(&Segment::of(2, sent, &[0; 5000]));
        sent += 5000;
    }
    bench.idle(60);
    assert_eq!(bench.last_edge(2), Some((u64::from(sent), 32768 - 15_002)));
    let accepted = bench.counts[ACCEPTED];
    bench.segment(&Segment::of(2, sent, &vec![0; 20_000]));
    bench.idle(60);
    assert_eq!(bench.counts[ACCEPTED], accepted);
    assert_eq!(bench.counts[NO_ROOM], 1);
    assert_eq!(bench.last_edge(2), Some((u64::from(sent), 32768 - 15_002)));
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
    let stag = 9 << 8 | 7;
    let too_long = vec![0xff; 64];
    let mut wrong_ddp = write(stag, 0, &[1; 20]);
    wrong_ddp[0] ^= 2;
    let mut wrong_rdmap = write(stag, 0, &[1; 20]);
    wrong_rdmap[1] ^= 0x80;
    let mut read_request = send(1, 0, true, &[0; 28]);
    read_request[1] = Opcode::ReadRequest.control();
    let mut queue = send(1, 0, true, &[0; 28]);
    queue[9] = 1;
    let short = write(stag, 0, &[])[..13].to_vec();
    let cases: [(&str, Vec<u8>, u8); 14] = [
        ("stag", write(stag ^ 0x100, 0, &[1; 9]), status::DDP_STAG),
        ("index", write(stag + 1, 0, &[1; 9]), status::DDP_STAG),
        ("bounds", write(stag, (1 << 20) - 8, &[1; 9]), status::DDP_BOUNDS),
        ("wrap", write(stag, u64::MAX - 3, &[1; 9]), status::DDP_WRAP),
        ("ddp version", wrong_ddp, status::DDP_TAGGED_VERSION),
        ("rdmap version", wrong_rdmap, status::RDMAP_VERSION),
        ("opcode", read_request, status::RDMAP_OPCODE),
        ("queue", queue, status::DDP_QUEUE),
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
    bench.segment(&Segment::of(2, 1000, &[0x3e, 0x7c, 0, 0, 0, 0, 0, 0, 0]));
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
        let end = 1000 + stream.len() as u64 + 1;
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
    assert_eq!(bench.events[0].sequence.to_u64(), 1001);
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
    assert_eq!(seen, [(2, 4321, 99), (2, 77, 1234)]);
    // The pure acknowledgement asked for nothing; data, duplicate and SYN did.
    assert_eq!(bench.edges.iter().filter(|edge| edge.acknowledge).count(), 3);
    assert_eq!(bench.counts[PLACED], 1);
}

#[test]
fn raw_frames_are_delivered_whole() {
    let (mut bench, _, _) = ready_for_a_write(8);
    let stag = 9 << 8 | 7;
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

/// Back-to-back frames of the least size, which the wire allows every 10.5 clocks.
#[test]
fn keeps_up_with_the_smallest_frames() {
    let (mut bench, _, _) = ready_for_a_write(9);
    let stag = 9 << 8 | 7;
    bench.ready = 1.0;
    let mut framer = Framer::new(Framing { markers: false, crc: true });
    let mut stream = vec![];
    let expected: Vec<u8> = (0..200).collect();
    for octet in &expected {
        framer.frame(&write(stag, u64::from(*octet), &[*octet]), &mut stream).unwrap();
    }
    let mut at = 1000;
    for chunk in stream.chunks(6) {
        bench.segment(&Segment::of(2, at, chunk));
        at += chunk.len() as u32;
    }
    bench.idle(100);
    assert_eq!(bench.octets(BUS, 200), Some(expected));
    assert_eq!(bench.last_edge(2), Some((u64::from(at), 32768)));
    assert_eq!(bench.counts[ACCEPTED], stream.len().div_ceil(6) as u64);
}

/// One 1,500-octet packet after the other at the full rate of the wire.
#[test]
fn keeps_up_with_full_frames() {
    let (mut bench, _, _) = ready_for_a_write(10);
    let stag = 9 << 8 | 7;
    bench.ready = 1.0;
    let mut framer = Framer::new(Framing { markers: false, crc: true });
    let mut at = 1000;
    let start = bench.clocks;
    for n in 0..20_u64 {
        let mut fpdu = vec![];
        framer.frame(&write(stag, 1440 * n, &[n as u8; 1440]), &mut fpdu).unwrap();
        bench.segment(&Segment::of(2, at, &fpdu));
        at += fpdu.len() as u32;
    }
    let busy = bench.clocks - start;
    bench.idle(500);
    assert!(busy < 20 * 194, "{busy}");
    assert_eq!(bench.counts[PLACED], 20);
    assert_eq!(bench.octets(BUS + 1440 * 19, 1440), Some(vec![19; 1440]));
}
