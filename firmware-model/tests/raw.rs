//! Queue pair 0, and the frames that go to it.

mod common;

use common::peer::{tagged, Peer, Tcp};
use common::*;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_wire::tcp::{ACK, SYN};

fn station() -> Station {
    let mut station = Station::new(0);
    let mut context = context(0, PLAIN);
    station.start(&context);
    (context.receive_cq, context.send_cq) = (CQ, CQ);
    station.context(reg::QP_CONTEXTS, 0, &context.to_words());
    station.write(reg::QP_CONTROL, 1 << 8);
    assert_eq!(station.read(reg::QP_ACTIVE), 1 | 1 << QP);
    station
}

fn raw(kind: u8, request: u16, length: usize) -> CompletionEntry {
    let length = length as u32;
    CompletionEntry { qp: 0, kind, request, length, ..CompletionEntry::default() }
}

fn frame_request(length: u32) -> SendRequest {
    SendRequest { opcode: opcode::RAW_FRAME, ..send_request(length, 0) }
}

#[test]
fn frames_leave_as_they_are() {
    let mut station = station();
    let octets = pattern(9014, 8);
    station.fill(SOURCE, &octets);
    for length in [14, 60, 9014] {
        station.post_bytes(0, &frame_request(length).to_bytes());
    }
    let frames = station.poll();
    assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [14, 60, 9014]);
    assert!(frames.iter().all(|frame| octets.starts_with(frame)));
    let lengths = [14, 60, 9014].into_iter().enumerate();
    let expected: Vec<_> = lengths.map(|(i, length)| raw(kind::SEND, i as u16, length)).collect();
    assert_eq!(station.completions(), expected);
    for (request, expected) in [
        (frame_request(13), status::RAW_LENGTH),
        (frame_request(9015), status::RAW_LENGTH),
        (send_request(60, 0), status::BAD_OPCODE),
    ] {
        let mut station = self::station();
        station.post_bytes(0, &request.to_bytes());
        assert!(station.poll().is_empty());
        let event = CompletionEntry { status: expected, ..raw(kind::EVENT, 0, 0) };
        assert_eq!(station.completions(), [event]);
        assert_eq!(station.read(reg::QP_ACTIVE), 1 << QP);
    }
}

#[test]
fn what_no_queue_pair_owns_is_software_s() {
    let mut station = station();
    let peer = Peer::new(PLAIN);
    let mut other_port = peer.frame(&peer.plain());
    // Ports 6000 and 5000 exchanged leave the checksum as it is.
    other_port[34..38].rotate_left(2);
    let arp = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 2, 8, 6], &[1; 46]].concat();
    let mut syn = peer.frame(&Tcp { flags: SYN | ACK, ..peer.plain() });
    syn[34..38].rotate_left(2);
    for (i, frame) in [other_port, arp, syn].into_iter().enumerate() {
        station.post_receive(0, &buffer(2000, 3000 * i as u64));
        station.receive(&frame);
        assert_eq!(station.completions(), [raw(kind::RECEIVE, i as u16, frame.len())]);
        assert_eq!(station.octets(SINK + 3000 * i as u64, frame.len()), frame);
    }
    station.post_receive(0, &buffer(2000, 0));
    station.receive(&peer.frame(&peer.plain()));
    assert_eq!(station.completions(), [], "this one is owned");
    assert_eq!(station.read(reg::COUNT_FRAMES_RECEIVED), 4);
    assert_eq!(station.read(reg::COUNT_RAW_NO_BUFFER), 0);
}

#[test]
fn frames_without_a_buffer_or_too_long_for_it_are_dropped() {
    let mut station = station();
    let broadcast = |length: usize| [vec![0xff; 12], vec![0x08; length - 12]].concat();
    station.receive(&broadcast(60));
    station.post_receive(0, &buffer(60, 0));
    station.receive(&broadcast(61));
    assert_eq!(station.read(reg::COUNT_RAW_NO_BUFFER), 2);
    station.receive(&broadcast(60));
    assert_eq!(station.completions(), [raw(kind::RECEIVE, 0, 60)], "the buffer is still there");
    station.write(reg::QP_CONTROL, 0);
    station.receive(&broadcast(60));
    assert_eq!(station.read(reg::COUNT_RAW_NO_BUFFER), 3);
}

/// Without a look at the completion queue it fills; what comes then is lost, and counted.
#[test]
fn entries_that_a_full_completion_queue_loses_are_counted() {
    let mut station = station();
    let frame = vec![0xff; 60];
    let receive = |station: &mut Station| {
        station.post_receive(0, &buffer(60, 0));
        station.receive(&frame);
        station.read(reg::COUNT_CQ_OVERFLOWS)
    };
    for _ in 0..1 << CQ_LOG2 {
        assert_eq!(receive(&mut station), 0);
    }
    for lost in 1..4 {
        assert_eq!(receive(&mut station), lost);
    }
    let numbers: Vec<u16> = station.completions().iter().map(|entry| entry.request).collect();
    assert_eq!(numbers, (0..1 << CQ_LOG2).collect::<Vec<_>>(), "nothing was overwritten");
    assert_eq!(receive(&mut station), 3);
    assert_eq!(station.completions(), [raw(kind::RECEIVE, (1 << CQ_LOG2) + 3, 60)]);
    // A queue that is stopped takes nothing, and counts nothing.
    station.write(reg::CQ_CONTROL, CQ.into());
    assert_eq!(receive(&mut station), 3);
    assert_eq!(station.completions(), []);
    // Nor has the next life lost anything yet.
    station.write(reg::CQ_CONTROL, u32::from(CQ) | 1 << 8);
    assert_eq!(receive(&mut station), 3);
}

#[test]
fn foreign_and_bad_frames_are_counted() {
    let mut station = station();
    station.post_receive(0, &buffer(2000, 0));
    let mut peer = Peer::new(PLAIN);
    let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, b"first"));
    let segment = peer.data(&fpdu);
    let mut frame = peer.frame(&segment);
    frame[5] ^= 4;
    station.receive(&frame);
    assert_eq!(station.read(reg::COUNT_FRAMES_FOREIGN), 1);
    frame[5] ^= 4;
    frame[60] ^= 1;
    station.receive(&frame);
    station.receive(&frame[..50]);
    station.receive(&[]);
    assert_eq!(station.read(reg::COUNT_FRAMES_BAD), 3);
    assert_eq!(station.octets(SINK, 5), [0; 5]);
    assert_eq!((station.completions(), station.poll()), (vec![], vec![]));
}
