//! Where a queue pair's life ends: fences, entries of other generations, and overflow.

use super::*;
use crate::pci::PciFunction;
use ironwarp_abi::queue::{kind, CompletionEntry};

const DELAY: Duration = Duration::from_millis(2);
const OVERFLOW: Reason = Reason::QueuePair(Status(status::CQ_OVERFLOW));

/// The next fence of an end takes a while, and before it is done the device writes here.
fn write_late(end: &End, bus_address: u64) -> Duration {
    end.fake.delay_fences(DELAY);
    end.fake.write_before_fence(bus_address, &[0x5a; 8]);
    end.fake.now()
}

/// The write found its memory, and nothing is there any more.
fn is_over(fake: &Fake, since: Duration, bus_address: u64) {
    assert!(fake.now() >= since + DELAY, "nobody waited");
    assert!(!fake.is_mapped(bus_address), "it is still mapped");
    assert_eq!(fake.complaints(), Vec::<String>::new());
}

#[test]
fn a_queue_pair_is_dropped_behind_the_fence() {
    let pair = Pair::connected();
    let End { fake, context, qp, cq, memory, .. } = pair.a;
    let at = fake.queue_pair(qp.number()).unwrap().send_queue;
    fake.delay_fences(DELAY);
    fake.write_before_fence(at, &[0x5a; 8]);
    let start = fake.now();
    drop(qp);
    is_over(&fake, start, at);
    // Of the rest, each has a fence of its own.
    let at = fake.completion_queue(cq.number()).ring;
    fake.write_before_fence(at, &[0x5a; 8]);
    let start = fake.now();
    drop(cq);
    is_over(&fake, start, at);
    let at = fake.memory_region(1).bus_address;
    fake.write_before_fence(at, &[0x5a; 8]);
    let start = fake.now();
    drop(memory);
    is_over(&fake, start, at);
    // The driver's own memory goes last: the pool of the raw queue.
    let at = fake.memory_region(0).bus_address;
    fake.write_before_fence(at, &[0x5a; 8]);
    let start = fake.now();
    drop((pair.a._domain, context));
    is_over(&fake, start, at);
}

/// The application hears that a connection has ended when its buffers are its own again.
#[test]
fn the_end_is_told_behind_the_fence() {
    for by_error in [true, false] {
        let mut pair = Pair::connected();
        pair.a.post_receive(3);
        let at = pair.a.fake.memory_region(1).bus_address;
        let start = write_late(&pair.a, at);
        match by_error {
            true => pair.a.fake.event(pair.a.qp.number(), status::DDP_STAG, 0),
            false => pair.a.context.disconnect(&pair.a.qp).unwrap(),
        }
        let flushed = loop {
            pair.a.poll();
            pair.b.poll();
            if let [flushed] = pair.a.cq.poll(9).unwrap()[..] {
                break flushed;
            }
            pair.a.context.wait(Duration::from_micros(200)).unwrap();
        };
        assert_eq!((flushed.id, flushed.status), (3, Status::FLUSHED));
        assert!(pair.a.fake.now() >= start + DELAY, "the flush came at once");
        assert_eq!(pair.a.memory.region().to_vec(0, 8).unwrap(), [0x5a; 8]);
        pair.run_until(|pair| !pair.a.events.is_empty());
        pair.a.qp.reset().unwrap();
        pair.finish();
    }
}

/// A device that is gone costs its memory, and one wait.
#[test]
fn without_a_device_everything_is_let_go_and_nothing_is_unmapped() {
    let pair = Pair::connected();
    let fake = pair.a.fake.clone();
    let rings = fake.queue_pair(pair.a.qp.number()).unwrap();
    let queue = fake.completion_queue(pair.a.cq.number()).ring;
    let regions = [0, 1].map(|number| fake.memory_region(number).bus_address);
    fake.delay_fences(Duration::MAX);
    let start = fake.now();
    drop(pair);
    let waited = fake.now() - start;
    assert!(waited > DELAY && waited < Duration::from_secs(20), "{waited:?}");
    for at in [rings.send_queue, rings.receive_queue, queue].into_iter().chain(regions) {
        assert!(fake.is_mapped(at), "the device may still use {at:#x}");
    }
}

#[test]
fn a_late_entry_of_another_generation_is_nobody_s() {
    let mut pair = Pair::connected();
    let number = pair.a.qp.number();
    pair.a.post_receive(7);
    for lives_ago in [1, 2, 255] {
        let received = CompletionEntry { kind: kind::RECEIVE, length: 9, ..Default::default() };
        pair.a.fake.tell(number, received, lives_ago);
        let event =
            CompletionEntry { kind: kind::EVENT, status: status::DDP_STAG, ..Default::default() };
        pair.a.fake.tell(number, event, lives_ago);
    }
    pair.run(Duration::from_millis(5), |_| false);
    assert_eq!((pair.a.events.len(), pair.a.cq.poll(9).unwrap()), (0, vec![]));
    pair.a.fake.deliver(number, 100);
    assert_eq!(pair.a.cq.poll(9).unwrap()[0].id, 7);
    pair.finish();
}

/// A queue pair that is used again is in its next generation, whoever had its number before.
#[test]
fn generations_go_on_when_numbers_are_used_again() {
    let mut pair = Pair::connected();
    let options = StartupOptions::default();
    for life in 2..5 {
        pair.a.context.disconnect(&pair.a.qp).unwrap();
        pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        pair.a.events.clear();
        pair.b.events.clear();
        pair.b.context.unlisten(PORT).unwrap();
        // One end resets its queue pair, the other makes a new one.
        pair.b.qp.reset().unwrap();
        let number = pair.a.qp.number();
        let small = |end: &End| {
            let options = QueuePairOptions::new(&end.cq);
            end._domain.queue_pair(&QueuePairOptions { send_entries: 1, ..options }).unwrap()
        };
        // Numbers rest as long as they can: this takes all others in between.
        while {
            pair.a.qp = small(&pair.a);
            pair.a.qp.number() != number
        } {}
        let [a, _] = pair.connect(&options, &options);
        assert!(matches!(a, Event::Established { .. }), "life {life}: {a:?}");
    }
    pair.finish();
}

/// The queue takes nothing more, so nobody who completes there can go on.
#[test]
fn an_overflow_ends_all_queue_pairs_of_the_queue() {
    let mut pair = Pair::connected();
    let second = [&pair.a, &pair.b]
        .map(|end| end._domain.queue_pair(&QueuePairOptions::new(&end.cq)).unwrap());
    let options = StartupOptions::default();
    pair.a.context.connect(&second[0], peer(), &options).unwrap();
    pair.run_until(|pair| !pair.b.events.is_empty());
    let (request, _) = pair.b.take_request();
    pair.b.context.accept(request, &second[1], &options).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    pair.a.events.clear();
    pair.b.events.clear();
    pair.a.post_receive(5);

    pair.a.fake.overflow(pair.a.cq.number(), second[0].number());
    pair.run_until(|pair| pair.a.events.len() == 2 && pair.b.events.len() == 2);
    let ended = |qp: &QueuePair| Event::Error { qp: Some(qp.number()), reason: OVERFLOW };
    assert_eq!(pair.a.events, [ended(&pair.a.qp), ended(&second[0])]);
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Error);
    // What was posted is flushed all the same.
    assert_eq!(pair.a.cq.poll(9).unwrap()[0].status, Status::FLUSHED);
    let refused = pair.a._domain.queue_pair(&QueuePairOptions::new(&pair.a.cq));
    assert!(matches!(refused.err(), Some(Error::Overflowed(cq)) if cq == pair.a.cq.number()));
    // Neither can a queue pair be connected that was made before.
    pair.a.qp.reset().unwrap();
    pair.a.events.clear();
    pair.b.events.clear();
    pair.b.qp.reset().unwrap();
    pair.a.context.connect(&pair.a.qp, peer(), &options).unwrap();
    pair.run_until(|pair| !pair.b.events.is_empty());
    let (request, _) = pair.b.take_request();
    pair.b.context.accept(request, &pair.b.qp, &options).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let Event::Error { qp, reason: Reason::Local(why) } = pair.a.take_only() else {
        panic!("it was connected")
    };
    assert_eq!(qp, Some(pair.a.qp.number()));
    assert!(why.contains("overflowed"), "{why}");
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Idle);
    let fresh = pair.a.context.completion_queue(200).unwrap();
    pair.a._domain.queue_pair(&QueuePairOptions::new(&fresh)).unwrap();
    drop(second);
    pair.finish();
}

/// The raw queue's own completion queue is started again, and frames flow as before.
#[test]
fn the_raw_queue_survives_an_overflow() {
    let mut pair = Pair::new();
    pair.a.fake.overflow(0, 0);
    pair.b.fake.overflow(0, 0);
    let options = StartupOptions::default();
    let [a, b] = pair.connect(&options, &options);
    assert!(matches!(a, Event::Established { .. }), "{a:?}");
    assert!(matches!(b, Event::Established { .. }), "{b:?}");
    pair.finish();
}
