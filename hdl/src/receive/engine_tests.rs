//! The whole receive engine: frames in, memory, completions, events and edges out.
use crate::receive::bench::*;
use crate::receive::scripts::*;
use crate::stream::bench::*;
use ironwarp_abi::queue::{kind, ReceiveRequest};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use rand::Rng;

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

/// Back-to-back frames of the least size, which the wire allows every 10.5 clocks.
#[test]
fn keeps_up_with_the_smallest_frames() {
    let (mut bench, _, _) = ready_for_a_write(9);
    let stag = STAG;
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
    assert_eq!(bench.last_edge(2), Some((u64::from(at), WINDOW)));
    assert_eq!(bench.counts[ACCEPTED], stream.len().div_ceil(6) as u64);
}

/// One 1,500-octet packet after the other at the full rate of the wire.
#[test]
fn keeps_up_with_full_frames() {
    let (mut bench, _, _) = ready_for_a_write(10);
    let stag = STAG;
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
