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
    station.start_pair(0, &context);
    assert!(station.state(0).active && station.is_active());
    station
}

fn raw(kind: u8, request: u16, length: usize) -> CompletionEntry {
    let length = length as u32;
    CompletionEntry {
        qp: 0,
        generation: FIRST,
        kind,
        request,
        length,
        ..CompletionEntry::default()
    }
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
        let state = State { generation: FIRST, active: false, started: true, status: expected };
        assert_eq!(station.state(0), state);
        assert!(station.is_active());
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

/// Without a look at the completion queue it fills. The entry that finds it full ends the queue
/// pair, and the queue's last place says so.
#[test]
fn a_full_completion_queue_ends_queue_pair_0() {
    let mut station = station();
    let frame = vec![0xff; 60];
    let receive = |station: &mut Station| {
        station.post_receive(0, &buffer(60, 0));
        station.receive(&frame);
        station.read(reg::COUNT_CQ_OVERFLOWS)
    };
    let room = (1 << CQ_LOG2) - 1;
    for _ in 0..room {
        assert_eq!(receive(&mut station), 0);
    }
    assert!(station.state(0).active);
    assert_eq!(receive(&mut station), 1);
    let (generation, status) = (FIRST, status::CQ_OVERFLOW);
    let state = State { generation, active: false, started: true, status };
    assert_eq!((station.state(0), station.is_active()), (state, true), "nobody else");
    let mut entries = station.completions();
    let overflow = CompletionEntry { status, ..raw(kind::OVERFLOW, 0, 0) };
    assert_eq!(entries.pop(), Some(overflow));
    let numbers: Vec<u16> = entries.iter().map(|entry| entry.request).collect();
    assert_eq!(numbers, (0..room).collect::<Vec<_>>(), "nothing was overwritten");
    assert_eq!((receive(&mut station), station.completions()), (1, vec![]));
    assert_eq!(station.read(reg::COUNT_RAW_NO_BUFFER), 1);
}

/// The frame itself has left; what is lost is the word of it.
#[test]
fn a_frame_whose_completion_is_lost_leaves_as_the_last() {
    let mut station = station();
    (0..2 << CQ_LOG2).for_each(|_| station.post_bytes(0, &frame_request(60).to_bytes()));
    let mut left = 0;
    while station.state(0).active {
        left += station.poll().len();
    }
    assert_eq!(left, 1 << CQ_LOG2);
    assert_eq!(station.read(reg::COUNT_CQ_OVERFLOWS), 1);
    assert_eq!((station.poll().len(), station.state(0).active), (0, false));
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
