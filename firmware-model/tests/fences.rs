//! Fences: what they wait for, what they promise, and how the host is told.

mod common;

use common::peer::{asking, tagged, untagged, Peer};
use common::*;
use ironwarp_abi::context::{table, CompletionQueueContext};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;

fn fenced(number: u16) -> CompletionEntry {
    CompletionEntry { kind: kind::FENCE, request: number, ..CompletionEntry::default() }
}

fn station() -> Station {
    let mut station = Station::new(0);
    station.write(reg::FENCE_QUEUE, CQ);
    station.start(&context(0, PLAIN));
    station
}

/// FENCED: the number, and whether one is under way.
fn shown(station: &Station) -> (u32, bool) {
    let word = station.read(reg::FENCED);
    assert_eq!(word & 0xfffe_0000, 0);
    (word & 0xffff, word >> 16 != 0)
}

/// Does what there is to do, and leaves the frames where they are.
fn work(station: &mut Station) -> bool {
    !station.device_rests()
}

#[test]
fn a_fence_with_nothing_before_it_is_done_at_once() {
    let mut station = station();
    assert_eq!((shown(&station), station.read(reg::FENCE)), ((0, false), 0));
    for number in [7, 7, 0, 0xffff] {
        station.write(reg::FENCE, 0xabcd_0000 | number);
        assert_eq!(shown(&station), (number, false));
        assert_eq!(station.completions(), [fenced(number as u16)]);
    }
}

#[test]
fn a_fence_waits_until_the_frames_of_before_are_taken() {
    let mut station = station();
    station.post(&write_request(8, 0, 0));
    assert!(!work(&mut station), "made, not taken");
    station.write(reg::FENCE, 1);
    assert_eq!((shown(&station), station.completions()), ((0, true), vec![]));
    assert!(work(&mut station), "there is more to do once the frame is taken");
    assert_eq!(shown(&station), (0, true));
    assert_eq!(station.device.take_frames().len(), 1);
    // What is made behind it does not hold it back.
    station.post(&write_request(8, 0, 0));
    assert!(!work(&mut station));
    assert_eq!((shown(&station), station.completions()), ((1, false), vec![fenced(1)]));
    assert_eq!(station.device.take_frames().len(), 1);
}

#[test]
fn of_the_fences_that_wait_the_last_stands_for_all() {
    let mut station = station();
    station.post(&write_request(8, 0, 0));
    work(&mut station);
    (1..=4).for_each(|number| station.write(reg::FENCE, number));
    assert_eq!(shown(&station), (0, true));
    assert_eq!(station.poll().len(), 1);
    station.poll();
    assert_eq!((shown(&station), station.completions()), ((4, false), vec![fenced(1), fenced(4)]));
}

#[test]
fn the_entry_is_behind_those_of_before_and_interrupts() {
    let mut station = station();
    let mut peer = Peer::new(PLAIN);
    station.post_receive(QP, &buffer(10, 0));
    station.ring_cq(CQ, reg::DOORBELL_ARM, 0);
    peer.send(&mut station, &untagged(1, 0, true, b"x"));
    assert_eq!(std::mem::take(&mut station.memory.interrupts), [0xabc]);
    station.write(reg::FENCE, 9);
    assert_eq!(station.poll().len(), 1, "the acknowledgement");
    station.ring_cq(CQ, reg::DOORBELL_ARM, 0);
    assert_eq!(std::mem::take(&mut station.memory.interrupts), [0xabc]);
    let kinds: Vec<_> = station.completions().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [kind::RECEIVE, kind::FENCE]);
    station.ring_cq(CQ, reg::DOORBELL_ARM, 0);
    station.write(reg::FENCE, 10);
    assert_eq!(
        (station.memory.interrupts.clone(), station.completions()),
        (vec![0xabc], vec![fenced(10)])
    );
}

/// There is no room for the entry: the register says it alone, and the queue has overflowed.
#[test]
fn a_fence_finds_its_queue_full_or_stopped() {
    let mut station = station();
    let queue = CompletionQueueContext { ring: MEMORY + 0x1_8000, log2: 0, vector: VECTOR };
    station.commit(table::COMPLETION_QUEUE, 5, &queue.to_words());
    station.write(reg::FENCE_QUEUE, 5);
    station.write(reg::FENCE, 3);
    assert_eq!(
        (shown(&station), station.read(reg::COUNT_CQ_OVERFLOWS)),
        ((3, false), 0),
        "stopped"
    );
    station.write(reg::CQ_CONTROL, 5 | ENABLE);
    station.write(reg::FENCE, 4);
    assert_eq!((shown(&station), station.read(reg::COUNT_CQ_OVERFLOWS)), ((4, false), 1));
    let bytes = station.octets(0x1_8000, CompletionEntry::BYTES);
    let overflow = CompletionEntry {
        kind: kind::OVERFLOW,
        status: status::CQ_OVERFLOW,
        phase: true,
        ..CompletionEntry::default()
    };
    assert_eq!(CompletionEntry::from_bytes(&bytes.try_into().unwrap()), overflow);
    assert!(station.is_active(), "no queue pair is meant");
}

/// A region is invalidated while a response is read from it and a message is written to it. Behind
/// the fence the device touches it no more, and no frame with its octets leaves.
#[test]
fn behind_a_fence_a_region_that_was_taken_back_is_left_alone() {
    let mut station = station();
    let mut peer = Peer::new(Wish { shift: 0, ..PLAIN });
    station.memory.watched = SOURCE..SOURCE + u64::from(REGION_BYTES);
    station.fill(SOURCE, &pattern(40_000, 1));
    peer.send(&mut station, &asking(1, 40_000, 0, 0));
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"before"));
    work(&mut station);
    assert_ne!(station.memory.touched[0], 0);
    for stag in [SOURCE_STAG, SINK_STAG] {
        station.region(stag, 0, |region| region.valid = false);
    }
    station.write(reg::FENCE, 1);
    assert!(shown(&station).1, "frames with its octets wait");
    assert!(!station.device.take_frames().is_empty());
    station.memory.touched = [0; 2];
    work(&mut station);
    assert_eq!(shown(&station), (1, false));
    peer.acknowledged = peer.acknowledged.wrapping_add(22 * 1460);
    peer.emit(&mut station, &peer.plain());
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"behind"));
    work(&mut station);
    assert_eq!(station.memory.touched, [0; 2]);
    assert_eq!(station.octets(SINK, 6), b"before");
}

/// A queue pair is stopped with work of every kind before it. Behind the fence there is nothing of
/// it: no frame, no entry, no octet, whatever arrives.
#[test]
fn behind_a_fence_nothing_is_heard_of_a_stopped_queue_pair() {
    let mut station = station();
    let mut peer = Peer::new(PLAIN);
    station.fill(SOURCE, &pattern(20_000, 1));
    station.post_receive(QP, &buffer(100, 0));
    station.post_receive(QP, &buffer(100, 100));
    (0..4).for_each(|_| station.post(&write_request(3000, 0, 0)));
    peer.send(&mut station, &untagged(1, 0, true, b"before"));
    peer.send(&mut station, &asking(1, 9000, 0, 0));
    work(&mut station);
    station.write(reg::QP_CONTROL, QP);
    station.write(reg::FENCE, 1);
    while shown(&station).1 {
        station.poll();
    }
    let entries = station.completions();
    assert_eq!(entries.last(), Some(&fenced(1)));
    let before = station.memory.octets.clone();
    peer.acknowledged = station.read(reg::QUERY_SEND_NEXT);
    station.post(&write_request(3000, 0, 0));
    station.post_receive(QP, &buffer(100, 200));
    (station.memory.watched, station.memory.touched) = (0..u64::MAX, [0; 2]);
    peer.send(&mut station, &untagged(2, 0, true, b"behind"));
    peer.send(&mut station, &asking(2, 9000, 0, 0));
    assert_eq!(station.poll(), Vec::<Vec<u8>>::new());
    assert_eq!((station.memory.touched, station.completions()), ([0; 2], vec![]));
    assert_eq!(station.memory.octets[SOURCE as usize..], before[SOURCE as usize..]);
}

/// A queue pair over someone else's TCP: what its stream has not taken yet is a copy, and holds up
/// no fence, or a peer that does not read could.
#[test]
fn a_stream_that_does_not_move_holds_up_no_fence() {
    let mut station = Station::new(0);
    station.write(reg::FENCE_QUEUE, CQ);
    let [end, _other] = common::pipe::pipe(10, 10);
    station.device.attach_stream(QP, Box::new(end)).unwrap();
    station.start(&context(0, PLAIN));
    station.post(&write_request(3000, 0, 0));
    station.poll();
    assert!(station.device.stream_wants_room(QP));
    station.write(reg::FENCE, 1);
    assert_eq!(station.completions(), [fenced(1)]);
}
