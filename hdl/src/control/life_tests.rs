//! Commands, events and fences.
use super::bench::{change, event, field, Bench, Told};
use crate::configuration::*;
use crate::life::QpChange;
use crate::stream::bench::seeds;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::registers::{self, FENCE, FENCED, FENCE_QUEUE};
use ironwarp_abi::{queue, status};
use rand::Rng;
use std::collections::{HashMap, HashSet, VecDeque};

#[test]
fn a_life_begins_ends_and_is_stopped() {
    let mut bench = Bench::new(1);
    bench.start(5, true);
    assert_eq!(bench.state(5), (1, true, true, 0));
    bench.events[0].queue.push_back(event(5, 1, status::MPA_CRC, 2, 7));
    bench.run(60);
    assert_eq!(bench.state(5), (1, false, true, status::MPA_CRC.into()));
    bench.start(5, false);
    assert_eq!(bench.state(5), (1, false, false, status::MPA_CRC.into()));
    bench.start(5, true);
    assert_eq!(bench.state(5), (2, true, true, 0));
    let wanted = [
        change(5, 1, true, true, true),
        change(5, 1, false, true, false),
        change(5, 1, false, false, false),
        change(5, 2, true, true, true),
    ];
    assert_eq!(bench.changes(), wanted);
    // Every other queue pair has never lived.
    for qp in (0..QP_COUNT as u32).filter(|qp| *qp != 5).take(8) {
        assert_eq!(bench.state(qp), (0, false, false, 0));
    }
}

/// A start of a queue pair that runs, or has ended, stops it first; generations wrap.
#[test]
fn a_start_of_a_started_queue_pair_stops_it_first() {
    let mut bench = Bench::new(2);
    bench.start(3, true);
    for generation in 2..260_u64 {
        bench.told.clear();
        if generation % 3 == 0 {
            bench.events[0].queue.push_back(event(3, (generation - 1) & 0xff, 1, 0, 0));
            bench.run(20);
            bench.told.clear();
        }
        bench.start(3, true);
        let now = [
            change(3, (generation - 1) & 0xff, false, false, false),
            change(3, generation & 0xff, true, true, true),
        ];
        assert_eq!(bench.changes(), now);
    }
    assert_eq!(bench.state(3), (259 & 0xff, true, true, 0));
    bench.completions.got.clear();
}

/// Changes are at least eight clocks apart, a doorbell counts from the start before it, and comes
/// before the stop behind it.
#[test]
fn changes_are_apart_and_doorbells_keep_their_place() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        bench.writes.eagerness = 1.0;
        let mut wanted = vec![];
        for n in 0..100 {
            let qp = bench.rng.random_range(0..4);
            match bench.rng.random_range(0..3) {
                0 => {
                    bench.post(CONFIGURATION.qp_doorbell(qp, 0), n);
                    wanted.push((None, qp));
                }
                enable => {
                    bench.post_start(qp, enable == 1);
                    wanted.push((Some(enable == 1), qp));
                }
            }
        }
        bench.settle();
        let mut last = None;
        let mut got: Vec<(bool, u32, bool)> = vec![];
        for (clock, told) in &bench.told {
            match told {
                Told::Change(change) => {
                    assert!(last.is_none_or(|last| clock - last >= 8), "SEED={seed}");
                    last = Some(*clock);
                    got.push((true, change.qp.to_u64() as u32, change.begins));
                }
                Told::QpBell(bell) => {
                    assert!(last.is_none_or(|last| *clock > last), "SEED={seed}");
                    got.push((false, bell.qp.to_u64() as u32, false));
                }
                other => panic!("SEED={seed}: {other:?}"),
            }
        }
        // A start may bring a stop with it.
        let mut at = 0;
        for (command, qp) in wanted {
            if command == Some(true) && !got[at].2 {
                assert_eq!((got[at].0, got[at].1), (true, qp), "SEED={seed}");
                at += 1;
            }
            let begins = command == Some(true);
            assert_eq!(got[at], (command.is_some(), qp, begins), "SEED={seed}");
            at += 1;
        }
        assert_eq!(at, got.len(), "SEED={seed}");
    }
}

/// Two reasons at once: only the first is told, and of a queue pair that is stopped none.
#[test]
fn only_the_first_event_of_a_life_is_told() {
    let mut bench = Bench::new(5);
    for qp in 0..16 {
        bench.start(qp, true);
    }
    bench.start(9, false);
    for qp in [0, 3, 9] {
        bench.events[0].queue.push_back(event(qp, 1, status::BAD_OPCODE, qp + 1, 0));
        bench.events[1].queue.push_back(event(qp, 1, status::PEER_CLOSED, qp + 1, 0x1000 + qp));
    }
    bench.run(400);
    let told: Vec<u64> = bench.completions.got.iter().map(|c| c.qp.to_u64()).collect();
    assert_eq!(told, [0, 3]);
    for completion in &bench.completions.got {
        assert_eq!(completion.kind.to_u64(), u64::from(queue::kind::EVENT));
        assert_eq!(completion.generation.to_u64(), 1);
        assert_eq!(completion.cq.to_u64(), completion.qp.to_u64() + 1);
        let closed = completion.status.to_u64() == u64::from(status::PEER_CLOSED);
        let sequence = if closed { 0x1000 + completion.qp.to_u64() } else { 0 };
        assert_eq!(completion.sequence.to_u64(), sequence);
    }
    // A queue pair that is started again can fail again.
    bench.start(3, true);
    bench.events[1].queue.push_back(event(3, 2, status::MPA_CRC, 4, 7));
    bench.run(50);
    assert_eq!(bench.state(3), (2, false, true, status::MPA_CRC.into()));
    assert_eq!(bench.completions.got.len(), 3);
}

/// Field input B3: events that wait for the completion writer are of an old life when they come
/// to it. The stop and the start come at every clock around the events.
#[test]
fn an_event_of_an_old_life_has_no_say_in_a_new_one() {
    let (mut old, mut ended) = (0, 0);
    for wait in 0..40 {
        let mut bench = Bench::new(6);
        (bench.writes.eagerness, bench.completions.eagerness) = (1.0, 0.0);
        bench.events[0].queue.clear();
        bench.start(4, true);
        bench.start(5, true);
        bench.events[0].eagerness = 1.0;
        bench.events[0].queue.push_back(event(4, 1, status::LOCAL_STAG, 1, 0));
        bench.events[0].queue.push_back(event(5, 1, status::LOCAL_STAG, 1, 0));
        bench.run(wait);
        bench.post_start(5, false);
        bench.post_start(5, true);
        bench.run(100);
        bench.completions.eagerness = 1.0;
        bench.run(100);
        assert_eq!(bench.state(5), (2, true, true, 0), "{wait}: the new life goes on");
        assert_eq!(bench.state(4), (1, false, true, status::LOCAL_STAG.into()), "{wait}");
        let told: Vec<_> = bench.completions.got.iter().map(|c| c.qp.to_u64()).collect();
        assert_eq!(told, [4], "{wait}: the entry of 4 is held, so the event of 5 waits");
        old += 1;
        // Its own event does end it.
        bench.events[1].queue.push_back(event(5, 2, status::PEER_RESET, 1, 0));
        bench.run(60);
        ended += usize::from(!bench.state(5).1);
    }
    assert_eq!((old, ended), (40, 40));
}

/// An event at every clock offset to a command: the changes are those of one order or the other,
/// and what the register shows is the last of them.
#[test]
fn events_race_with_commands() {
    for enable in [false, true] {
        let (mut before, mut after) = (0, 0);
        for wait in 0..60 {
            let mut bench = Bench::new(7);
            (bench.writes.eagerness, bench.completions.eagerness) = (1.0, 1.0);
            bench.events[1].eagerness = 1.0;
            bench.start(2, true);
            bench.told.clear();
            for clock in 0..150 {
                if clock == 30 {
                    bench.post_start(2, enable);
                }
                if clock == wait {
                    bench.events[1].queue.push_back(event(2, 1, status::DDP_MSN, 0, 0));
                }
                bench.clock();
            }
            let ends = change(2, 1, false, true, false);
            let mut wanted = vec![change(2, 1, false, false, false)];
            wanted.extend(enable.then(|| change(2, 2, true, true, true)));
            let got = bench.changes();
            match got.first() == Some(&ends) {
                true => {
                    before += 1;
                    assert_eq!(got[1..], wanted, "{wait}");
                    assert_eq!(bench.completions.got.len(), 1, "{wait}");
                }
                false => {
                    after += 1;
                    assert_eq!(got, wanted, "{wait}");
                    assert!(bench.completions.got.is_empty(), "{wait}");
                }
            }
            let last: QpChange = *got.last().unwrap();
            let (generation, active, started, _) = bench.state(2);
            assert_eq!(u64::from(generation), last.generation.to_u64(), "{wait}");
            assert_eq!((active, started), (last.active, last.started), "{wait}");
        }
        assert!(before > 10 && after > 10, "{before} {after}");
    }
}

/// Random commands and events against a model of lives.
#[test]
fn lives_agree_with_a_model() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        // What was told last of each, and what a change may be after it.
        let mut lives: HashMap<u64, QpChange> = HashMap::new();
        let mut pending: VecDeque<(u64, u64)> = VecDeque::new();
        for _ in 0..300 {
            let qp = bench.rng.random_range(0..6_u64);
            let now = lives.get(&qp).map_or(0, |life| life.generation.to_u64());
            match bench.rng.random_range(0..4) {
                0 => bench.post_start(qp as u32, true),
                1 => bench.post_start(qp as u32, false),
                _ => {
                    let late = bench.rng.random_range(0..3_u64);
                    let of = now.wrapping_sub(late) & 0xff;
                    let input = bench.rng.random_range(0..3);
                    bench.events[input].queue.push_back(event(qp, of, 1, 1, 0));
                    pending.push_back((qp, of));
                }
            }
            let clocks = bench.rng.random_range(0..40);
            let seen = bench.told.len();
            bench.run(clocks);
            for (_, told) in bench.told[seen..].iter().copied() {
                let Told::Change(change) = told else { continue };
                let qp = change.qp.to_u64();
                let old = lives.get(&qp).copied().unwrap_or_default();
                let generation = old.generation.to_u64() + u64::from(change.begins);
                assert_eq!(change.generation.to_u64(), generation & 0xff, "SEED={seed}");
                let ends = change.started && !change.active;
                assert!(!change.begins || !old.started, "SEED={seed}: it is not stopped first");
                assert!(!ends || old.active, "SEED={seed}: it ends twice");
                let of = (qp, change.generation.to_u64());
                assert!(!ends || pending.contains(&of), "SEED={seed}: nobody said so");
                lives.insert(qp, change);
            }
        }
        bench.settle();
        bench.run(2000);
        let mut told = HashSet::new();
        for completion in &bench.completions.got {
            let life = (completion.qp.to_u64(), completion.generation.to_u64());
            assert!(told.insert(life), "SEED={seed}: told twice");
        }
        let ends = bench.changes().iter().filter(|change| change.started && !change.active).count();
        assert_eq!(told.len(), ends, "SEED={seed}");
        assert!(ends > 3, "SEED={seed}");
    }
}

/// Who has lost an entry ends, and its own completion queue is told.
#[test]
fn an_overflow_is_told_to_the_receive_queue() {
    let mut bench = Bench::new(8);
    let context = QueuePairContext { send_cq: 3, receive_cq: 9, ..Default::default() };
    bench.commit(table::QUEUE_PAIR, 6, &context.to_words());
    bench.start(6, true);
    bench.events[2].queue.push_back(event(6, 1, status::CQ_OVERFLOW, 0, 0));
    bench.run(60);
    assert_eq!(bench.state(6), (1, false, true, status::CQ_OVERFLOW.into()));
    let told = bench.completions.got[0];
    assert_eq!((told.cq.to_u64(), told.qp.to_u64(), told.generation.to_u64()), (9, 6, 1));
    assert_eq!(told.status.to_u64(), u64::from(status::CQ_OVERFLOW));
}

fn fenced(bench: &mut Bench) -> (u32, bool) {
    let value = bench.register(&FENCED);
    (value & 0xffff, value >> 16 & 1 == 1)
}

fn ask(bench: &mut Bench, number: u32) {
    bench.post(FENCE.address, field(&FENCE, "number", number));
    bench.settle();
}

/// A pulse at an input.
fn pulse(bench: &mut Bench, [transmit, receive, told]: [bool; 3]) {
    bench.uut.transmit_fenced.next = transmit;
    bench.uut.receive_fenced.next = receive;
    bench.uut.fence_told.next = told;
    bench.clock();
    bench.uut.transmit_fenced.next = false;
    bench.uut.receive_fenced.next = false;
    bench.uut.fence_told.next = false;
    bench.run(30);
}

/// A fence is done when both engines have let it through and its entry is written.
#[test]
fn a_fence_goes_through_everything() {
    const TRANSMIT: [bool; 3] = [true, false, false];
    const RECEIVE: [bool; 3] = [false, true, false];
    const TOLD: [bool; 3] = [false, false, true];
    for order in [[TRANSMIT, RECEIVE], [RECEIVE, TRANSMIT]] {
        let mut bench = Bench::new(9);
        bench.write(FENCE_QUEUE.address, 7);
        assert_eq!(fenced(&mut bench), (0, false));
        ask(&mut bench, 0xbeef);
        assert_eq!(fenced(&mut bench), (0, true));
        assert_eq!(bench.told.iter().filter(|(_, told)| *told == Told::Fence).count(), 1);
        for side in order {
            assert!(bench.fences.got.is_empty());
            pulse(&mut bench, side);
        }
        let entry = bench.fences.got[0];
        assert_eq!((entry.cq.to_u64(), entry.request.to_u64()), (7, 0xbeef));
        assert_eq!(entry.kind.to_u64(), u64::from(queue::kind::FENCE));
        assert_eq!((entry.qp.to_u64(), entry.generation.to_u64()), (0, 0));
        assert_eq!(fenced(&mut bench), (0, true), "its entry is not written");
        pulse(&mut bench, TOLD);
        assert_eq!(fenced(&mut bench), (0xbeef, false));

        // One at a time; of those that wait the last stands for all.
        (1..=4).for_each(|number| ask(&mut bench, number));
        assert_eq!(bench.told.iter().filter(|(_, told)| *told == Told::Fence).count(), 2);
        pulse(&mut bench, [true, true, false]);
        pulse(&mut bench, TOLD);
        assert_eq!(fenced(&mut bench), (1, true));
        assert_eq!(bench.told.iter().filter(|(_, told)| *told == Told::Fence).count(), 3);
        pulse(&mut bench, [true, true, false]);
        pulse(&mut bench, TOLD);
        assert_eq!(fenced(&mut bench), (4, false));
        let numbers: Vec<_> = bench.fences.got.iter().map(|entry| entry.request.to_u64()).collect();
        assert_eq!(numbers, [0xbeef, 1, 4]);
    }
}

/// A stop and the fence behind it: the engines hear of them in this order.
#[test]
fn a_fence_stands_behind_the_stop_before_it() {
    let mut bench = Bench::new(10);
    bench.writes.eagerness = 1.0;
    bench.start(1, true);
    bench.told.clear();
    bench.post_start(2, true);
    bench.post_start(1, false);
    bench.post(registers::FENCE.address, 1);
    bench.settle();
    let told: Vec<Told> = bench.told.iter().map(|(_, told)| *told).collect();
    let stop = change(1, 1, false, false, false);
    assert_eq!(
        told,
        [Told::Change(change(2, 1, true, true, true)), Told::Change(stop), Told::Fence]
    );
}
