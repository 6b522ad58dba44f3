//! A host's memory, and a station made of it and a device.
#![allow(dead_code)]

pub mod lossy;
pub mod peer;
pub mod pipe;

use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::context::{
    flow_hash, region_of, table, CompletionQueueContext, FlowBucketContext, FlowContext,
    MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::queue::{opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{self as reg, Register};
use ironwarp_model::{Device, Fault, Host, Options};
use std::ops::Range;
use std::time::Duration;

/// Where memory begins on the bus.
pub const MEMORY: u64 = 0x4_0000_0000;
const MEMORY_BYTES: usize = 1 << 20;
/// Where interrupts are written.
pub const INTERRUPTS: u64 = 0xfee0_0000;

/// Rings and buffers, as offsets in memory.
pub const SEND_RING: u64 = 0x0;
pub const RECEIVE_RING: u64 = 0x8000;
pub const CQ_RING: u64 = 0x1_0000;
pub const SOURCE: u64 = 0x2_0000;
pub const SINK: u64 = 0x8_0000;
/// The reassembly ring of those that have one, and log2 of its size in units of 4 KiB.
pub const EARLY: u64 = 0xe_0000;
pub const EARLY_LOG2: u8 = 4;
pub const EARLY_BYTES: u32 = 4096 << EARLY_LOG2;
/// How much memory each of the two regions has.
pub const REGION_BYTES: u32 = 0x6_0000;
/// The STags of the regions at [`SOURCE`] and [`SINK`].
pub const SOURCE_STAG: u32 = 0x1111_1101;
pub const SINK_STAG: u32 = 0x2222_2202;
pub const PD: u16 = 9;
pub const QP: u32 = 3;
pub const CQ: u32 = 2;
pub const VECTOR: u8 = 5;
pub const QUEUE_LOG2: u8 = 8;
pub const CQ_LOG2: u8 = 9;
/// The devices of these tests.
pub const DEVICE: Configuration = REFERENCE;
/// In the words of `QP_CONTROL` and `CQ_CONTROL`: start it.
pub const ENABLE: u32 = 1 << 24;
/// The generation of a queue pair that was started once.
pub const FIRST: u8 = 1;
/// The key of the flow table.
pub const FLOW_KEY: [u32; 3] = [0x6d5a_56da, 0x255b_0ec2, 0x4167_253d];

/// Host memory, and the interrupts that came.
pub struct Memory {
    pub octets: Vec<u8>,
    pub interrupts: Vec<u32>,
    /// Writes that led nowhere.
    pub lost: usize,
    /// Octets, as offsets in memory, whose use is counted,
    pub watched: Range<u64>,
    /// here: reads and writes.
    pub touched: [usize; 2],
}

impl Memory {
    pub fn at(&mut self, address: u64, length: usize) -> Option<&mut [u8]> {
        let from = usize::try_from(address.checked_sub(MEMORY)?).ok()?;
        self.octets.get_mut(from..from.checked_add(length)?)
    }
}

impl Memory {
    fn touch(&mut self, which: usize, address: u64, length: usize) {
        let from = address.wrapping_sub(MEMORY);
        let overlaps =
            from < self.watched.end && self.watched.start < from.saturating_add(length as u64);
        self.touched[which] += usize::from(overlaps);
    }
}

impl Host for Memory {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.touch(0, address, into.len());
        let from = self.at(address, into.len()).ok_or(Fault)?;
        into.copy_from_slice(from);
        Ok(())
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        self.touch(1, address, octets.len());
        match (self.at(address, octets.len()), octets) {
            (Some(place), _) => place.copy_from_slice(octets),
            (None, [a, b, c, d]) if address == INTERRUPTS => {
                self.interrupts.push(u32::from_le_bytes([*a, *b, *c, *d]));
            }
            (None, _) => self.lost += 1,
        }
    }
}

/// A device with a host around it.
pub struct Station {
    pub device: Device,
    pub memory: Memory,
    sends: u16,
    receives: u16,
    taken: u16,
    pub now: Duration,
}

/// What `QUERY_STATE` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub generation: u8,
    pub active: bool,
    pub started: bool,
    pub status: u8,
}

/// What a test wants of a connection.
#[derive(Clone, Copy)]
pub struct Wish {
    pub markers: bool,
    pub crc: bool,
    pub mulpdu: u16,
    pub window: u32,
    pub shift: u8,
    /// IRD and ORD, of both.
    pub reads: u8,
}

pub const PLAIN: Wish =
    Wish { markers: false, crc: true, mulpdu: 1454, window: 256 * 1024, shift: 3, reads: 4 };

/// The connection as the station `me` of two sees it.
pub fn context(me: usize, wish: Wish) -> QueuePairContext {
    let peer = 1 - me;
    let ip = [0x0a00_0001, 0x0a00_0002];
    let port = [5000, 6000];
    let mac = [0x0200_0000_0001, 0x0200_0000_0002];
    // The first direction wraps soon.
    let first = [u32::MAX - 3000, 70_000];
    QueuePairContext {
        send_markers: wish.markers,
        receive_markers: wish.markers,
        crc: wish.crc,
        await_first_fpdu: false,
        send_window_shift: wish.shift,
        receive_window_shift: wish.shift,
        pd: PD,
        mulpdu: wish.mulpdu,
        send_cq: CQ,
        receive_cq: CQ,
        send_queue_log2: QUEUE_LOG2,
        receive_queue_log2: QUEUE_LOG2,
        read_in: wish.reads,
        read_out: wish.reads,
        local_ip: ip[me],
        remote_ip: ip[peer],
        local_port: port[me],
        remote_port: port[peer],
        local_mac: mac[me],
        remote_mac: mac[peer],
        send_queue: MEMORY + SEND_RING,
        receive_queue: MEMORY + RECEIVE_RING,
        send_next: first[me],
        send_window: wish.window,
        receive_next: first[peer],
        receive_window: wish.window,
        ..QueuePairContext::default()
    }
}

impl Station {
    /// A device with a completion queue, two memory regions and an unmasked vector.
    pub fn new(me: usize) -> Self {
        let memory = Memory {
            octets: vec![0; MEMORY_BYTES],
            interrupts: Vec::new(),
            lost: 0,
            watched: 0..0,
            touched: [0; 2],
        };
        let device = Device::new(Options { configuration: DEVICE, ..Options::default() });
        let mut station =
            Self { device, memory, sends: 0, receives: 0, taken: 0, now: Duration::ZERO };
        station.set_up(me);
        station
    }

    /// A station whose device has these options.
    pub fn with(me: usize, options: Options) -> Self {
        let mut station = Self::new(me);
        station.device = Device::new(options);
        station.set_up(me);
        station
    }

    /// Tells a fresh device everything but its connection.
    pub fn set_up(&mut self, me: usize) {
        let station = self;
        station.write(reg::MAC_HIGH, 0x0200);
        station.write(reg::MAC_LOW, 1 + me as u32);
        let vector = reg::MSIX_TABLE + 16 * u32::from(VECTOR);
        for (word, value) in [INTERRUPTS as u32, 0, 0xabc, 0].into_iter().enumerate() {
            station.bar(vector + 4 * word as u32, value);
        }
        station.start_queue();
        for (register, word) in
            [reg::FLOW_KEY_0, reg::FLOW_KEY_1, reg::FLOW_KEY_2].into_iter().zip(FLOW_KEY)
        {
            station.write(register, word);
        }
        station.region(SOURCE_STAG, SOURCE, |region| {
            (region.local_read, region.remote_read) = (true, true);
        });
        station.region(SINK_STAG, SINK, |region| {
            region.local_write = true;
            region.remote_write = true;
        });
    }

    /// Starts the completion queue afresh and empty.
    pub fn start_queue(&mut self) {
        self.write(reg::CQ_CONTROL, CQ);
        let ring = CQ_RING as usize..CQ_RING as usize + (CompletionEntry::BYTES << CQ_LOG2);
        self.memory.octets[ring].fill(0);
        self.taken = 0;
        let ring = MEMORY + CQ_RING;
        let queue = CompletionQueueContext { ring, log2: CQ_LOG2, vector: VECTOR };
        self.commit(table::COMPLETION_QUEUE, CQ, &queue.to_words());
        self.write(reg::CQ_CONTROL, CQ | ENABLE);
    }

    /// A region of [`REGION_BYTES`] whose offsets begin at zero.
    pub fn region(&mut self, stag: u32, at: u64, rights: impl Fn(&mut MemoryRegionContext)) {
        let mut region = MemoryRegionContext {
            length: REGION_BYTES.into(),
            stag,
            bus_address: MEMORY + at,
            pd: PD,
            valid: true,
            ..MemoryRegionContext::default()
        };
        rights(&mut region);
        let number = region_of(stag, self.device.configuration().mr_bits) as u32;
        self.commit(table::MEMORY_REGION, number, &region.to_words());
    }

    /// Starts queue pair [`QP`], which it stops before, and makes it own its connection.
    pub fn start(&mut self, context: &QueuePairContext) {
        (self.sends, self.receives) = (0, 0);
        self.write(reg::QP_CONTROL, QP);
        self.start_pair(QP, context);
        let flow = FlowContext {
            remote_ip: context.remote_ip,
            local_ip: context.local_ip,
            local_port: context.local_port,
            remote_port: context.remote_port,
            next: 0,
            valid: true,
        };
        self.commit(table::FLOW, QP, &flow.to_words());
        let bits = self.device.configuration().bucket_bits;
        let bucket =
            flow_hash(FLOW_KEY, bits, flow.remote_ip, flow.remote_port, flow.local_port) as u32;
        self.commit(table::FLOW_BUCKET, bucket, &FlowBucketContext { first: QP }.to_words());
    }

    /// Gives a queue pair at rest its context and starts it.
    pub fn start_pair(&mut self, qp: u32, context: &QueuePairContext) {
        self.commit(table::QUEUE_PAIR, qp, &context.to_words());
        self.write(reg::QP_CONTROL, qp | ENABLE);
    }

    /// Commits a record whatever becomes of it.
    pub fn commit(&mut self, table: u8, index: u32, words: &[u32]) {
        for (word, value) in words.iter().enumerate() {
            self.bar(reg::CONTEXT_WINDOW + 4 * word as u32, *value);
        }
        self.write(reg::COMMIT, index | u32::from(table) << 24);
    }

    /// Where a queue pair stands; what the `QUERY_` registers show is as before.
    pub fn state(&mut self, qp: u32) -> State {
        let before = self.read(reg::QUERY_QP);
        self.write(reg::QUERY_QP, qp);
        let word = self.read(reg::QUERY_STATE);
        self.write(reg::QUERY_QP, before);
        assert_eq!(word & 0xff00_fc00, 0);
        let [generation, active, started, status] = ["generation", "active", "started", "status"]
            .map(|it| reg::QUERY_STATE.get(word, it) as u8);
        State { generation, active: active == 1, started: started == 1, status }
    }

    /// Queue pair [`QP`] runs.
    pub fn is_active(&mut self) -> bool {
        self.state(QP).active
    }

    pub fn bar(&mut self, address: u32, value: u32) {
        self.device.bar_write32(address, value, &mut self.memory);
    }

    pub fn write(&mut self, register: Register, value: u32) {
        self.bar(register.address, value);
    }

    pub fn read(&self, register: Register) -> u32 {
        self.device.bar_read32(register.address)
    }

    /// Rings a queue pair's doorbell.
    pub fn ring_qp(&mut self, qp: u32, which: u32, value: u32) {
        self.bar(self.device.configuration().qp_doorbell(qp, which), value);
    }

    /// Rings a completion queue's doorbell.
    pub fn ring_cq(&mut self, cq: u32, which: u32, value: u32) {
        self.bar(self.device.configuration().cq_doorbell(cq, which), value);
    }

    /// Posts a send work request on a queue pair and rings.
    pub fn post_bytes(&mut self, qp: u32, bytes: &[u8]) {
        let slot = u64::from(self.sends) % (1 << QUEUE_LOG2) * SendRequest::BYTES as u64;
        self.memory.write(MEMORY + SEND_RING + slot, bytes);
        self.sends = self.sends.wrapping_add(1);
        self.ring_qp(qp, reg::DOORBELL_SEND, self.sends.into());
    }

    pub fn post(&mut self, request: &SendRequest) {
        self.post_bytes(QP, &request.to_bytes());
    }

    /// Posts a receive work request on a queue pair and rings.
    pub fn post_receive(&mut self, qp: u32, request: &ReceiveRequest) {
        let slot = u64::from(self.receives) % (1 << QUEUE_LOG2) * SendRequest::BYTES as u64;
        self.memory.write(MEMORY + RECEIVE_RING + slot, &request.to_bytes());
        self.receives = self.receives.wrapping_add(1);
        self.ring_qp(qp, reg::DOORBELL_RECEIVE, self.receives.into());
    }

    /// The next completion entry, consumed; None if there is none.
    pub fn completion(&mut self) -> Option<CompletionEntry> {
        let entries = 1u16 << CQ_LOG2;
        let slot = u64::from(self.taken % entries) * CompletionEntry::BYTES as u64;
        let bytes = self.memory.at(MEMORY + CQ_RING + slot, CompletionEntry::BYTES).unwrap();
        let entry = CompletionEntry::from_bytes(&bytes.to_vec().try_into().unwrap());
        if entry.phase != (self.taken / entries % 2 == 0) {
            return None;
        }
        self.taken = self.taken.wrapping_add(1);
        self.ring_cq(CQ, reg::DOORBELL_CONSUMED, self.taken.into());
        Some(CompletionEntry { phase: false, ..entry })
    }

    pub fn completions(&mut self) -> Vec<CompletionEntry> {
        std::iter::from_fn(|| self.completion()).collect()
    }

    /// Polls and answers the frames that left.
    pub fn poll(&mut self) -> Vec<Vec<u8>> {
        self.now += Duration::from_micros(1);
        self.device.poll(self.now, &mut self.memory);
        self.device.take_frames().into()
    }

    /// Polls at a moment and answers the frames that left.
    pub fn poll_at(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.now = now;
        self.device.poll(now, &mut self.memory);
        self.device.take_frames().into()
    }

    /// Lets time pass until the next timer, and answers the frames that then leave.
    pub fn wait(&mut self) -> Vec<Vec<u8>> {
        let timer = self.device.next_timer().expect("no timer runs");
        self.poll_at(timer)
    }

    /// Polls once, without frames. True if there is nothing more to do.
    pub fn device_rests(&mut self) -> bool {
        !self.device.poll(self.now, &mut self.memory)
    }

    pub fn receive(&mut self, frame: &[u8]) {
        self.device.receive_frame(frame, &mut self.memory);
    }

    pub fn fill(&mut self, at: u64, octets: &[u8]) {
        self.memory.write(MEMORY + at, octets);
    }

    pub fn octets(&mut self, at: u64, length: usize) -> Vec<u8> {
        self.memory.at(MEMORY + at, length).unwrap().to_vec()
    }
}

/// Two stations with a connection between them.
pub fn connected(wish: Wish) -> [Station; 2] {
    [0, 1].map(|me| {
        let mut station = Station::new(me);
        station.start(&context(me, wish));
        station
    })
}

/// Carries frames until nobody has any. Answers all of them with who sent it.
pub fn run(stations: &mut [Station; 2]) -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let before = all.len();
        for me in [0, 1] {
            for frame in stations[me].poll() {
                stations[1 - me].receive(&frame);
                all.push((me, frame));
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

pub fn write_request(length: u32, from: u64, to: u64) -> SendRequest {
    SendRequest {
        opcode: opcode::WRITE,
        signaled: true,
        length,
        local_offset: from,
        local_stag: SOURCE_STAG,
        remote_stag: SINK_STAG,
        remote_offset: to,
    }
}

pub fn send_request(length: u32, from: u64) -> SendRequest {
    SendRequest {
        opcode: opcode::SEND,
        signaled: true,
        length,
        local_offset: from,
        local_stag: SOURCE_STAG,
        ..SendRequest::default()
    }
}

/// A read of the peer's [`SOURCE`] region, which must grant it, into the own sink.
pub fn read_request(length: u32, from: u64, to: u64) -> SendRequest {
    SendRequest {
        opcode: opcode::READ,
        signaled: true,
        length,
        local_offset: to,
        local_stag: SINK_STAG,
        remote_stag: SOURCE_STAG,
        remote_offset: from,
    }
}

pub fn buffer(length: u32, at: u64) -> ReceiveRequest {
    ReceiveRequest { length, local_offset: at, local_stag: SINK_STAG }
}

/// Octets that differ from place to place.
pub fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ seed).collect()
}
