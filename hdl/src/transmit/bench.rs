//! A world around the transmit engine: host memory, a host, and the peers at the other end.
use crate::configuration::MR_BITS;
use crate::control::records::*;
use crate::life::QpChange;
use crate::receive::records::*;
use crate::stream::bench::*;
use crate::stream::Beat;
use crate::transmit::records::ReadSent;
use crate::transmit::Transmit;
use ironwarp_abi::context::{region_of, table, MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::SendRequest;
use ironwarp_wire::checksum;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// Queue pairs of the world: a configuration has them and more.
pub const QPS: usize = 16;
const _: () = assert!(QPS <= crate::configuration::QP_COUNT);
/// Clocks between two changes of queue pairs' lives.
const PAUSE: u64 = 8;
/// Clocks of a microsecond.
pub const MICROSECOND: u64 = 20;
/// Where the send queue of a queue pair lies, of 64 entries.
pub const RING_LOG2: u8 = 6;
/// Where the registered memory lies, and how large it is.
pub const BUFFER: u64 = 0x7_1234_5000 + 0x123;
pub const BUFFER_BYTES: usize = 1 << 20;
/// The tagged offset of its first octet, its index and its key.
pub const BASE: u64 = 0x5555_0000_0000;
pub const STAG: u32 = 0xabcd_ef00 | 9;

/// A TCP segment as the peer saw it.
#[derive(Clone, Debug)]
pub struct Segment {
    pub qp: usize,
    pub clock: u64,
    pub number: u32,
    pub acknowledgement: u32,
    pub window: u16,
    pub flags: u8,
    pub payload: Vec<u8>,
}

/// What one read channel of the bus has to answer.
#[derive(Default)]
struct Channel {
    asked: VecDeque<(u64, u64, u64)>,
    beats: VecDeque<Beat>,
    offered: bool,
}

/// A completion: queue pair, status, request number, length, completion queue.
pub type Told = (u64, u64, u64, u64, u64);

pub struct World {
    pub uut: Box<Transmit>,
    pub rng: ChaCha8Rng,
    pub now: u64,
    pub contexts: Vec<QueuePairContext>,
    pub rings: Vec<Vec<[u8; 64]>>,
    pub posted: [u16; QPS],
    pub buffer: Vec<u8>,
    /// Reads of these bus addresses are refused.
    pub poison: Option<u64>,
    /// The lives of the queue pairs, as control has told them.
    pub generation: [u64; QPS],
    pub active: [bool; QPS],
    changes: VecDeque<QpChange>,
    changed: u64,
    requests: Channel,
    payload: Channel,
    /// The least retransmission timeout in microseconds.
    pub retransmit_min: u64,
    /// Clocks from a read to its answer.
    pub latency: u64,
    /// How often the MAC takes a beat, and the others do what they may do.
    pub pace: f64,
    frame: Vec<u8>,
    pub segments: Vec<Segment>,
    pub raw: Vec<Vec<u8>>,
    pub completions: Vec<Told>,
    pub events: Vec<(u64, u64, u64)>,
    pub acknowledgements: VecDeque<(u64, u32, u16)>,
    acknowledging: bool,
    /// The Read Requests that have left.
    pub read_sent: Vec<ReadSent>,
    /// When each frame ended, its octets.
    pub ends: Vec<(u64, usize)>,
    pub trace: [u64; 7],
    /// Segments that left again, and timers that expired.
    pub counts: [u64; 2],
    asked_taken: bool,
    /// When the last fence came out.
    pub fenced: Option<u64>,
    /// When each read of payload was asked for.
    pub reads: Vec<u64>,
    /// The buses take nothing and answer nothing.
    pub held: bool,
    /// Control takes no event.
    pub stall_events: bool,
    /// Nobody takes a completion.
    pub stall_completions: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let contexts = (0..QPS)
            .map(|qp| QueuePairContext {
                send_markers: rng.random(),
                crc: rng.random(),
                send_window_shift: rng.random_range(0..5),
                receive_window_shift: rng.random_range(0..5),
                pd: 77,
                mulpdu: rng.random_range(128..1454),
                send_cq: qp as u32 ^ 5,
                receive_cq: qp as u32 ^ 10,
                send_queue_log2: RING_LOG2,
                local_ip: rng.random(),
                remote_ip: rng.random(),
                local_port: 1000 + u16::try_from(qp).unwrap(),
                remote_port: rng.random(),
                local_mac: rng.random::<u64>() >> 16,
                remote_mac: rng.random::<u64>() >> 16,
                send_queue: (qp as u64 + 1) << 36,
                send_next: rng.random_range(0..20_000_u32).wrapping_sub(10_000),
                send_window: 30_000,
                receive_next: rng.random(),
                receive_window: 500_000,
                ..Default::default()
            })
            .collect();
        let mut uut = Box::<Transmit>::default();
        uut.connect_all();
        Self {
            uut,
            now: 0,
            contexts,
            rings: vec![vec![[0; 64]; 1 << RING_LOG2]; QPS],
            posted: [0; QPS],
            buffer: (0..BUFFER_BYTES).map(|_| rng.random()).collect(),
            poison: None,
            generation: [0; QPS],
            active: [false; QPS],
            changes: VecDeque::new(),
            changed: 0,
            requests: Channel::default(),
            payload: Channel::default(),
            retransmit_min: 60,
            latency: rng.random_range(1..300),
            pace: rng.random_range(0.5..1.0),
            frame: vec![],
            segments: vec![],
            raw: vec![],
            completions: vec![],
            events: vec![],
            acknowledgements: VecDeque::new(),
            acknowledging: false,
            read_sent: vec![],
            ends: vec![],
            trace: [0; 7],
            counts: [0; 2],
            asked_taken: false,
            fenced: None,
            reads: vec![],
            held: false,
            stall_events: false,
            stall_completions: false,
            rng,
        }
    }

    /// The contexts and the memory region, word by word.
    pub fn configure(&mut self) {
        let region = MemoryRegionContext {
            base: BASE,
            length: BUFFER_BYTES as u64,
            stag: STAG,
            bus_address: BUFFER,
            pd: 77,
            local_read: true,
            local_write: true,
            remote_read: true,
            valid: true,
            ..Default::default()
        };
        self.write(table::MEMORY_REGION, region_of(STAG, MR_BITS), &region.to_words());
        for qp in 0..QPS {
            let words = self.contexts[qp].to_words();
            self.write(table::QUEUE_PAIR, qp, &words);
        }
    }

    pub fn write(&mut self, table: u8, index: usize, words: &[u32]) {
        for (word, data) in words.iter().enumerate() {
            self.uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table).to_bits(),
                index: (index as u64).to_bits(),
                word: (word as u64).to_bits(),
                data: u64::from(*data).to_bits(),
            };
            self.clock();
        }
        self.uut.context_write.next = ContextWrite::default();
    }

    /// The host starts or stops a queue pair.
    pub fn command(&mut self, qp: usize, enable: bool) {
        self.generation[qp] = (self.generation[qp] + u64::from(enable)) & 0xff;
        self.active[qp] = enable;
        self.changes.push_back(self.life(qp, enable, enable));
        self.posted[qp] = 0;
        while !self.changes.is_empty() {
            self.clock();
        }
        for _ in 0..3 {
            self.clock();
        }
    }

    /// An error ends a queue pair's life, if it is active and the error is of it.
    pub fn end(&mut self, qp: usize, generation: u64) {
        if self.active[qp] && self.generation[qp] == generation {
            self.active[qp] = false;
            self.changes.push_back(self.life(qp, false, true));
        }
    }

    fn life(&self, qp: usize, begins: bool, started: bool) -> QpChange {
        QpChange {
            valid: true,
            wipe: false,
            qp: (qp as u64).to_bits(),
            generation: self.generation[qp].to_bits(),
            begins,
            started,
            active: self.active[qp],
        }
    }

    pub fn post(&mut self, qp: usize, request: &SendRequest) {
        self.post_octets(qp, request.to_bytes());
    }

    pub fn post_octets(&mut self, qp: usize, octets: [u8; 64]) {
        let slot = usize::from(self.posted[qp]) % (1 << RING_LOG2);
        self.rings[qp][slot] = octets;
        self.posted[qp] = self.posted[qp].wrapping_add(1);
    }

    pub fn ring(&mut self, qp: usize) {
        self.uut.doorbell.next = QpDoorbell {
            valid: true,
            receive: false,
            qp: (qp as u64).to_bits(),
            posted: u64::from(self.posted[qp]).to_bits(),
        };
        self.clock();
        self.uut.doorbell.next = QpDoorbell::default();
    }

    /// A Read Request of the peer, offered until it is taken.
    pub fn ask(&mut self, asked: ReadAsked) {
        let qp = asked.qp.to_u64() as usize;
        self.uut.read_asked.valid.next = true;
        self.uut.read_asked.beat.next =
            ReadAsked { generation: self.generation[qp].to_bits(), ..asked };
        while !std::mem::take(&mut self.asked_taken) {
            self.clock();
        }
        self.uut.read_asked.valid.next = false;
    }

    /// May one more Read Request of the queue pair be held?
    pub fn read_room(&mut self, qp: usize) -> bool {
        self.uut.room_qp.next = (qp as u64).to_bits();
        self.clock();
        self.uut.read_room.val()
    }

    /// The oldest RDMA Read of a queue pair is placed.
    pub fn finish_read(&mut self, qp: usize) {
        let (valid, generation) = (true, self.generation[qp].to_bits());
        self.uut.read_done.next = ReadDone { valid, qp: (qp as u64).to_bits(), generation };
        self.clock();
        self.uut.read_done.next = ReadDone::default();
    }

    /// A valid FPDU of the peer has come.
    pub fn open(&mut self, qp: usize) {
        let (valid, generation) = (true, self.generation[qp].to_bits());
        self.uut.opened.next = Opened { valid, qp: (qp as u64).to_bits(), generation };
        self.clock();
        self.uut.opened.next = Opened::default();
    }

    /// The host deregisters the memory region; the word with `valid` is the last one.
    pub fn clear_region(&mut self) {
        let words = MemoryRegionContext::default().to_words();
        self.uut.context_write.next = ContextWrite {
            valid: true,
            table: u64::from(table::MEMORY_REGION).to_bits(),
            index: (region_of(STAG, MR_BITS) as u64).to_bits(),
            word: (words.len() as u64 - 1).to_bits(),
            data: 0.into(),
        };
        self.clock();
        self.uut.context_write.next = ContextWrite::default();
        self.clock();
    }

    /// Reads that were asked for and not answered.
    pub fn under_way(&self) -> bool {
        [&self.requests, &self.payload].iter().any(|c| !c.asked.is_empty() || !c.beats.is_empty())
    }

    /// Asks for a fence.
    pub fn fence(&mut self) {
        self.fenced = None;
        self.uut.fence.next = true;
        self.clock();
        self.uut.fence.next = false;
    }

    fn octet(&self, address: u64) -> u8 {
        if (BUFFER..BUFFER + BUFFER_BYTES as u64).contains(&address) {
            self.buffer[(address - BUFFER) as usize]
        } else {
            let (qp, at) = ((address >> 36) as usize - 1, (address & 0xf_ffff_ffff) as usize);
            self.rings[qp][at / 64][at % 64]
        }
    }

    fn answer(&mut self, payload: bool) {
        let channel = if payload { &mut self.payload } else { &mut self.requests };
        let due = !self.held && channel.asked.front().is_some_and(|read| read.2 <= self.now);
        if !due || !channel.beats.is_empty() {
            return;
        }
        if let Some((address, bytes, _)) = channel.asked.pop_front() {
            let octets: Vec<u8> = (address..address + bytes).map(|at| self.octet(at)).collect();
            let error = self.poison.is_some_and(|at| (address..address + bytes).contains(&at));
            let channel = if payload { &mut self.payload } else { &mut self.requests };
            channel.beats.extend(dense(&[Packet { octets, error }]));
        }
    }

    /// One clock of everything.
    pub fn clock(&mut self) {
        self.answer(false);
        self.answer(true);
        let mut chance = |p: f64| self.rng.random_bool(p);
        let uut = &mut self.uut;
        for (channel, sink) in [
            (&mut self.requests, &mut uut.request_data),
            (&mut self.payload, &mut uut.payload_data),
        ] {
            channel.offered = !channel.beats.is_empty() && (channel.offered || chance(self.pace));
            sink.valid.next = channel.offered;
            sink.beat.next = channel.beats.front().copied().unwrap_or_default();
        }
        uut.change.next = QpChange::default();
        if self.now >= self.changed + PAUSE {
            if let Some(change) = self.changes.pop_front() {
                uut.change.next = change;
                self.changed = self.now;
            }
        }
        uut.max_read.next = 2.into();
        uut.now.next = (self.now / MICROSECOND).to_bits();
        uut.retransmit_min.next = self.retransmit_min.to_bits();
        uut.request_read.ready.next = chance(self.pace) && !self.held;
        uut.payload_read.ready.next = chance(self.pace) && !self.held;
        uut.completion.ready.next = chance(self.pace) && !self.stall_completions;
        uut.event.ready.next = chance(self.pace) && !self.stall_events;
        uut.frame.ready.next = chance(self.pace);
        self.acknowledging =
            !self.acknowledgements.is_empty() && (self.acknowledging || chance(self.pace));
        uut.acknowledgement.valid.next = self.acknowledging;
        if let Some((qp, number, window)) = self.acknowledgements.front() {
            uut.acknowledgement.beat.next = Acknowledgement {
                qp: qp.to_bits(),
                generation: self.generation[*qp as usize].to_bits(),
                sequence: u64::from(self.contexts[*qp as usize].receive_next).to_bits(),
                number: u64::from(*number).to_bits(),
                window: u64::from(*window).to_bits(),
                bare: true,
            };
        }
        settle!(**uut);
        self.look();
    }

    /// What moves at this clock edge.
    fn look(&mut self) {
        let uut = &mut self.uut;
        for (channel, source, sink) in [
            (&mut self.requests, &uut.request_read, &uut.request_data),
            (&mut self.payload, &uut.payload_read, &uut.payload_data),
        ] {
            if source.valid.val() && source.ready.val() {
                let request = source.beat.val();
                let (address, bytes) = (request.address.to_u64(), request.bytes.to_u64());
                assert!(bytes > 0 && address >> 12 == (address + bytes - 1) >> 12);
                channel.asked.push_back((address, bytes, self.now + self.latency));
                if address >> 36 == BUFFER >> 36 {
                    self.reads.push(self.now);
                }
            }
            if channel.offered && sink.ready.val() {
                channel.beats.pop_front();
                channel.offered = false;
            }
        }
        if self.acknowledging && uut.acknowledgement.ready.val() {
            self.acknowledgements.pop_front();
            self.acknowledging = false;
        }
        self.complete();
        let uut = &mut self.uut;
        self.asked_taken |= uut.read_asked.valid.val() && uut.read_asked.ready.val();
        if uut.fenced.val() {
            assert!(self.fenced.is_none(), "a fence came out twice");
            self.fenced = Some(self.now);
        }
        let event = (uut.event.valid.val() && uut.event.ready.val()).then(|| uut.event.beat.val());
        if uut.read_sent.val().valid {
            self.read_sent.push(uut.read_sent.val());
        }
        for (n, count) in self.trace.iter_mut().enumerate() {
            *count += u64::from(uut.stations.val().get_bit(n));
        }
        for (n, count) in self.counts.iter_mut().enumerate() {
            *count += u64::from(uut.counts.val().get_bit(n));
        }
        let mut whole = false;
        assert!(uut.frame.valid.val() || self.frame.is_empty(), "the frame stopped in the middle");
        if uut.frame.valid.val() && uut.frame.ready.val() {
            let beat = uut.frame.beat.val();
            let count = beat.bytes.to_u64() as usize;
            assert!(count == 8 || beat.last, "the frame is not dense");
            self.frame.extend(&beat.data.to_u64().to_le_bytes()[..count]);
            whole = beat.last;
        }
        edge!(**uut);
        if let Some(event) = event {
            // What control does.
            let qp = event.qp.to_u64() as usize;
            if self.active[qp] && self.generation[qp] == event.generation.to_u64() {
                self.events.push((event.qp.to_u64(), event.status.to_u64(), event.cq.to_u64()));
            }
            self.end(qp, event.generation.to_u64());
        }
        self.now += 1;
        if whole {
            let frame = std::mem::take(&mut self.frame);
            self.ends.push((self.now, frame.len()));
            self.dissect(frame);
        }
    }

    /// Notes a completion, if one is told.
    fn complete(&mut self) {
        let uut = &mut self.uut;
        if uut.completion.valid.val() && uut.completion.ready.val() {
            let told = uut.completion.beat.val();
            assert_eq!(told.kind.to_u64(), u64::from(ironwarp_abi::queue::kind::SEND));
            let qp = told.qp.to_u64() as usize;
            // The completion writer drops what is of another life.
            let lives = told.generation.to_u64() == self.generation[qp] && self.active[qp];
            self.completions.extend(lives.then(|| {
                (
                    told.qp.to_u64(),
                    told.status.to_u64(),
                    told.request.to_u64(),
                    told.length.to_u64(),
                    told.cq.to_u64(),
                )
            }));
        }
    }

    /// Checks a frame's headers and keeps what it carries.
    fn dissect(&mut self, frame: Vec<u8>) {
        let mac = |context: &QueuePairContext| {
            [&context.remote_mac.to_be_bytes()[2..], &context.local_mac.to_be_bytes()[2..]].concat()
        };
        let owner = self.contexts.iter().skip(1).position(|c| frame.starts_with(&mac(c)));
        let Some(qp) = owner.map(|n| n + 1) else {
            self.raw.push(frame);
            return;
        };
        let context = &self.contexts[qp];
        let field16 = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let field32 = |at: usize| u32::from(field16(at)) << 16 | u32::from(field16(at + 2));
        assert_eq!(field16(12), 0x0800, "EtherType");
        assert_eq!(frame[14..16], [0x45, 0], "IPv4 without options");
        assert_eq!(usize::from(field16(16)), frame.len() - 14, "IPv4 total length");
        assert_eq!(frame[18..24], [0, 0, 0x40, 0, 64, 6], "no fragment, 64 hops, TCP");
        assert_eq!(checksum::internet(&frame[14..34]), 0, "IPv4 header checksum");
        assert_eq!(field32(26), context.local_ip, "source address");
        assert_eq!(field32(30), context.remote_ip, "destination address");
        assert_eq!(field16(34), context.local_port, "source port");
        assert_eq!(field16(36), context.remote_port, "destination port");
        assert_eq!(frame[46], 0x50, "TCP without options");
        assert_eq!(field16(52), 0, "urgent pointer");
        let (source, destination) = (context.local_ip, context.remote_ip);
        let sum =
            checksum::tcp_over_ipv4(source.to_be_bytes(), destination.to_be_bytes(), &frame[34..]);
        assert_eq!(sum, 0, "TCP checksum");
        self.segments.push(Segment {
            qp,
            clock: self.now,
            number: field32(38),
            acknowledgement: field32(42),
            window: field16(48),
            flags: frame[47],
            payload: frame[54..].to_vec(),
        });
    }

    pub fn run(&mut self, clocks: u64) {
        for _ in 0..clocks {
            self.clock();
        }
    }
}
