//! A host, a wire and a peer around the receive engine, for tests.
use crate::complete::records::Completion;
use crate::configuration::{BUCKET_BITS, CONFIGURATION};
use crate::control::records::{ContextWrite, QpDoorbell, QpEvent};
use crate::life::QpChange;
use crate::pcie::records::{ReadRequest, WriteRequest};
use crate::receive::bench_control::*;
use crate::receive::records::*;
use crate::receive::ring_sizes::{LONGEST_FPDU, RING_BYTES};
use crate::receive::Receive;
use crate::stream::bench::*;
use crate::transmit::records::ReadSent;
use ironwarp_abi::context::*;
use ironwarp_abi::limits::{FLOW_KEY_BITS, RAW_QP};
use ironwarp_abi::queue::ReceiveRequest;
use ironwarp_wire::checksum;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::{HashMap, HashSet, VecDeque};

/// The station's address.
pub const STATION: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
/// The peer's address.
pub const PEER: [u8; 6] = [0x02, 0, 0, 0, 0, 2];
/// The STag of the bench's region.
pub const STAG: u32 = stag(7, 9);
/// The widest window that is advertised: the field has no scale in most tests.
pub const WINDOW: u64 = if RING_BYTES < 0xffff { RING_BYTES } else { 0xffff };
/// The ULPDU length of an FPDU that is larger than any that is taken.
pub const TOO_LONG: u16 = (LONGEST_FPDU - 4) as u16;
/// TCP flags as in the header's flags octet.
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// One TCP segment in the making.
#[derive(Clone, Debug)]
pub struct Segment {
    pub remote_ip: [u8; 4],
    pub local_ip: [u8; 4],
    pub remote_port: u16,
    pub local_port: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub flags: u8,
    pub window: u16,
    /// Octets of TCP options, a multiple of 4.
    pub options: usize,
    pub payload: Vec<u8>,
}

impl Segment {
    /// A segment of queue pair `qp`'s flow.
    pub fn of(qp: u32, sequence: u32, payload: &[u8]) -> Self {
        let [_, high, middle, low] = qp.to_be_bytes();
        Self {
            remote_ip: [10, high, middle, low],
            local_ip: [10, 0, 1, 1],
            remote_port: 4000 + u16::try_from(qp).unwrap(),
            local_port: 7471,
            sequence,
            acknowledgement: 77,
            flags: ACK,
            window: 1234,
            options: 0,
            payload: payload.to_vec(),
        }
    }

    /// The frame, padded to 60 octets.
    pub fn frame(&self) -> Vec<u8> {
        let mut tcp = vec![];
        tcp.extend(self.remote_port.to_be_bytes());
        tcp.extend(self.local_port.to_be_bytes());
        tcp.extend(self.sequence.to_be_bytes());
        tcp.extend(self.acknowledgement.to_be_bytes());
        tcp.extend([((20 + self.options) / 4 * 16) as u8, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.resize(20 + self.options, 1);
        tcp.extend(&self.payload);
        let sum = checksum::tcp_over_ipv4(self.remote_ip, self.local_ip, &tcp);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        let mut ip = vec![0x45, 0];
        ip.extend((20 + tcp.len() as u16).to_be_bytes());
        ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        ip.extend(self.remote_ip);
        ip.extend(self.local_ip);
        let sum = checksum::internet(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        let mut frame = [&STATION[..], &PEER, &[8, 0], &ip, &tcp].concat();
        let length = frame.len().max(60);
        frame.resize(length, 0);
        frame
    }
}

/// The engine with everything around it. Runs clock by clock; stalls by chance.
pub struct Bench {
    pub uut: Receive,
    pub rng: ChaCha8Rng,
    /// How often the host side is ready.
    pub ready: f64,
    /// Reads of work requests are answered.
    pub fetch: bool,
    /// Octets that the device wrote.
    pub memory: HashMap<u64, u8>,
    pub completions: Vec<Completion>,
    pub events: Vec<QpEvent>,
    /// Events of lives that were over when they came.
    pub stale_events: Vec<QpEvent>,
    pub acknowledgements: Vec<Acknowledgement>,
    pub edges: Vec<ReceiveEdge>,
    pub opened: Vec<u64>,
    /// Bit n: queue pair n may hold one more Read Request.
    pub room: u64,
    pub asked: Vec<ReadAsked>,
    /// The queue pairs whose reads are done.
    pub done: Vec<u64>,
    pub counts: [u64; 9],
    pub trace: [u64; 5],
    pub clocks: u64,
    /// The clocks in which a fence was answered.
    pub fenced: Vec<u64>,
    /// Every queue pair's generation, and those that are active.
    pub generations: HashMap<u32, u64>,
    active: HashSet<u32>,
    /// What control will say next.
    changes: VecDeque<QpChange>,
    flow_key: [u32; FLOW_KEY_BITS / 32],
    /// The first queue pair of every bucket's list, and all that are in one.
    buckets: HashMap<usize, u32>,
    flows: HashSet<u32>,
    room_qp: u64,
    write: Option<(u64, usize)>,
    reads: VecDeque<Vec<u8>>,
    /// The receive queues: ring and posted.
    pub queues: HashMap<u32, Vec<ReceiveRequest>>,
    completion_behind_data: bool,
}

/// Where queue pair `qp`'s receive queue lies, 64 entries.
fn ring_of(qp: u32) -> u64 {
    0x10_0000 + u64::from(qp) * 0x1000
}

impl Bench {
    pub fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let ready = rng.random_range(0.5..=1.0);
        let flow_key: [u32; FLOW_KEY_BITS / 32] = rng.random();
        let mut uut = Receive::default();
        uut.connect_all();
        let mut bench = Self {
            uut,
            rng,
            ready,
            fetch: true,
            memory: HashMap::new(),
            completions: vec![],
            events: vec![],
            stale_events: vec![],
            acknowledgements: vec![],
            edges: vec![],
            opened: vec![],
            room: 0xffff,
            asked: vec![],
            done: vec![],
            counts: [0; 9],
            trace: [0; 5],
            clocks: 0,
            fenced: vec![],
            generations: HashMap::new(),
            active: HashSet::new(),
            changes: VecDeque::new(),
            flow_key,
            buckets: HashMap::new(),
            flows: HashSet::new(),
            room_qp: 0,
            write: None,
            reads: VecDeque::new(),
            queues: HashMap::new(),
            completion_behind_data: true,
        };
        let station = STATION.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
        bench.uut.mac_address.next = station.to_bits();
        bench.uut.max_read.next = 2.into();
        bench.uut.flow_key.next =
            flow_key.iter().rev().fold(0.into(), |sum: Bits<FLOW_KEY_BITS>, word| {
                sum << 32_u64 | u64::from(*word).to_bits()
            });
        bench
    }

    /// Commits a record, as control does: what says that it is valid comes first, clear.
    pub fn context(&mut self, table: u8, index: usize, words: &[u32]) {
        let mut commits = writes(table, index, words);
        if [table::MEMORY_REGION, table::FLOW].contains(&table) {
            let last = words.len() - 1;
            let invalid = u64::from(words[last] & !(1 << 31)).to_bits();
            commits.insert(0, ContextWrite { data: invalid, ..commits[last] });
        }
        for write in commits {
            self.uut.context_write.next = write;
            self.clock(None);
        }
        self.uut.context_write.next = Default::default();
    }

    /// The host starts or stops a queue pair: in the next clock.
    pub fn change(&mut self, qp: u32, enable: bool) {
        let generation = self.generations.entry(qp).or_default();
        *generation += u64::from(enable);
        let generation = *generation & 0xff;
        self.changes.retain(|change| change.qp.to_u64() != u64::from(qp));
        self.changes.push_front(match enable {
            true => begins(qp as usize, generation),
            false => stops(qp as usize, generation),
        });
        self.active.remove(&qp);
        self.active.extend(enable.then_some(qp));
    }

    pub fn command(&mut self, qp: u32, enable: bool) {
        self.change(qp, enable);
        self.idle(5);
    }

    /// Starts a queue pair whose flow is that of [`Segment::of`].
    pub fn start(&mut self, qp: u32, receive_next: u32, markers: bool, crc: bool) {
        let context = QueuePairContext {
            receive_markers: markers,
            crc,
            pd: 5,
            receive_cq: 3,
            receive_queue_log2: 6,
            receive_queue: ring_of(qp),
            receive_next,
            receive_window: CONFIGURATION.stream_ring_bytes() as u32,
            ..Default::default()
        };
        self.context(table::QUEUE_PAIR, qp as usize, &context.to_words());
        if qp as usize != RAW_QP {
            self.flow(qp, &Segment::of(qp, 0, &[]));
        }
        self.command(qp, true);
    }

    /// Puts a queue pair at the head of the list in which a segment's flow is looked for.
    pub fn flow(&mut self, qp: u32, segment: &Segment) {
        let remote_ip = u32::from_be_bytes(segment.remote_ip);
        let (remote_port, local_port) = (segment.remote_port, segment.local_port);
        let bucket = flow_hash(self.flow_key, BUCKET_BITS, remote_ip, remote_port, local_port);
        if !self.flows.insert(qp) {
            return;
        }
        let next = self.buckets.insert(bucket, qp).unwrap_or_default();
        let local_ip = u32::from_be_bytes(segment.local_ip);
        let flow = FlowContext { remote_ip, local_ip, local_port, remote_port, next, valid: true };
        self.context(table::FLOW, qp as usize, &flow.to_words());
        self.context(table::FLOW_BUCKET, bucket, &[qp]);
    }

    /// Region 7 with key 9: octets 0 to 2^20 of the region are bus addresses from 0x5000_0123.
    pub fn region(&mut self) -> u32 {
        let region = MemoryRegionContext {
            length: 1 << 20,
            stag: STAG,
            bus_address: 0x5000_0123,
            pd: 5,
            local_write: true,
            remote_write: true,
            valid: true,
            ..Default::default()
        };
        self.context(table::MEMORY_REGION, 7, &region.to_words());
        STAG
    }

    /// The host takes the region back.
    pub fn clear_region(&mut self) {
        self.context(table::MEMORY_REGION, 7, &MemoryRegionContext::default().to_words());
    }

    /// The host asks for a fence.
    pub fn fence(&mut self) {
        self.uut.fence.next = true;
        self.clock(None);
        self.uut.fence.next = false;
    }

    /// Posts a receive work request.
    pub fn post(&mut self, qp: u32, request: ReceiveRequest) {
        let queue = self.queues.entry(qp).or_default();
        queue.push(request);
        self.uut.doorbell.next = QpDoorbell {
            valid: true,
            receive: true,
            qp: u64::from(qp).to_bits(),
            posted: (queue.len() as u64).to_bits(),
        };
        self.clock(None);
        self.uut.doorbell.next = Default::default();
    }

    /// The transmit side has sent a Read Request.
    pub fn read(&mut self, qp: u32, sink_stag: u32, sink_offset: u64, length: u32) {
        self.uut.read_sent.next = ReadSent {
            valid: true,
            qp: u64::from(qp).to_bits(),
            generation: self.generations.get(&qp).copied().unwrap_or_default().to_bits(),
            sink_stag: u64::from(sink_stag).to_bits(),
            sink_offset: sink_offset.to_bits(),
            length: u64::from(length).to_bits(),
        };
        self.clock(None);
        self.uut.read_sent.next = Default::default();
    }

    fn answer_read(&mut self, request: ReadRequest) {
        let (address, bytes) = (request.address.to_u64(), request.bytes.to_u64());
        let octets = (address..address + bytes)
            .map(|at| {
                let (qp, offset) = ((at - ring_of(0)) / 0x1000, (at % 0x1000) as usize);
                let queue = &self.queues[&u32::try_from(qp).unwrap()];
                let slot = offset / 64;
                let latest = (0..queue.len()).rev().find(|n| n % 64 == slot);
                latest.map_or(0, |n| queue[n].to_bytes()[offset % 64])
            })
            .collect();
        self.reads.push_back(octets);
    }

    /// Notes what the write engine accepts in this clock.
    fn take_payload(&mut self) {
        if self.uut.write.valid.val() && self.uut.write.ready.val() {
            let WriteRequest { address, bytes, more } = self.uut.write.beat.val();
            assert!(bytes.to_u64() > 0 && !more);
            self.write = Some((address.to_u64(), bytes.to_u64() as usize));
        }
        if self.uut.write_data.valid.val() && self.uut.write_data.ready.val() {
            let beat = self.uut.write_data.beat.val();
            let (address, left) = self.write.take().expect("data behind its request");
            let bytes = beat.bytes.to_u64() as usize;
            assert!(bytes == 8 || beat.last, "dense");
            assert_eq!(beat.last, bytes == left, "as many octets as were announced");
            for (n, octet) in beat.data.to_u64().to_le_bytes()[..bytes].iter().enumerate() {
                self.memory.insert(address + n as u64, *octet);
            }
            self.write = (bytes < left).then_some((address + 8, left - bytes));
        }
    }

    /// Control hears of an event.
    fn end(&mut self, event: QpEvent) {
        let qp = event.qp.to_u64() as u32;
        let current = self.generations.get(&qp).copied().unwrap_or_default() & 0xff;
        if event.generation.to_u64() != current || !self.active.remove(&qp) {
            self.stale_events.push(event);
            return;
        }
        let ended = QpChange { begins: false, active: false, ..begins(qp as usize, current) };
        self.changes.push_back(ended);
        self.events.push(event);
    }

    /// Drives everything that is not a test's own.
    fn drive(&mut self, mac: Option<crate::stream::Beat>) {
        let uut = &mut self.uut;
        // One change in eight clocks, but for those of a test.
        uut.change.next = self.changes.pop_front().unwrap_or_default();
        uut.mac.valid.next = mac.is_some();
        uut.mac.beat.next = mac.unwrap_or_default();
        uut.request_read.ready.next = true;
        uut.request_data.valid.next = self.fetch && !self.reads.is_empty();
        uut.request_data.beat.next = self.reads.front().map_or_else(Default::default, |octets| {
            beat(&octets[..octets.len().min(8)], octets.len() <= 8, false)
        });
        uut.write.ready.next = self.write.is_none() && self.rng.random_bool(self.ready);
        uut.write_data.ready.next = self.write.is_some() && self.rng.random_bool(self.ready);
        uut.completion.ready.next = self.rng.random_bool(self.ready);
        uut.event.ready.next = self.rng.random_bool(self.ready);
        uut.read_asked.ready.next = self.rng.random_bool(self.ready);
        uut.read_room.next = self.room >> self.room_qp & 1 == 1;
        uut.acknowledgement.ready.next = self.rng.random_bool(self.ready);
    }

    /// One clock, with a beat from the MAC or without.
    pub fn clock(&mut self, mac: Option<crate::stream::Beat>) {
        self.drive(mac);
        let uut = &mut self.uut;
        settle!(*uut);
        assert!(uut.mac.ready.val());
        let data_taken = uut.request_data.valid.val() && uut.request_data.ready.val();
        let read = (uut.request_read.valid.val()).then(|| uut.request_read.beat.val());
        self.take_payload();
        let uut = &mut self.uut;
        if uut.completion.valid.val() && uut.completion.ready.val() {
            self.completion_behind_data &= self.write.is_none();
            self.completions.push(uut.completion.beat.val());
        }
        if uut.event.valid.val() && uut.event.ready.val() {
            let event = uut.event.beat.val();
            self.end(event);
        }
        let uut = &mut self.uut;
        if uut.acknowledgement.valid.val() && uut.acknowledgement.ready.val() {
            self.acknowledgements.push(uut.acknowledgement.beat.val());
        }
        if uut.read_asked.valid.val() && uut.read_asked.ready.val() {
            self.asked.push(uut.read_asked.beat.val());
        }
        if uut.read_done.val().valid {
            self.completion_behind_data &= self.write.is_none();
            self.done.push(uut.read_done.val().qp.to_u64());
        }
        if uut.receive_edge.val().valid {
            self.edges.push(uut.receive_edge.val());
        }
        if uut.opened.val().valid {
            self.opened.push(uut.opened.val().qp.to_u64());
        }
        for (n, count) in self.counts.iter_mut().enumerate() {
            *count += u64::from(uut.counts.val().get_bit(n));
        }
        for (n, count) in self.trace.iter_mut().enumerate() {
            *count += u64::from(uut.stations.val().get_bit(n));
        }
        if uut.fenced.val() {
            self.fenced.push(self.clocks);
        }
        self.room_qp = uut.room_qp.val().to_u64();
        edge!(*uut);
        if data_taken {
            let octets = self.reads.front_mut().expect("an answer");
            octets.drain(..octets.len().min(8));
            if octets.is_empty() {
                self.reads.pop_front();
            }
        }
        if let Some(request) = read {
            self.answer_read(request);
        }
        self.clocks += 1;
        assert!(self.completion_behind_data, "a completion before its data");
    }

    pub fn idle(&mut self, clocks: usize) {
        (0..clocks).for_each(|_| self.clock(None));
    }

    /// Runs until nothing has come out for a while.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 150 {
            let news = self.asked.len() + self.done.len();
            let before = (self.memory.len(), self.completions.len(), self.edges.len(), news);
            self.clock(None);
            let news = self.asked.len() + self.done.len();
            let after = (self.memory.len(), self.completions.len(), self.edges.len(), news);
            quiet = if before == after { quiet + 1 } else { 0 };
        }
    }

    /// Random octets.
    pub fn octets_of(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.rng.random()).collect()
    }

    /// A frame at full rate, and the gap that Ethernet leaves behind it.
    pub fn frame(&mut self, octets: &[u8]) {
        self.frame_with(octets, false);
    }

    /// A frame whose check sequence may be wrong.
    pub fn frame_with(&mut self, octets: &[u8], error: bool) {
        for beat in dense(&[Packet { octets: octets.to_vec(), error }]) {
            self.clock(Some(beat));
        }
        let gap = self.rng.random_range(2..4);
        self.idle(gap);
    }

    /// A segment, well formed.
    pub fn segment(&mut self, segment: &Segment) {
        self.frame(&segment.frame());
    }

    /// The octets at a bus address; `None` if the device has not written all of them.
    pub fn octets(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        (0..length as u64).map(|n| self.memory.get(&(address + n)).copied()).collect()
    }

    /// The last edge of a queue pair: RCV.NXT, window.
    pub fn last_edge(&self, qp: u32) -> Option<(u64, u64)> {
        let edge = self.edges.iter().rev().find(|edge| edge.qp.to_u64() == u64::from(qp))?;
        Some((edge.expected.to_u64(), edge.window.to_u64()))
    }
}
