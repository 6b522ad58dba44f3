//! The whole receive engine under a host that is slow: nobody waits for another's memory, and
//! nothing is lost that was advertised.
use crate::configuration::CONFIGURATION;
use crate::receive::bench::*;
use crate::receive::scripts::*;
use crate::stream::bench::{rng, seeds};
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::limits::FPDU_BUFFER_BYTES;
use ironwarp_wire::mpa::stream::{Framer, Framing};
use rand::Rng;

fn framed(ulpdu: &[u8]) -> Vec<u8> {
    let mut stream = vec![];
    Framer::new(Framing { markers: false, crc: false }).frame(ulpdu, &mut stream).unwrap();
    stream
}

/// The completions of a queue pair.
fn completed(bench: &Bench, qp: u64) -> Vec<u64> {
    let own = bench.completions.iter().filter(|done| done.qp.to_u64() == qp);
    own.map(|done| done.request.to_u64()).collect()
}

/// Queue pairs 2 and 3 and the raw one; the buffers of 3 are on chip, the others' do not come.
fn one_ring_is_slow() -> Bench {
    let mut bench = Bench::new(1);
    bench.ready = 1.0;
    bench.region();
    for qp in [0, 2, 3] {
        bench.start(qp, 1000, false, false);
    }
    for n in 0..6 {
        bench.post(3, buffer(STAG, 0x3000 + 0x100 * n, 64));
    }
    bench.idle(400);
    bench.fetch = false;
    bench.post(2, buffer(STAG, 0x2000, 64));
    bench.post(0, buffer(STAG, 0x1000, 2048));
    bench.idle(50);
    bench
}

/// A Send whose buffer is still on its way waits, and nobody else does.
#[test]
fn a_slow_fetch_holds_up_its_own_queue_pair_alone() {
    let mut bench = one_ring_is_slow();
    let mut arp = vec![0xff; 60];
    arp[12] = 8;
    bench.segment(&Segment::of(2, 1000, &framed(&send(1, 0, true, &[2; 64]))));
    bench.frame(&arp);
    let mut at = 1000;
    for n in 0..6 {
        let stream = framed(&send(n + 1, 0, true, &[n as u8; 64]));
        bench.segment(&Segment::of(3, at, &stream));
        at += stream.len() as u32;
    }
    let tagged = framed(&write(STAG, 0x8000, &[5; 64]));
    bench.segment(&Segment::of(3, at, &tagged));
    bench.settle();
    assert_eq!(completed(&bench, 3), [0, 1, 2, 3, 4, 5]);
    assert_eq!(bench.octets(BUS + 0x8000, 64), Some(vec![5; 64]));
    assert_eq!((completed(&bench, 2), completed(&bench, 0)), (vec![], vec![]));
    bench.fetch = true;
    bench.settle();
    assert_eq!((completed(&bench, 2), completed(&bench, 0)), (vec![0], vec![0]));
    assert_eq!(bench.octets(BUS + 0x2000, 64), Some(vec![2; 64]));
    assert_eq!(bench.octets(BUS + 0x1000, 60), Some(arp));
    assert!(bench.events.is_empty());
}

/// Writes and Sends of one queue pair stay in their order, whatever they wait for.
#[test]
fn what_comes_behind_a_waiting_send_waits_with_it() {
    let mut bench = one_ring_is_slow();
    bench.fetch = true;
    bench.idle(100);
    bench.fetch = false;
    // One buffer is on chip; the second Send's is not, and the Write behind it waits with it.
    bench.post(2, buffer(STAG, 0x2100, 64));
    let parts = [
        framed(&send(1, 0, true, &[1; 8])),
        framed(&send(2, 0, false, &[2; 8])),
        framed(&send(2, 8, true, &[3; 8])),
        framed(&write(STAG, 0x9000, &[4; 8])),
    ];
    bench.segment(&Segment::of(2, 1000, &parts.concat()));
    bench.settle();
    assert_eq!(completed(&bench, 2), [0]);
    assert_eq!(bench.octets(BUS + 0x9000, 8), None);
    // Only the read itself holds a fence up.
    bench.fence();
    bench.settle();
    assert_eq!(bench.fenced, [0; 0]);
    bench.fetch = true;
    bench.settle();
    assert_eq!(bench.fenced.len(), 1);
    assert_eq!(completed(&bench, 2), [0, 1]);
    assert_eq!(bench.octets(BUS + 0x2100, 16), Some([[2; 8], [3; 8]].concat()));
    assert_eq!(bench.octets(BUS + 0x9000, 8), Some(vec![4; 8]));
}

/// A raw frame that is too long for its buffer leaves it to the next one.
#[test]
fn a_raw_frame_that_is_too_long_gives_its_buffer_back() {
    let mut bench = Bench::new(3);
    bench.region();
    bench.start(0, 0, false, false);
    bench.post(0, buffer(STAG, 0, 64));
    bench.post(0, buffer(STAG, 0x100, 64));
    bench.idle(100);
    let frame = |length: usize, octet: u8| {
        let mut frame = vec![octet; length];
        frame[..6].fill(0xff);
        frame
    };
    for _ in 0..5 {
        bench.frame(&frame(300, 1));
    }
    bench.frame(&frame(60, 2));
    bench.frame(&frame(65, 3));
    bench.frame(&frame(64, 4));
    bench.frame(&frame(60, 5));
    bench.settle();
    assert_eq!(completed(&bench, 0), [0, 1]);
    assert_eq!(bench.octets(BUS, 60), Some(frame(60, 2)));
    assert_eq!(bench.octets(BUS + 0x100, 64), Some(frame(64, 4)));
    assert_eq!(bench.counts[RAW_NO_BUFFER], 7);
}

/// A sender that keeps to the window that is advertised finds room for every segment, while the
/// host takes nothing until the sender is stopped, and then for a while everything.
//= rfc9293#3.8.6
//= type=test
#[test]
fn a_sender_within_the_window_loses_nothing() {
    for seed in seeds().into_iter().take(4) {
        let mut bench = Bench::new(seed);
        bench.region();
        bench.ready = 0.0;
        let mut rng = rng(seed ^ 0x77);
        let first: u32 = rng.random();
        let window = CONFIGURATION.receive_window_max();
        let shift = rng.random_range(0..4);
        bench.start(3, first, false, false);
        let context = QueuePairContext {
            pd: 5,
            receive_cq: 3,
            receive_next: first,
            receive_window: window,
            receive_window_shift: shift,
            ..Default::default()
        };
        bench.context(table::QUEUE_PAIR, 3, &context.to_words());
        bench.command(3, true);
        // A long stream of Writes of any size.
        let mut framer = Framer::new(Framing { markers: false, crc: false });
        let mut stream = vec![];
        let longest = CONFIGURATION.fpdu_bytes_max() - 100;
        while stream.len() < FPDU_BUFFER_BYTES + 4 * window as usize {
            let length = [rng.random_range(0..60), rng.random_range(0..longest)];
            let octets = vec![stream.len() as u8; length[rng.random_range(0..2)]];
            framer.frame(&write(STAG, stream.len() as u64, &octets), &mut stream).unwrap();
        }
        let (mut sent, mut edge, mut stops) = (0_usize, window as usize, 0);
        while sent < stream.len() {
            if let Some(told) = bench.edges.iter().rev().find(|edge| edge.generation.to_u64() == 2)
            {
                let expected = (told.expected.to_u64() as u32).wrapping_sub(first) as usize;
                let right = expected + ((told.window.to_u64() as usize) << shift);
                let granularity = (1 << shift) - 1;
                assert!(right + granularity >= edge, "SEED={seed}: the right edge goes back");
                edge = edge.max(right);
            }
            let most = rng.random_range(1..=1460).min(edge - sent).min(stream.len() - sent);
            if most == 0 {
                bench.ready = 1.0;
                bench.idle(rng.random_range(100..3000));
                bench.ready = 0.0;
                stops += 1;
                assert!(stops < 1000, "SEED={seed}: no window");
                continue;
            }
            let at = first.wrapping_add(sent as u32);
            bench.segment(&Segment::of(3, at, &stream[sent..sent + most]));
            sent += most;
        }
        bench.ready = 1.0;
        bench.settle();
        assert!(stops > 1, "SEED={seed}: the ring was never full");
        assert_eq!(bench.counts[NO_ROOM], 0, "SEED={seed}");
        assert_eq!(bench.counts[OUT_OF_ORDER], 0, "SEED={seed}");
        assert!(bench.events.is_empty(), "SEED={seed}");
        let end = first.wrapping_add(stream.len() as u32);
        assert_eq!(bench.last_edge(3).map(|edge| edge.0), Some(u64::from(end)), "SEED={seed}");
    }
}

/// Small Writes one behind the other in full segments: none waits for the one before.
#[test]
fn small_messages_follow_each_other_closely() {
    let mut bench = Bench::new(5);
    bench.ready = 1.0;
    bench.region();
    bench.start(3, 1000, false, true);
    let mut framer = Framer::new(Framing { markers: false, crc: true });
    let mut stream = vec![];
    for n in 0..100_u64 {
        framer.frame(&write(STAG, 64 * n, &[n as u8; 64]), &mut stream).unwrap();
    }
    let (mut at, start) = (1000, bench.clocks);
    for chunk in stream.chunks(1400) {
        bench.segment(&Segment::of(3, at, chunk));
        at += chunk.len() as u32;
    }
    while bench.counts[PLACED] < 100 {
        bench.clock(None);
    }
    let clocks = bench.clocks - start;
    assert!(clocks < 100 * 17, "{clocks} clocks for 100 messages");
}
