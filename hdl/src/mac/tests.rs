//! The MAC as a whole.
use super::bench::*;
use super::records::Gmii;
use crate::stream::bench::{dense, rng, seeds, Packet};
use crate::stream::Beat;
use ironwarp_abi::limits::FRAME_BYTES_MAX;
use rand::seq::IndexedRandom;
use rand::Rng;
use rust_hdl::prelude::ToBits;

/// 125 MHz both ways, and the device's clock on the board.
const BOARD: [u64; 3] = [4000, 4001, 8000];

fn frame(rng: &mut impl Rng, octets: usize) -> Vec<u8> {
    (0..octets).map(|_| rng.random()).collect()
}

/// The address of PAUSE, and of the station in these tests.
const PAUSE: [u8; 6] = [1, 0x80, 0xc2, 0, 0, 1];
const STATION: [u8; 6] = [2, 0xaa, 0xbb, 0xcc, 0, 1];

fn pause(quanta: u16) -> Vec<u8> {
    control(PAUSE, 1, quanta)
}

/// A frame of MAC Control.
fn control(to: [u8; 6], opcode: u16, quanta: u16) -> Vec<u8> {
    let tail = [opcode.to_be_bytes(), quanta.to_be_bytes()].concat();
    [&to[..], &[2, 0, 0, 0, 0, 9, 0x88, 8], &tail, &[0; 42]].concat()
}

/// A frame on the line, what the device should see of it, and which counts it adds to.
fn arrival(rng: &mut impl Rng) -> (Vec<Gmii>, Option<Packet>, [u64; 4]) {
    let octets = *[60, 61, 67, 68, 69, rng.random_range(60..200)].choose(rng).unwrap();
    let good = frame(rng, octets);
    let mut sent = closed(&good);
    let lead = rng.random_range(0..8);
    let packet = |octets: Vec<u8>, error| Some(Packet { octets, error });
    match rng.random_range(0..8) {
        0 => {
            let bit = rng.random_range(0..8 * sent.len());
            sent[bit / 8] ^= 1 << (bit % 8);
            let octets = sent[..good.len()].to_vec();
            (line(&sent, lead), packet(octets, true), [1, 0, 0, 0])
        }
        1 => {
            let mut line = line(&sent, lead);
            let octet = rng.random_range(lead + 1..lead + 1 + sent.len());
            line[octet].error = true;
            (line, packet(good, true), [1, 0, 0, 0])
        }
        2 => {
            let octets = rng.random_range(1..60);
            let good = frame(rng, octets);
            (line(&closed(&good), lead), packet(good, true), [0, 1, 0, 0])
        }
        3 => (line(&closed(&pause(rng.random_range(0..9))), lead), None, [0, 0, 1, 0]),
        4 => {
            let octets = rng.random_range(1..=4);
            let scrap = frame(rng, octets);
            (line(&scrap, lead), None, [1, 1, 0, 0])
        }
        5 => (vec![octet(0x0f, false), octet(0x55, true), Gmii::default()], None, [0; 4]),
        _ => (line(&sent, lead), packet(good, false), [0; 4]),
    }
}

#[test]
fn the_device_sees_good_frames_and_bad_ones_as_bad() {
    for seed in seeds() {
        let mut rng = rng(seed);
        let (mut line, mut packets, mut counts) = (vec![], vec![], [0; 4]);
        for _ in 0..20 {
            let (sent, packet, count) = arrival(&mut rng);
            line.extend(sent);
            packets.extend(packet);
            counts.iter_mut().zip(count).for_each(|(sum, count)| *sum += count);
        }
        let device = rng.random_range(2000..=8000);
        let seen = Bench::new([4000, 3997, device]).run(&line, 60, eager(vec![]));
        assert_eq!(seen.received, dense(&packets), "SEED={seed}");
        assert_eq!(seen.counts, counts, "SEED={seed}");
    }
}

#[test]
fn a_frame_may_be_as_long_as_the_largest_and_no_more_of_it_comes() {
    let mut rng = rng(1);
    for (octets, error) in [(FRAME_BYTES_MAX, false), (FRAME_BYTES_MAX + 40, true)] {
        let sent = line(&closed(&frame(&mut rng, octets)), 7);
        let seen = Bench::new(BOARD).run(&sent, 60, eager(vec![]));
        let got: usize = seen.received.iter().map(|beat| beat.bytes.to_u64() as usize).sum();
        assert!((FRAME_BYTES_MAX..=FRAME_BYTES_MAX + 1).contains(&got), "{got}");
        assert!(seen.received.last().is_some_and(|last| last.last && last.error == error));
        assert_eq!(seen.counts, [0, error.into(), 0, 0]);
    }
}

/// At any speed of the device down to 64 ns a beat.
#[test]
fn frames_leave_padded_checked_and_back_to_back() {
    for seed in seeds() {
        let mut rng = rng(seed);
        let packets: Vec<Packet> = (0..8)
            .map(|_| {
                let octets = rng.random_range(1..250);
                Packet { octets: frame(&mut rng, octets), error: false }
            })
            .collect();
        let device = rng.random_range(2000..=31_900);
        let mut bench = Bench::new([4000, 4003, device]);
        let clocks = packets.iter().map(|it| it.octets.len().max(60) + 24).sum::<usize>();
        let seen = bench.run(&[], clocks + 80, eager(dense(&packets)));
        let frames = heard(&seen.sent);
        assert_eq!(frames.len(), packets.len(), "SEED={seed}");
        for (frame, packet) in frames.iter().zip(&packets) {
            let mut expected = packet.octets.clone();
            expected.resize(expected.len().max(60), 0);
            assert_eq!(frame.octets, closed(&expected), "SEED={seed}");
            assert!(!frame.error);
        }
        // A short packet has fewer beats than its frame has clocks for: only then is none late.
        let full = packets.windows(2).all(|two| two[0].octets.len() % 8 == 0);
        let gaps: Vec<usize> = frames.iter().skip(1).map(|frame| frame.gap).collect();
        assert!(gaps.iter().all(|gap| *gap >= 12), "SEED={seed}: {gaps:?}");
        if device <= 8000 || full {
            assert!(gaps.iter().all(|gap| *gap == 12), "SEED={seed}: {gaps:?}");
        }
        assert_eq!(seen.counts, [0; 4], "SEED={seed}");
    }
}

#[test]
fn a_frame_that_stalls_or_failed_is_sent_as_damaged_and_the_next_is_whole() {
    let whole = Packet { octets: (0..80).collect(), error: false };
    let failed = Packet { octets: (0..80).collect(), error: true };
    for (stall, first, lost) in [(true, &whole, 1), (false, &failed, 0)] {
        let mut beats = dense(&[first.clone(), whole.clone()]).into_iter().peekable();
        let (mut clock, mut offered) = (0, false);
        let device = move |taken: bool| {
            if taken && offered {
                beats.next();
            }
            clock += 1;
            let offer = beats.peek().copied().filter(|_| !stall || !(4..60).contains(&clock));
            offered = offer.is_some();
            Device { ready: true, offer }
        };
        let seen = Bench::new(BOARD).run(&[], 500, device);
        let frames = heard(&seen.sent);
        assert_eq!(frames.len(), 2);
        assert!(frames[0].error && frames[0].octets.len() < 84);
        assert_eq!(frames[1].octets, closed(&whole.octets));
        assert!(!frames[1].error);
        assert_eq!(seen.counts, [0, 0, 0, lost]);
    }
}

#[test]
fn a_pause_frame_silences_the_line_for_its_time() {
    let packets = vec![Packet { octets: vec![7; 100], error: false }; 3];
    let mut damaged = closed(&pause(9));
    damaged[30] ^= 1;
    for (asked, silent) in [(closed(&pause(5)), true), (closed(&pause(0)), false), (damaged, false)]
    {
        let mut bench = Bench::new(BOARD);
        let seen = bench.run(&line(&asked, 7), 700, eager(dense(&packets)));
        let gaps: Vec<usize> = heard(&seen.sent).iter().skip(1).map(|frame| frame.gap).collect();
        let held = |gap: &usize| (5 * 64..=5 * 64 + 20).contains(gap);
        assert_eq!(gaps.iter().any(held), silent, "{gaps:?}");
        assert!(gaps.iter().all(|gap| *gap == 12 || held(gap)), "{gaps:?}");
        assert!(seen.received.is_empty());
    }
}

#[test]
fn a_device_that_stops_loses_frames_whole() {
    let mut rng = rng(3);
    let frames: Vec<Vec<u8>> = (0..8).map(|_| frame(&mut rng, 100)).collect();
    let sent: Vec<Gmii> = frames.iter().flat_map(|it| line(&closed(it), 7)).collect();
    let mut clock = 0;
    let seen = Bench::new(BOARD).run(&sent, 60, |_| {
        clock += 1;
        Device { ready: clock > 200, offer: None }
    });
    assert_eq!(seen.counts, [0, 0, 0, 1]);
    let ends: Vec<bool> = seen.received.iter().filter(|it| it.last).map(|it| it.error).collect();
    assert_eq!(ends.iter().filter(|error| **error).count(), 1, "{ends:?}");
    let good: Vec<Beat> = frames
        .iter()
        .flat_map(|it| dense(&[Packet { octets: it.clone(), error: false }]))
        .collect();
    // What is whole is as it was sent; the last frames are there.
    let tail: Vec<Beat> = seen.received.iter().rev().take(26).rev().copied().collect();
    assert_eq!(tail, good[good.len() - 26..]);
}

/// The quanta of two PAUSE frames and the octets of a frame that is being sent as they come; the
/// silence after it lasts as long as the second frame asks, counted from its end.
#[test]
fn the_time_of_a_pause_begins_with_the_end_of_the_frame_that_is_being_sent() {
    // Figure 31B-2 of IEEE 802.3: WAIT FOR TRANSMISSION COMPLETION comes before PAUSE FUNCTION.
    for (octets, asked) in [(9010, &[16][..]), (9010, &[200]), (9010, &[200, 3]), (2000, &[9, 40])]
    {
        let packets = [octets, 60].map(|n| Packet { octets: vec![7; n], error: false });
        let mut incoming = vec![Gmii::default(); 138];
        asked.iter().for_each(|quanta| incoming.extend(line(&closed(&pause(*quanta)), 7)));
        let silence = 64 * usize::from(asked[asked.len() - 1]);
        let mut bench = Bench::new(BOARD);
        let clocks = octets + silence + 200;
        let seen = bench.run(&incoming, clocks, eager(dense(&packets)));
        let frames = heard(&seen.sent);
        assert_eq!(frames.len(), 2, "{octets} {asked:?}");
        let gap = frames[1].gap;
        assert!((silence..=silence + 20).contains(&gap), "{octets} {asked:?}: {gap}");
        assert_eq!(seen.counts, [0, 0, asked.len() as u64, 0]);
    }
}

/// Annex 31B.3.3 of IEEE 802.3: PAUSE to the station's own address is PAUSE. Section 31.5.2: what
/// is of MAC Control and not known is dropped.
#[test]
fn pause_to_the_station_is_obeyed_and_control_frames_stay_in_the_mac() {
    let other = [2, 0xaa, 0xbb, 0xcc, 0, 2];
    let mixed = [STATION[0], 0x80, 0xc2, 0, 0, 1];
    let cases = [
        (control(STATION, 1, 5), true, true),
        (control(PAUSE, 1, 5), true, true),
        (control(STATION, 0x0101, 5), false, true),
        (control(other, 1, 5), false, true),
        (control(mixed, 1, 5), false, true),
        ([&STATION[..], &[2, 0, 0, 0, 0, 9, 0x88, 9, 0, 1, 0, 5], &[0; 42]].concat(), false, false),
        ([&STATION[..], &[2, 0, 0, 0, 0, 9, 0x08, 0x08, 0, 1], &[0; 44]].concat(), false, false),
    ];
    for (sent, obeyed, kept) in cases {
        let packets = vec![Packet { octets: vec![7; 100], error: false }; 3];
        let mut bench = Bench::new(BOARD);
        let station = STATION.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
        bench.mac.station.next = station.to_bits();
        // The address takes a few clocks across, and the frame behind it comes through.
        let next = Packet { octets: vec![9; 70], error: false };
        let mut incoming = vec![Gmii::default(); 40];
        incoming.extend(line(&closed(&sent), 7));
        incoming.extend(line(&closed(&next.octets), 0));
        let seen = bench.run(&incoming, 700, eager(dense(&packets)));
        let silent = heard(&seen.sent).iter().skip(1).any(|frame| frame.gap >= 5 * 64);
        assert_eq!(silent, obeyed, "{sent:02x?}");
        assert_eq!(seen.counts, [0, 0, obeyed.into(), 0], "{sent:02x?}");
        let came = Packet { octets: sent.clone(), error: false };
        let expected = if kept { vec![next] } else { vec![came, next] };
        assert_eq!(seen.received, dense(&expected), "{sent:02x?}");
    }
}
