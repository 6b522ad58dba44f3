//! Two models with a wire between them.

mod common;

use common::*;
use ironwarp_abi::limits::OUTSTANDING_MAX;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_model::Options;
use proptest::prelude::*;

const COMBINATIONS: [(bool, bool); 4] =
    [(false, false), (false, true), (true, false), (true, true)];

fn done(kind: u8, request: u16, length: u32) -> CompletionEntry {
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind,
        request,
        length,
        ..CompletionEntry::default()
    }
}

#[test]
fn a_write_arrives_and_completes() {
    for (markers, crc) in COMBINATIONS {
        let mut stations = connected(Wish { markers, crc, ..PLAIN });
        let data = pattern(100_000, 1);
        stations[0].fill(SOURCE + 7, &data);
        stations[0].post(&write_request(100_000, 7, 333));
        run(&mut stations);
        assert_eq!(stations[1].octets(SINK + 333, data.len()), data, "{markers} {crc}");
        assert_eq!(stations[0].completions(), [done(kind::SEND, 0, 100_000)]);
        assert_eq!(stations[1].completions(), [], "an RDMA Write is silent");
        let segments = data.len().div_ceil(1454 - 14) as u32;
        assert_eq!(stations[0].read(reg::COUNT_FRAMES_SENT), segments);
        assert_eq!(stations[1].read(reg::COUNT_FPDUS_PLACED), segments);
        assert_eq!(stations[1].read(reg::COUNT_SEGMENTS_ACCEPTED), segments);
    }
}

//= rfc5040#5.3
//= type=test
#[test]
fn sends_arrive_in_order_and_may_ask_for_an_event() {
    for (markers, crc) in COMBINATIONS {
        let mut stations = connected(Wish { markers, crc, ..PLAIN });
        let data = pattern(9000, 2);
        stations[0].fill(SOURCE, &data);
        let lengths = [0, 1, 1436, 1437, 4000];
        for (i, length) in lengths.into_iter().enumerate() {
            stations[1].post_receive(QP, &buffer(4000, i as u64 * 5000));
            let opcode = if i == 2 { opcode::SEND_SOLICITED } else { opcode::SEND };
            stations[0].post(&SendRequest { opcode, ..send_request(length, i as u64) });
        }
        run(&mut stations);
        for (i, length) in lengths.into_iter().enumerate() {
            let placed = stations[1].octets(SINK + i as u64 * 5000, length as usize);
            assert_eq!(placed, data[i..i + length as usize]);
            let received = done(kind::RECEIVE, i as u16, length);
            let solicited = i == 2;
            assert_eq!(stations[1].completion(), Some(CompletionEntry { solicited, ..received }));
            assert_eq!(stations[0].completion(), Some(done(kind::SEND, i as u16, length)));
        }
        assert_eq!((stations[0].completion(), stations[1].completion()), (None, None));
    }
}

#[test]
fn both_directions_at_once_and_rings_that_wrap() {
    let mut stations = connected(PLAIN);
    for round in 0..3 * (1 << QUEUE_LOG2) {
        let length = 1 + round * 37 % 3000;
        for (me, seed) in [(0, 3), (1, 4)] {
            stations[me].fill(SOURCE, &pattern(length, seed ^ round as u8));
            stations[1 - me].post_receive(QP, &buffer(3000, 0));
        }
        stations.iter_mut().for_each(|station| station.post(&send_request(length as u32, 0)));
        run(&mut stations);
        for (me, seed) in [(1, 3), (0, 4)] {
            let placed = stations[me].octets(SINK, length);
            assert_eq!(placed, pattern(length, seed ^ round as u8), "round {round}");
            let entries = stations[me].completions();
            assert_eq!(entries.len(), 2);
            assert!(entries.iter().all(|entry| entry.status == status::SUCCESS));
            assert!(entries.iter().all(|entry| usize::from(entry.request) == round));
        }
    }
}

#[test]
fn unsignaled_requests_complete_nothing() {
    let mut stations = connected(PLAIN);
    for i in 0..200u32 {
        let signaled = i % 100 == 99;
        stations[0].post(&SendRequest { signaled, ..write_request(8, 0, 8 * u64::from(i)) });
    }
    run(&mut stations);
    let numbers: Vec<_> = stations[0].completions().iter().map(|entry| entry.request).collect();
    assert_eq!(numbers, [99, 199]);
}

/// Work requests that are sent and not acknowledged are tracked up to a limit.
#[test]
fn so_many_requests_are_outstanding_and_no_more() {
    let mut stations = connected(PLAIN);
    (0..200).for_each(|_| stations[0].post(&write_request(8, 0, 0)));
    let frames = stations[0].poll();
    assert_eq!(frames.len(), OUTSTANDING_MAX);
    stations[1].receive(&frames[0]);
    for frame in stations[1].poll() {
        stations[0].receive(&frame);
    }
    assert_eq!(stations[0].poll().len(), 1, "one is acknowledged, one is sent");
    assert_eq!(stations[0].completions(), [done(kind::SEND, 0, 8)]);
}

#[test]
fn frames_that_nobody_takes_hold_the_others_back() {
    let mut stations = connected(PLAIN);
    stations[0] = Station::with(0, Options { frames_max: 4, ..Options::default() });
    stations[0].start(&context(0, PLAIN));
    stations[0].post(&write_request(10_000, 0, 0));
    let now = std::time::Duration::ZERO;
    for left in [true, false] {
        let Station { device, memory, .. } = &mut stations[0];
        assert_eq!(device.poll(now, memory), left);
        assert!(!left || device.poll(now, memory), "nothing was taken");
        assert_eq!(device.take_frames().len(), if left { 4 } else { 3 });
    }
}

/// One segment is in flight as long as the window takes no more, and never more than fits.
//= rfc9293#3.8.6
//= type=test
#[test]
fn the_peer_s_window_is_kept() {
    let window = 4000;
    let mut stations = connected(Wish { window, shift: 0, ..PLAIN });
    stations[0].post(&write_request(20_000, 0, 0));
    let frames = stations[0].poll();
    // 1460 octets of FPDU each: a third one would fill 4380.
    assert_eq!(frames.len(), 2);
    assert!(stations[0].poll().is_empty(), "blocked");
    assert_eq!(stations[0].read(reg::QUERY_SEND_NEXT), 0, "of queue pair 0");
    stations[0].write(reg::QUERY_QP, QP);
    let first = context(0, PLAIN).send_next;
    assert_eq!(stations[0].read(reg::QUERY_SEND_NEXT), first.wrapping_add(2920));
    assert_eq!(stations[0].read(reg::QUERY_SEND_UNACKNOWLEDGED), first);
    assert_eq!(stations[0].read(reg::QUERY_SEND_WINDOW), window);
    frames.iter().for_each(|frame| stations[1].receive(frame));
    run(&mut stations);
    assert_eq!(stations[0].completions(), [done(kind::SEND, 0, 20_000)]);
    assert_eq!(
        stations[0].read(reg::QUERY_SEND_NEXT),
        stations[0].read(reg::QUERY_SEND_UNACKNOWLEDGED)
    );
}

//= rfc5044#7.1.2
//= type=test
#[test]
fn the_responder_waits_for_a_valid_fpdu() {
    let mut stations = connected(PLAIN);
    let mut responder = context(1, PLAIN);
    responder.await_first_fpdu = true;
    stations[1].start(&responder);
    stations[1].post(&write_request(10, 0, 0));
    assert!(stations[1].poll().is_empty());
    stations[0].post(&write_request(0, 0, 0));
    run(&mut stations);
    // The responder was started twice.
    let generation = FIRST + 1;
    let expected = CompletionEntry { generation, ..done(kind::SEND, 0, 10) };
    assert_eq!(stations[1].completions(), [expected]);
}

#[test]
fn queue_pairs_take_turns() {
    let mut stations = connected(PLAIN);
    let mut raw = context(0, PLAIN);
    raw.send_queue += 1 << 14;
    stations[0].start_pair(0, &raw);
    let frame = SendRequest {
        opcode: opcode::RAW_FRAME,
        signaled: true,
        length: 60,
        local_stag: SOURCE_STAG,
        ..SendRequest::default()
    };
    stations[0].fill(SOURCE, &[0xff; 60]);
    for slot in 0..2 {
        stations[0].fill(SEND_RING + (1 << 14) + 64 * slot, &frame.to_bytes());
    }
    stations[0].ring_qp(0, reg::DOORBELL_SEND, 2);
    stations[0].post(&write_request(5000, 0, 0));
    let lengths: Vec<_> = stations[0].poll().iter().map(Vec::len).collect();
    assert_eq!(lengths, [60, 1514, 60, 1514, 1514, 54 + 6 + 14 + 680]);
    let raw = |request| CompletionEntry { qp: 0, ..done(kind::SEND, request, 60) };
    assert_eq!(stations[0].completions(), [raw(0), raw(1)]);
}

/// The interrupt comes behind its entry, once for each arming, at once if entries wait.
#[test]
fn interrupts_follow_arming() {
    let mut stations = connected(PLAIN);
    let arm = |station: &mut Station| {
        station.ring_cq(CQ, reg::DOORBELL_ARM, 0);
    };
    let step = |stations: &mut [Station; 2]| {
        stations[0].post(&write_request(8, 0, 0));
        run(stations);
        std::mem::take(&mut stations[0].memory.interrupts)
    };
    assert_eq!(step(&mut stations), [], "not armed");
    arm(&mut stations[0]);
    assert_eq!(std::mem::take(&mut stations[0].memory.interrupts), [0xabc], "an entry waits");
    assert_eq!(step(&mut stations), [], "disarmed");
    assert_eq!(stations[0].completions().len(), 2);
    arm(&mut stations[0]);
    assert_eq!(step(&mut stations), [0xabc]);
    assert_eq!(step(&mut stations), []);

    stations[0].completions();
    let mask = reg::MSIX_TABLE + 16 * u32::from(VECTOR) + 12;
    stations[0].bar(mask, 1);
    arm(&mut stations[0]);
    assert_eq!(step(&mut stations), [], "masked");
    assert_eq!(stations[0].device.bar_read32(reg::MSIX_PENDING), 1 << VECTOR);
    stations[0].bar(mask, 0);
    assert_eq!(stations[0].memory.interrupts, [0xabc]);
    assert_eq!(stations[0].device.bar_read32(reg::MSIX_PENDING), 0);
}

proptest! {
    /// Any messages in any framing, with frames that arrive twice.
    #[test]
    fn messages_arrive_whole(
        lengths in prop::collection::vec((0u32..6000, any::<bool>()), 1..8),
        markers: bool, crc: bool, mulpdu in 128u16..8900, twice: bool,
    ) {
        let mut stations = connected(Wish { markers, crc, mulpdu, ..PLAIN });
        let data = pattern(48_000, mulpdu as u8);
        stations[0].fill(SOURCE, &data);
        for (i, (length, send)) in lengths.iter().enumerate() {
            let at = 6000 * i as u64;
            if *send {
                stations[1].post_receive(QP, &buffer(*length, at));
                stations[0].post(&send_request(*length, at));
            } else {
                stations[0].post(&write_request(*length, at, at));
            }
        }
        for frame in stations[0].poll() {
            for _ in 0..if twice { 2 } else { 1 } {
                stations[1].receive(&frame);
            }
        }
        run(&mut stations);
        prop_assert_eq!(stations[0].completions().len(), lengths.len());
        let sends = lengths.iter().filter(|(_, send)| *send).count();
        prop_assert_eq!(stations[1].completions().len(), sends);
        for (i, (length, _)) in lengths.iter().enumerate() {
            let (from, length) = (6000 * i, *length as usize);
            let placed = stations[1].octets(SINK + from as u64, length);
            prop_assert_eq!(placed, data[from..from + length].to_vec());
        }
    }
}
