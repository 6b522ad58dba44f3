//! What is lost is sent again: two models over a link that loses frames, and one with a peer that
//! says what the test wants it to say.

mod common;
mod mix;

use common::lossy::{Faults, Lossy};
use common::peer::{asking, read, read_sack, sack, tagged, Peer, Tcp};
use common::*;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::kind;
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_model::{Congestion, Options};
use proptest::prelude::*;
use std::time::Duration;

/// `RETRANSMIT_MIN` of these tests.
const LEAST: Duration = Duration::from_millis(10);
/// The time-out before anything is measured.
const FIRST_TIMEOUT: Duration = Duration::from_millis(40);

/// The peer's window is what its acknowledgements say.
const STEADY: Wish = Wish { window: 0x7fff << PLAIN.shift, ..PLAIN };

fn station(me: usize, context: &QueuePairContext) -> Station {
    let mut station = Station::new(me);
    station.write(reg::RETRANSMIT_MIN, LEAST.as_micros() as u32);
    station.start(context);
    station
}

fn pair(wish: Wish, retries: u8) -> (Station, Peer) {
    let context = QueuePairContext { retries, ..context(0, wish) };
    (station(0, &context), Peer::new(wish))
}

/// A station that keeps what comes early, and both sides selective.
fn selective(wish: Wish) -> (Station, Peer) {
    let context = QueuePairContext { retries: 8, ..early(true, context(0, wish)) };
    (station(0, &context), Peer::new(wish))
}

/// With a ring for what comes early.
fn early(sack: bool, context: QueuePairContext) -> QueuePairContext {
    let reassembly = MEMORY + EARLY;
    QueuePairContext { sack, reassembly_log2: EARLY_LOG2, reassembly, ..context }
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
        rings: [bool; 2], sack: bool,
    ) {
        let wish = Wish { markers, crc, mulpdu, window: EARLY_BYTES, ..PLAIN };
        let mut stations = [0, 1].map(|me| {
            let context = QueuePairContext { retries: 15, ..context(me, wish) };
            let context = if rings[me] { early(sack, context) } else { context };
            station(me, &QueuePairContext { sack, ..context })
        });
        mix::post(&mut stations, &requests);
        let mut link = Lossy::new(seed, Faults { lost, late, twice });
        link.run(&mut stations, Duration::from_secs(1 << 20));
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

/// A megabyte, one frame of a hundred lost: with selective acknowledgements no more leaves again
/// than was lost, and the timer is needed for the last segments at most.
#[test]
fn little_leaves_again_that_was_not_lost() {
    let algorithms = [Congestion::NewReno, Congestion::Cubic].into_iter().cycle();
    for (seed, congestion) in (0..40).zip(algorithms) {
        let wish = Wish { window: EARLY_BYTES, ..PLAIN };
        let mut stations = [0, 1].map(|me| {
            let mut station = Station::with(me, Options { congestion, ..Options::default() });
            let context = QueuePairContext { retries: 8, ..context(me, wish) };
            station.write(reg::RETRANSMIT_MIN, LEAST.as_micros() as u32);
            station.start(&early(true, context));
            station
        });
        let source = pattern(50_000, seed as u8);
        stations[0].fill(SOURCE, &source);
        (0..20).for_each(|_| stations[0].post(&write_request(50_000, 0, 0)));
        let mut link = Lossy::new(seed, Faults { lost: 10, ..Faults::default() });
        link.run(&mut stations, Duration::from_secs(10));
        let [repeated, timeouts] =
            [reg::COUNT_SEGMENTS_RETRANSMITTED, reg::COUNT_RETRANSMIT_TIMEOUTS]
                .map(|register| stations[0].read(register) as usize);
        assert_eq!(done(&mut stations[0])[0].len(), 20, "seed {seed}");
        assert_eq!(stations[1].octets(SINK, 50_000), source, "seed {seed}");
        let lost = link.lost;
        assert!(repeated <= lost && timeouts <= 2, "seed {seed}: {repeated} {lost} {timeouts}");
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
        peer.send(&mut station, &tagged(SINK_STAG, 0, b"data"));
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

//= rfc9293#3.8.6.1
//= type=test
#[test]
fn a_shut_window_is_probed_for_as_long_as_the_peer_answers() {
    let (mut station, peer) = pair(Wish { window: 0, ..PLAIN }, 2);
    station.post(&write_request(100, 0, 0));
    assert_eq!(station.poll_at(Duration::ZERO).len(), 0);
    let una = context(0, PLAIN).send_next;
    let shut = Tcp { acknowledged: una, window: 0, ..peer.plain() };
    let mut timeout = FIRST_TIMEOUT;
    for _ in 0..20 {
        let probes = sent(station.wait());
        assert_eq!(probes.len(), 1);
        assert_eq!((probes[0].sequence, probes[0].payload.len()), (una.wrapping_sub(1), 0));
        timeout = (2 * timeout).min(Duration::from_secs(60));
        assert_eq!(station.device.next_timer(), Some(station.now + timeout));
        peer.emit(&mut station, &shut);
    }
    peer.emit(&mut station, &Tcp { window: 100, ..shut });
    assert_eq!(data(station.poll()), [una]);
    assert_eq!(station.device.next_timer(), Some(station.now + FIRST_TIMEOUT));
    assert_eq!(station.read(reg::COUNT_RETRANSMIT_TIMEOUTS), 0, "probes are none");
}

/// A peer that takes back a window of before repeats that it is shut: it is not given up.
#[test]
fn a_window_that_shrinks_to_nothing_is_no_silence() {
    let (mut station, peer) = pair(STEADY, 2);
    station.post(&write_request(3000, 0, 0));
    let first = data(station.poll_at(Duration::ZERO));
    let shut = Tcp { acknowledged: first[0], window: 0, ..peer.plain() };
    for _ in 0..20 {
        peer.emit(&mut station, &shut);
        assert_eq!(data(station.wait()), first[..1], "the oldest alone");
    }
    acknowledge(&peer, &mut station, first[1]);
    assert_eq!(data(station.poll()), first[1..]);
}

#[test]
fn a_peer_that_answers_no_probe_is_silent() {
    let (mut station, _) = pair(Wish { window: 0, ..PLAIN }, 2);
    station.post(&write_request(100, 0, 0));
    station.poll_at(Duration::ZERO);
    assert_eq!((station.wait().len(), station.wait().len(), station.wait().len()), (1, 1, 0));
    assert_eq!(station.now, 7 * FIRST_TIMEOUT);
    assert_eq!(station.state(QP).status, status::PEER_SILENT);
}

/// A window that is never as large as a segment: half of the largest one is worth a segment, and
/// less is sent when it has waited.
//= rfc9293#3.8.6.2.1
//= type=test
#[test]
fn a_small_window_gets_small_segments() {
    let (mut station, mut peer) = pair(Wish { window: 1459, shift: 0, ..PLAIN }, 8);
    station.fill(SOURCE, &pattern(3000, 5));
    station.post(&write_request(3000, 0, 0));
    let mut windows = [1459, 1459, 900, 600, 0].into_iter();
    let mut lengths = Vec::new();
    while station.is_active() && station.completions().is_empty() {
        let mut segments = sent(station.poll());
        while segments.iter().all(|segment| segment.payload.is_empty()) {
            segments = sent(station.wait());
        }
        assert_eq!(segments.len(), 1, "the window is full");
        lengths.push(segments[0].payload.len());
        peer.acknowledged = segments[0].sequence.wrapping_add(segments[0].payload.len() as u32);
        let window = windows.next().unwrap();
        peer.emit(&mut station, &Tcp { window, ..peer.plain() });
    }
    // 20 octets around the payload, and whole words.
    assert_eq!(lengths, [1456, 1456, 148]);
}

/// What the peer's window leaves is too little, but nothing else comes: it is sent all the same.
#[test]
fn the_override_timer_sends_what_a_silly_window_takes() {
    let (mut station, peer) = pair(Wish { window: 5000, shift: 0, ..PLAIN }, 8);
    station.post(&write_request(3000, 0, 0));
    let una = context(0, PLAIN).send_next;
    let small = Tcp { acknowledged: una, window: 100, ..peer.plain() };
    peer.emit(&mut station, &small);
    assert_eq!(station.poll().len(), 0);
    let segments = sent(station.wait());
    assert_eq!((segments.len(), segments[0].payload.len()), (1, 100));
    // A Read Request is one segment whatever the window: it is probed for.
    let (mut station, peer) = pair(Wish { window: 5000, shift: 0, ..PLAIN }, 8);
    station.post(&read_request(3000, 0, 0));
    peer.emit(&mut station, &Tcp { window: 51, ..small.clone() });
    assert_eq!((station.poll().len(), sent(station.wait())[0].payload.len()), (0, 0));
    peer.emit(&mut station, &Tcp { window: 52, ..small });
    assert_eq!(data(station.poll()), [una]);
}

#[test]
fn a_rest_brings_the_initial_window_back() {
    let (mut station, mut peer) = pair(STEADY, 8);
    for (moment, count) in [(0, 10), (5, 20), (10, 40), (2000, 10), (2005, 20)] {
        // The time-out is 15 ms by then at most.
        let now = Duration::from_millis(moment);
        station.post(&write_request(1440 * 60, 0, 0));
        let segments = sent(station.poll_at(now));
        assert_eq!(segments.len(), count, "{moment}");
        station.poll_at(now + Duration::from_millis(4));
        for segment in segments {
            peer.acknowledged = segment.sequence.wrapping_add(segment.payload.len() as u32);
            peer.emit(&mut station, &peer.plain());
        }
        if moment == 10 {
            // All of it, so that nothing is under way.
            loop {
                let segments = sent(station.poll_at(now + Duration::from_millis(5)));
                let Some(last) = segments.last() else { break };
                peer.acknowledged = last.sequence.wrapping_add(last.payload.len() as u32);
                peer.emit(&mut station, &peer.plain());
            }
        }
    }
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

/// What is acknowledged, and selectively, segment by segment.
type Answers<'a> = &'a [(u32, &'a [(u32, u32)])];

/// RFC 2018 s. 7: eight segments of 500 octets, of which some are lost; the FPDU is longer.
//= rfc2018#4
//= type=test
#[test]
fn the_examples_of_rfc_2018() {
    let cases: [(&[u32], Answers<'_>); 3] = [
        (&[0, 1, 2, 3], &[(500, &[]), (1000, &[]), (1500, &[]), (2000, &[])]),
        (&[1, 2, 3], &[(0, &[(500, 1000)]), (0, &[(500, 1500)]), (0, &[(500, 2000)])]),
        (
            &[0, 2, 4, 6, 3, 1],
            &[
                (500, &[]),
                (500, &[(1000, 1500)]),
                (500, &[(2000, 2500), (1000, 1500)]),
                (500, &[(3000, 3500), (2000, 2500), (1000, 1500)]),
                (500, &[(1000, 2500), (3000, 3500)]),
                (2500, &[(3000, 3500)]),
            ],
        ),
    ];
    for (segments, answers) in cases {
        let (mut station, mut peer) = selective(PLAIN);
        let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, &[7; 8000]));
        for (segment, (acknowledged, blocks)) in segments.iter().zip(answers) {
            let at = 500 * segment;
            let payload = fpdu[at as usize..][..500].to_vec();
            let sequence = peer.next.wrapping_add(at);
            peer.emit(&mut station, &Tcp { sequence, payload, ..peer.plain() });
            let frames = station.poll();
            let (answer, told) = read_sack(&frames[0]);
            assert_eq!((frames.len(), answer.acknowledged), (1, peer.next + acknowledged));
            let expected: Vec<_> =
                blocks.iter().map(|(left, right)| (peer.next + left, peer.next + right)).collect();
            assert_eq!(told, expected, "{segments:?}");
        }
    }
}

#[test]
fn the_window_may_be_the_ring_and_all_of_it_may_come_early() {
    for (sack, cut) in [(true, 1460), (false, 1460), (true, 1)] {
        let wish = Wish { window: EARLY_BYTES, ..PLAIN };
        let context = early(sack, context(0, wish));
        let (mut station, mut peer) = (station(0, &context), Peer::new(wish));
        let start = peer.next;
        let mut octets = Vec::new();
        for i in 0..44 {
            let ulpdu = tagged(SINK_STAG, 1400 * i, &pattern(1400, i as u8));
            octets.extend(peer.fpdu(&ulpdu));
        }
        let rest = octets.split_off(cut);
        // The others come in any order that is not theirs.
        for turn in [2, 0, 1] {
            for (i, part) in rest.chunks(1448).enumerate().filter(|(i, _)| i % 3 == turn) {
                let sequence = start.wrapping_add((cut + 1448 * i) as u32);
                peer.emit(&mut station, &Tcp { sequence, payload: part.to_vec(), ..peer.plain() });
            }
        }
        let answers: Vec<_> = station.poll().iter().map(|frame| read_sack(frame)).collect();
        assert_eq!(answers.len(), rest.len().div_ceil(1448), "each is answered at once");
        for (answer, blocks) in &answers {
            assert_eq!((answer.acknowledged, answer.window), (start, (EARLY_BYTES >> 3) as u16));
            assert_eq!(blocks.is_empty(), !sack);
        }
        assert_eq!(station.octets(SINK, 100), [0; 100]);
        peer.emit(&mut station, &Tcp { sequence: start, payload: octets, ..peer.plain() });
        let (answer, blocks) = read_sack(&station.poll()[0]);
        assert_eq!((answer.acknowledged, blocks), (start + (cut + rest.len()) as u32, vec![]));
        for i in 0..44 {
            assert_eq!(station.octets(SINK + 1400 * i, 1400), pattern(1400, i as u8));
        }
        assert_eq!(station.read(reg::COUNT_FPDUS_PLACED), 44);
    }
}

#[test]
fn what_the_ring_cannot_hold_is_dropped_and_answered() {
    let (mut station, peer) = selective(PLAIN);
    let sequence = peer.next + EARLY_BYTES;
    peer.emit(&mut station, &Tcp { sequence, payload: vec![1; 100], ..peer.plain() });
    let segment = Tcp { sequence: sequence - 50, payload: vec![1; 100], ..peer.plain() };
    peer.emit(&mut station, &segment);
    let answers: Vec<_> = station.poll().iter().map(|frame| read_sack(frame).1).collect();
    assert_eq!(answers, [vec![], vec![(sequence - 50, sequence)]], "as much as fits");
    assert_eq!(station.read(reg::COUNT_FRAMES_NO_ROOM), 1);
    assert_eq!(station.memory.lost, 0);
}

#[test]
fn a_ring_that_cannot_be_read_ends_the_queue_pair() {
    let bad = QueuePairContext { reassembly: 0x1000, ..early(true, context(0, PLAIN)) };
    let (mut station, mut peer) = (station(0, &bad), Peer::new(PLAIN));
    let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, &[7; 1000]));
    let first = peer.data(&fpdu[..500]);
    let second = peer.data(&fpdu[500..]);
    peer.emit(&mut station, &second);
    peer.emit(&mut station, &first);
    assert_eq!(station.completions().last().unwrap().status, status::DMA_FAULT);
}

/// Of ten segments 0, 1 and 4 are lost.
//= rfc6675#5
//= type=test
#[test]
fn blocks_say_what_is_repeated() {
    let (mut station, peer) = selective(STEADY);
    station.post(&write_request(30_000, 0, 0));
    let first = data(station.poll());
    assert_eq!(first.len(), 10);
    let tell = |station: &mut Station, acknowledged, blocks: &[(usize, usize)]| {
        let at = |place: &usize| first[0].wrapping_add(1460 * *place as u32);
        let blocks: Vec<_> = blocks.iter().map(|(left, right)| (at(left), at(right))).collect();
        let segment = Tcp { acknowledged: at(&acknowledged), ..peer.plain() };
        station.receive(&peer.frame_with(&segment, &sack(&blocks)));
        let frames = data(station.poll());
        frames.iter().map(|it| it.wrapping_sub(first[0]) / 1460).collect::<Vec<_>>()
    };
    assert_eq!(tell(&mut station, 0, &[(2, 3)]), [10], "limited transmit");
    assert_eq!(tell(&mut station, 0, &[(2, 3)]), [], "it tells nothing new");
    assert_eq!(tell(&mut station, 0, &[(2, 4)]), [11]);
    // Three have arrived behind the first two: both are lost. Twelve are out; half may be.
    assert_eq!(tell(&mut station, 0, &[(5, 6), (2, 4)]), [0]);
    assert_eq!(tell(&mut station, 0, &[(5, 8), (2, 4)]), [1]);
    assert_eq!(tell(&mut station, 0, &[(5, 10), (2, 4)]), [4, 12]);
    assert_eq!(tell(&mut station, 4, &[(5, 12)]), [13, 14, 15, 16]);
    assert_eq!(tell(&mut station, 14, &[]), [17], "three are under way, and one more may be");
    assert_eq!(station.read(reg::COUNT_SEGMENTS_RETRANSMITTED), 3);
}

/// A peer may drop what it has acknowledged selectively.
//= rfc2018#8
//= type=test
#[test]
fn a_time_out_forgets_the_blocks() {
    let (mut station, peer) = selective(STEADY);
    station.post(&write_request(4000, 0, 0));
    let first = data(station.poll_at(Duration::ZERO));
    let segment = Tcp { acknowledged: first[0], ..peer.plain() };
    let option = sack(&[(first[1], first[2].wrapping_add(1000))]);
    station.receive(&peer.frame_with(&segment, &option));
    assert_eq!(data(station.poll()), []);
    assert_eq!(data(station.wait()), first[..1]);
    acknowledge(&peer, &mut station, first[1]);
    assert_eq!(data(station.poll()), first[1..], "slow start");
}

#[test]
fn blocks_of_what_was_never_sent_mean_nothing() {
    let (mut station, peer) = selective(STEADY);
    station.post(&write_request(4000, 0, 0));
    let first = data(station.poll());
    let una = first[0];
    let segment = Tcp { acknowledged: una, ..peer.plain() };
    for (left, right) in [(0, 0), (5, 4), (1, 100_000), (1 << 31, 1 << 31 | 9), (u32::MAX, 1)] {
        let block = (una.wrapping_add(left), una.wrapping_add(right));
        let frame = peer.frame_with(&segment, &sack(&[block; 4]));
        (0..4).for_each(|_| station.receive(&frame));
        assert_eq!(data(station.poll()), [], "{block:?}");
    }
}
