//! The whole receive engine, and what the host does to a queue pair while packets are under way.
use crate::receive::bench::*;
use crate::receive::scripts::*;
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::{Framer, Framing};

fn framed(ulpdu: &[u8]) -> Vec<u8> {
    let mut stream = vec![];
    Framer::new(Framing { markers: false, crc: false }).frame(ulpdu, &mut stream).unwrap();
    stream
}

/// A bench with the region, queue pair 3 started at sequence number 1000, and a host that takes
/// everything at once.
fn started(seed: u64) -> Bench {
    let mut bench = Bench::new(seed);
    bench.ready = 1.0;
    bench.region();
    bench.start(3, 1000, false, false);
    bench
}

/// A refused packet of an earlier life does not end the next one.
#[test]
fn what_is_refused_of_an_old_life_does_not_end_the_new_one() {
    let mut late = 0;
    for delay in 0..90 {
        let mut bench = started(1);
        let bad = framed(&write(STAG ^ 0x100, 0, &[1; 8]));
        bench.segment(&Segment::of(3, 1000, &bad));
        bench.idle(delay);
        let told = bench.events.len();
        bench.command(3, true);
        bench.idle(100);
        assert_eq!(bench.events.len(), told, "{delay} clocks: the new life ended");
        late += usize::from(told == 0);
        let good = framed(&write(STAG, 0x40, &[2; 8]));
        bench.segment(&Segment::of(3, 1000, &good));
        bench.settle();
        assert_eq!(bench.octets(BUS + 0x40, 8), Some(vec![2; 8]), "{delay} clocks");
        assert_eq!(bench.events.len(), told, "{delay} clocks");
        assert_eq!(bench.opened, [3].repeat(bench.opened.len()));
    }
    assert!(late > 10, "the start came behind every event");
}

/// A start around the clock in which a segment is taken: the segment counts in one life or in none.
#[test]
fn a_segment_counts_in_one_life() {
    let mut seen = [0; 2];
    for delay in 0..60 {
        let mut bench = started(2);
        let stream = framed(&write(STAG, 0x40, &[7; 24]));
        let frame = Segment::of(3, 1000, &stream).frame();
        let mut beats = frame.chunks(8).map(|chunk| {
            crate::stream::bench::beat(
                chunk,
                chunk.as_ptr_range().end == frame.as_ptr_range().end,
                false,
            )
        });
        for clock in 0..120 {
            if clock == delay {
                bench.change(3, true);
            }
            bench.clock(beats.next());
        }
        bench.settle();
        bench.uut.query_qp.next = 3.into();
        bench.idle(3);
        let next = bench.uut.query_receive_next.val().to_u64();
        let end = 1000 + stream.len() as u64;
        let of_new = |generation: u64| generation == 2;
        let edges = bench.edges.iter().filter(|edge| of_new(edge.generation.to_u64()));
        let edges: Vec<u64> = edges.map(|edge| edge.expected.to_u64()).collect();
        let acks = bench.acknowledgements.iter().filter(|ack| of_new(ack.generation.to_u64()));
        let counted = next == end;
        seen[usize::from(counted)] += 1;
        assert!(counted || next == 1000, "{delay}: {next}");
        assert_eq!(acks.count(), usize::from(counted), "{delay}");
        if counted {
            assert_eq!(edges.last(), Some(&end), "{delay}");
            assert_eq!(bench.octets(BUS + 0x40, 24), Some(vec![7; 24]), "{delay}");
        } else {
            assert_eq!(edges, [0; 0], "{delay}");
        }
        // The new life goes on where it is.
        let more = framed(&write(STAG, 0x80, &[8; 24]));
        bench.segment(&Segment::of(3, next as u32, &more));
        bench.settle();
        assert_eq!(bench.octets(BUS + 0x80, 24), Some(vec![8; 24]), "{delay}");
        assert!(bench.events.is_empty() && bench.stale_events.is_empty(), "{delay}");
    }
    assert!(seen[0] > 5 && seen[1] > 5, "{seen:?}");
}

/// An event that waits to be taken tells of the life in which it happened.
#[test]
fn an_event_carries_its_life() {
    for reset in [false, true] {
        let mut bench = started(3);
        bench.ready = 0.0;
        let bad = framed(&write(STAG ^ 0x100, 0, &[1; 8]));
        let segment = Segment::of(3, 1000, if reset { &[] } else { &bad });
        bench.segment(&Segment { flags: if reset { RST } else { ACK }, ..segment });
        bench.idle(100);
        bench.command(3, true);
        bench.ready = 1.0;
        bench.settle();
        assert!(bench.events.is_empty());
        assert_eq!(bench.stale_events.len(), 1);
        assert_eq!(bench.stale_events[0].generation.to_u64(), 1);
        let good = framed(&write(STAG, 0x40, &[2; 8]));
        bench.segment(&Segment::of(3, 1000, &good));
        bench.settle();
        assert_eq!(bench.octets(BUS + 0x40, 8), Some(vec![2; 8]));
    }
}

/// Packets wait while the host starts their queue pair again, any number of times.
#[test]
fn what_waits_through_several_starts_is_of_none_of_them() {
    for starts in 1..5 {
        let mut bench = started(4);
        bench.ready = 0.0;
        let mut at = 1000;
        for n in 0..6_u64 {
            let stream = framed(&write(STAG, 64 * n, &[n as u8 + 1; 16]));
            bench.segment(&Segment::of(3, at, &stream));
            at += stream.len() as u32;
        }
        bench.idle(200);
        for _ in 0..starts {
            bench.command(3, true);
            bench.idle(20);
        }
        bench.ready = 1.0;
        bench.settle();
        // Two had passed the gate; the others are dropped.
        assert!(bench.memory.len() <= 32, "{starts} starts: {} octets", bench.memory.len());
        assert!(bench.events.is_empty() && bench.stale_events.is_empty());
        let good = framed(&write(STAG, 0x1000, &[9; 8]));
        bench.segment(&Segment::of(3, 1000, &good));
        bench.settle();
        assert_eq!(bench.octets(BUS + 0x1000, 8), Some(vec![9; 8]), "{starts} starts");
    }
}

/// Nothing of another queue pair is disturbed by a start.
#[test]
fn a_start_changes_no_other_queue_pair() {
    for delay in 0..60 {
        let mut bench = started(5);
        bench.start(2, 500, false, false);
        bench.start(4, 600, false, false);
        let stream = framed(&write(STAG, 0x40, &[7; 24]));
        bench.segment(&Segment::of(3, 1000, &stream));
        bench.idle(delay);
        bench.command(4, true);
        bench.idle(1);
        bench.command(2, false);
        bench.settle();
        assert_eq!(bench.octets(BUS + 0x40, 24), Some(vec![7; 24]), "{delay}");
        assert_eq!(bench.last_edge(3).map(|edge| edge.0), Some(1000 + stream.len() as u64));
        assert_eq!(bench.opened, [3]);
    }
}

/// What the bus holds when the host takes memory back.
fn held(bench: &mut Bench, messages: u32, sends: bool) {
    for n in 0..messages {
        if sends {
            bench.post(3, buffer(STAG, 64 * u64::from(n), 64));
        }
    }
    bench.idle(100);
    bench.ready = 0.0;
    let mut at = 1000;
    for n in 0..messages {
        let octets = [n as u8 + 1; 16];
        let stream = match sends {
            true => framed(&send(n + 1, 0, true, &octets)),
            false => framed(&write(STAG, 64 * u64::from(n), &octets)),
        };
        bench.segment(&Segment::of(3, at, &stream));
        at += stream.len() as u32;
    }
    bench.idle(200);
    assert_eq!((bench.memory.len(), bench.completions.len()), (0, 0));
}

/// Nothing is written, and nothing completes, behind a fence.
#[test]
fn a_fence_comes_behind_all_that_has_passed() {
    for (stop, sends) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut bench = started(6);
        held(&mut bench, 4, sends);
        match stop {
            true => bench.command(3, false),
            false => bench.clear_region(),
        }
        bench.fence();
        bench.idle(200);
        assert_eq!(
            bench.fenced, [0; 0],
            "stop {stop}, sends {sends}: fenced while the bus is held"
        );
        bench.ready = 1.0;
        while bench.fenced.is_empty() {
            bench.clock(None);
            assert!(bench.clocks < 5000, "no answer");
        }
        let before = (bench.memory.len(), bench.completions.len());
        bench.settle();
        assert_eq!(
            (bench.memory.len(), bench.completions.len()),
            before,
            "stop {stop}, sends {sends}: behind the fence"
        );
        assert!(before.0 <= 32 && bench.fenced.len() == 1);
        // A region that is gone ends the queue pair; a stop tells nothing.
        let refused = if sends { status::LOCAL_STAG } else { status::DDP_STAG };
        let events = bench.events.iter().map(|event| event.status.to_u64() as u8);
        let expected = if stop { vec![] } else { vec![refused] };
        assert_eq!(events.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn fences_follow_each_other_while_packets_come() {
    let mut bench = started(7);
    let mut at = 1000;
    for n in 0..40_u64 {
        let stream = framed(&write(STAG, 64 * n, &[n as u8 + 1; 16]));
        bench.segment(&Segment::of(3, at, &stream));
        at += stream.len() as u32;
        let fences = bench.fenced.len();
        bench.fence();
        let asked = bench.clocks;
        while bench.fenced.len() == fences {
            bench.clock(None);
            assert!(bench.clocks < asked + 200, "no answer");
        }
    }
    bench.settle();
    assert_eq!((bench.fenced.len(), bench.memory.len()), (40, 40 * 16));
}

/// A fence waits for the reads of work requests, too.
#[test]
fn a_fence_comes_behind_the_reads_of_work_requests() {
    let mut bench = started(8);
    bench.fetch = false;
    bench.post(3, buffer(STAG, 0, 64));
    bench.idle(50);
    bench.command(3, false);
    bench.fence();
    bench.idle(200);
    assert_eq!(bench.fenced, [0; 0]);
    bench.fetch = true;
    bench.idle(50);
    assert_eq!(bench.fenced.len(), 1);
}
