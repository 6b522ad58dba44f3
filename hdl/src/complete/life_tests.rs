//! Old lives, full queues and fences.
use super::bench::{entry, Bench};
use crate::configuration::QP_COUNT;
use crate::stream::bench::seeds;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::status;
use rand::Rng;

/// The kinds that a queue has got.
fn kinds(bench: &Bench, cq: u64) -> Vec<u8> {
    bench.queues[&cq].got.iter().map(|entry| entry.kind).collect()
}

/// Entries of another life, and of a queue pair that is stopped, are dropped.
#[test]
fn an_old_life_has_no_entries() {
    let mut bench = Bench::new(1);
    bench.start(3, 5);
    bench.begin(2, 2);
    for (qp, generation, comes) in [(2, 1, false), (2, 2, true), (2, 3, false), (1, 1, true)] {
        let before = bench.written;
        bench.complete_of(0, 3, qp, generation, kind::SEND);
        bench.run(60);
        assert_eq!(bench.written - before, usize::from(comes), "{qp} {generation}");
    }
    // It ends, and is not stopped yet: what it has done before is told.
    bench.change(2, 2, false, true);
    bench.complete_of(1, 3, 2, 2, kind::RECEIVE);
    bench.run(60);
    assert_eq!(kinds(&bench, 3), [kind::SEND, kind::SEND, kind::RECEIVE]);
    bench.change(2, 2, false, false);
    bench.complete_of(1, 3, 2, 2, kind::RECEIVE);
    bench.complete_of(2, 3, 2, 2, kind::EVENT);
    bench.run(60);
    assert_eq!(bench.written, 3, "it is stopped");
}

/// A start or a stop at every clock around an entry: all of it is written, or nothing.
#[test]
fn a_life_that_ends_around_an_entry_loses_it_or_not() {
    for begins in [false, true] {
        let (mut written, mut dropped) = (0, 0);
        for wait in 0..25 {
            let mut bench = Bench::new(2);
            bench.start(3, 5);
            bench.complete_of(0, 3, 2, 1, kind::SEND);
            bench.run(wait);
            bench.change(2, 1 + u64::from(begins), begins, begins);
            let before = bench.requests.got.len();
            bench.run(2);
            let late = bench.requests.got.len() - before;
            bench.run(60);
            assert!(bench.written <= 1);
            assert!(late <= 1 && bench.requests.got.len() - before <= 1, "{wait}");
            match bench.written {
                0 => dropped += 1,
                _ => written += 1,
            }
            // The new life's own entry comes.
            bench.complete_of(0, 3, 2, 2, kind::SEND);
            let before = bench.written;
            bench.run(60);
            assert_eq!(bench.written - before, usize::from(begins), "{wait}");
        }
        assert!(written > 3 && dropped > 3, "{written} {dropped}");
    }
}

/// An event does not overtake an entry that came before it, and would be lost behind it.
#[test]
fn what_came_before_an_event_is_told_before_it() {
    for wait in 1..30 {
        let mut bench = Bench::new(4);
        bench.start(3, 5);
        for _ in 0..4 {
            bench.complete_of(0, 3, 1, 1, kind::SEND);
        }
        bench.complete_of(1, 3, 2, 1, kind::RECEIVE);
        bench.run(wait);
        bench.complete_of(2, 3, 2, 1, kind::EVENT);
        bench.run(400);
        let own = bench.queues[&3].got.iter().filter(|entry| entry.qp == 2);
        let own: Vec<u8> = own.map(|entry| entry.kind).collect();
        assert_eq!(own, [kind::RECEIVE, kind::EVENT], "{wait}");
    }
}

/// Nothing of a life follows its event, whatever the queue and whatever the input.
#[test]
fn nothing_follows_an_event() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        (1..=4).for_each(|cq| bench.start(cq, 8));
        let (mut generations, mut over) = ([1_u64; 8], [false; 8]);
        for _ in 0..60 {
            let qp = bench.rng.random_range(0..8_usize);
            match bench.rng.random_range(0..10) {
                0 if !over[qp] => {
                    over[qp] = true;
                    bench.complete_of(2, 1, qp as u64, generations[qp], kind::EVENT);
                }
                1 => {
                    (generations[qp], over[qp]) = (generations[qp] + 1, false);
                    bench.run(100);
                    bench.begin(qp as u64, generations[qp]);
                }
                _ => {
                    let (input, cq) = (bench.rng.random_range(0..2), bench.rng.random_range(1..5));
                    bench.complete_of(input, cq, qp as u64, generations[qp], kind::SEND);
                }
            }
            let pause = bench.rng.random_range(0..30);
            bench.run(pause);
        }
        bench.run(400);
        let all = bench.writes.iter().map(|(_, octets)| {
            CompletionEntry::from_bytes(octets[..].try_into().expect("an entry"))
        });
        let mut ended = vec![];
        for entry in all {
            let life = (entry.qp, entry.generation);
            assert!(!ended.contains(&life), "SEED={seed}: {entry:?} follows an event");
            if entry.kind == kind::EVENT {
                ended.push(life);
            }
        }
        assert!(!ended.is_empty() && bench.written > 20, "SEED={seed}");
    }
}

/// Seven completions for a queue of four: three entries, and in the last place what has happened.
#[test]
fn a_full_queue_ends_who_fills_it() {
    let mut bench = Bench::new(4);
    bench.start(3, 2);
    bench.start(4, 2);
    let sent: Vec<_> = (0..7).map(|_| bench.complete_of(0, 3, 5, 1, kind::SEND)).collect();
    bench.run(200);
    let overflow = CompletionEntry {
        qp: 5,
        kind: kind::OVERFLOW,
        status: status::CQ_OVERFLOW,
        generation: 1,
        phase: true,
        ..Default::default()
    };
    let expected: Vec<_> = sent[..3].iter().map(|it| entry(it, true)).chain([overflow]).collect();
    assert_eq!(bench.queues[&3].got, expected);
    let told = |bench: &Bench| -> Vec<(u64, u64, u64)> {
        let events = bench.events.got.iter();
        events.map(|e| (e.qp.to_u64(), e.generation.to_u64(), e.status.to_u64())).collect()
    };
    let cause = u64::from(status::CQ_OVERFLOW);
    assert_eq!((told(&bench), bench.overflows), (vec![(5, 1, cause)], 1));

    // However much the host consumes, the queue takes nothing more; who writes there ends.
    bench.consume(3);
    bench.complete_of(1, 3, 6, 1, kind::RECEIVE);
    bench.complete_of(1, 3, 6, 1, kind::RECEIVE);
    bench.run(100);
    assert_eq!((told(&bench), bench.overflows), (vec![(5, 1, cause), (6, 1, cause)], 1));
    // Elsewhere it has nothing to say but that it has ended, once.
    bench.complete_of(1, 4, 6, 1, kind::RECEIVE);
    bench.complete_of(2, 4, 6, 1, kind::EVENT);
    bench.complete_of(1, 4, 6, 1, kind::RECEIVE);
    bench.complete_of(2, 3, 5, 1, kind::EVENT);
    bench.run(200);
    assert_eq!((kinds(&bench, 4), bench.queues[&3].got.len()), (vec![kind::EVENT], 4));
    assert_eq!(bench.events.got.len(), 2);

    // Started again, it is empty; a new life may write there.
    bench.start(3, 2);
    bench.begin(5, 2);
    bench.complete_of(0, 3, 5, 2, kind::SEND);
    bench.run(60);
    assert_eq!(kinds(&bench, 3), [kind::SEND]);
}

/// The host consumes late or never: nothing is overwritten, and every loss is told once.
#[test]
fn every_queue_pair_that_loses_an_entry_is_told_of_once() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        bench.events.eagerness = 0.02;
        (1..=4).for_each(|cq| bench.start(cq, 2));
        for _ in 0..60 {
            let (input, cq) = (bench.rng.random_range(0..2), bench.rng.random_range(1..5));
            let qp = bench.rng.random_range(0..QP_COUNT as u64);
            bench.complete_of(input, cq, qp, 1, kind::SEND);
            if bench.rng.random_bool(0.3) {
                let cq = bench.rng.random_range(1..5);
                bench.consume(cq);
            }
            bench.run(20);
        }
        bench.events.eagerness = 1.0;
        bench.run(3000);
        let mut told: Vec<u64> = bench.events.got.iter().map(|event| event.qp.to_u64()).collect();
        told.sort_unstable();
        let count = told.len();
        told.dedup();
        assert_eq!(told.len(), count, "SEED={seed}: told twice");
        assert!(count >= bench.overflows && bench.overflows > 0, "SEED={seed}");
        for queue in bench.queues.values() {
            let lost = queue.got.iter().filter(|entry| entry.kind == kind::OVERFLOW).count();
            let last = queue.got.last().map(|entry| entry.kind);
            assert!(lost <= 1 && (lost == 0 || last == Some(kind::OVERFLOW)), "SEED={seed}");
        }
    }
}

/// A fence is told behind every entry that was handed in before it, and only when it is out.
#[test]
fn a_fence_comes_behind_what_was_there() {
    for seed in seeds() {
        let mut bench = Bench::new(seed);
        bench.start(3, 10);
        bench.start(4, 10);
        let mut fences = 0;
        for _ in 0..12 {
            for _ in 0..bench.rng.random_range(0..4) {
                let (input, cq) = (bench.rng.random_range(0..3), bench.rng.random_range(3..5));
                bench.complete(input, cq);
            }
            // What stands at the inputs now was there before the fence.
            bench.inputs.iter_mut().take(3).for_each(|input| input.eagerness = 1.0);
            bench.inputs[3].eagerness = 1.0;
            let before: Vec<_> =
                bench.inputs[..3].iter().filter_map(|input| input.queue.front().copied()).collect();
            fences += 1;
            bench.fence(4, fences);
            while bench.fences.len() < fences as usize {
                bench.clock();
            }
            let writes = &bench.writes[..bench.fences[fences as usize - 1]];
            let entries: Vec<_> = writes
                .iter()
                .map(|(_, octets)| CompletionEntry::from_bytes(octets[..].try_into().unwrap()))
                .collect();
            let last = entries.last().unwrap();
            assert_eq!((last.kind, u64::from(last.request)), (kind::FENCE, fences), "SEED={seed}");
            assert_eq!((last.qp, last.generation), (0, 0));
            for completion in before {
                let expected = entry(&completion, true);
                assert!(entries.contains(&expected), "SEED={seed}: the fence has overtaken");
            }
        }
    }
}

/// The bus is held, the queue is stopped, a fence is asked for: it is told when the entry that was
/// on its way is out, and nothing follows; be it that nobody reads the fence's own entry.
#[test]
fn a_fence_waits_for_the_bus() {
    for (fence_cq, runs) in [(4, true), (3, false), (7, false)] {
        let mut bench = Bench::new(7);
        bench.start(3, 4);
        bench.start(4, 4);
        bench.data.eagerness = 0.0;
        for _ in 0..3 {
            bench.complete(0, 3);
        }
        bench.run(100);
        bench.command(3, false);
        bench.fence(fence_cq, 77);
        bench.run(300);
        assert!(bench.fences.is_empty(), "the entry is not out");
        bench.data.eagerness = 1.0;
        bench.run(100);
        assert_eq!(bench.queues[&3].got.len(), 1, "that which was on its way");
        assert_eq!(bench.fences, [1 + usize::from(runs)]);
        bench.complete(0, 3);
        bench.run(100);
        assert_eq!(bench.writes.len(), 1 + usize::from(runs), "nothing follows");
    }
}

/// A fence that finds its queue full is told by the register alone, and ends nobody.
#[test]
fn a_fence_that_finds_no_room_is_done() {
    let mut bench = Bench::new(9);
    bench.start(4, 1);
    bench.complete(0, 4);
    bench.run(50);
    bench.fence(4, 1);
    bench.fence(4, 2);
    bench.run(100);
    assert_eq!(kinds(&bench, 4), [kind::SEND, kind::OVERFLOW]);
    assert_eq!((bench.fences.len(), bench.events.got.len(), bench.overflows), (2, 0, 1));
    assert_eq!((bench.queues[&4].got[1].qp, bench.queues[&4].got[1].generation), (0, 0));
}
