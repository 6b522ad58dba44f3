//! The completion writer against a host that consumes, arms and waits.
use super::bench::{entry, Bench};
use super::{Completion, CompletionWriter};
use crate::configuration::CQ_COUNT;
use crate::control::records::MsixMessage;
use crate::stream::bench::seeds;
use rand::Rng;
use rust_hdl::prelude::*;

#[test]
fn entries_land_in_their_place_with_their_phase() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        let queues: Vec<u64> =
            (0..CQ_COUNT as u64).filter(|_| bench.rng.random()).take(20).chain([5]).collect();
        for &cq in &queues {
            let log2 = bench.rng.random_range(1..5);
            bench.start(cq, log2);
        }
        let mut sent: Vec<Completion> = vec![];
        for _ in 0..60 {
            let input = bench.rng.random_range(0..3);
            let cq = queues[bench.rng.random_range(0..queues.len())];
            sent.push(bench.complete(input, cq));
            // One at a time, so that no queue overflows.
            let (before, since) = (bench.written, bench.clocks);
            while bench.written == before {
                bench.clock();
                assert!(bench.clocks - since < 2000, "SEED={seed}: stuck");
            }
            bench.consume(cq);
        }
        assert_eq!((bench.overflows, bench.interrupted), (0, 0), "SEED={seed}");
        for (cq, queue) in &bench.queues {
            let expected = sent.iter().filter(|completion| completion.cq.to_u64() == *cq);
            let expected: Vec<_> = expected
                .enumerate()
                .map(|(n, completion)| entry(completion, n >> queue.context.log2 & 1 == 0))
                .collect();
            assert_eq!(queue.got, expected, "SEED={seed}");
        }
    }
}

#[test]
fn stopped_queues_take_nothing_and_start_empty() {
    let mut bench = Bench::new(2);
    bench.complete(1, 7);
    bench.run(100);
    assert!(bench.writes.is_empty());
    for _ in 0..2 {
        bench.start(7, 2);
        for _ in 0..3 {
            bench.complete(1, 7);
        }
        bench.run(200);
        assert_eq!((bench.queues[&7].got.len(), bench.overflows), (3, 0));
        bench.command(7, false);
        bench.complete(1, 7);
        bench.run(100);
        assert_eq!((bench.queues[&7].got.len(), bench.overflows), (3, 0));
    }
}

#[test]
fn an_armed_queue_interrupts_once_behind_its_entry() {
    let mut bench = Bench::new(3);
    bench.start(2, 4);
    bench.start(9, 4);
    bench.complete(0, 2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 0, "not armed");
    bench.arm(2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "an entry waits");
    bench.complete(0, 2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "armed no more");
    bench.consume(2);
    bench.arm(2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "nothing waits");
    for _ in 0..3 {
        bench.complete(1, 2);
        bench.complete(1, 9);
    }
    // The interrupt comes when the entry was taken, not before.
    while bench.queues[&2].interrupts == 1 {
        let taken = bench.queues[&2].got.len();
        bench.clock();
        assert!(bench.queues[&2].interrupts == 1 || taken == 3);
    }
    bench.run(300);
    assert_eq!((bench.queues[&2].interrupts, bench.queues[&9].interrupts), (2, 0));
}

/// Starting a queue disarms it, at whatever moment the start comes.
#[test]
fn a_start_disarms() {
    for wait in 0..12 {
        let mut bench = Bench::new(8);
        bench.start(9, 4);
        bench.arm(9);
        bench.run(wait + 1);
        bench.start(9, 4);
        bench.complete(1, 9);
        bench.run(100);
        assert_eq!(bench.queues[&9].got.len(), 1, "{wait}");
        assert_eq!(bench.queues[&9].interrupts, 0, "{wait}");
        bench.arm(9);
        bench.run(50);
        assert_eq!(bench.queues[&9].interrupts, 1, "{wait}");
    }
}

/// The host sleeps only when it has armed and consumed all, and is always woken.
#[test]
fn no_wake_up_is_lost() {
    for seed in seeds().into_iter().take(6) {
        let mut bench = Bench::new(seed);
        bench.start(6, 7);
        let (mut sent, mut seen) = (0, 0);
        while seen < 80 {
            let before = bench.queues[&6].interrupts;
            bench.consume(6);
            seen = bench.queues[&6].consumed;
            bench.arm(6);
            let mut waited = 0;
            while bench.queues[&6].interrupts == before && sent < 80 || waited < 3 {
                if sent < 80 && bench.rng.random_bool(0.05) {
                    bench.complete(sent % 3, 6);
                    sent += 1;
                }
                bench.clock();
                waited += 1;
                assert!(waited < 3000, "SEED={seed}: the host sleeps for ever");
            }
            if sent == 80 {
                bench.run(400);
                assert!(seen == 80 || bench.queues[&6].interrupts > before, "SEED={seed}");
            }
        }
    }
}

#[test]
fn messages_are_writes_of_one_double_word() {
    let mut bench = Bench::new(4);
    bench.start(1, 3);
    for n in 0..5u64 {
        bench.complete(0, 1);
        bench.messages.queue.push_back(MsixMessage {
            address: (0xfee0_0000 + 4 * n).to_bits(),
            data: (0x4000 + n).to_bits(),
        });
    }
    bench.run(500);
    assert_eq!((bench.interrupted, bench.written), (5, 5));
    let messages = bench.writes.iter().filter(|(_, octets)| octets.len() == 4);
    for (n, (address, octets)) in messages.enumerate() {
        assert_eq!(*address, 0xfee0_0000 + 4 * n as u64);
        assert_eq!(octets[..], (0x4000 + n as u32).to_le_bytes());
    }
}

#[test]
fn an_entry_takes_less_than_twelve_clocks() {
    let mut bench = Bench::new(5);
    bench.requests.eagerness = 1.0;
    bench.data.eagerness = 1.0;
    bench.start(1, 8);
    for _ in 0..100 {
        bench.complete(0, 1);
    }
    bench.inputs[0].eagerness = 1.0;
    let start = bench.clocks;
    while bench.written < 100 {
        bench.clock();
    }
    assert!(bench.clocks - start < 1200, "{}", bench.clocks - start);
}

#[test]
fn the_kernels_and_the_verilog_are_sound() {
    crate::queue::elaborate("complete", &mut CompletionWriter::default());
}
