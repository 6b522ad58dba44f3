//! The receive side frames a byte stream: FPDUs cut and packed anywhere are placed exactly.

use ironwarp_abi::context::{stag, MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::{registers, status};
use ironwarp_sim::Options;
use ironwarp_testbench::station::{Peer, Segment, Station};
use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::Opcode;
use ironwarp_wire::tcp;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SINK: u64 = 0x2_0000_0000;
const SINK_BYTES: usize = 8192;
const INBOX: u64 = 0x3_0000_0000;
const INBOX_BYTES: usize = 512;
const BASE: u64 = 0x7f00_0000_1000;
const PD: u16 = 5;
/// The consumer's key in the sink's STag.
const KEY: u8 = 0xef;

/// A station with one queue pair, what its sink should hold, and the peer's framer.
struct Bench {
    station: Station,
    peer: Peer,
    framer: Framer,
    sink: Vec<u8>,
    sink_stag: u32,
    inbox_stag: u32,
    message: u32,
    rng: ChaCha8Rng,
}

impl Bench {
    fn new(seed: u64, framing: Framing) -> Self {
        let mut station = Station::new(Options { seed, ..Options::default() });
        station.memory.map(SINK, SINK_BYTES);
        station.memory.map(INBOX, INBOX_BYTES);
        let sink_stag = station.register(
            3,
            MemoryRegionContext {
                base: BASE,
                length: SINK_BYTES as u64,
                stag: KEY.into(),
                bus_address: SINK,
                pd: PD,
                remote_write: true,
                ..Default::default()
            },
        );
        let inbox_stag = station.register(
            4,
            MemoryRegionContext {
                length: INBOX_BYTES as u64,
                stag: 0x12,
                bus_address: INBOX,
                pd: PD,
                local_write: true,
                ..Default::default()
            },
        );
        // The stream begins just below the wrap of sequence numbers.
        let receive_next = u32::MAX - 1000;
        station.start(
            1,
            QueuePairContext {
                receive_markers: framing.markers,
                crc: framing.crc,
                pd: PD,
                mulpdu: 1454,
                send_next: 1,
                send_window: 0xffff,
                receive_next,
                receive_window: 0xffff,
                ..Default::default()
            },
        );
        Self {
            station,
            peer: Peer::new(1, receive_next, 1),
            framer: Framer::new(framing),
            sink: vec![0; SINK_BYTES],
            sink_stag,
            inbox_stag,
            message: 1,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// An RDMA Write of `length` octets somewhere into the sink.
    fn write(&mut self, length: usize, stream: &mut Vec<u8>) {
        let at = self.rng.random_range(0..=SINK_BYTES - length);
        let payload: Vec<u8> = (0..length).map(|_| self.rng.random()).collect();
        let header = TaggedRepr {
            last: true,
            ulp_control: Opcode::Write.control(),
            stag: self.sink_stag,
            offset: BASE + at as u64,
        };
        self.sink[at..at + length].copy_from_slice(&payload);
        let ulpdu = [&header.emit()[..], &payload].concat();
        self.framer.frame(&ulpdu, stream).unwrap();
    }

    /// A Send of `length` octets, and the receive work request for it.
    fn send(&mut self, length: usize, stream: &mut Vec<u8>) -> Vec<u8> {
        let request = ReceiveRequest {
            length: INBOX_BYTES as u32,
            local_offset: 0,
            local_stag: self.inbox_stag,
        };
        self.station.post_receive(1, &request);
        let payload: Vec<u8> = (0..length).map(|_| self.rng.random()).collect();
        let header = UntaggedRepr {
            last: true,
            ulp_control: Opcode::Send.control(),
            ulp_word: 0,
            queue: 0,
            message: self.message,
            offset: 0,
        };
        self.message += 1;
        let ulpdu = [&header.emit()[..], &payload].concat();
        self.framer.frame(&ulpdu, stream).unwrap();
        payload
    }

    /// Sends the stream in segments that end at `cuts`, and waits until all is quiet.
    fn feed(&mut self, stream: &[u8], cuts: &[usize]) -> Vec<CompletionEntry> {
        let mut start = 0;
        for &cut in cuts.iter().chain([&stream.len()]) {
            self.peer.send(&mut self.station, &stream[start..cut]);
            start = cut;
        }
        self.station.simulation.run(1500);
        let segments = self.peer.take(&mut self.station);
        let told = segments.last().expect("an acknowledgement").acknowledgement;
        assert_eq!(told, self.peer.next, "everything is acknowledged");
        self.station.completions()
    }

    fn check(&mut self, sent: &[u8], done: &[CompletionEntry], what: &str) {
        assert_eq!(done.len(), 1, "{what}: {done:?}");
        let told = (done[0].kind, done[0].status, done[0].length);
        assert_eq!(told, (kind::RECEIVE, status::SUCCESS, sent.len() as u32), "{what}");
        assert_eq!(self.station.octets(INBOX, sent.len()), sent, "{what}: the message");
        assert!(self.station.octets(SINK, SINK_BYTES) == self.sink, "{what}: the sink");
    }
}

/// Two Writes and a Send in two segments, cut at every octet in turn.
//= rfc5044#6
//= type=test
#[test]
fn fpdus_cut_at_every_offset_are_placed_exactly() {
    for (markers, crc) in [(false, true), (true, true), (false, false)] {
        let mut bench = Bench::new(1, Framing { markers, crc });
        let mut cut = 1;
        loop {
            let mut stream = vec![];
            bench.write(97, &mut stream);
            bench.write(30, &mut stream);
            let sent = bench.send(45, &mut stream);
            if cut >= stream.len() {
                break;
            }
            let done = bench.feed(&stream, &[cut]);
            bench.check(&sent, &done, &format!("markers {markers} crc {crc} cut {cut}"));
            cut += 1;
        }
        assert!(cut > 200);
    }
}

/// FPDUs of any size, packed into segments of any size: split, spanning several, several in one.
//= rfc5044#6
//= type=test
#[test]
fn fpdus_packed_and_split_at_random_are_placed_exactly() {
    for seed in seeds(12) {
        let markers = seed % 2 == 0;
        let mut bench = Bench::new(seed, Framing { markers, crc: seed % 3 != 0 });
        for round in 0..20 {
            let mut stream = vec![];
            for _ in 0..bench.rng.random_range(0..6) {
                let magnitude = bench.rng.random_range(0..11);
                let length = bench.rng.random_range(0..=1 << magnitude);
                bench.write(length, &mut stream);
            }
            let length = bench.rng.random_range(0..=INBOX_BYTES);
            let sent = bench.send(length, &mut stream);
            let mut cuts = vec![];
            let mut at = 0;
            while stream.len() - at > 1 {
                let magnitude = bench.rng.random_range(0..11);
                at += bench.rng.random_range(1..=1 << magnitude).min(stream.len() - at - 1);
                cuts.push(at);
            }
            let done = bench.feed(&stream, &cuts);
            bench.check(&sent, &done, &format!("SEED={seed} round {round}"));
        }
    }
}

/// A segment with a wrong checksum is as if it had never come; the right one is taken later.
#[test]
fn a_segment_with_a_bad_checksum_is_dropped_whole() {
    let mut bench = Bench::new(1, Framing { markers: false, crc: true });
    let mut stream = vec![];
    bench.write(200, &mut stream);
    let sent = bench.send(10, &mut stream);
    let segment = bench.peer.segment(&stream);
    let good = bench.peer.frames.emit(&segment);
    for bit in [14 * 8 + 3, 60 * 8, good.len() * 8 - 1] {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        bench.station.simulation.send_frame(&bad).unwrap();
    }
    bench.station.simulation.run(1500);
    assert_eq!(bench.station.completions(), []);
    assert_eq!(bench.station.octets(SINK, SINK_BYTES), vec![0; SINK_BYTES]);
    assert_eq!(bench.station.read(registers::COUNT_SEGMENTS_ACCEPTED), 0);
    bench.station.simulation.send_frame(&good).unwrap();
    bench.station.simulation.run(1500);
    let done = bench.station.completions();
    bench.check(&sent, &done, "the good one");
}

/// A wrong CRC ends the queue pair with an event that names it, and nothing is placed.
//= rfc5044#8
//= type=test
#[test]
fn a_bad_crc_stops_the_queue_pair_and_places_nothing() {
    let mut bench = Bench::new(1, Framing { markers: false, crc: true });
    let mut stream = vec![];
    bench.write(200, &mut stream);
    stream[100] ^= 4;
    bench.send(10, &mut stream);
    bench.peer.send(&mut bench.station, &stream);
    bench.station.simulation.run(1500);
    let done = bench.station.completions();
    let told: Vec<_> = done.iter().map(|entry| (entry.kind, entry.status, entry.qp)).collect();
    assert_eq!(told, [(kind::EVENT, status::MPA_CRC, 1)]);
    assert_eq!(bench.station.octets(SINK, SINK_BYTES), vec![0; SINK_BYTES]);
    let state = bench.station.query(1, registers::QUERY_STATE);
    let expected = [("generation", 1), ("started", 1), ("status", u32::from(status::MPA_CRC))];
    let put = |word, (name, value)| registers::QUERY_STATE.put(word, name, value);
    assert_eq!(state, expected.into_iter().fold(0, put), "{state:#x}");
    assert_eq!(bench.station.read(registers::COUNT_FPDU_CRC_ERRORS), 1);
}

/// Refused by the protection gate: one octet beyond, a wrong key, another domain's region.
//= rfc5041#7.1
//= type=test
#[test]
fn the_gate_refuses_and_nothing_is_written() {
    for (wrong, offset, expected) in [
        (0, SINK_BYTES as u64 - 99, status::DDP_BOUNDS),
        (0, u64::MAX, status::DDP_BOUNDS),
        (1, 0, status::DDP_STAG),
        (1 << 30, 0, status::DDP_STAG),
        (stag(2 ^ 3, 0), 0, status::DDP_DOMAIN),
    ] {
        let mut bench = Bench::new(1, Framing { markers: false, crc: true });
        bench.inbox_stag = 0;
        bench.station.register(
            2,
            MemoryRegionContext {
                base: BASE,
                length: 8192,
                stag: KEY.into(),
                bus_address: SINK,
                pd: PD + 1,
                remote_write: true,
                ..Default::default()
            },
        );
        let header = TaggedRepr {
            last: true,
            ulp_control: Opcode::Write.control(),
            stag: bench.sink_stag ^ wrong,
            offset: BASE.wrapping_add(offset),
        };
        let mut stream = vec![];
        let ulpdu = [&header.emit()[..], &[7; 100]].concat();
        bench.framer.frame(&ulpdu, &mut stream).unwrap();
        bench.peer.send(&mut bench.station, &stream);
        bench.station.simulation.run(1500);
        let done = bench.station.completions();
        let told: Vec<_> = done.iter().map(|entry| (entry.kind, entry.status)).collect();
        assert_eq!(told, [(kind::EVENT, expected)]);
        assert_eq!(bench.station.octets(SINK, SINK_BYTES), vec![0; SINK_BYTES]);
    }
}

/// The peer has closed. What it acknowledges from then on still shows, and completes nothing.
//= rfc9293#3.10.7.4
//= type=test
#[test]
fn acknowledgements_show_after_the_end_and_complete_nothing() {
    let mut bench = Bench::new(1, Framing { markers: false, crc: true });
    let request = SendRequest { opcode: opcode::SEND, signaled: true, ..Default::default() };
    bench.station.post_send(1, &request);
    bench.station.simulation.run(1500);
    let before = bench.peer.expected;
    bench.peer.take(&mut bench.station);
    let sent = bench.peer.expected;
    assert_ne!(sent, before);
    let mut last = bench.peer.segment(&[]);
    (last.acknowledgement, last.flags) = (before, tcp::ACK | tcp::FIN);
    let late = Segment { acknowledgement: sent, flags: tcp::ACK, ..last.clone() };
    for (segment, unacknowledged, event) in [(last, before, true), (late, sent, false)] {
        bench.station.simulation.send_frame(&bench.peer.frames.emit(&segment)).unwrap();
        bench.station.simulation.run(1500);
        let done = bench.station.completions();
        let told: Vec<_> = done.iter().map(|entry| (entry.kind, entry.status)).collect();
        assert_eq!(told, if event { vec![(kind::EVENT, status::PEER_CLOSED)] } else { vec![] });
        let shown = bench.station.query(1, registers::QUERY_SEND_UNACKNOWLEDGED);
        assert_eq!(shown, unacknowledged);
    }
    assert_eq!(bench.peer.take(&mut bench.station), [], "the FIN is software's to acknowledge");
}

/// The seeds of a random test: the one in `SEED`, or the first `count`.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}
