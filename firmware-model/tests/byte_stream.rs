//! Queue pairs over the TCP of someone else.

mod common;
mod mix;

use common::peer::{tagged, untagged, Peer};
use common::pipe::{pipe, End, Shared};
use common::*;
use ironwarp_abi::queue::{kind, CompletionEntry, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_model::AttachError;
use proptest::prelude::*;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

/// The queue pair of raw frames, and one that the device does not have.
const RAW_QP: u32 = 0;
const NO_QP: u32 = DEVICE.qp_count() as u32;

const STREAM: Wish = Wish { mulpdu: 64_768, ..PLAIN };

fn start(me: usize, wish: Wish, end: End) -> Station {
    let mut station = Station::new(me);
    station.device.attach_stream(QP, Box::new(end)).unwrap();
    station.start(&context(me, wish));
    station.write(reg::QUERY_QP, QP);
    station
}

fn joined(wish: Wish, room: usize, most: usize) -> [Station; 2] {
    let [a, b] = pipe(room, most);
    [start(0, wish, a), start(1, wish, b)]
}

/// One station, and the stream as its peer sees it: what goes to the station, what comes from it.
fn alone(wish: Wish, room: usize) -> (Station, Peer, Shared, Shared) {
    let [mine, theirs] = pipe(room, usize::MAX);
    (start(0, wish, mine), Peer::new(wish), theirs.out, theirs.into)
}

/// Polls both until neither moves an octet any more.
fn settle(stations: &mut [Station; 2]) {
    let mut rests = 0;
    let state = |station: &Station| {
        [reg::QUERY_SEND_UNACKNOWLEDGED, reg::QUERY_RECEIVE_NEXT, reg::QUERY_SEND_NEXT]
            .map(|register| station.read(register))
    };
    while rests < 3 {
        let before = stations.each_ref().map(state);
        for station in stations.iter_mut() {
            assert!(station.poll().is_empty(), "no frame");
        }
        rests = if stations.each_ref().map(state) == before { rests + 1 } else { 0 };
    }
}

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

fn event(status: u8, sequence: u32) -> CompletionEntry {
    CompletionEntry { status, sequence, ..done(kind::EVENT, 0, 0) }
}

#[test]
fn everything_that_goes_over_frames_goes_over_a_stream() {
    for (markers, crc) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut stations = joined(Wish { markers, crc, ..STREAM }, 100_000, 70_000);
        let data = pattern(200_000, 1);
        stations[0].fill(SOURCE, &data);
        stations[1].fill(SOURCE, &data[1..]);
        stations[1].post_receive(QP, &buffer(70_000, 300_000));
        stations[0].post(&write_request(200_000, 0, 5));
        stations[0].post(&send_request(70_000, 0));
        stations[0].post(&read_request(70_000, 0, 9));
        settle(&mut stations);
        let sent = [200_000, 70_000, 70_000].map(|n| done(kind::SEND, 0, n));
        let entries = stations[0].completions();
        assert_eq!(entries.len(), 3, "{markers} {crc}");
        for (i, (entry, sent)) in entries.into_iter().zip(sent).enumerate() {
            assert_eq!(entry, CompletionEntry { request: i as u16, ..sent });
        }
        assert_eq!(stations[1].completions(), [done(kind::RECEIVE, 0, 70_000)]);
        assert_eq!(stations[1].octets(SINK + 5, data.len()), data);
        assert_eq!(stations[1].octets(SINK + 300_000, 70_000), data[..70_000]);
        assert_eq!(stations[0].octets(SINK + 9, 70_000), data[1..70_001]);
        // 200,000 octets in FPDUs of 64,768, not of a frame's size.
        assert_eq!(stations[1].read(reg::COUNT_FPDUS_PLACED), 4 + 2 + 1);
        assert_eq!(stations[1].read(reg::COUNT_FRAMES_RECEIVED), 0);
    }
}

/// A request completes when the stream has all of its octets, and not before.
#[test]
fn a_stream_without_room_holds_back() {
    let (mut station, _, _, way) = alone(STREAM, 60);
    station.post(&write_request(100, 0, 0));
    station.post(&write_request(8, 0, 0));
    let first = context(0, STREAM).send_next;
    for (polls, unacknowledged, completions) in [(2, 60, 0), (1, 120, 1), (1, 148, 1)] {
        (0..polls).for_each(|_| assert!(station.poll().is_empty()));
        let una = station.read(reg::QUERY_SEND_UNACKNOWLEDGED);
        assert_eq!(una, first.wrapping_add(unacknowledged));
        assert_eq!(station.read(reg::QUERY_SEND_NEXT), first.wrapping_add(148));
        assert_eq!(station.device.stream_wants_room(QP), unacknowledged != 148);
        assert_eq!(station.completions().len(), completions, "{unacknowledged}");
        way.lock().unwrap().octets.clear();
    }
}

#[test]
fn a_bad_request_ends_the_queue_pair_behind_the_good_ones() {
    let (mut station, _, _, way) = alone(STREAM, 10);
    station.post(&write_request(8, 0, 0));
    station.post(&SendRequest { opcode: 99, ..write_request(8, 0, 0) });
    let mut octets = 0;
    while station.is_active() {
        station.poll();
        octets += way.lock().unwrap().octets.drain(..).count();
    }
    assert_eq!(octets, 28);
    assert_eq!(station.completions(), [done(kind::SEND, 0, 8), event(status::BAD_OPCODE, 0)]);
}

#[test]
fn each_end_of_a_stream_has_its_status() {
    for (what, extra, closed, broken, expected) in [
        ("closed", 0, true, None, status::PEER_CLOSED),
        ("closed inside an FPDU", 5, true, None, status::PEER_CLOSED_EARLY),
        ("reset", 0, false, Some(ErrorKind::ConnectionReset), status::PEER_RESET),
        ("a broken pipe", 5, true, Some(ErrorKind::BrokenPipe), status::PEER_RESET),
        ("silence", 5, true, Some(ErrorKind::TimedOut), status::PEER_SILENT),
        ("something else", 0, false, Some(ErrorKind::Other), status::PEER_RESET),
    ] {
        let (mut station, mut peer, way, _) = alone(STREAM, usize::MAX);
        station.post_receive(QP, &buffer(100, 0));
        let mut octets = peer.fpdu(&untagged(1, 0, true, b"last words"));
        octets.extend(vec![0; extra]);
        {
            let mut way = way.lock().unwrap();
            way.octets.extend(&octets);
            (way.closed, way.broken) = (closed, broken);
        }
        (0..3).for_each(|_| assert!(station.poll().is_empty()));
        let next = context(0, STREAM).receive_next.wrapping_add(octets.len() as u32);
        let expected = [done(kind::RECEIVE, 0, 10), event(expected, next)];
        assert_eq!(station.completions(), expected, "{what}");
        assert_eq!((station.is_active(), station.read(reg::QUERY_RECEIVE_NEXT)), (false, next));
        assert!(station.device.detach_stream(QP).is_some());
    }
}

#[test]
fn a_stream_that_breaks_when_it_is_written_to() {
    let (mut station, _, _, way) = alone(STREAM, usize::MAX);
    way.lock().unwrap().broken = Some(ErrorKind::BrokenPipe);
    station.post(&write_request(8, 0, 0));
    assert!(station.poll().is_empty());
    let next = context(0, STREAM).receive_next;
    assert_eq!(station.completions(), [event(status::PEER_RESET, next)]);
}

#[test]
fn what_is_wrong_with_an_fpdu_ends_the_queue_pair() {
    let (mut station, mut peer, way, _) = alone(STREAM, usize::MAX);
    let mut octets = peer.fpdu(&tagged(SINK_STAG, 0, b"good"));
    octets.extend(peer.fpdu(&tagged(SINK_STAG, 4, b"bad")));
    octets[40] ^= 1;
    way.lock().unwrap().octets.extend(&octets);
    station.poll();
    assert_eq!(station.completions(), [event(status::MPA_CRC, 0)]);
    assert_eq!(station.octets(SINK, 8), b"good\0\0\0\0");
    way.lock().unwrap().octets.extend(&octets);
    station.poll();
    assert_eq!(way.lock().unwrap().octets.len(), octets.len(), "nobody reads any more");
}

#[test]
fn streams_are_attached_to_queue_pairs_at_rest() {
    let mut station = Station::new(0);
    let end = || Box::new(pipe(9, 9).into_iter().next().unwrap());
    let device = &mut station.device;
    assert_eq!(device.attach_stream(RAW_QP, end()), Err(AttachError::NoStreams(RAW_QP)));
    assert_eq!(device.attach_stream(NO_QP, end()), Err(AttachError::NoStreams(NO_QP)));
    assert!(device.detach_stream(NO_QP).is_none() && device.detach_stream(RAW_QP).is_none());
    assert!(device.detach_stream(QP).is_none(), "none is attached");
    assert_eq!(device.attach_stream(QP, end()), Ok(()));
    assert!(!device.stream_wants_room(QP) && !device.stream_wants_room(NO_QP));
    station.start(&context(0, STREAM));
    let device = &mut station.device;
    assert_eq!(device.attach_stream(QP, end()), Err(AttachError::Active(QP)));
    assert!(device.detach_stream(QP).is_none(), "it is active");
    station.write(reg::QP_CONTROL, QP);
    assert!(station.device.detach_stream(QP).is_some());
    assert!(station.device.detach_stream(QP).is_none());

    // Without a stream it is a connection over frames again, and frames are nothing to a stream.
    station.start(&context(0, PLAIN));
    let mut peer = Peer::new(PLAIN);
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"frame"));
    assert_eq!((station.poll().len(), station.octets(SINK, 5)), (1, b"frame".to_vec()));
    station.write(reg::QP_CONTROL, QP);
    station.device.attach_stream(QP, end()).unwrap();
    station.start(&context(0, PLAIN));
    Peer::new(PLAIN).send(&mut station, &tagged(SINK_STAG, 0, b"other"));
    assert_eq!((station.poll().len(), station.octets(SINK, 5)), (0, b"frame".to_vec()));
}

/// A stream that always has more and takes everything does not keep the others from their turn.
#[test]
fn the_work_of_one_poll_is_bounded() {
    let (mut station, mut peer, way, _) = alone(STREAM, usize::MAX);
    let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, &[7; 60_000]));
    (0..100).for_each(|_| way.lock().unwrap().octets.extend(&fpdu));
    let memory = &mut station.memory;
    assert!(station.device.poll(std::time::Duration::ZERO, memory), "there is more");
    assert!(!way.lock().unwrap().octets.is_empty());
    while station.device.poll(std::time::Duration::ZERO, &mut station.memory) {}
    assert_eq!(station.read(reg::COUNT_FPDUS_PLACED), 100);
}

/// A socket of the kernel is a byte stream.
#[test]
fn two_devices_over_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let active = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (passive, _) = listener.accept().unwrap();
    let mut stations = [(0, active), (1, passive)].map(|(me, socket)| {
        socket.set_nonblocking(true).unwrap();
        let mut station = Station::new(me);
        station.device.attach_stream(QP, Box::new(socket)).unwrap();
        station.start(&context(me, STREAM));
        station
    });
    let data = pattern(300_000, 5);
    stations[0].fill(SOURCE, &data);
    (0..20).for_each(|_| stations[0].post(&write_request(300_000, 0, 0)));
    stations[0].post(&read_request(0, 0, 0));
    let mut entries = Vec::new();
    while entries.len() < 21 {
        stations.iter_mut().for_each(|station| assert!(station.poll().is_empty()));
        entries.extend(stations[0].completions());
    }
    assert!(entries.iter().all(|entry| entry.status == status::SUCCESS));
    assert_eq!(stations[1].octets(SINK, data.len()), data);
    stations[0].write(reg::QP_CONTROL, QP);
    drop(stations[0].device.detach_stream(QP));
    let closed = loop {
        stations[1].poll();
        if let Some(entry) = stations[1].completion() {
            break entry.status;
        }
    };
    assert_eq!(closed, status::PEER_CLOSED);
}

proptest! {
    /// However little the stream moves at a time, everything arrives in its order.
    #[test]
    fn any_room_will_do(
        requests in mix::mixes(12),
        markers: bool, crc: bool, mulpdu in 128u16..65000,
        room in 1usize..5000, most in 1usize..9000,
    ) {
        let mut stations = joined(Wish { markers, crc, mulpdu, ..PLAIN }, room, most);
        mix::post(&mut stations, &requests);
        settle(&mut stations);
        for me in [0, 1] {
            let entries = stations[me].completions();
            let sends = entries.iter().filter(|entry| entry.kind == kind::SEND);
            let sends: Vec<_> = sends.map(|entry| entry.length).collect();
            let expected: Vec<_> = requests.iter().map(|(_, length)| *length).collect();
            prop_assert_eq!(sends, expected);
        }
        mix::check(&mut stations, &requests)?;
    }

    /// A peer that sends anything gets an end, not a panic.
    #[test]
    fn garbage_ends_the_queue_pair_or_waits(octets: Vec<u8>, markers: bool, crc: bool) {
        let (mut station, _, way, _) = alone(Wish { markers, crc, ..STREAM }, usize::MAX);
        way.lock().unwrap().octets.extend(&octets);
        way.lock().unwrap().closed = true;
        while station.is_active() {
            station.poll();
        }
        prop_assert_eq!(station.memory.lost, 0);
    }
}
