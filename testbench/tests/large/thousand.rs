//! A thousand queue pairs send and receive at once, every octet checked.

use ironwarp_abi::configuration::LARGE;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::{registers, status};
use ironwarp_sim::{HostMemory, Options, RootComplexOptions};
use ironwarp_testbench::large::Large;
use ironwarp_testbench::station::{Peer, Station};
use ironwarp_wire::ddp::{self, TaggedRepr, UntaggedRepr, FIRST_MESSAGE};
use ironwarp_wire::mpa::stream::{Deframer, Framer, Framing};
use ironwarp_wire::rdmap::{queue, Opcode};
use std::collections::BTreeMap;

/// Queue pairs at work, the first and the last that the device has among them.
const QPS: u32 = 1000;
const FRAMING: Framing = Framing { markers: false, crc: true };
/// A queue pair's memory: what it sends, what its peer writes, what its peer sends.
const MEMORY: u64 = 0x10_0000_0000;
const STRIDE: u64 = 8192;
const SINK: u64 = 4096;
const INBOX: u64 = 6144;
/// Octets of each of the four messages of a queue pair.
const WRITE: usize = 1500;
const SEND: usize = 300;
/// The peer's region.
const REMOTE: (u32, u64) = (0x00be_ef01, 0x1111_0000_0000);
/// Clocks in which a thousand queue pairs must be done.
const CLOCKS_MAX: u64 = 3_000_000;

/// The numbers: from 1 on, but for the last, which is the device's last.
fn numbers() -> impl Iterator<Item = u32> {
    (1..QPS).chain([LARGE.qp_count() as u32 - 1])
}

fn memory(qp: u32) -> u64 {
    MEMORY + u64::from(qp) * STRIDE
}

/// Octets that no other queue pair has.
fn octets(qp: u32, what: u32, length: usize) -> Vec<u8> {
    let seed = u64::from(qp) << 8 | u64::from(what);
    let mix = |n: u64| (seed * 0x1_0001 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..length as u64).map(|n| (mix(n) >> 40) as u8).collect()
}

/// A queue pair as its peer sees it.
struct End {
    peer: Peer,
    deframer: Deframer,
    /// ULPDUs that came.
    ulpdus: Vec<Vec<u8>>,
    stag: u32,
}

/// A queue pair's protection domain.
fn domain(qp: u32) -> u16 {
    u16::try_from(qp).unwrap() ^ 0x5a5a
}

fn start(station: &mut Station, qp: u32) -> End {
    let at = memory(qp);
    station.memory.map(at, STRIDE as usize);
    let source = [octets(qp, 1, WRITE), octets(qp, 2, SEND)].concat();
    station.memory.write(at, &source).expect("mapped memory");
    // Regions are spread over all that the device has.
    let spread = LARGE.mr_count() as u32 / LARGE.qp_count() as u32;
    let stag = station.register(
        qp * spread + qp % spread,
        MemoryRegionContext {
            length: STRIDE,
            stag: qp & 0xff,
            bus_address: at,
            pd: domain(qp),
            local_read: true,
            local_write: true,
            remote_write: true,
            ..Default::default()
        },
    );
    let (send_next, receive_next) = (qp << 20, !(qp << 19));
    station.start(
        qp,
        QueuePairContext {
            crc: true,
            pd: domain(qp),
            mulpdu: 1200,
            send_next,
            send_window: 0xffff,
            receive_next,
            receive_window: LARGE.receive_window_max(),
            ..Default::default()
        },
    );
    let request = ReceiveRequest { length: SEND as u32, local_offset: INBOX, local_stag: stag };
    station.post_receive(qp, &request);
    let peer = Peer::new(qp, receive_next, send_next);
    End { peer, deframer: Deframer::new(FRAMING), ulpdus: Vec::new(), stag }
}

/// The peer writes and sends.
fn say(station: &mut Station, qp: u32, end: &mut End) {
    let header = TaggedRepr {
        last: true,
        ulp_control: Opcode::Write.control(),
        stag: end.stag,
        offset: SINK,
    };
    let write = [&header.emit()[..], &octets(qp, 3, WRITE / 2)].concat();
    let header = UntaggedRepr {
        last: true,
        ulp_control: Opcode::Send.control(),
        ulp_word: 0,
        queue: queue::SEND,
        message: FIRST_MESSAGE,
        offset: 0,
    };
    let send = [&header.emit()[..], &octets(qp, 4, SEND)].concat();
    let (mut framer, mut stream) = (Framer::new(FRAMING), Vec::new());
    for ulpdu in [write, send] {
        framer.frame(&ulpdu, &mut stream).expect("a short ULPDU");
    }
    end.peer.send(station, &stream);
}

fn post(station: &mut Station, qp: u32, stag: u32) {
    let write = SendRequest {
        opcode: opcode::WRITE,
        signaled: true,
        length: WRITE as u32,
        local_stag: stag,
        remote_stag: REMOTE.0,
        remote_offset: REMOTE.1,
        ..Default::default()
    };
    let send = SendRequest {
        opcode: opcode::SEND,
        signaled: true,
        length: SEND as u32,
        local_offset: WRITE as u64,
        local_stag: stag,
        ..Default::default()
    };
    station.post_sends(qp, &[write, send]);
}

/// Frames that came, to their peers; those with octets are acknowledged.
fn dispatch(station: &mut Station, ends: &mut BTreeMap<u32, End>) {
    let ports: BTreeMap<u16, u32> =
        ends.iter().map(|(qp, end)| (end.peer.frames.source_port, *qp)).collect();
    for frame in station.simulation.take_frames() {
        let port = u16::from_be_bytes([frame.octets[36], frame.octets[37]]);
        let end = ends.get_mut(&ports[&port]).expect("a peer");
        let segment = end.peer.frames.reversed().parse(&frame.octets).expect("a right segment");
        if segment.payload.is_empty() {
            continue;
        }
        assert_eq!(segment.sequence, end.peer.expected, "port {port}");
        end.peer.expected = end.peer.expected.wrapping_add(segment.payload.len() as u32);
        end.deframer.push(&segment.payload);
        let ulpdus = std::iter::from_fn(|| end.deframer.next_ulpdu().expect("a good stream"));
        end.ulpdus.extend(ulpdus);
        end.peer.send(station, &[]);
    }
}

/// What a queue pair has sent: a Write and a Send.
fn check_sent(qp: u32, ulpdus: &[Vec<u8>]) {
    let (mut write, mut send) = (Vec::new(), Vec::new());
    for ulpdu in ulpdus {
        match ddp::Segment::new(ulpdu).expect("a DDP segment") {
            ddp::Segment::Tagged(it) => {
                let due = (REMOTE.0, REMOTE.1 + write.len() as u64);
                assert_eq!((it.stag(), it.offset()), due, "queue pair {qp}");
                write.extend_from_slice(ddp::Segment::Tagged(it).payload());
            }
            ddp::Segment::Untagged(it) => {
                assert_eq!((it.message(), it.offset()), (FIRST_MESSAGE, 0), "queue pair {qp}");
                send.extend_from_slice(ddp::Segment::Untagged(it).payload());
            }
        }
    }
    assert!(write == octets(qp, 1, WRITE), "queue pair {qp}: {} octets written", write.len());
    assert!(send == octets(qp, 2, SEND), "queue pair {qp}: {} octets sent", send.len());
}

#[test]
#[ignore]
fn a_thousand_queue_pairs_at_once() {
    let root_complex =
        RootComplexOptions { read_latency_ns: 300, write_latency_ns: 60, ..Default::default() };
    let options = Options { root_complex, ..Options::default() };
    let mut station = Station::with(LARGE, options, Box::<Large>::default());
    assert_eq!(station.read(registers::CAPABILITIES), 0x0c0e_0a0a);
    let mut ends = BTreeMap::new();
    for qp in numbers() {
        let end = start(&mut station, qp);
        ends.insert(qp, end);
    }
    assert_eq!(station.read(registers::COUNT_REFUSED), 0);
    for (qp, end) in &mut ends {
        post(&mut station, *qp, end.stag);
        say(&mut station, *qp, end);
    }
    let begun = station.simulation.clock();
    let mut told: BTreeMap<u32, Vec<CompletionEntry>> = BTreeMap::new();
    let mut entries = 0;
    while entries < 3 * ends.len() {
        station.simulation.run(500);
        dispatch(&mut station, &mut ends);
        for entry in station.completions() {
            entries += 1;
            told.entry(entry.qp).or_default().push(entry);
        }
        let clocks = station.simulation.clock() - begun;
        assert!(clocks < CLOCKS_MAX, "{entries} entries after {clocks} clocks");
    }
    println!("{} queue pairs in {} clocks", ends.len(), station.simulation.clock() - begun);
    for (qp, end) in &ends {
        check_sent(*qp, &end.ulpdus);
        let entries = told.remove(qp).unwrap_or_default();
        let of = |kind: u8| -> Vec<_> {
            let of = entries.iter().filter(|entry| entry.kind == kind);
            of.map(|it| (it.status, it.generation, it.request, it.length)).collect()
        };
        let (write, send) = (WRITE as u32, SEND as u32);
        let sent = [(status::SUCCESS, 1, 0, write), (status::SUCCESS, 1, 1, send)];
        assert_eq!(of(kind::SEND), sent, "queue pair {qp}");
        assert_eq!(of(kind::RECEIVE), [(status::SUCCESS, 1, 0, send)], "queue pair {qp}");
        let due = octets(*qp, 3, WRITE / 2);
        assert!(station.octets(memory(*qp) + SINK, due.len()) == due, "queue pair {qp}: the sink");
        let due = octets(*qp, 4, SEND);
        assert!(station.octets(memory(*qp) + INBOX, SEND) == due, "queue pair {qp}: the message");
    }
    assert_eq!(station.read(registers::COUNT_FRAMES_NO_ROOM), 0);
}
