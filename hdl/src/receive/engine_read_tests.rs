//! The whole receive engine, and RDMA Reads in both roles.
use crate::receive::bench::*;
use crate::receive::scripts::*;
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::Opcode;

/// The stream of these ULPDUs.
fn framed(ulpdus: &[Vec<u8>]) -> Vec<u8> {
    let mut framer = Framer::new(Framing { markers: false, crc: true });
    let mut stream = vec![];
    for ulpdu in ulpdus {
        framer.frame(ulpdu, &mut stream).unwrap();
    }
    stream
}

/// A bench with queue pair 2 started at sequence number 0.
fn started(seed: u64) -> Bench {
    let mut bench = Bench::new(seed);
    assert_eq!(bench.region(), STAG);
    bench.start(2, 0, false, true);
    bench
}

fn statuses(bench: &Bench) -> Vec<u64> {
    bench.events.iter().map(|event| event.status.to_u64()).collect()
}

fn asks(n: u32) -> ReadRequestRepr {
    ReadRequestRepr {
        sink_stag: n,
        sink_offset: u64::from(n) << 40 | 5,
        length: 1000 * n,
        source_stag: !n,
        source_offset: u64::from(n) << 50 | 6,
    }
}

fn request(message: u32, offset: u32, asks: &ReadRequestRepr) -> Vec<u8> {
    untagged(Opcode::ReadRequest, 1, message, offset, &asks.emit())
}

//= rfc5040#5.2
//= type=test
#[test]
fn read_requests_are_passed_on_and_counted_by_themselves() {
    for seed in 0..8 {
        let mut bench = started(seed);
        let mut ulpdus = vec![];
        for n in 1..=10 {
            ulpdus.push(request(n, 0, &asks(n)));
            if n % 2 == 0 {
                bench.post(2, buffer(STAG, 0x100 * u64::from(n), 64));
                ulpdus.push(send(n / 2, 0, true, &[n as u8; 64]));
            }
        }
        bench.segment(&Segment::of(2, 0, &framed(&ulpdus)));
        bench.settle();
        assert!(bench.events.is_empty(), "SEED={seed}");
        assert_eq!(bench.asked.len(), 10, "SEED={seed}");
        for (asked, n) in bench.asked.iter().zip(1..) {
            let seen = ReadRequestRepr {
                sink_stag: asked.sink_stag.to_u64() as u32,
                sink_offset: asked.sink_offset.to_u64(),
                length: asked.length.to_u64() as u32,
                source_stag: asked.source_stag.to_u64() as u32,
                source_offset: asked.source_offset.to_u64(),
            };
            assert_eq!((asked.qp.to_u64(), seen), (2, asks(n)), "SEED={seed}");
        }
        assert_eq!(bench.completions.len(), 5);
        assert_eq!(bench.counts[PLACED], 15);
        assert_eq!(bench.memory.len(), 5 * 64);
    }
}

#[test]
fn a_read_request_waits_for_the_one_before_to_be_taken() {
    let mut bench = started(1);
    bench.ready = 0.0;
    let two = framed(&[request(1, 0, &asks(1)), request(2, 0, &asks(2))]);
    bench.segment(&Segment::of(2, 0, &two));
    bench.idle(200);
    assert_eq!(bench.asked, []);
    // Taking the first one leaves no room for the second.
    while bench.asked.is_empty() {
        bench.ready = 1.0;
        bench.clock(None);
        bench.room = if bench.asked.is_empty() { 0xffff } else { 0xfffb };
    }
    bench.idle(100);
    assert_eq!(bench.asked.len(), 1);
    assert_eq!(statuses(&bench), [u64::from(status::DDP_NO_BUFFER)]);
}

//= rfc5041#7.1
//= type=test
#[test]
fn a_wrong_read_request_has_its_code() {
    let good = asks(1);
    let mut open = request(1, 0, &good);
    open[0] &= !ironwarp_wire::ddp::LAST;
    let longer = [request(1, 0, &good), vec![0]].concat();
    let shorter = request(1, 0, &good)[..18 + 27].to_vec();
    let on_queue_0 = untagged(Opcode::ReadRequest, 0, 1, 0, &good.emit());
    let send_on_queue_1 = untagged(Opcode::Send, 1, 1, 0, &[]);
    let cases = [
        ("queue", on_queue_0, true, status::DDP_QUEUE),
        ("send", send_on_queue_1, true, status::DDP_QUEUE),
        ("msn", request(2, 0, &good), true, status::DDP_MSN),
        ("msn, no room", request(2, 1, &good), false, status::DDP_MSN),
        ("no room", request(1, 1, &good), false, status::DDP_NO_BUFFER),
        ("mo", [request(1, 1, &good), vec![0]].concat(), true, status::DDP_MO),
        ("not last", open, true, status::RDMAP_READ_REQUEST),
        ("longer", longer, true, status::RDMAP_READ_REQUEST),
        ("shorter", shorter, true, status::RDMAP_READ_REQUEST),
        ("without octets", request(1, 0, &good)[..18].to_vec(), true, status::RDMAP_READ_REQUEST),
    ];
    for (name, ulpdu, room, expected) in cases {
        let mut bench = started(5);
        bench.room = if room { 0xffff } else { 0xfffb };
        bench.segment(&Segment::of(2, 0, &framed(&[ulpdu, request(2, 0, &good)])));
        bench.settle();
        assert_eq!(statuses(&bench), [u64::from(expected)], "{name}");
        assert_eq!((bench.asked.len(), bench.counts[PLACED]), (0, 0), "{name}");
        // Nothing is left of it: the next life begins with message 1.
        bench.room = 0xffff;
        bench.start(2, 0, false, true);
        bench.segment(&Segment::of(2, 0, &framed(&[request(1, 0, &good)])));
        bench.settle();
        assert_eq!((bench.asked.len(), bench.events.len()), (1, 1), "{name}");
    }
}

//= rfc5040#5.2
//= type=test
#[test]
fn read_responses_are_placed_in_the_order_of_the_requests() {
    for seed in 0..8 {
        let mut bench = started(seed);
        let octets = bench.octets_of(3000);
        bench.read(2, STAG, 0x1000, 2000);
        bench.read(2, STAG, 0x4000, 0);
        bench.read(2, STAG, 0x8000, 1000);
        let (first, second) = octets.split_at(2000);
        let stream = framed(&[
            response(STAG, 0x1000, false, &first[..700]),
            response(STAG, 0x1000 + 700, false, &[]),
            response(STAG, 0x1000 + 700, true, &first[700..]),
            response(STAG, 0x4000, true, &[]),
            response(STAG, 0x8000, true, second),
        ]);
        let mut sequence = 0;
        for chunk in stream.chunks(1460) {
            bench.segment(&Segment::of(2, sequence, chunk));
            sequence += chunk.len() as u32;
        }
        bench.settle();
        assert!(bench.events.is_empty(), "SEED={seed}");
        assert_eq!(bench.done, [2, 2, 2], "SEED={seed}");
        assert_eq!(bench.octets(BUS + 0x1000, 2000).as_deref(), Some(first));
        assert_eq!(bench.octets(BUS + 0x8000, 1000).as_deref(), Some(second));
        assert_eq!((bench.memory.len(), bench.counts[PLACED]), (3000, 5));
    }
}

#[test]
fn a_wrong_read_response_has_its_code() {
    let foreign = STAG ^ 0x100;
    // One read of 100 octets at 0x40 is outstanding; 60 octets of it have come.
    let cases = [
        ("stag", response(STAG + 1, 0x40 + 60, true, &[1; 40]), status::RDMAP_READ_RESPONSE),
        ("behind", response(STAG, 0x40 + 61, true, &[1; 40]), status::RDMAP_READ_RESPONSE),
        ("again", response(STAG, 0x40, true, &[1; 40]), status::RDMAP_READ_RESPONSE),
        ("long", response(STAG, 0x40 + 60, true, &[1; 41]), status::RDMAP_READ_RESPONSE),
        ("long, open", response(STAG, 0x40 + 60, false, &[1; 41]), status::RDMAP_READ_RESPONSE),
        ("open", response(STAG, 0x40 + 60, false, &[1; 40]), status::RDMAP_READ_RESPONSE),
        ("early", response(STAG, 0x40 + 60, true, &[1; 39]), status::RDMAP_READ_RESPONSE),
        ("right", response(STAG, 0x40 + 60, true, &[1; 40]), status::SUCCESS),
    ];
    for (name, ulpdu, expected) in cases {
        let mut bench = started(6);
        bench.read(2, STAG, 0x40, 100);
        let begin = response(STAG, 0x40, false, &[7; 60]);
        bench.segment(&Segment::of(2, 0, &framed(&[begin, ulpdu])));
        bench.settle();
        let good = expected == status::SUCCESS;
        let events = if good { vec![] } else { vec![u64::from(expected)] };
        assert_eq!(statuses(&bench), events, "{name}");
        assert_eq!((bench.done.len(), bench.memory.len()), if good { (1, 100) } else { (0, 60) });
    }
    // The gate speaks of this side's own memory.
    for (stag, offset, expected) in
        [(foreign, 0, status::LOCAL_STAG), (STAG, (1 << 20) - 7, status::LOCAL_BOUNDS)]
    {
        let mut bench = started(7);
        bench.read(2, stag, offset, 8);
        bench.segment(&Segment::of(2, 0, &framed(&[response(stag, offset, true, &[1; 8])])));
        bench.settle();
        assert_eq!(statuses(&bench), [u64::from(expected)]);
        assert_eq!((bench.done.len(), bench.memory.len()), (0, 0));
    }
}

#[test]
fn a_read_response_without_a_read_is_an_error() {
    let answer = framed(&[response(STAG, 0, true, &[])]);
    let mut bench = started(8);
    bench.read(3, STAG, 0, 0);
    bench.segment(&Segment::of(2, 0, &answer));
    bench.settle();
    assert_eq!(statuses(&bench), [u64::from(status::RDMAP_READ_RESPONSE)]);
    // A read of an earlier life is none.
    let mut bench = started(8);
    bench.read(2, STAG, 0, 0);
    bench.start(2, 0, false, true);
    bench.segment(&Segment::of(2, 0, &answer));
    bench.settle();
    assert_eq!(statuses(&bench), [u64::from(status::RDMAP_READ_RESPONSE)]);
    assert!(bench.done.is_empty());
}
