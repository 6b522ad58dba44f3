//! What is lost is sent again: two models over a link that loses frames, and one with a peer that
//! says what the test wants it to say.

mod common;
mod mix;

use common::lossy::{Faults, Lossy};
use common::peer::{asking, read, Peer, Tcp};
use common::*;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::kind;
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use proptest::prelude::*;
use std::time::Duration;

/// `RETRANSMIT_MIN` of these tests.
const LEAST: Duration = Duration::from_millis(10);
/// The time-out before anything is measured.
const FIRST_TIMEOUT: Duration = Duration::from_millis(40);

/// The peer's window is what its acknowledgements say.
const STEADY: Wish = Wish { window: 0x7fff << PLAIN.shift, ..PLAIN };

fn repeating(me: usize, wish: Wish, retries: u8) -> Station {
    let mut station = Station::new(me);
    station.write(reg::RETRANSMIT_MIN, LEAST.as_micros() as u32);
    station.start(&QueuePairContext { retries, ..context(me, wish) });
    station
}

fn pair(wish: Wish, retries: u8) -> (Station, Peer) {
    (repeating(0, wish, retries), Peer::new(wish))
}

fn sent(frames: Vec<Vec<u8>>) -> Vec<Tcp> {
    frames.iter().map(|frame| read(frame)).collect()
}

/// The sequence numbers of segments with data.
fn data(frames: Vec<Vec<u8>>) -> Vec<u32> {
    let segments = sent(frames).into_iter().filter(|segment| !segment.payload.is_empty());
    segments.map(|segment| segment.sequence).collect()
}

/// A pure acknowledgement of what came before a sequence number.
fn acknowledge(peer: &Peer, station: &mut Station, acknowledged: u32) {
    let segment = Tcp { acknowledged, ..peer.plain() };
    peer.emit(station, &segment);
}

/// The numbers of the requests that are done, and of the receives; both in order.
fn done(station: &mut Station) -> [Vec<u16>; 2] {
    let entries = station.completions();
    let of = |kind| {
        let entries = entries.iter().filter(|entry| entry.kind == kind);
        entries.map(|entry| entry.request).collect()
    };
    assert!(entries.iter().all(|entry| entry.status == status::SUCCESS), "{entries:?}");
    [of(kind::SEND), of(kind::RECEIVE)]
}

proptest! {
    /// Whatever the link loses, delays and doubles: every octet arrives, completions are in order.
    #[test]
    fn everything_arrives_over_a_link_that_loses(
        seed: u64, requests in mix::mixes(16), markers: bool, crc: bool,
        mulpdu in 128u16..1454, lost in 0u64..150, late in 0u64..100, twice in 0u64..50,
    ) {
        let wish = Wish { markers, crc, mulpdu, ..PLAIN };
        let mut stations = [0, 1].map(|me| repeating(me, wish, 15));
        mix::post(&mut stations, &requests);
        let mut link = Lossy::new(seed, Faults { lost, late, twice });
        link.run(&mut stations, Duration::from_secs(3600));
        mix::check(&mut stations, &requests)?;
        let sends = requests.iter().filter(|(what, _)| *what == 2).count() as u16;
        for station in &mut stations {
            let all: Vec<_> = (0..requests.len() as u16).collect();
            prop_assert_eq!(done(station), [all, (0..sends).collect()]);
            prop_assert_eq!(station.device.next_timer(), None);
        }
    }
}

//= rfc6298#5
//= type=test
#[test]
fn a_peer_that_never_answers_ends_the_queue_pair() {
    for retries in [1, 3, 15] {
        let (mut station, peer) = pair(STEADY, retries);
        station.post(&write_request(3000, 0, 0));
        let first = data(station.poll_at(Duration::ZERO));
        assert_eq!(first.len(), 3);
        let (mut now, mut timeout) = (Duration::ZERO, FIRST_TIMEOUT);
        for _ in 0..retries {
            now += timeout;
            assert_eq!(station.device.next_timer(), Some(now));
            assert_eq!(station.poll_at(now - Duration::from_nanos(1)).len(), 0);
            // The congestion window is one segment.
            assert_eq!(data(station.wait()), first[..1]);
            timeout = (2 * timeout).min(Duration::from_secs(60));
        }
        assert!(station.is_active());
        let end = station.wait();
        assert_eq!((end.len(), station.now), (0, now + timeout));
        let entries = station.completions();
        let sequence = peer.next;
        assert_eq!(
            (entries.len(), entries[0].kind, entries[0].status, entries[0].sequence),
            (1, kind::EVENT, status::PEER_SILENT, sequence)
        );
        assert_eq!(station.state(QP).status, status::PEER_SILENT);
        assert_eq!(station.device.next_timer(), None);
        let counted = [reg::COUNT_RETRANSMIT_TIMEOUTS, reg::COUNT_SEGMENTS_RETRANSMITTED];
        let counted = counted.map(|register| station.read(register));
        assert_eq!(counted, [u32::from(retries) + 1, retries.into()]);
    }
}

#[test]
fn without_retries_nothing_is_sent_again() {
    let (mut station, peer) = pair(STEADY, 0);
    station.post(&write_request(20_000, 0, 0));
    let first = data(station.poll_at(Duration::ZERO));
    assert_eq!(first.len(), 14, "there is no congestion window");
    (0..5).for_each(|_| acknowledge(&peer, &mut station, first[0]));
    assert_eq!(data(station.poll_at(Duration::from_secs(1000))), []);
    assert_eq!(station.device.next_timer(), None);
}

/// RFC 6582's example: two segments of one flight are lost.
//= rfc6582#3.2
//= type=test
#[test]
fn three_duplicates_and_partial_acknowledgements_repeat_a_segment_each() {
    let (mut station, peer) = pair(STEADY, 8);
    station.post(&write_request(20_000, 0, 0));
    let first = data(station.poll());
    assert_eq!(first.len(), 10, "the initial window");
    let behind = first[9].wrapping_add(1460);
    // 0 and 4 are lost.
    for _ in 0..2 {
        acknowledge(&peer, &mut station, first[0]);
    }
    assert_eq!(data(station.poll()), [behind, behind.wrapping_add(1460)], "limited transmit");
    acknowledge(&peer, &mut station, first[0]);
    assert_eq!(data(station.poll()), [first[0]]);
    // Seven of the ten have arrived, five may be under way: two that are left go out.
    for _ in 0..5 {
        acknowledge(&peer, &mut station, first[0]);
        assert!(!data(station.poll()).contains(&first[0]));
    }
    acknowledge(&peer, &mut station, first[4]);
    assert_eq!(data(station.poll())[0], first[4], "a partial acknowledgement");
    station.write(reg::QUERY_QP, QP);
    let next = station.read(reg::QUERY_SEND_NEXT);
    acknowledge(&peer, &mut station, next);
    assert_eq!(data(station.poll()), []);
    assert_eq!(station.completions().len(), 1);
    assert_eq!(station.read(reg::COUNT_SEGMENTS_RETRANSMITTED), 2);
    assert_eq!(station.read(reg::COUNT_RETRANSMIT_TIMEOUTS), 0);
}

//= rfc5681#2
//= type=test
#[test]
fn what_is_no_duplicate_repeats_nothing() {
    let (mut station, mut peer) = pair(STEADY, 8);
    station.post(&write_request(6000, 0, 0));
    let first = data(station.poll());
    let plain = Tcp { acknowledged: first[0], ..peer.plain() };
    for i in 0..6 {
        // Another window each time.
        peer.emit(&mut station, &Tcp { window: plain.window - i, ..plain.clone() });
    }
    peer.acknowledged = first[0];
    for _ in 0..6 {
        peer.send(&mut station, &common::peer::tagged(SINK_STAG, 0, b"data"));
    }
    for _ in 0..6 {
        acknowledge(&peer, &mut station, first[0].wrapping_sub(1));
    }
    assert_eq!(data(station.poll()), []);
    assert_eq!(station.read(reg::COUNT_SEGMENTS_RETRANSMITTED), 0);
}

//= rfc6298#3
//= type=test
#[test]
fn what_left_twice_measures_nothing() {
    let (mut station, peer) = pair(STEADY, 8);
    station.post(&write_request(100, 0, 0));
    let first = data(station.poll_at(Duration::ZERO));
    assert_eq!(data(station.wait()), first);
    assert_eq!(station.now, FIRST_TIMEOUT);
    station.write(reg::QUERY_QP, QP);
    let next = station.read(reg::QUERY_SEND_NEXT);
    acknowledge(&peer, &mut station, next);
    assert_eq!(station.device.next_timer(), None);
    station.post(&write_request(100, 0, 0));
    let now = Duration::from_secs(1);
    assert_eq!(data(station.poll_at(now)), [next]);
    assert_eq!(station.device.next_timer(), Some(now + 2 * FIRST_TIMEOUT), "still doubled");
    station.poll_at(now + Duration::from_millis(8));
    let behind = station.read(reg::QUERY_SEND_NEXT);
    acknowledge(&peer, &mut station, behind);
    station.post(&write_request(100, 0, 0));
    station.poll_at(2 * now);
    let measured = Duration::from_millis(8 + 4 * 4);
    assert_eq!(station.device.next_timer(), Some(2 * now + measured));
}

#[test]
fn a_repeated_response_asks_the_gate_again() {
    let (mut station, mut peer) = pair(STEADY, 8);
    station.fill(SOURCE, &[7; 100]);
    peer.send(&mut station, &asking(1, 100, 0, 0));
    let response = sent(station.poll_at(Duration::ZERO));
    assert_eq!(response.len(), 1);
    station.fill(SOURCE, &[8; 100]);
    let again = sent(station.wait());
    assert_eq!(again[0].sequence, response[0].sequence);
    assert_ne!(again[0].payload, response[0].payload, "it is read again");
    station.region(SOURCE_STAG, SOURCE, |region| region.remote_read = false);
    assert_eq!(station.wait().len(), 0);
    let entries = station.completions();
    assert_eq!((entries.len(), entries[0].status), (1, status::READ_RIGHTS));
}

#[test]
fn a_repeated_read_request_counts_once() {
    let (mut station, mut peer) = pair(Wish { reads: 1, ..STEADY }, 8);
    station.post(&read_request(10, 0, 0));
    station.post(&read_request(10, 0, 10));
    let first = data(station.poll_at(Duration::ZERO));
    assert_eq!(first.len(), 1);
    for _ in 0..3 {
        assert_eq!(data(station.wait()), first);
    }
    peer.acknowledged = first[0].wrapping_add(52);
    peer.send(&mut station, &common::peer::response(SINK_STAG, 0, true, &[3; 10]));
    assert_eq!(data(station.poll()), [peer.acknowledged]);
    assert_eq!(done(&mut station)[0], [0]);
}
