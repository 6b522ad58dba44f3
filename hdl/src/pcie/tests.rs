//! The whole PCI Express side against a root complex.
use super::bench::{Feeder, Taker};
use super::records::*;
use super::root_complex::{pattern, RootComplex, Tlp};
use super::tlp::*;
use super::Pcie;
use crate::configuration::BAR_BITS;
use crate::stream::bench::{dense, edge, rng, seeds, settle, Packet};
use crate::stream::Beat;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;

/// One read channel's client.
pub(super) struct Reader {
    pub(super) requests: Feeder<ReadRequest>,
    pub(super) data: Taker<Beat>,
    pub(super) expected: Vec<Beat>,
}

impl Reader {
    fn new(rng: &mut ChaCha8Rng, calm: bool) -> Self {
        let mut eagerness = || if calm { 1.0 } else { rng.random_range(0.2..=1.0) };
        Self { requests: Feeder::new(eagerness()), data: Taker::new(eagerness()), expected: vec![] }
    }

    /// Asks for octets. Those of a failed read are not compared.
    pub(super) fn ask(&mut self, address: u64, bytes: u64, error: bool) {
        self.requests
            .queue
            .push_back(ReadRequest { address: address.to_bits(), bytes: bytes.to_bits() });
        let octets = (address..address + bytes).map(pattern).collect();
        self.expected.extend(dense(&[Packet { octets, error }]));
    }

    pub(super) fn check(&self) {
        assert_eq!(self.data.got.len(), self.expected.len());
        let mut start = 0;
        for (n, beat) in self.expected.iter().enumerate() {
            let got = &self.data.got[n];
            assert_eq!((got.bytes, got.last, got.error), (beat.bytes, beat.last, beat.error));
            if beat.last {
                if !beat.error {
                    assert_eq!(words(&self.data.got[start..=n]), words(&self.expected[start..=n]));
                }
                start = n + 1;
            }
        }
    }
}

/// The octets, to be read by people.
fn words(beats: &[Beat]) -> Vec<String> {
    beats.iter().map(|beat| format!("{:016x}", beat.data.to_u64())).collect()
}

/// One write client.
pub(super) struct Writer {
    pub(super) requests: Feeder<WriteRequest>,
    pub(super) data: Feeder<Beat>,
    pub(super) expected: Vec<(u64, Vec<u8>)>,
}

impl Writer {
    fn new(rng: &mut ChaCha8Rng, calm: bool) -> Self {
        let mut eagerness = || if calm { 1.0 } else { rng.random_range(0.2..=1.0) };
        Self {
            requests: Feeder::new(eagerness()),
            data: Feeder::new(eagerness()),
            expected: vec![],
        }
    }

    pub(super) fn put(&mut self, address: u64, octets: Vec<u8>) {
        self.requests.queue.push_back(WriteRequest {
            address: address.to_bits(),
            bytes: octets.len().to_bits(),
            more: false,
        });
        self.data.queue.extend(dense(&[Packet { octets: octets.clone(), error: false }]));
        self.expected.push((address, octets));
    }

    /// One packet of octets that lie in several places.
    fn put_pieces(&mut self, pieces: &[(u64, Vec<u8>)]) {
        for (n, (address, octets)) in pieces.iter().enumerate() {
            self.requests.queue.push_back(WriteRequest {
                address: address.to_bits(),
                bytes: octets.len().to_bits(),
                more: n + 1 < pieces.len(),
            });
        }
        let octets = pieces.iter().flat_map(|piece| piece.1.clone()).collect();
        self.data.queue.extend(dense(&[Packet { octets, error: false }]));
        self.expected.extend(pieces.iter().cloned());
    }
}

/// The device, its engines and its host.
pub(super) struct Bench {
    pub(super) uut: Pcie,
    pub(super) rng: ChaCha8Rng,
    pub(super) host: RootComplex,
    pub(super) readers: [Reader; 4],
    pub(super) writers: [Writer; 2],
    pub(super) bar_writes: Taker<BarWrite>,
    pub(super) bar_reads: Taker<Bits<BAR_BITS>>,
    pub(super) bar_answers: Feeder<Bits<32>>,
    pub(super) link: f64,
    pub(super) host_offers: bool,
    pub(super) unexpected: usize,
    pub(super) beats_out: usize,
    pub(super) clocks: usize,
}

pub(super) fn answer(address: u64) -> u32 {
    (address as u32).wrapping_mul(0x0101_6b2d) ^ 0x5a5a_1234
}

impl Bench {
    pub(super) fn new(seed: u64, calm: bool) -> Self {
        let mut rng = rng(seed);
        let mut uut = Pcie::default();
        uut.connect_all();
        let mut host = RootComplex::new(seed);
        let (payload, read) = (rng.random_range(0..4u64), rng.random_range(0..4u64));
        let (payload, read) = if calm { (2, 2) } else { (payload, read) };
        uut.max_payload.next = payload.to_bits();
        uut.max_read.next = read.to_bits();
        uut.requester.next = host.device.to_bits();
        uut.bus_master.next = true;
        host.max_payload = 128 << payload.min(2);
        host.max_read = 128 << read.min(2);
        let readers = std::array::from_fn(|_| Reader::new(&mut rng, calm));
        let writers = std::array::from_fn(|_| Writer::new(&mut rng, calm));
        let link = if calm { 1.0 } else { rng.random_range(0.3..=1.0) };
        Self {
            uut,
            host,
            readers,
            writers,
            bar_writes: Taker::new(if calm { 1.0 } else { 0.5 }),
            bar_reads: Taker::new(if calm { 1.0 } else { 0.5 }),
            bar_answers: Feeder::new(if calm { 1.0 } else { 0.2 }),
            rng,
            link,
            host_offers: false,
            unexpected: 0,
            beats_out: 0,
            clocks: 0,
        }
    }

    fn drive(&mut self) {
        let (uut, rng) = (&mut self.uut, &mut self.rng);
        let [a, b, c, d] = &mut self.readers;
        d.requests.offer(&mut uut.line_read, rng);
        d.data.ready(&mut uut.line_data, rng);
        a.requests.offer(&mut uut.payload_read, rng);
        b.requests.offer(&mut uut.send_read, rng);
        c.requests.offer(&mut uut.receive_read, rng);
        a.data.ready(&mut uut.payload_data, rng);
        b.data.ready(&mut uut.send_data, rng);
        c.data.ready(&mut uut.receive_data, rng);
        let [a, b] = &mut self.writers;
        a.requests.offer(&mut uut.payload_write, rng);
        b.requests.offer(&mut uut.completion_write, rng);
        a.data.offer(&mut uut.payload_write_data, rng);
        b.data.offer(&mut uut.completion_write_data, rng);
        self.bar_writes.ready(&mut uut.bar_write, rng);
        self.bar_reads.ready(&mut uut.bar_read, rng);
        self.bar_answers.offer(&mut uut.bar_answer, rng);
        let beat = self.host.offered();
        self.host_offers = beat.is_some() && (self.host_offers || rng.random_bool(self.link));
        uut.pcie_in.valid.next = self.host_offers;
        uut.pcie_in.beat.next = beat.unwrap_or_default();
        uut.pcie_out.ready.next = rng.random_bool(self.link);
    }

    fn observe(&mut self) {
        let uut = &self.uut;
        let [a, b, c, d] = &mut self.readers;
        d.requests.moved(&uut.line_read);
        d.data.moved(&uut.line_data);
        a.requests.moved(&uut.payload_read);
        b.requests.moved(&uut.send_read);
        c.requests.moved(&uut.receive_read);
        a.data.moved(&uut.payload_data);
        b.data.moved(&uut.send_data);
        c.data.moved(&uut.receive_data);
        let [a, b] = &mut self.writers;
        a.requests.moved(&uut.payload_write);
        b.requests.moved(&uut.completion_write);
        a.data.moved(&uut.payload_write_data);
        b.data.moved(&uut.completion_write_data);
        self.bar_writes.moved(&uut.bar_write);
        self.bar_answers.moved(&uut.bar_answer);
        if let Some(address) = self.bar_reads.moved(&uut.bar_read) {
            self.bar_answers.queue.push_back(answer(address.to_u64()).to_bits());
        }
        if uut.pcie_out.valid.val() && uut.pcie_out.ready.val() {
            self.host.take(uut.pcie_out.beat.val());
            self.beats_out += 1;
        }
        if self.host_offers && uut.pcie_in.ready.val() {
            self.host.taken();
            self.host_offers = false;
        }
        self.unexpected += usize::from(uut.unexpected.val());
    }

    pub(super) fn clock(&mut self) {
        self.drive();
        settle!(self.uut);
        self.observe();
        edge!(self.uut);
        self.clocks += 1;
    }

    fn finished(&self) -> bool {
        self.host.idle()
            && self.readers.iter().all(|reader| reader.data.got.len() >= reader.expected.len())
            && self.writers.iter().all(|w| w.requests.queue.is_empty() && w.data.queue.is_empty())
    }

    /// Runs until everything is done and the pipes are empty.
    pub(super) fn run(&mut self, most: usize) {
        let until = self.clocks + most;
        while !self.finished() {
            self.clock();
            assert!(self.clocks < until, "stuck, {} unexpected", self.unexpected);
        }
        for _ in 0..200 {
            self.clock();
        }
        self.readers.iter().for_each(Reader::check);
    }
}

pub(super) fn host_write(address: u64, value: u32, long: bool) -> Tlp {
    Tlp {
        kind: if long { MEMORY_WRITE_64 } else { MEMORY_WRITE_32 },
        length: 1,
        id: 0x0008,
        first: 15,
        address: if long { 0x77_0000_0000 } else { 0xfe00_0000 } | address,
        data: value.to_le_bytes().to_vec(),
        ..Default::default()
    }
}

pub(super) fn host_read(address: u64, tag: u8, long: bool) -> Tlp {
    let mut tlp = host_write(address, 0, long);
    tlp.kind &= !0x40;
    tlp.tag = tag;
    tlp.data.clear();
    tlp
}

#[test]
fn reads_come_back_whole_and_in_order() {
    for seed in seeds().into_iter().take(5) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        for reader in 0..4 {
            for _ in 0..25 {
                let address = bench.rng.random::<u64>() >> bench.rng.random_range(8..40);
                let bytes = bench.rng.random_range(1..=512);
                let page_room = 4096 - address % 4096;
                bench.readers[reader].ask(address, bytes.min(page_room), false);
            }
        }
        bench.run(40_000);
        assert_eq!(bench.unexpected, 0, "SEED={seed}");
    }
}

#[test]
fn a_refused_read_ends_its_packet_with_an_error() {
    let mut bench = Bench::new(3, false);
    bench.host.unmapped_from = 1 << 40;
    for n in 0..60 {
        let refused = bench.rng.random_bool(0.3);
        let address = u64::from(refused) << 40 | bench.rng.random_range(0..4096);
        let bytes = bench.rng.random_range(1..=512u64).min(4096 - address % 4096);
        bench.readers[n % 4].ask(address, bytes, refused);
    }
    bench.run(40_000);
    assert_eq!(bench.unexpected, 0);
}

#[test]
fn writes_land_exactly_and_in_order() {
    for seed in seeds().into_iter().take(5) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        let mut base = 1u64 << bench.rng.random_range(13..50);
        for n in 0..40 {
            let bytes = bench.rng.random_range(1..=[8, 70, 1500][n % 3]);
            base += bench.rng.random_range(0..9u64);
            let octets = (0..bytes).map(|_| bench.rng.random()).collect();
            bench.writers[n % 2].put(base, octets);
            base += bytes as u64;
        }
        bench.run(40_000);
        let mut count = 0;
        for writer in &bench.writers {
            for (address, octets) in &writer.expected {
                for (at, octet) in (*address..).zip(octets) {
                    assert_eq!(bench.host.written.get(&at), Some(octet), "SEED={seed} {at:#x}");
                }
                count += octets.len();
            }
            let starts: Vec<u64> = writer.expected.iter().map(|&(address, _)| address).collect();
            let order = bench.host.seen.iter().map(|tlp| tlp.enabled().0);
            let order: Vec<u64> = order.filter(|start| starts.contains(start)).collect();
            assert_eq!(order, starts, "SEED={seed}");
        }
        assert_eq!(bench.host.written.len(), count, "SEED={seed}: octets too many");
    }
}

/// Octets in pages that lie anywhere, between completion entries.
#[test]
fn writes_go_from_page_to_page() {
    for seed in seeds().into_iter().take(5) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        // Pages are not used twice, and come in no order.
        let page = |n: u64| (n * 0x9e37 % 0x1_0000) << 12;
        let mut pages = 0;
        for n in 0..30_u64 {
            let mut octets: Vec<u8> =
                (0..bench.rng.random_range(1..9000)).map(|_| bench.rng.random()).collect();
            let mut start = bench.rng.random_range(0..4096_u64);
            let mut pieces = vec![];
            while !octets.is_empty() {
                let rest = octets.split_off(octets.len().min(4096 - start as usize));
                pages += 1;
                pieces.push((page(pages) + start, octets));
                (octets, start) = (rest, 0);
            }
            bench.writers[0].put_pieces(&pieces);
            bench.writers[1].put(1 << 40 | n << 12, vec![n as u8; 32]);
        }
        bench.run(60_000);
        let mut count = 0;
        for (address, octets) in bench.writers.iter().flat_map(|writer| &writer.expected) {
            for (at, octet) in (*address..).zip(octets) {
                assert_eq!(bench.host.written.get(&at), Some(octet), "SEED={seed} {at:#x}");
            }
            count += octets.len();
        }
        assert_eq!(bench.host.written.len(), count, "SEED={seed}: octets too many");
    }
}

/// A completion entry requested after the last beat of a payload was taken is behind it.
#[test]
fn a_completion_entry_follows_its_payload() {
    let mut bench = Bench::new(5, false);
    for n in 0..20u64 {
        bench.writers[0].put(0x10_0000 + 0x1000 * n, vec![1; 300]);
        while !bench.writers[0].data.queue.is_empty() {
            bench.clock();
        }
        bench.writers[0].put(0x20_0000 + 0x1000 * n, vec![2; 500]);
        bench.writers[1].put(0x30_0000 + 0x1000 * n, vec![3; 32]);
    }
    bench.run(40_000);
    let at = |address: u64| {
        bench.host.seen.iter().rposition(|tlp| tlp.address & !0xfff == address).unwrap()
    };
    for n in 0..20 {
        assert!(at(0x10_0000 + 0x1000 * n) < at(0x30_0000 + 0x1000 * n));
    }
}

#[test]
fn registers_are_written_and_read_while_data_flows() {
    for seed in seeds().into_iter().take(4) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        for n in 0..8 {
            bench.readers[0].ask(0x1000 * n + 5, 512, false);
            bench.writers[0].put(0x100_0000 + 0x1000 * n, vec![7; 400]);
        }
        let mut writes = vec![];
        for n in 0..30u64 {
            let (address, long) = (4 * bench.rng.random_range(0..1u64 << 18), n % 3 == 0);
            if n % 2 == 0 {
                let value = bench.rng.random();
                bench.host.send(&host_write(address, value, long));
                writes.push(BarWrite { address: address.to_bits(), data: value.to_bits() });
            } else {
                let (traffic, attributes) = (n as u8 & 7, n as u8 >> 1 & 3);
                let tlp = host_read(address, n as u8, long);
                bench.host.send(&Tlp { traffic, attributes, ..tlp });
                let seen = bench.host.seen.len();
                while bench.host.seen.iter().skip(seen).all(|tlp| tlp.kind != COMPLETION_DATA) {
                    bench.clock();
                    assert!(bench.clocks < 40_000, "SEED={seed}: stuck");
                }
                let got = bench.host.seen.iter().skip(seen).find(|t| t.kind == COMPLETION_DATA);
                let got = got.unwrap();
                assert_eq!(got.data, answer(address).to_le_bytes(), "SEED={seed}");
                assert_eq!((got.tag, got.status, got.byte_count), (n as u8, 0, 4));
                assert_eq!((got.requester, got.lower_address), (8, address as u8 & 0x7c));
                assert_eq!((got.traffic, got.attributes), (traffic, attributes));
                // What came before the read was written before it was answered.
                assert_eq!(bench.bar_writes.got, writes, "SEED={seed}");
            }
        }
        bench.run(40_000);
        assert_eq!(bench.bar_writes.got, writes, "SEED={seed}");
        assert_eq!(bench.unexpected, 0, "SEED={seed}");
    }
}

#[test]
fn byte_enables_of_a_read_set_count_and_lower_address() {
    let mut bench = Bench::new(0, true);
    // PCI Express Base Specification, tables 2-32 and 2-33.
    for first in 0..16u8 {
        bench.host.send(&Tlp { first, ..host_read(0x104, first, false) });
    }
    bench.run(2000);
    for (first, tlp) in (0..16u8).zip(&bench.host.seen) {
        let low = if first == 0 { 0 } else { first.trailing_zeros() as usize };
        let count = if first == 0 { 1 } else { 8 - first.leading_zeros() as usize - low };
        assert_eq!((tlp.tag, tlp.byte_count), (first, count));
        assert_eq!(tlp.lower_address, 4 + low as u8);
    }
    assert_eq!(bench.host.seen.len(), 16);
}

#[test]
fn strange_packets_are_refused_or_dropped_and_nothing_jams() {
    let mut bench = Bench::new(0, false);
    let write = host_write(0x40, 1, false);
    let mut dropped = vec![
        Tlp { first: 3, ..write.clone() },
        Tlp { length: 2, last: 15, data: vec![0; 8], ..host_write(0x44, 1, false) },
        Tlp { length: 2, last: 7, data: vec![0; 8], ..write.clone() },
        Tlp { poisoned: true, ..write.clone() },
        Tlp { length: 32, last: 15, data: vec![0; 128], ..host_write(0x40, 1, true) },
        // A message with data, and completions that nobody waits for.
        Tlp { kind: 0x74, ..host_write(0, 0, true) },
    ];
    for (tag, length) in [(0, 1), (5, 16), (33, 4), (38, 2), (40, 3), (255, 1)] {
        let data = vec![9; 4 * length];
        dropped.push(Tlp { kind: COMPLETION_DATA, tag, length, data, ..Default::default() });
    }
    let refused = [
        Tlp { length: 2, last: 15, ..host_read(0x44, 1, false) },
        Tlp { length: 1024, last: 15, ..host_read(0x40, 2, true) },
    ];
    for n in 0..dropped.len().max(refused.len()) {
        dropped.get(n).inspect(|tlp| bench.host.send(tlp));
        refused.get(n).inspect(|tlp| bench.host.send(tlp));
        bench.host.send(&host_write(4 * n as u64, n as u32, n % 2 == 0));
        bench.readers[n % 3].ask(0x777 * n as u64, 100, false);
        bench.run(10_000);
    }
    assert_eq!(bench.unexpected, dropped.len());
    assert_eq!(bench.host.seen.len(), refused.len());
    for (n, tlp) in bench.host.seen.iter().enumerate() {
        assert_eq!((tlp.kind, tlp.status, tlp.tag), (COMPLETION, STATUS_UNSUPPORTED, 1 + n as u8));
    }
    let writes: Vec<u64> = bench.bar_writes.got.iter().map(|w| w.address.to_u64()).collect();
    assert_eq!(writes, (0..dropped.len() as u64).map(|n| 4 * n).collect::<Vec<_>>());
}

/// Reads keep the link full although each takes long: the tags suffice.
#[test]
fn payload_reads_sustain_the_link() {
    let mut bench = Bench::new(1, true);
    bench.host.latency = 150;
    for n in 0..120 {
        bench.readers[0].ask(0x10_0000 + 512 * n, 512, false);
    }
    bench.run(20_000);
    let clocks = bench.clocks - 200;
    assert!(bench.host.most_outstanding > 16, "{}", bench.host.most_outstanding);
    // 64 beats a read and at most 8 packets of up to 2 more beats.
    assert!(clocks < 120 * 80 + 300, "{clocks} clocks");
}

/// Writes lose no clock but for the headers.
#[test]
fn payload_writes_sustain_the_link() {
    let mut bench = Bench::new(1, true);
    for n in 0..20 {
        bench.writers[0].put(0x10_0000 + 1440 * n, vec![n as u8; 1440]);
    }
    bench.run(20_000);
    let clocks = bench.clocks - 200;
    assert!(clocks <= bench.beats_out + 20, "{clocks} clocks, {} beats", bench.beats_out);
}

#[test]
fn the_verilog_is_sound() {
    let mut uut = Pcie::default();
    uut.connect_all();
    yosys_validate("ironwarp_pcie", &generate_verilog(&uut)).unwrap();
}
