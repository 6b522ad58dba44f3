//! RDMA Read in the transmit engine's world: both roles.
use crate::receive::records::ReadAsked;
use crate::transmit::bench::*;
use crate::transmit::tests::{exchange, request, send, Peer};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{opcode, SendRequest};
use ironwarp_abi::status;
use rust_hdl::prelude::*;

const QP: usize = 5;
const SINK: u32 = 0x1122_3344;
const SINK_OFFSET: u64 = 0x9999_0000_0000;

fn world(seed: u64, change: impl Fn(&mut QueuePairContext)) -> (World, Vec<Peer>) {
    let mut world = World::new(seed);
    world.contexts[QP].mulpdu = 1000;
    world.contexts[QP].read_in = 4;
    world.contexts[QP].read_out = 2;
    change(&mut world.contexts[QP]);
    world.configure();
    world.command(QP, true);
    let peers = vec![Peer::new(QP, &world.contexts[QP])];
    (world, peers)
}

pub(super) fn read(offset: u64, length: u32) -> SendRequest {
    SendRequest {
        remote_stag: SINK,
        remote_offset: SINK_OFFSET + offset,
        ..request(opcode::READ, offset, length)
    }
}

fn asked(offset: u64, length: u64) -> ReadAsked {
    ReadAsked {
        qp: (QP as u64).to_bits(),
        generation: 0.into(),
        sink_stag: u64::from(SINK).to_bits(),
        sink_offset: (SINK_OFFSET + offset).to_bits(),
        length: length.to_bits(),
        source_stag: u64::from(STAG).to_bits(),
        source_offset: (BASE + offset).to_bits(),
    }
}

/// The ULPDU of a Read Request.
pub(super) fn read_request(number: u32, wanted: &SendRequest) -> Vec<u8> {
    let mut ulpdu = vec![0x41, 0x41, 0, 0, 0, 0, 0, 0, 0, 1];
    ulpdu.extend(number.to_be_bytes());
    ulpdu.extend([0; 4]);
    ulpdu.extend(wanted.local_stag.to_be_bytes());
    ulpdu.extend(wanted.local_offset.to_be_bytes());
    ulpdu.extend(wanted.length.to_be_bytes());
    ulpdu.extend(wanted.remote_stag.to_be_bytes());
    ulpdu.extend(wanted.remote_offset.to_be_bytes());
    ulpdu
}

/// The ULPDUs of a Read Response, or with opcode octet 0x40 of an RDMA Write.
fn tagged(world: &World, control: u8, offset: u64, length: usize) -> Vec<Vec<u8>> {
    let octets = &world.buffer[offset as usize..][..length];
    let mut pieces: Vec<&[u8]> = octets.chunks(1000 - 14).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let count = pieces.len();
    let piece = |(n, piece): (usize, &&[u8])| {
        let last = if n + 1 == count { 0x40 } else { 0 };
        let mut ulpdu = vec![0x81 | last, control];
        ulpdu.extend(SINK.to_be_bytes());
        ulpdu.extend((SINK_OFFSET + offset + 986 * n as u64).to_be_bytes());
        ulpdu.extend(*piece);
        ulpdu
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn statuses(world: &World) -> Vec<u64> {
    world.events.iter().map(|event| event.1).collect()
}

//= rfc5040#5.2.1
//= type=test
#[test]
fn reads_go_out_as_far_as_ord_and_complete_in_order() {
    let (mut world, mut peers) = world(21, |_| ());
    let reads = [read(100, 5000), read(9000, 0), read(40_000, 3)];
    world.post(QP, &reads[0]);
    world.post(QP, &send(7, 30));
    world.post(QP, &reads[1]);
    world.post(QP, &reads[2]);
    world.post(QP, &send(8, 31));
    world.ring(QP);
    exchange(&mut world, &mut peers);
    // ORD is two: the third read waits, and what was posted after it.
    assert_eq!(peers[0].ulpdus.len(), 3);
    assert_eq!(peers[0].ulpdus[0], read_request(1, &reads[0]));
    // A Send counts its messages apart.
    assert_eq!(peers[0].ulpdus[1][6..14], [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(peers[0].ulpdus[2], read_request(2, &reads[1]));
    assert_eq!(world.read_sent.len(), 2);
    assert_eq!(world.read_sent[0].sink_stag.to_u64(), u64::from(STAG));
    assert_eq!(world.read_sent[0].sink_offset.to_u64(), BASE + 100);
    assert_eq!(world.read_sent[0].length.to_u64(), 5000);
    assert_eq!(world.read_sent[1].length.to_u64(), 0);
    // All is acknowledged, nothing is read.
    assert_eq!(world.completions, []);
    world.finish_read(QP);
    exchange(&mut world, &mut peers);
    let numbers: Vec<_> = world.completions.iter().map(|told| (told.2, told.3)).collect();
    assert_eq!(numbers, [(0, 5000), (1, 30)]);
    assert_eq!(peers[0].ulpdus.len(), 5);
    assert_eq!(peers[0].ulpdus[3], read_request(3, &reads[2]));
    world.finish_read(QP);
    world.run(300);
    assert_eq!(world.completions.len(), 3);
    world.finish_read(QP);
    world.run(300);
    let numbers: Vec<_> = world.completions.iter().map(|told| (told.2, told.3)).collect();
    assert_eq!(numbers, [(0, 5000), (1, 30), (2, 0), (3, 3), (4, 31)]);
    assert_eq!(world.events, []);
}

/// The peer may answer as soon as the Read Request leaves, whatever waits to be told here.
#[test]
fn what_leaves_is_known_before() {
    let (mut world, mut peers) = world(24, |_| ());
    world.stall_completions = true;
    world.post(QP, &send(7, 30));
    world.ring(QP);
    exchange(&mut world, &mut peers);
    world.post(QP, &read(0, 10));
    world.ring(QP);
    exchange(&mut world, &mut peers);
    assert_eq!(peers[0].ulpdus.len() - 1, world.read_sent.len());
    assert_eq!(world.completions, []);
    world.stall_completions = false;
    exchange(&mut world, &mut peers);
    world.finish_read(QP);
    world.run(300);
    assert_eq!((peers[0].ulpdus.len(), world.completions.len()), (2, 2));
}

/// A read is not done before its Read Request is acknowledged.
#[test]
fn a_read_waits_for_its_acknowledgement_too() {
    let (mut world, mut peers) = world(22, |_| ());
    world.post(QP, &read(0, 10));
    world.ring(QP);
    world.run(1000);
    assert!(peers[0].take(&world));
    world.finish_read(QP);
    world.run(300);
    assert_eq!(world.completions, []);
    peers[0].acknowledge(&mut world);
    world.run(300);
    assert_eq!(world.completions.len(), 1);
}

#[test]
fn a_bad_read_is_told() {
    let cases = [
        (0, read(0, 10), status::BAD_OPCODE),
        (1, SendRequest { local_stag: STAG ^ 0x100, ..read(0, 10) }, status::LOCAL_STAG),
        (1, read(BUFFER_BYTES as u64 - 9, 10), status::LOCAL_BOUNDS),
        (1, SendRequest { local_offset: u64::MAX - 3, ..read(0, 10) }, status::LOCAL_BOUNDS),
    ];
    for (read_out, bad, why) in cases {
        let (mut world, mut peers) = world(23, |context| context.read_out = read_out);
        world.post(QP, &bad);
        world.ring(QP);
        exchange(&mut world, &mut peers);
        assert_eq!(statuses(&world), [u64::from(why)]);
        assert_eq!((world.segments.len(), world.read_sent.len()), (0, 0), "status {why}");
    }
}

//= rfc5040#5.2.2
//= type=test
#[test]
fn responses_need_no_work_request_and_complete_nothing() {
    let (mut world, mut peers) = world(24, |_| ());
    let wanted = [(70, 0), (500, 1), (3000, 986), (8000, 4500)];
    for (offset, length) in wanted {
        assert!(world.read_room(QP));
        world.ask(asked(offset, length));
    }
    // IRD is four: the first response is far away yet.
    assert!(!world.read_room(QP));
    exchange(&mut world, &mut peers);
    assert!(world.read_room(QP));
    let expected: Vec<_> = wanted
        .iter()
        .flat_map(|(offset, length)| tagged(&world, 0x42, *offset, *length as usize))
        .collect();
    assert!(peers[0].ulpdus == expected, "{} ULPDUs", peers[0].ulpdus.len());
    assert_eq!((&world.completions[..], &world.events[..]), (&[][..], &[][..]));
}

/// Messages of the two kinds take turns, and none is cut by another.
#[test]
fn responses_and_work_requests_take_turns() {
    for seed in [25, 26] {
        let (mut world, mut peers) = world(seed, |context| context.await_first_fpdu = true);
        for n in 0..4 {
            let write = request(opcode::WRITE, 20_000 * n, 2500);
            let offset = SINK_OFFSET + 20_000 * n;
            world.post(QP, &SendRequest { remote_stag: SINK, remote_offset: offset, ..write });
            world.ask(asked(10_000 + 20_000 * n, 2500));
        }
        world.ring(QP);
        world.run(1000);
        assert!(world.segments.is_empty(), "responses, too, wait for the first FPDU");
        world.open(QP);
        exchange(&mut world, &mut peers);
        let expected: Vec<_> = (0..4)
            .flat_map(|n| {
                let response = tagged(&world, 0x42, 10_000 + 20_000 * n, 2500);
                [tagged(&world, 0x40, 20_000 * n, 2500), response].concat()
            })
            .collect();
        assert!(peers[0].ulpdus == expected, "SEED={seed}: {} ULPDUs", peers[0].ulpdus.len());
        assert_eq!(world.completions.len(), 4);
    }
}

/// Responses go on while the send queue waits for a read.
#[test]
fn responses_pass_a_waiting_send_queue() {
    let (mut world, mut peers) = world(27, |context| context.read_out = 1);
    world.post(QP, &read(0, 10));
    world.post(QP, &read(20, 10));
    world.ring(QP);
    exchange(&mut world, &mut peers);
    assert_eq!(peers[0].ulpdus.len(), 1);
    world.ask(asked(0, 10));
    world.ask(asked(20, 10));
    exchange(&mut world, &mut peers);
    assert_eq!(peers[0].ulpdus.len(), 3);
    world.finish_read(QP);
    exchange(&mut world, &mut peers);
    assert_eq!(peers[0].ulpdus.len(), 4);
    assert_eq!(world.completions.len(), 1);
}

//= rfc5040#7.1
//= type=test
#[test]
fn a_bad_source_is_told() {
    let end = BUFFER_BYTES as u64;
    let mut foreign = asked(0, 10);
    foreign.source_stag = u64::from(STAG ^ 0x100).to_bits();
    let mut wrapping = asked(0, 10);
    wrapping.source_offset = (u64::MAX - 3).to_bits();
    let mut large = asked(0, 0xffff_ffff);
    large.source_offset = BASE.to_bits();
    let cases = [
        (foreign, status::READ_STAG, 77),
        (asked(0, 10), status::READ_DOMAIN, 78),
        (asked(end - 2000, 2001), status::READ_BOUNDS, 77),
        (large, status::READ_BOUNDS, 77),
        (wrapping, status::READ_WRAP, 77),
    ];
    for (bad, why, pd) in cases {
        let (mut world, mut peers) = world(28, |context| context.pd = pd);
        world.ask(bad);
        world.ask(asked(0, 10));
        exchange(&mut world, &mut peers);
        assert_eq!(statuses(&world), [u64::from(why)]);
        assert!(world.segments.is_empty(), "status {why}: not one octet may leave");
        // A new start makes it good again, and knows nothing of what was asked before.
        world.contexts[QP].pd = 77;
        world.configure();
        world.command(QP, false);
        world.command(QP, true);
        world.ask(asked(50, 60));
        exchange(&mut world, &mut peers);
        assert!(peers[0].ulpdus == tagged(&world, 0x42, 50, 60), "status {why}");
    }
    let (mut world, mut peers) = world(29, |_| ());
    world.poison = Some(BUFFER + 70_000 + 2345);
    world.ask(asked(70_000, 4000));
    exchange(&mut world, &mut peers);
    assert_eq!(statuses(&world), [u64::from(status::DMA_FAULT)]);
}
