//! Packets and resets at random times.
use super::*;
use crate::configuration::OBJECT_BITS;
use crate::stream::bench::*;
use crate::stream::Beat;
use rand::Rng;
use rust_hdl::prelude::*;

/// Takes packets apart: the beats that moved, one by one, are in `now`.
fn arrive(now: &mut Vec<u8>, packets: &mut Vec<Packet>, beat: Beat) {
    let octets = beat.data.to_u64().to_le_bytes();
    now.extend(&octets[..beat.bytes.to_u64() as usize]);
    if beat.last {
        packets.push(Packet { octets: std::mem::take(now), error: beat.error });
    }
}

#[test]
fn what_leaves_is_whole_or_ends_with_an_error() {
    for seed in seeds() {
        let mut rng = rng(seed);
        let mut uut = Outlet::default();
        uut.connect_all();
        let packets = random_packets(seed, 200, 60);
        let (mut at, mut beats) = (0, dense(&packets[..1]));
        let (mut now, mut left) = (vec![], vec![]);
        let (mut cut, mut whole) = (0, vec![]);
        let mut begun = false;
        let mut expected: Vec<Packet> = vec![];
        while at + 1 < packets.len() {
            let reset = rng.random_bool(0.05);
            // The sender is silent from the clock after a reset until the end is taken.
            uut.sink.valid.next = !uut.ending.val() && !beats.is_empty() && rng.random_bool(0.8);
            uut.sink.beat.next = beats.first().copied().unwrap_or_default();
            uut.source.ready.next = rng.random_bool(0.7);
            uut.reset_asked.next = reset;
            settle!(uut);
            let ending = uut.ending.val();
            let taken = uut.sink.valid.val() && uut.sink.ready.val();
            if uut.source.valid.val() && uut.source.ready.val() {
                arrive(&mut now, &mut left, uut.source.beat.val());
            }
            if taken && !ending {
                let beat = beats.remove(0);
                arrive(&mut whole, &mut expected, beat);
                begun = !beat.last;
            }
            if reset && begun {
                // The end of a packet that was cut has one octet.
                whole.push(0);
                expected.push(Packet { octets: std::mem::take(&mut whole), error: true });
                cut += 1;
            }
            if reset || beats.is_empty() {
                begun = false;
                at += 1;
                beats = dense(&packets[at..=at]);
            }
            edge!(uut);
        }
        left.truncate(expected.len());
        expected.truncate(left.len());
        assert_eq!(left, expected, "SEED={seed}");
        assert!(cut > 10 && left.len() > 50, "SEED={seed}: {cut} of {}", left.len());
    }
}

/// Drives whole packets into an inlet that is closed at times; gives what passed, with the
/// packets that were under way when it closed.
fn pass(uut: &mut Inlet, seed: u64, lossy: bool) -> (Vec<Packet>, Vec<Packet>, usize) {
    let mut rng = rng(seed);
    uut.connect_all();
    let packets = random_packets(seed, 200, 60);
    let (mut passed, mut now, mut expected, mut cut) = (vec![], vec![], vec![], 0);
    let mut closed = 0;
    for packet in packets.chunks(1) {
        let (mut beats, mut whole) = (dense(packet), true);
        while !beats.is_empty() {
            if closed == 0 && rng.random_bool(0.03) {
                closed = rng.random_range(1..20);
                // The receiver forgets.
                now.clear();
            }
            uut.closed.next = closed > 0;
            uut.sink.valid.next = rng.random_bool(0.8);
            uut.sink.beat.next = beats[0];
            uut.source.ready.next = lossy || rng.random_bool(0.7);
            settle!(*uut);
            let begun = beats.len() < dense(packet).len();
            let moves = uut.sink.valid.val() && uut.sink.ready.val();
            assert!(!lossy || uut.sink.ready.val(), "a wire does not wait");
            whole &= closed == 0 || !(begun || moves);
            if uut.source.valid.val() && uut.source.ready.val() {
                arrive(&mut now, &mut passed, uut.source.beat.val());
            }
            if moves {
                beats.remove(0);
            }
            closed -= i32::from(closed > 0);
            edge!(*uut);
        }
        match whole {
            true => dense(packet).into_iter().for_each(|b| arrive(&mut now, &mut expected, b)),
            false => cut += 1,
        }
    }
    (passed, expected, cut)
}

#[test]
fn what_comes_in_is_whole_or_nothing() {
    for seed in seeds() {
        for (lossy, mut uut) in [(false, Inlet::waiting()), (true, Inlet::dropping())] {
            let (passed, expected, cut) = pass(&mut uut, seed, lossy);
            assert_eq!(passed, expected, "SEED={seed}");
            assert!(cut > 5 && passed.len() > 50, "SEED={seed}: {cut} of {}", passed.len());
        }
    }
}

#[test]
fn a_reset_wipes_every_number_once_and_waits() {
    let mut uut = Sweep::default();
    uut.connect_all();
    for _ in 0..10 {
        tick!(uut);
        assert!(!uut.busy.val() && !uut.wipe.val().valid, "nothing after power-on");
    }
    let count = 1 << OBJECT_BITS;
    for held in [0, 1, count + 44] {
        uut.reset_asked.next = true;
        settle!(uut);
        assert!(uut.busy.val());
        edge!(uut);
        uut.reset_asked.next = false;
        uut.hold.next = held > 0;
        let mut wiped = vec![];
        for clock in 0..2 * count {
            uut.hold.next = clock < held;
            settle!(uut);
            if !uut.busy.val() {
                break;
            }
            wiped.push(uut.wipe.val().index.to_u64());
            assert!(uut.wipe.val().valid);
            edge!(uut);
        }
        assert_eq!(wiped[..count], (0..count as u64).collect::<Vec<_>>());
        assert_eq!(wiped.len(), (held + 1).max(count));
    }
}
