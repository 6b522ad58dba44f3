//! The whole receive engine, and what Ethernet, IPv4 and TCP say of a frame.
use crate::receive::bench::*;
use crate::receive::scripts::*;
use ironwarp_abi::context::{table, FlowContext};
use ironwarp_abi::status;
use ironwarp_wire::checksum;

/// The frame with its IPv4 header checksum made right, whatever else was changed.
fn summed(mut frame: Vec<u8>) -> Vec<u8> {
    frame[24..26].fill(0);
    let sum = checksum::internet(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A segment of queue pair 2 that is next in sequence, changed.
fn changed(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = Segment::of(2, 1000, &[7; 90]).frame();
    change(&mut frame);
    frame
}

//= rfc1122#3.2.1.2
//= type=test
#[test]
fn frames_are_checked_as_far_as_they_are_understood() {
    let cut = |length: usize| changed(|frame| frame.truncate(length));
    let icmp = changed(|frame| frame[23] = 1);
    let unowned = Segment { remote_port: 1, ..Segment::of(2, 1000, &[7; 90]) }.frame();
    let mut unowned_wrong = unowned.clone();
    unowned_wrong[60] ^= 1;
    let cases = [
        ("not owned", unowned, RAW_NO_BUFFER),
        ("not owned, wrong sum", unowned_wrong, BAD),
        ("owned, to a group", changed(|frame| frame[0] |= 1), RAW_NO_BUFFER),
        ("ICMP", summed(icmp.clone()), RAW_NO_BUFFER),
        ("ICMP, wrong header sum", icmp, BAD),
        ("options", changed(|frame| frame[14] = 0x46), RAW_NO_BUFFER),
        ("fragment", summed(changed(|frame| frame[21] = 1)), RAW_NO_BUFFER),
        ("fragment, wrong header sum", changed(|frame| frame[21] = 1), BAD),
        ("packet longer than the frame", cut(140), BAD),
        ("packet shorter than its header", summed(changed(|frame| frame[17] = 19)), BAD),
        ("TCP header too short", changed(|frame| frame[46] = 0x40), BAD),
        ("TCP header longer than the packet", changed(|frame| frame[17] = 39), BAD),
        ("cut in the IPv4 header", cut(33), BAD),
        ("cut in the TCP header", cut(53), BAD),
        ("cut in the type", cut(13), BAD),
        ("foreign", changed(|frame| frame[5] ^= 1), FOREIGN),
        ("foreign and cut", changed(|frame| (frame[5] ^= 1, frame.truncate(13)).0), BAD),
        ("too long", [summed(changed(|frame| frame[23] = 1)), vec![0; 9000]].concat(), BAD),
        ("as it should be", changed(|_| {}), ACCEPTED),
    ];
    for (name, frame, count) in cases {
        let (mut bench, _, _) = ready_for_a_write(1);
        bench.frame(&frame);
        bench.idle(30);
        let mut expected = [0; 9];
        (expected[RECEIVED], expected[count]) = (1, 1);
        assert_eq!(bench.counts, expected, "{name}");
    }
}

#[test]
fn a_flow_of_a_queue_pair_that_is_not_started_is_dropped() {
    for started in [false, true] {
        let mut bench = Bench::new(2);
        let stag = bench.region();
        bench.start(0, 0, false, false);
        bench.start(2, 1000, false, true);
        bench.post(0, buffer(stag, 0, 2048));
        // Found ahead of queue pair 2, whose flow it is as well.
        let segment = Segment::of(2, 1000, &[1; 20]);
        bench.flow(5, &segment);
        if started {
            bench.command(5, true);
        }
        bench.segment(&segment);
        bench.settle();
        let count = |n: usize| bench.counts[n];
        assert_eq!((count(RECEIVED), count(RAW_NO_BUFFER)), (1, 0));
        // Its context is zero: sequence number 1000 is far ahead.
        assert_eq!((count(ACCEPTED), count(OUT_OF_ORDER)), (0, u64::from(started)));
        assert!(bench.completions.is_empty());
        assert_eq!(bench.edges.len(), usize::from(started));
    }
}

#[test]
fn a_flow_is_looked_for_in_the_list_of_its_bucket() {
    let (mut bench, stream, payload) = ready_for_a_write(4);
    // Others ahead of it in the same list, one of them cleared by the host.
    for qp in [5, 6, 7] {
        let other = Segment { local_ip: [10, 0, 2, qp], ..Segment::of(2, 0, &[]) };
        bench.flow(u32::from(qp), &other);
    }
    let cleared = FlowContext { next: 5, ..Default::default() };
    bench.context(table::FLOW, 6, &cleared.to_words());
    bench.segment(&Segment::of(2, 1000, &stream));
    bench.settle();
    assert_eq!(bench.octets(BUS + 8, 100), Some(payload));
    // The list is cut ahead of it: the frame is nobody's.
    bench.context(table::FLOW, 5, &FlowContext::default().to_words());
    bench.segment(&Segment::of(2, 1000 + stream.len() as u32, &stream));
    bench.settle();
    assert_eq!((bench.counts[ACCEPTED], bench.counts[RAW_NO_BUFFER]), (1, 1));
}

//= rfc9293#3.10.7.4
//= type=test
#[test]
fn what_is_outside_the_window_is_answered() {
    let window = crate::receive::ring_sizes::RING_BYTES as u32;
    // Three octets wait: the window is smaller by them.
    let edge = 1003 + window - 3;
    for (flags, sequence, answered) in [
        (ACK, 1003, false),
        (ACK, 1002, true),
        (ACK, 1004, false),
        (ACK, edge - 1, false),
        (ACK, edge, true),
        (RST, 1002, false),
        (RST, 1004, true),
        (RST, edge - 1, true),
        (RST, edge, false),
        (SYN, 5, true),
        (SYN | ACK, 1003, true),
        (0, 1002, false),
        (FIN, 1003, false),
    ] {
        let (mut bench, _, _) = ready_for_a_write(3);
        bench.segment(&Segment::of(2, 1000, &[0, 9, 1]));
        bench.idle(60);
        let before = bench.edges.len();
        bench.segment(&Segment { flags, ..Segment::of(2, sequence, &[]) });
        bench.idle(60);
        let told = bench.edges[before..].iter().any(|edge| edge.acknowledge);
        assert_eq!(told, answered, "{flags} {sequence}");
        assert!(bench.events.is_empty(), "{flags} {sequence}");
        assert_eq!(bench.counts[OUT_OF_ORDER], 0);
        assert_eq!(bench.last_edge(2).map(|edge| edge.0), Some(1003));
    }
}

#[test]
fn acknowledgements_count_until_the_host_stops_the_queue_pair() {
    let (mut bench, _, _) = ready_for_a_write(4);
    bench.segment(&Segment { flags: ACK | FIN, ..Segment::of(2, 1000, &[]) });
    bench.idle(60);
    assert_eq!(bench.events.len(), 1);
    assert!(bench.edges.iter().all(|edge| !edge.acknowledge), "the FIN is software's");
    let late = Segment { acknowledgement: 99, ..Segment::of(2, 1000, &[1; 9]) };
    bench.segment(&late);
    bench.idle(60);
    bench.command(2, false);
    bench.segment(&Segment { acknowledgement: 100, ..late });
    bench.idle(60);
    let numbers: Vec<u64> = bench.acknowledgements.iter().map(|ack| ack.number.to_u64()).collect();
    assert_eq!(numbers, [77, 99]);
    assert_eq!(bench.acknowledgements[1].sequence.to_u64(), 1000);
    assert_eq!((bench.counts[ACCEPTED], bench.counts[OUT_OF_ORDER]), (1, 0));
}

//= rfc5044#4.3
//= type=test
#[test]
fn a_stream_may_end_behind_a_marker() {
    for (octets, expected) in [
        (0, status::PEER_CLOSED),
        (3, status::PEER_CLOSED_EARLY),
        (4, status::PEER_CLOSED),
        (5, status::PEER_CLOSED_EARLY),
    ] {
        let mut bench = Bench::new(5);
        bench.start(3, 0, true, true);
        bench.segment(&Segment { flags: ACK | FIN, ..Segment::of(3, 0, &vec![0; octets]) });
        bench.settle();
        let seen: Vec<u64> = bench.events.iter().map(|event| event.status.to_u64()).collect();
        assert_eq!(seen, [u64::from(expected)], "{octets}");
        assert_eq!(bench.events[0].sequence.to_u64(), octets as u64);
    }
}

#[test]
fn a_length_that_is_too_large_is_an_error_at_once() {
    for (markers, lead) in [(false, 0), (true, 4)] {
        let mut bench = Bench::new(6);
        bench.start(3, 0, markers, true);
        bench.segment(&Segment::of(3, 0, &vec![0; lead]));
        bench.segment(&Segment::of(3, lead as u32, &TOO_LONG.to_be_bytes()[..1]));
        bench.settle();
        assert!(bench.events.is_empty(), "{markers}");
        bench.segment(&Segment::of(3, lead as u32 + 1, &TOO_LONG.to_be_bytes()[1..]));
        bench.settle();
        let seen: Vec<u64> = bench.events.iter().map(|event| event.status.to_u64()).collect();
        assert_eq!(seen, [u64::from(status::MPA_LENGTH)], "{markers}");
    }
}
