//! The peer reads from the RNIC.

use crate::bench::*;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::opcode;
use ironwarp_abi::{registers, status};
use ironwarp_wire::ddp::UntaggedRepr;
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::{queue, Opcode};

/// What to change in a message or a context.
type Change<T> = fn(&mut T);

/// The response to a Read Request of `length` octets from `at`.
fn response(bench: &Bench, at: usize, length: usize) -> Vec<Vec<u8>> {
    let octets = &bench.buffer[at..at + length];
    message(Opcode::ReadResponse, PEER_STAG, PEER_BASE + at as u64, octets)
}

//= rfc5040#5.2.2
//= type=test
#[test]
fn responses_have_what_was_asked_for() {
    let mut bench = Bench::new();
    for (at, length) in [(11, 1), (0, 0), (4090, 986), (17, 987), (1001, 20_000)] {
        bench.ask(at, length);
        let got = bench.ulpdus();
        let expected = response(&bench, at as usize, length as usize);
        assert!(got == expected, "{length} octets: {} ULPDUs", got.len());
        bench.acknowledge();
    }
    assert_eq!(bench.told(), [], "a responder completes nothing");
    assert_eq!(bench.station.read(registers::COUNT_FPDUS_PLACED), 5);
    bench.check("a responder's");
}

/// The peer's first FPDU may be a Read Request: the response is the first FPDU of the RNIC.
//= rfc5044#7.1.2
//= type=test
#[test]
fn a_read_request_opens_the_stream() {
    let context = QueuePairContext { read_in: 1, await_first_fpdu: true, ..Default::default() };
    let mut bench = Bench::with(context);
    bench.post(opcode::WRITE, 500, 60);
    assert_eq!(bench.ulpdus().len(), 0);
    bench.ask(100, 50);
    assert_eq!(bench.ulpdus().len(), 2);
}

/// With the window shut, Read Requests are held: as many as IRD, and not one more.
//= rfc5040#5.2
//= type=test
#[test]
fn more_read_requests_than_ird_end_the_queue_pair() {
    let mut bench = Bench::with(QueuePairContext { read_in: 2, ..Default::default() });
    bench.peer.window = 0;
    bench.ask(0, 10);
    bench.ask(100, 10);
    assert_eq!(bench.events(), []);
    // One is answered: there is room for one.
    bench.peer.window = 60;
    bench.acknowledge();
    let mut got = bench.ulpdus();
    assert_eq!(got, response(&bench, 0, 10));
    bench.peer.window = 0;
    bench.ask(200, 10);
    assert_eq!(bench.events(), []);
    bench.ask(300, 10);
    assert_eq!(bench.events(), [status::DDP_NO_BUFFER]);
    got = bench.ulpdus();
    assert_eq!(got.len(), 0);
}

/// Whole messages of the two kinds take turns.
#[test]
fn responses_and_writes_take_turns() {
    let mut bench = Bench::new();
    bench.peer.window = 0;
    bench.acknowledge();
    for n in 0..3 {
        bench.post(opcode::WRITE, 4000 * n, 1500);
        bench.ask(2000 + 4000 * n, 2500);
    }
    assert_eq!(bench.ulpdus().len(), 0, "the window is shut");
    bench.peer.window = 0xffff;
    bench.acknowledge();
    let got = bench.ulpdus();
    let expected: Vec<_> = (0..3)
        .flat_map(|n| {
            let octets = &bench.buffer[4000 * n..][..1500];
            let write = message(Opcode::Write, PEER_STAG, PEER_BASE + 4000 * n as u64, octets);
            [write, response(&bench, 2000 + 4000 * n, 2500)].concat()
        })
        .collect();
    assert!(got == expected, "{} ULPDUs", got.len());
    bench.acknowledge();
    assert_eq!(bench.told().len(), 3, "only the writes complete");
}

/// The gate is asked for the whole of the message before its first octet leaves.
//= rfc5040#7.1
//= type=test
#[test]
fn a_source_that_the_gate_refuses_ends_the_queue_pair() {
    let cases: [(u8, Change<ReadRequestRepr>, Change<MemoryRegionContext>); 6] = [
        (status::READ_STAG, |wanted| wanted.source_stag ^= 0x10, |_| ()),
        (status::READ_DOMAIN, |_| (), |region| region.pd += 1),
        (status::READ_RIGHTS, |_| (), |region| region.remote_read = false),
        (status::READ_BOUNDS, |wanted| wanted.source_offset -= 1, |_| ()),
        (status::READ_BOUNDS, |wanted| wanted.length = BUFFER_BYTES as u32 + 1, |_| ()),
        (status::READ_WRAP, |wanted| wanted.source_offset = u64::MAX - 9, |_| ()),
    ];
    for (why, spoil, change) in cases {
        let mut bench = Bench::new();
        let mut region = Bench::region();
        change(&mut region);
        bench.station.register(3, region);
        let (header, mut wanted) = bench.asking(0, 3000);
        spoil(&mut wanted);
        bench.say(&[[&header.emit()[..], &wanted.emit()].concat()]);
        assert_eq!(bench.ulpdus().len(), 0, "status {why}");
        assert_eq!(bench.events(), [why]);
    }
}

//= rfc5040#4.4
//= type=test
#[test]
fn a_malformed_read_request_ends_the_queue_pair() {
    let cases: [(u8, Change<UntaggedRepr>, usize); 8] = [
        (status::DDP_QUEUE, |header| header.queue = queue::SEND, 28),
        (status::DDP_QUEUE, |header| header.queue = queue::TERMINATE, 28),
        (status::DDP_MSN, |header| header.message = 2, 28),
        (status::DDP_MSN, |header| header.message = 0, 28),
        (status::DDP_MO, |header| header.offset = 1, 28),
        (status::RDMAP_READ_REQUEST, |header| header.last = false, 28),
        (status::RDMAP_READ_REQUEST, |_| (), 27),
        (status::RDMAP_READ_REQUEST, |_| (), 29),
    ];
    for (why, spoil, length) in cases {
        let mut bench = Bench::new();
        let (mut header, wanted) = bench.asking(0, 100);
        spoil(&mut header);
        let mut octets = wanted.emit().to_vec();
        octets.resize(length, 0);
        bench.say(&[[&header.emit()[..], &octets].concat()]);
        assert_eq!(bench.ulpdus().len(), 0, "status {why}");
        assert_eq!(bench.events(), [why]);
    }
}

//= rfc5040#5.4
//= type=test
#[test]
fn a_terminate_ends_the_queue_pair() {
    for (number, why) in [
        (queue::TERMINATE, status::PEER_TERMINATED),
        (queue::SEND, status::DDP_QUEUE),
        (queue::READ_REQUEST, status::DDP_QUEUE),
    ] {
        let mut bench = Bench::new();
        let header = UntaggedRepr {
            last: true,
            ulp_control: Opcode::Terminate.control(),
            ulp_word: 0,
            queue: number,
            message: 1,
            offset: 0,
        };
        bench.say(&[[&header.emit()[..], &[0; 4]].concat()]);
        assert_eq!(bench.events(), [why]);
    }
}
