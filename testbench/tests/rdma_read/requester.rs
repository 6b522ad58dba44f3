//! The RNIC reads from the peer.

use crate::bench::*;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, SendRequest};
use ironwarp_abi::{registers, status};
use ironwarp_wire::rdmap::Opcode::{ReadResponse, Write};
use ironwarp_wire::rdmap::{queue, read_request::ReadRequestRepr};

/// The RNIC's answer to the oldest read: `octets` for the buffer at `at`.
fn response(bench: &Bench, at: u64, octets: &[u8]) -> Vec<Vec<u8>> {
    message(ReadResponse, bench.stag, BASE + at, octets)
}

//= rfc5040#5.2.1
//= type=test
#[test]
fn a_read_request_leaves_and_its_response_is_placed() {
    let mut bench = Bench::new();
    let (at, length) = (5003_u64, 2500_usize);
    bench.post_read(at, length as u32);
    let ulpdus = bench.ulpdus();
    assert_eq!(ulpdus.len(), 1, "{ulpdus:02x?}");
    let (header, wanted) = parse_request(&ulpdus[0]);
    assert!(header.last && header.ulp_word == 0);
    assert_eq!((header.queue, header.message, header.offset), (queue::READ_REQUEST, 1, 0));
    let expected = ReadRequestRepr {
        sink_stag: bench.stag,
        sink_offset: BASE + at,
        length: length as u32,
        source_stag: PEER_STAG,
        source_offset: PEER_BASE + at,
    };
    assert_eq!(wanted, expected);

    let octets: Vec<u8> = (0..length).map(|n| n as u8 ^ 0x5a).collect();
    let segments = response(&bench, at, &octets);
    assert_eq!(segments.len(), 3);
    bench.say(&segments[..2]);
    assert_eq!(bench.told(), [], "the response is not whole");
    bench.say(&segments[2..]);
    assert_eq!(bench.told(), [(kind::SEND, status::SUCCESS, 0, length as u32)]);
    bench.buffer[at as usize..][..length].copy_from_slice(&octets);
    bench.check("a read");
    assert_eq!(bench.station.read(registers::COUNT_FPDUS_PLACED), 3);

    // No octet is as good as many: one segment each way.
    bench.post_read(7, 0);
    assert_eq!(parse_request(&bench.ulpdus()[0]).0.message, 2);
    let segments = response(&bench, 7, &[]);
    bench.say(&segments);
    assert_eq!(bench.told(), [(kind::SEND, status::SUCCESS, 1, 0)]);
    bench.check("a read of nothing");
}

/// ORD is two: the third read waits, and all after it; requests complete as they were posted.
//= rfc5040#5.5
//= type=test
#[test]
fn reads_wait_for_ord_and_later_requests_complete_after_them() {
    let mut bench = Bench::with(QueuePairContext { read_out: 2, ..Default::default() });
    let places = [0, 1000, 2000];
    bench.post_read(places[0], 600);
    bench.post(opcode::WRITE, 8000, 90);
    bench.post_read(places[1], 600);
    bench.post_read(places[2], 600);
    bench.post(opcode::WRITE, 9000, 91);
    let ulpdus = bench.ulpdus();
    assert_eq!(ulpdus.len(), 3, "two reads and a write");
    assert_eq!(parse_request(&ulpdus[2]).0.message, 2);
    bench.acknowledge();
    assert_eq!(bench.told(), [], "acknowledged, but not read");

    let answer = |bench: &mut Bench, n: usize| {
        let octets = vec![n as u8 + 1; 600];
        let segments = response(bench, places[n], &octets);
        bench.say(&segments);
        bench.buffer[places[n] as usize..][..600].copy_from_slice(&octets);
    };
    answer(&mut bench, 0);
    let done = |request, length| (kind::SEND, status::SUCCESS, request, length);
    assert_eq!(bench.told(), [done(0, 600), done(1, 90)]);
    let ulpdus = bench.ulpdus();
    assert_eq!(ulpdus.len(), 2, "the third read and the second write");
    assert_eq!(parse_request(&ulpdus[0]).0.message, 3);
    let octets = bench.buffer[9000..9091].to_vec();
    assert_eq!(ulpdus[1..], message(Write, PEER_STAG, PEER_BASE + 9000, &octets));
    answer(&mut bench, 1);
    assert_eq!(bench.told(), [done(2, 600)]);
    answer(&mut bench, 2);
    assert_eq!(bench.told(), [done(3, 600), done(4, 91)]);
    bench.check("three reads");
}

/// Every way in which a Read Response can be none to the oldest read.
//= rfc5040#5.2.2
//= type=test
#[test]
fn a_wrong_response_ends_the_queue_pair_and_places_nothing() {
    // What was read; the response's last flag, what to add to its STag and offset, its length.
    let cases = [
        (None, true, 0, 0, 10),
        (Some(100), true, 1, 0, 100),
        (Some(100), true, 0, 1, 100),
        (Some(100), true, 0, 0, 101),
        (Some(100), false, 0, 0, 101),
        (Some(100), true, 0, 0, 99),
        (Some(100), false, 0, 0, 100),
        (Some(0), true, 0, 1, 0),
        (Some(0), true, 1, 0, 0),
        (Some(0), false, 0, 0, 0),
        (Some(0), true, 0, 0, 1),
    ];
    for (length, last, stag, offset, octets) in cases {
        let mut bench = Bench::new();
        if let Some(length) = length {
            bench.post_read(300, length);
            assert_eq!(bench.ulpdus().len(), 1);
        }
        let (stag, offset) = (bench.stag ^ stag, BASE + 300 + offset);
        bench.say(&[tagged(ReadResponse, last, stag, offset, &vec![9; octets])]);
        let what = format!("{length:?} {last} {octets}");
        assert_eq!(bench.events(), [status::RDMAP_READ_RESPONSE], "{what}");
        bench.check(&what);
    }
}

/// The second segment must go on where the first one stopped.
#[test]
fn a_response_with_a_hole_ends_the_queue_pair() {
    let mut bench = Bench::new();
    bench.post_read(300, 200);
    assert_eq!(bench.ulpdus().len(), 1);
    let first = tagged(ReadResponse, false, bench.stag, BASE + 300, &[1; 100]);
    let second = tagged(ReadResponse, true, bench.stag, BASE + 401, &[2; 99]);
    bench.say(&[first, second]);
    assert_eq!(bench.events(), [status::RDMAP_READ_RESPONSE]);
    bench.buffer[300..400].fill(1);
    bench.check("the first segment");
}

#[test]
fn a_read_that_the_context_or_the_gate_forbids_does_not_leave() {
    let forbidden = |change: fn(&mut SendRequest)| {
        let mut bench = Bench::new();
        let mut request = bench.request(opcode::READ, 0, 100);
        change(&mut request);
        bench.station.post_send(1, &request);
        assert_eq!(bench.ulpdus().len(), 0);
        bench.events()
    };
    assert_eq!(forbidden(|r| r.local_stag ^= 0x10), [status::LOCAL_STAG]);
    assert_eq!(forbidden(|r| r.local_offset -= 1), [status::LOCAL_BOUNDS]);
    assert_eq!(forbidden(|r| r.length = BUFFER_BYTES as u32 + 1), [status::LOCAL_BOUNDS]);

    let mut bench = Bench::with(QueuePairContext::default());
    bench.post_read(0, 100);
    assert_eq!(bench.ulpdus().len(), 0);
    assert_eq!(bench.events(), [status::BAD_OPCODE], "ORD is zero");

    let mut bench = Bench::new();
    bench.station.register(3, MemoryRegionContext { local_write: false, ..Bench::region() });
    bench.post_read(0, 100);
    assert_eq!(bench.ulpdus().len(), 0);
    assert_eq!(bench.events(), [status::LOCAL_RIGHTS]);
}

/// The sink's region is gone when the response comes: nothing is written.
#[test]
fn a_response_passes_the_gate_again() {
    let mut bench = Bench::new();
    bench.post_read(0, 100);
    assert_eq!(bench.ulpdus().len(), 1);
    bench.station.register(3, MemoryRegionContext { pd: PD + 1, ..Bench::region() });
    let segments = response(&bench, 0, &[3; 100]);
    bench.say(&segments);
    assert_eq!(bench.events(), [status::LOCAL_DOMAIN]);
    bench.check("a region of another domain");
}
