//! The host takes back what it gave while traffic runs.

use super::*;
use ironwarp_abi::registers::{DOORBELL_SEND, FENCED};
use ironwarp_driver::RemoteBuffer;

/// Octets that the application writes when memory is its own again.
const MINE: u8 = 0xee;
const OVERFLOW: Reason = Reason::QueuePair(Status(ironwarp_abi::status::CQ_OVERFLOW));

/// A writes one region to another of B's, over and over; some of it has arrived.
struct Flood {
    pair: Pair,
    source: MemoryRegion,
    target: MemoryRegion,
}

impl Flood {
    fn new() -> Self {
        let mut pair = Pair::new(&mut Machine::new(), 1500);
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        let source = Region::from_slice(&[0x11; BYTES]).unwrap();
        let source = pair.a.domain.register(&source, Access::LOCAL_READ).unwrap();
        let target = Region::new(BYTES).unwrap();
        let target = pair.b.domain.register(&target, Access::REMOTE_WRITE).unwrap();
        let remote: RemoteBuffer = target.remote(0);
        for id in 0..9 {
            pair.a.qp.post_send(WorkRequest::write(id, source.whole(), remote)).unwrap();
        }
        let arrived = target.region().clone();
        pair.run_until(|_| arrived.to_vec(BYTES / 2, 1).unwrap() == [0x11]);
        assert_eq!(target.region().to_vec(BYTES - 1, 1).unwrap(), [0], "it is not over");
        Self { pair, source, target }
    }

    /// Lets much more time pass than all of it would take.
    fn run(pair: &mut Pair) {
        let start = pair.a.context.now();
        while pair.a.context.now() < start + Duration::from_millis(20) {
            pair.a.poll();
            pair.b.poll();
            pair.b.context.arm().unwrap();
            pair.a.context.wait(Duration::from_micros(200)).unwrap();
        }
    }
}

/// The last fence that was asked for is done, and none is under way.
fn is_fenced(end: &End, fences: u32) {
    let fenced = end.context.function().bar_read32(FENCED.address).unwrap();
    assert_eq!(fenced, fences);
}

#[test]
fn a_region_that_was_taken_back_is_written_no_more() {
    let Flood { mut pair, target, .. } = Flood::new();
    let (region, before) = (target.region().clone(), fences(&pair.b));
    drop(target);
    is_fenced(&pair.b, before + 1);
    region.fill(MINE).unwrap();
    Flood::run(&mut pair);
    assert_eq!(region.to_vec(0, BYTES).unwrap(), [MINE; BYTES]);
    let reason = Reason::QueuePair(Status(ironwarp_abi::status::DDP_STAG));
    assert_eq!(pair.b.events, [Event::Error { qp: Some(pair.b.qp.number()), reason }]);
}

#[test]
fn a_region_that_was_taken_back_is_read_no_more() {
    let Flood { mut pair, source, target } = Flood::new();
    let (region, before) = (source.region().clone(), fences(&pair.a));
    drop(source);
    is_fenced(&pair.a, before + 1);
    region.fill(MINE).unwrap();
    Flood::run(&mut pair);
    assert!(!target.region().to_vec(0, BYTES).unwrap().contains(&MINE), "it was sent");
    let reason = Reason::QueuePair(Status(ironwarp_abi::status::LOCAL_STAG));
    assert_eq!(pair.a.events, [Event::Error { qp: Some(pair.a.qp.number()), reason }]);
}

/// Behind the end of a queue pair the device neither writes for it nor reads what it was to send,
/// though the regions are there still.
#[test]
fn a_queue_pair_that_was_stopped_moves_nothing() {
    let replacement = |end: &End| {
        let cq = end.context.completion_queue(200).unwrap();
        end.domain.queue_pair(&QueuePairOptions::new(&cq)).unwrap()
    };
    let Flood { mut pair, target, source } = Flood::new();
    let idle = replacement(&pair.b);
    drop(std::mem::replace(&mut pair.b.qp, idle));
    target.region().fill(MINE).unwrap();
    Flood::run(&mut pair);
    assert_eq!(target.region().to_vec(0, BYTES).unwrap(), [MINE; BYTES]);
    drop(source);

    let Flood { mut pair, target, source } = Flood::new();
    let idle = replacement(&pair.a);
    drop(std::mem::replace(&mut pair.a.qp, idle));
    source.region().fill(MINE).unwrap();
    Flood::run(&mut pair);
    assert!(!target.region().to_vec(0, BYTES).unwrap().contains(&MINE), "it was sent");
}

fn fences(end: &End) -> u32 {
    end.context.function().bar_read32(FENCED.address).unwrap()
}

/// Eight completions into a queue of eight places, of which one is for saying that it is full: the
/// driver never lets it come to that, so the doorbell is rung behind its back.
#[test]
fn an_overflow_ends_the_queue_pairs_of_the_queue() {
    let mut pair = Pair::new(&mut Machine::new(), 1500);
    let small = pair.a.context.completion_queue(7).unwrap();
    let options =
        QueuePairOptions { send_entries: 1, receive_entries: 1, ..QueuePairOptions::new(&small) };
    pair.a.qp = pair.a.domain.queue_pair(&options).unwrap();
    pair.a.cq = small;
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    let empty = pair.a.memory.buffer(0, 0).unwrap();
    let remote = pair.b.memory.remote(0);
    pair.a.qp.post_send(WorkRequest::write(1, empty, remote)).unwrap();
    let doorbell = pair.a.context.configuration().qp_doorbell(pair.a.qp.number(), DOORBELL_SEND);
    // A ring of one entry says the same eight times.
    pair.a.context.function().bar_write32(doorbell, 8).unwrap();
    // Time passes, and the driver looks at nothing.
    for _ in 0..10 {
        pair.a.context.function().wait(Duration::from_micros(200)).unwrap();
    }
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    let ended = |end: &End, reason| Event::Error { qp: Some(end.qp.number()), reason };
    assert_eq!(pair.a.events, [ended(&pair.a, OVERFLOW)]);
    assert_eq!(pair.b.events, [ended(&pair.b, Reason::Reset)]);
    assert_eq!(pair.a.completions.iter().filter(|done| done.status == Status::SUCCESS).count(), 1);
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Error);
    pair.a.qp.reset().unwrap();
}
