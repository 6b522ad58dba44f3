//! The host side: memory, contexts, rings and doorbells, without a driver.

use super::flows::{Flows, Writes};
use super::frame::TcpFrame;
use super::window::{commit, control};
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::context::{
    stag, table, CompletionQueueContext, FlowContext, MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::limits::RAW_QP;
use ironwarp_abi::queue::{CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{self, Register};
use ironwarp_sim::{HostMemory, Options, OwnedMemory, Pins, Rnic, RootComplexOptions, Simulation};

/// The RNIC's MAC address.
pub const LOCAL_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
/// The peer's MAC address.
pub const PEER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
/// The RNIC's IPv4 address.
pub const LOCAL_IP: [u8; 4] = [10, 0, 0, 1];
/// The peer's IPv4 address.
pub const PEER_IP: [u8; 4] = [10, 0, 0, 2];
/// The RNIC's TCP port.
pub const LOCAL_PORT: u16 = 4791;
/// The peer's TCP port.
pub const PEER_PORT: u16 = 50_000;

/// The TCP port of the peer of a queue pair.
pub(super) fn peer_port(qp: u32) -> u16 {
    (u32::from(PEER_PORT) + qp - 1) as u16
}

/// log2 of the entries of the queues, and of the completion queue.
const LOG2: u8 = 6;
const CQ_LOG2: u8 = 12;
/// The completion queue of every queue pair.
const CQ: u32 = 0;
const RINGS: u64 = 0x1_0000_0000;
const RING_STRIDE: u64 = 0x1_0000;
/// The key of the flow table's hash.
const FLOW_KEY: [u32; 3] = [0x6d5a_56da, 0x255b_0ec2, 0x4167_253d];

/// One RNIC, its host's memory and the wire.
pub struct Station {
    /// The world; the test is at the other end of its link.
    pub simulation: Simulation,
    /// The host's memory.
    pub memory: OwnedMemory,
    configuration: Configuration,
    flows: Flows,
    sends: Vec<u16>,
    receives: Vec<u16>,
    consumed: u16,
}

impl Station {
    /// Powers on: bus mastering on, MAC address set, completion queue 0 running.
    ///
    /// # Panics
    /// If the device does not answer as `ironwarp_abi` says.
    pub fn new(options: Options) -> Self {
        Self::with(REFERENCE, options, Box::new(Rnic::new()))
    }

    /// The same with a device of these counts.
    ///
    /// # Panics
    /// If the device does not answer as `ironwarp_abi` says.
    pub fn with(configuration: Configuration, options: Options, device: Box<dyn Pins>) -> Self {
        let mut device = Some(device);
        let root_complex = RootComplexOptions { configuration, ..options.root_complex };
        let options = Options { nics: 1, root_complex, ..options };
        let mut simulation =
            Simulation::with_devices(options, |_| device.take().expect("one RNIC"))
                .expect("a world");
        let memory = OwnedMemory::new();
        simulation.attach_memory(0, Box::new(memory.clone())).expect("RNIC 0");
        // Command register: memory space and bus master (PCI Local Bus 3.0 s. 6.2.2).
        simulation.config_write(0, 4, &6_u16.to_le_bytes()).expect("configuration space");
        let counters = vec![0; configuration.qp_count()];
        let mut station = Self {
            simulation,
            memory,
            configuration,
            flows: Flows::new(FLOW_KEY, configuration.bucket_bits),
            sends: counters.clone(),
            receives: counters,
            consumed: 0,
        };
        assert_eq!(station.read(registers::DEVICE), registers::DEVICE_MAGIC);
        assert_eq!(station.read(registers::VERSION), registers::ABI_VERSION);
        let mac = LOCAL_MAC.iter().fold(0_u64, |mac, octet| mac << 8 | u64::from(*octet));
        station.write(registers::MAC_LOW, mac as u32);
        station.write(registers::MAC_HIGH, (mac >> 32) as u32);
        let key = station.flows.key();
        station.write_all(key);
        station.memory.map(Self::cq_ring(), CompletionEntry::BYTES << CQ_LOG2);
        let context = CompletionQueueContext { ring: Self::cq_ring(), log2: CQ_LOG2, vector: 0 };
        station.commit(table::COMPLETION_QUEUE, CQ, &context.to_words());
        station.write(registers::CQ_CONTROL, control(CQ, true));
        station
    }

    fn cq_ring() -> u64 {
        RINGS - 4 * RING_STRIDE
    }

    fn rings(qp: u32) -> (u64, u64) {
        let send = RINGS + 2 * u64::from(qp) * RING_STRIDE;
        (send, send + RING_STRIDE)
    }

    /// Reads a register.
    ///
    /// # Panics
    /// If the device does not answer.
    pub fn read(&mut self, register: Register) -> u32 {
        self.simulation.bar_read32(0, register.address).expect(register.name)
    }

    /// Reads a register that shows one queue pair.
    ///
    /// # Panics
    /// If the device does not answer.
    pub fn query(&mut self, qp: u32, register: Register) -> u32 {
        self.write(registers::QUERY_QP, qp);
        // What is shown follows some clocks later: a read takes longer.
        self.settle();
        self.read(register)
    }

    /// Writes a register.
    ///
    /// # Panics
    /// If the write cannot be sent.
    pub fn write(&mut self, register: Register, value: u32) {
        self.simulation.bar_write32(0, register.address, value).expect(register.name);
    }

    /// Writes the words of a record into the context window, and commits it.
    ///
    /// # Panics
    /// If a write cannot be sent.
    pub fn commit(&mut self, table: u8, index: u32, words: &[u32]) {
        self.write_all(commit(table, index, words));
    }

    fn write_all(&mut self, writes: Writes) {
        for (address, value) in writes {
            self.simulation.bar_write32(0, address, value).expect("BAR 0");
        }
    }

    /// Registers a region, the key of whose STag is the one in `region`, and gives its STag.
    pub fn register(&mut self, index: u32, region: MemoryRegionContext) -> u32 {
        let stag = stag(index, region.stag as u8);
        let region = MemoryRegionContext { valid: true, stag, ..region };
        self.commit(table::MEMORY_REGION, index, &region.to_words());
        stag
    }

    /// The frames that the RNIC sends on its connection.
    pub fn outgoing() -> TcpFrame {
        TcpFrame {
            source_mac: LOCAL_MAC,
            destination_mac: PEER_MAC,
            source_ip: LOCAL_IP,
            destination_ip: PEER_IP,
            source_port: LOCAL_PORT,
            destination_port: PEER_PORT,
        }
    }

    /// Starts a queue pair; for all but queue pair 0, with a flow to the peer's port plus `qp`.
    /// Addresses, queues and the completion queue are filled in.
    pub fn start(&mut self, qp: u32, context: QueuePairContext) {
        let number = |octets: &[u8]| octets.iter().fold(0, |n, o| n << 8 | u64::from(*o));
        let (send, receive) = Self::rings(qp);
        let port = peer_port(qp);
        for ring in [send, receive] {
            self.memory.map(ring, SendRequest::BYTES << LOG2);
        }
        let context = QueuePairContext {
            send_queue: send,
            receive_queue: receive,
            send_queue_log2: LOG2,
            receive_queue_log2: LOG2,
            local_ip: number(&LOCAL_IP) as u32,
            remote_ip: number(&PEER_IP) as u32,
            local_port: LOCAL_PORT,
            remote_port: port,
            local_mac: number(&LOCAL_MAC),
            remote_mac: number(&PEER_MAC),
            ..context
        };
        self.commit(table::QUEUE_PAIR, qp, &context.to_words());
        self.write(registers::QP_CONTROL, control(qp, true));
        self.sends[qp as usize] = 0;
        self.receives[qp as usize] = 0;
        if qp != RAW_QP as u32 {
            let QueuePairContext { remote_ip, remote_port, local_ip, local_port, .. } = context;
            let flow =
                FlowContext { remote_ip, local_ip, local_port, remote_port, ..Default::default() };
            let writes = self.flows.add(qp, flow);
            self.write_all(writes);
        }
        self.settle();
    }

    /// Waits until the device has taken every write: a read does not pass them.
    fn settle(&mut self) {
        self.read(registers::DEVICE);
    }

    /// Posts a send work request and rings the doorbell.
    ///
    /// # Panics
    /// If the device does not take the doorbell.
    pub fn post_send(&mut self, qp: u32, request: &SendRequest) {
        self.post_sends(qp, std::slice::from_ref(request));
        self.settle();
    }

    /// Posts send work requests, rings the doorbell once, and does not wait.
    ///
    /// # Panics
    /// If the device does not take the doorbell.
    pub fn post_sends(&mut self, qp: u32, requests: &[SendRequest]) {
        for request in requests {
            let slot = self.sends[qp as usize];
            self.sends[qp as usize] = slot.wrapping_add(1);
            self.put(Self::rings(qp).0, slot, &request.to_bytes());
        }
        self.ring(qp, registers::DOORBELL_SEND, self.sends[qp as usize]);
    }

    /// Posts a receive work request and rings the doorbell.
    ///
    /// # Panics
    /// If the device does not take the doorbell.
    pub fn post_receive(&mut self, qp: u32, request: &ReceiveRequest) {
        let slot = self.receives[qp as usize];
        self.receives[qp as usize] = slot.wrapping_add(1);
        self.put(Self::rings(qp).1, slot, &request.to_bytes());
        self.ring(qp, registers::DOORBELL_RECEIVE, slot.wrapping_add(1));
        self.settle();
    }

    fn put(&mut self, ring: u64, slot: u16, request: &[u8]) {
        let offset = u64::from(slot % (1 << LOG2)) * SendRequest::BYTES as u64;
        self.memory.write(ring + offset, request).expect("a ring");
    }

    fn ring(&mut self, qp: u32, doorbell: u32, posted: u16) {
        let address = self.configuration.qp_doorbell(qp, doorbell);
        self.simulation.bar_write32(0, address, posted.into()).expect("a doorbell");
    }

    /// Takes the completion entries that have been written.
    ///
    /// # Panics
    /// If the ring is not mapped, or the device has broken a rule of PCI Express or of the MAC.
    pub fn completions(&mut self) -> Vec<CompletionEntry> {
        assert_eq!(self.simulation.violations(), [], "the device's conduct");
        let mut entries = vec![];
        loop {
            let slot = u64::from(self.consumed % (1 << CQ_LOG2));
            let mut bytes = [0; CompletionEntry::BYTES];
            let at = Self::cq_ring() + slot * CompletionEntry::BYTES as u64;
            self.memory.read(at, &mut bytes).expect("the ring");
            let entry = CompletionEntry::from_bytes(&bytes);
            if entry.phase == (self.consumed >> CQ_LOG2 & 1 == 1) {
                break;
            }
            entries.push(entry);
            self.consumed = self.consumed.wrapping_add(1);
        }
        if !entries.is_empty() {
            let address = self.configuration.cq_doorbell(CQ, registers::DOORBELL_CONSUMED);
            let value = u32::from(self.consumed);
            self.simulation.bar_write32(0, address, value).expect("a doorbell");
        }
        entries
    }

    /// Octets of host memory.
    ///
    /// # Panics
    /// If they are not mapped.
    pub fn octets(&self, bus_address: u64, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.memory.read(bus_address, &mut octets).expect("mapped memory");
        octets
    }
}
