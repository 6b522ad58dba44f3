//! RDMA Read, as the one who asks and as the one who answers.

mod common;
mod mix;

use common::peer::{asking, read, response, tagged, untagged, Peer};
use common::*;
use ironwarp_abi::context::MemoryRegionContext;
use ironwarp_abi::limits::READS_MAX;
use ironwarp_abi::queue::{kind, CompletionEntry, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_wire::ddp::{Segment, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Deframer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::Opcode;
use proptest::prelude::*;

fn done(request: u16, length: u32) -> CompletionEntry {
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind: kind::SEND,
        request,
        length,
        ..CompletionEntry::default()
    }
}

fn event(status: u8) -> CompletionEntry {
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind: kind::EVENT,
        status,
        ..CompletionEntry::default()
    }
}

fn pair(wish: Wish) -> (Station, Peer) {
    let mut station = Station::new(0);
    station.start(&context(0, wish));
    (station, Peer::new(wish))
}

/// The ULPDUs that a station sends, without markers.
struct Sent(Deframer);

impl Sent {
    fn new() -> Self {
        Self(Deframer::new(Framing { markers: false, crc: true }))
    }

    fn next(&mut self, station: &mut Station) -> Vec<Vec<u8>> {
        station.poll().iter().for_each(|frame| self.0.push(&read(frame).payload));
        std::iter::from_fn(|| self.0.next_ulpdu().unwrap()).collect()
    }
}

fn opcodes(ulpdus: &[Vec<u8>]) -> Vec<Opcode> {
    let control = |ulpdu: &Vec<u8>| Segment::new(ulpdu).unwrap().ulp_control();
    ulpdus.iter().map(|ulpdu| Opcode::of(control(ulpdu)).unwrap()).collect()
}

//= rfc5040#5.2
//= type=test
#[test]
fn what_is_read_arrives_and_completes() {
    for (markers, crc) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut stations = connected(Wish { markers, crc, ..PLAIN });
        let data = pattern(100_000, 7);
        stations[1].fill(SOURCE + 11, &data);
        for (length, from, to) in [(100_000, 11, 3), (0, 1 << 60, 1 << 60), (1, 11, 200_000)] {
            stations[0].post(&read_request(length, from, to));
        }
        run(&mut stations);
        let expected = [done(0, 100_000), done(1, 0), done(2, 1)];
        assert_eq!(stations[0].completions(), expected, "{markers} {crc}");
        assert_eq!(stations[1].completions(), [], "the other side is not told");
        assert_eq!(stations[0].octets(SINK + 3, data.len()), data);
        assert_eq!(stations[0].octets(SINK + 200_000, 2), [data[0], 0]);
        let segments = data.len().div_ceil(1454 - 14) as u32 + 2;
        assert_eq!(stations[0].read(reg::COUNT_FPDUS_PLACED), segments);
        assert_eq!(stations[1].read(reg::COUNT_FPDUS_PLACED), 3);
    }
}

//= rfc5040#4.4
//= type=test
#[test]
fn a_read_request_leaves_with_its_header_and_a_count_of_its_own() {
    let (mut station, _) = pair(PLAIN);
    station.post(&send_request(5, 0));
    station.post(&read_request(0x1234_5678, 0xaaaa, 0x1_0000_0000_0000));
    station.post(&send_request(5, 0));
    assert_eq!(opcodes(&Sent::new().next(&mut station)), [Opcode::Send], "outside the region");
    assert_eq!(station.completions(), [event(status::LOCAL_BOUNDS)]);

    let (mut station, _) = pair(PLAIN);
    station.post(&send_request(5, 0));
    station.post(&read_request(9999, 0xaaaa, 7));
    station.post(&send_request(5, 0));
    let sent = Sent::new().next(&mut station);
    assert_eq!(opcodes(&sent), [Opcode::Send, Opcode::ReadRequest, Opcode::Send]);
    for (ulpdu, queue, message) in [(&sent[0], 0, 1), (&sent[1], 1, 1), (&sent[2], 0, 2)] {
        let Segment::Untagged(segment) = Segment::new(ulpdu).unwrap() else { panic!("tagged") };
        let header = UntaggedRepr::parse(&segment);
        assert_eq!((header.queue, header.message, header.offset), (queue, message, 0));
        assert!(header.last && header.ulp_word == 0);
    }
    assert_eq!(sent[1].len(), 18 + 28);
    let header = ReadRequestRepr {
        sink_stag: SINK_STAG,
        sink_offset: 7,
        length: 9999,
        source_stag: SOURCE_STAG,
        source_offset: 0xaaaa,
    };
    assert_eq!(ReadRequestRepr::parse(&sent[1][18..]), Ok(header));
}

#[test]
fn the_send_queue_waits_while_as_many_reads_are_outstanding_as_may_be() {
    let (mut station, mut peer) = pair(Wish { reads: 2, ..PLAIN });
    let mut sent = Sent::new();
    for i in 0..3 {
        station.post(&read_request(4, 0, 10 * i));
    }
    station.post(&write_request(4, 0, 0));
    let reads = [Opcode::ReadRequest; 2];
    assert_eq!(opcodes(&sent.next(&mut station)), reads);
    peer.send(&mut station, &response(SINK_STAG, 0, false, b"ab"));
    assert_eq!(opcodes(&sent.next(&mut station)), [], "not whole");
    peer.send(&mut station, &response(SINK_STAG, 2, true, b"cd"));
    assert_eq!(opcodes(&sent.next(&mut station)), [Opcode::ReadRequest, Opcode::Write]);
    assert_eq!(station.octets(SINK, 5), b"abcd\0");
    assert_eq!(station.completions(), [], "placed, but the request is not acknowledged");
    peer.acknowledged = context(0, PLAIN).send_next.wrapping_add(3 * 52 + 24);
    peer.emit(&mut station, &peer.plain());
    assert_eq!(station.completions(), [done(0, 4)], "acknowledged, but not placed");
    peer.send(&mut station, &response(SINK_STAG, 10, true, b"efgh"));
    assert_eq!(station.completions(), [done(1, 4)]);
    peer.send(&mut station, &response(SINK_STAG, 20, true, b"ijkl"));
    assert_eq!(station.completions(), [done(2, 4), done(3, 4)], "the Write behind it");
}

#[test]
fn no_more_reads_than_the_device_has_room_for() {
    let (mut station, mut peer) = pair(Wish { reads: 15, ..PLAIN });
    (0..10).for_each(|_| station.post(&read_request(4, 0, 0)));
    assert_eq!(Sent::new().next(&mut station).len(), READS_MAX);
    let requests: Vec<u8> =
        (1..10).flat_map(|message| peer.fpdu(&asking(message, 4, 0, 0))).collect();
    let segment = peer.data(&requests);
    peer.emit(&mut station, &segment);
    assert_eq!(station.completions(), [event(status::DDP_NO_BUFFER)], "nine in one segment");
    assert_eq!(station.read(reg::COUNT_FPDUS_PLACED), READS_MAX as u32);
}

#[test]
fn without_reads_a_read_is_a_bad_opcode() {
    let (mut station, mut peer) = pair(Wish { reads: 0, ..PLAIN });
    peer.send(&mut station, &asking(1, 4, 0, 0));
    assert_eq!(station.completions(), [event(status::DDP_NO_BUFFER)]);
    let (mut station, _) = pair(Wish { reads: 0, ..PLAIN });
    station.post(&read_request(4, 0, 0));
    assert_eq!(Sent::new().next(&mut station).len(), 0);
    assert_eq!(station.completions(), [event(status::BAD_OPCODE)]);
}

//= rfc5040#5.2.2
//= type=test
#[test]
fn a_response_must_be_that_to_the_oldest_read() {
    let first = || response(SINK_STAG, 100, false, b"ab");
    let wrong = status::RDMAP_READ_RESPONSE;
    for (what, before, ulpdu, expected) in [
        ("another STag", None, response(SOURCE_STAG, 100, true, b"abcd"), wrong),
        ("another offset", None, response(SINK_STAG, 101, true, b"abcd"), wrong),
        ("that of the second read", None, response(SINK_STAG, 200, true, b"abcd"), wrong),
        ("too long", None, response(SINK_STAG, 100, true, b"abcde"), wrong),
        ("too long, not the last", None, response(SINK_STAG, 100, false, b"abcde"), wrong),
        ("the last, but too short", None, response(SINK_STAG, 100, true, b"abc"), wrong),
        ("whole, but not the last", None, response(SINK_STAG, 100, false, b"abcd"), wrong),
        ("an empty end", None, response(SINK_STAG, 100, true, b""), wrong),
        ("from the start again", Some(first()), response(SINK_STAG, 100, true, b"cd"), wrong),
        ("too long in the end", Some(first()), response(SINK_STAG, 102, true, b"cde"), wrong),
        ("right", Some(first()), response(SINK_STAG, 102, true, b"cd"), 0),
    ] {
        let (mut station, mut peer) = pair(PLAIN);
        station.post(&read_request(4, 0, 100));
        station.post(&read_request(4, 0, 200));
        peer.acknowledged = peer.acknowledged.wrapping_add(52);
        assert_eq!(Sent::new().next(&mut station).len(), 2);
        before.into_iter().for_each(|ulpdu| peer.send(&mut station, &ulpdu));
        peer.send(&mut station, &ulpdu);
        let expected = if expected == 0 { done(0, 4) } else { event(expected) };
        assert_eq!(station.completions(), [expected], "{what}");
    }
}

#[test]
fn an_empty_read_is_compared_all_the_same() {
    for (ulpdu, expected) in [
        (response(SINK_STAG, 5, true, b""), done(0, 0)),
        (response(SINK_STAG, 5, false, b""), event(status::RDMAP_READ_RESPONSE)),
        (response(SINK_STAG, 6, true, b""), event(status::RDMAP_READ_RESPONSE)),
        (response(SINK_STAG, 5, true, b"a"), event(status::RDMAP_READ_RESPONSE)),
    ] {
        let (mut station, mut peer) = pair(PLAIN);
        station.post(&read_request(0, 0, 5));
        assert_eq!(Sent::new().next(&mut station).len(), 1);
        peer.acknowledged = peer.acknowledged.wrapping_add(52);
        peer.send(&mut station, &ulpdu);
        assert_eq!(station.completions(), [expected]);
    }
}

/// The sink is checked when the request leaves and again for every segment.
#[test]
fn the_sink_is_protected() {
    let grant = |region: &mut MemoryRegionContext| region.local_write = true;
    for (stag, offset, expected) in [
        (0x2222_2302, 0, status::LOCAL_STAG),
        (SOURCE_STAG, 0, status::LOCAL_RIGHTS),
        (SINK_STAG, u64::from(REGION_BYTES) - 3, status::LOCAL_BOUNDS),
        (SINK_STAG, u64::MAX, status::LOCAL_BOUNDS),
    ] {
        let (mut station, _) = pair(PLAIN);
        station.post(&SendRequest { local_stag: stag, ..read_request(4, 0, offset) });
        assert_eq!(Sent::new().next(&mut station).len(), 0);
        assert_eq!(station.completions(), [event(expected)]);
    }
    let (mut station, mut peer) = pair(PLAIN);
    station.post(&read_request(4, 0, 0));
    assert_eq!(Sent::new().next(&mut station).len(), 1);
    station.region(SINK_STAG, SINK, |region| {
        grant(region);
        region.valid = false;
    });
    peer.send(&mut station, &response(SINK_STAG, 0, true, b"abcd"));
    assert_eq!(station.completions(), [event(status::LOCAL_STAG)]);
    assert_eq!(station.octets(SINK, 4), [0; 4]);
}

/// One octet of a Read Request changed, or one field.
//= rfc5040#5.2.1
//= type=test
#[test]
fn each_wrong_read_request_has_its_status() {
    let with = |mut ulpdu: Vec<u8>, at: usize, value: u8| {
        ulpdu[at] = value;
        ulpdu
    };
    let good = || asking(1, 4, 0, 0);
    let end = u64::from(REGION_BYTES);
    for (what, ulpdu, expected) in [
        ("QN 0", with(good(), 9, 0), status::DDP_QUEUE),
        ("QN 2", with(good(), 9, 2), status::DDP_QUEUE),
        ("MSN 0", asking(0, 4, 0, 0), status::DDP_MSN),
        ("MSN 2", asking(2, 4, 0, 0), status::DDP_MSN),
        ("MO 1", with(good(), 17, 1), status::DDP_MO),
        ("not the last", with(good(), 0, 1), status::RDMAP_READ_REQUEST),
        ("27 octets", good()[..45].to_vec(), status::RDMAP_READ_REQUEST),
        ("29 octets", [&good()[..], b"x"].concat(), status::RDMAP_READ_REQUEST),
        ("no region", with(good(), 37, 0x77), status::READ_STAG),
        ("another key", with(good(), 36, 0x77), status::READ_STAG),
        ("wrap", asking(1, 4, u64::MAX - 2, 0), status::READ_WRAP),
        ("outside", asking(1, 4, end, 0), status::READ_BOUNDS),
        ("across the end", asking(1, 4, end - 3, 0), status::READ_BOUNDS),
    ] {
        let (mut station, mut peer) = pair(PLAIN);
        peer.send(&mut station, &ulpdu);
        let sent = opcodes(&Sent::new().next(&mut station));
        assert_eq!((sent, station.completions()), (vec![], vec![event(expected)]), "{what}");
    }
    for (rights, expected) in
        [((false, PD), status::READ_RIGHTS), ((true, PD + 1), status::READ_DOMAIN)]
    {
        let (mut station, mut peer) = pair(PLAIN);
        station.region(SOURCE_STAG, SOURCE, |region| {
            (region.remote_read, region.pd, region.local_read) = (rights.0, rights.1, true);
        });
        peer.send(&mut station, &good());
        assert_eq!(Sent::new().next(&mut station).len(), 0);
        assert_eq!(station.completions(), [event(expected)]);
        let (mut station, mut peer) = pair(PLAIN);
        peer.send(&mut station, &asking(1, 0, end, 0));
        assert_eq!(opcodes(&Sent::new().next(&mut station)), [Opcode::ReadResponse], "empty");
    }
}

/// The rest of the source is checked before each segment, so a response may end in its middle.
#[test]
fn a_source_that_goes_away_ends_the_response() {
    let (mut station, mut peer) = pair(Wish { shift: 0, ..PLAIN });
    peer.send(&mut station, &asking(1, 40_000, 0, 0));
    assert_eq!(Sent::new().next(&mut station).len(), 22, "a window of 0x7fff octets");
    station.region(SOURCE_STAG, SOURCE, |region| {
        (region.remote_read, region.length) = (true, 39_999);
    });
    peer.acknowledged = peer.acknowledged.wrapping_add(22 * 1460);
    peer.emit(&mut station, &peer.plain());
    assert!(station.poll().is_empty());
    assert_eq!(station.completions(), [event(status::READ_BOUNDS)]);
}

#[test]
fn a_source_that_cannot_be_read() {
    let (mut station, mut peer) = pair(PLAIN);
    station.region(SOURCE_STAG, 1 << 30, |region| region.remote_read = true);
    peer.send(&mut station, &asking(1, 4, 0, 0));
    assert_eq!(Sent::new().next(&mut station).len(), 0);
    assert_eq!(station.completions(), [event(status::DMA_FAULT)]);
}

/// Responses and work requests take turns; a message that is begun is finished first.
#[test]
fn responses_and_work_requests_take_turns() {
    let (mut station, mut peer) = pair(PLAIN);
    for i in 0..3 {
        station.post(&write_request(if i == 1 { 2000 } else { 8 }, 0, 0));
        peer.send(&mut station, &asking(1 + i, if i == 0 { 2000 } else { 8 }, 0, 0));
    }
    use Opcode::{ReadResponse, Write};
    let expected =
        [Write, ReadResponse, ReadResponse, Write, Write, ReadResponse, Write, ReadResponse];
    assert_eq!(opcodes(&Sent::new().next(&mut station)), expected);
}

/// A held request makes room when the last segment of its response was made.
#[test]
fn a_read_request_is_held_until_its_response_has_left() {
    let (mut station, mut peer) = pair(Wish { reads: 1, shift: 0, ..PLAIN });
    peer.send(&mut station, &asking(1, 40_000, 0, 0));
    let mut sent = Sent::new();
    assert_eq!(sent.next(&mut station).len(), 22);
    peer.acknowledged = peer.acknowledged.wrapping_add(22 * 1460);
    peer.emit(&mut station, &peer.plain());
    assert_eq!(sent.next(&mut station).len(), 6);
    peer.send(&mut station, &asking(2, 4, 0, 0));
    assert_eq!(opcodes(&sent.next(&mut station)), [Opcode::ReadResponse]);
    peer.send(&mut station, &asking(3, 4, 0, 0));
    peer.send(&mut station, &asking(4, 4, 0, 0));
    assert_eq!(station.completions(), [event(status::DDP_NO_BUFFER)]);
}

//= rfc5044#7.1.2
//= type=test
#[test]
fn a_read_request_is_a_valid_first_fpdu() {
    let mut station = Station::new(0);
    let mut waiting = context(0, PLAIN);
    waiting.await_first_fpdu = true;
    station.start(&waiting);
    station.post(&write_request(8, 0, 0));
    assert!(station.poll().is_empty());
    Peer::new(PLAIN).send(&mut station, &asking(1, 0, 0, 0));
    use Opcode::{ReadResponse, Write};
    assert_eq!(opcodes(&Sent::new().next(&mut station)), [Write, ReadResponse]);
}

#[test]
fn reads_and_sends_of_the_peer_are_counted_apart() {
    let (mut station, mut peer) = pair(PLAIN);
    station.post_receive(QP, &buffer(10, 0));
    peer.send(&mut station, &asking(1, 4, 0, 0));
    peer.send(&mut station, &untagged(1, 0, true, b"send"));
    peer.send(&mut station, &asking(2, 4, 0, 0));
    peer.send(&mut station, &tagged(SINK_STAG, 50, b"write"));
    assert_eq!(Sent::new().next(&mut station).len(), 2);
    let received = CompletionEntry { kind: kind::RECEIVE, length: 4, ..event(0) };
    assert_eq!(station.completions(), [received]);
}

proptest! {
    /// Both sides read, write and send at once, in any framing.
    #[test]
    fn everything_at_once(
        requests in mix::mixes(20),
        markers: bool, crc: bool, mulpdu in 128u16..8900, reads in 1u8..10,
        window in 9100u32..90_000,
    ) {
        let mut stations = connected(Wish { markers, crc, mulpdu, reads, window, shift: 2 });
        mix::post(&mut stations, &requests);
        run(&mut stations);
        for me in [0, 1] {
            let entries = stations[me].completions();
            let sends = entries.iter().filter(|entry| entry.kind == kind::SEND);
            let expected: Vec<_> =
                requests.iter().zip(0..).map(|((_, length), i)| done(i, *length)).collect();
            prop_assert_eq!(sends.copied().collect::<Vec<_>>(), expected);
        }
        mix::check(&mut stations, &requests)?;
    }
}
