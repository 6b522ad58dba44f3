//! The host side: memory, contexts, rings and doorbells, without a driver.

use super::frame::TcpFrame;
use ironwarp_abi::context::{
    flow_hash, CompletionQueueContext, FlowContext, MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::limits::{MR_BITS, QP_COUNT};
use ironwarp_abi::queue::{CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{self, Register};
use ironwarp_sim::{HostMemory, Options, OwnedMemory, Simulation};

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

const LOG2: u8 = 6;
const CQ_LOG2: u8 = 10;
const RINGS: u64 = 0x1_0000_0000;
const RING_STRIDE: u64 = 0x1_0000;

/// One RNIC, its host's memory and the wire.
pub struct Station {
    /// The world; the test is at the other end of its link.
    pub simulation: Simulation,
    /// The host's memory.
    pub memory: OwnedMemory,
    sends: [u16; QP_COUNT],
    receives: [u16; QP_COUNT],
    consumed: u16,
}

impl Station {
    /// Powers on: bus mastering on, MAC address set, completion queue 0 running.
    ///
    /// # Panics
    /// If the device does not answer as `ironwarp_abi` says.
    pub fn new(options: Options) -> Self {
        let mut simulation = Simulation::new(Options { nics: 1, ..options }).expect("a world");
        let memory = OwnedMemory::new();
        simulation.attach_memory(0, Box::new(memory.clone())).expect("RNIC 0");
        // Command register: memory space and bus master (PCI Local Bus 3.0 s. 6.2.2).
        simulation.config_write(0, 4, &6_u16.to_le_bytes()).expect("configuration space");
        let mut station =
            Self { simulation, memory, sends: [0; 16], receives: [0; 16], consumed: 0 };
        assert_eq!(station.read(registers::DEVICE), registers::DEVICE_MAGIC);
        let mac = LOCAL_MAC.iter().fold(0_u64, |mac, octet| mac << 8 | u64::from(*octet));
        station.write(registers::MAC_LOW, mac as u32);
        station.write(registers::MAC_HIGH, (mac >> 32) as u32);
        station.memory.map(Self::cq_ring(), CompletionEntry::BYTES << CQ_LOG2);
        let context = CompletionQueueContext { ring: Self::cq_ring(), log2: CQ_LOG2, vector: 0 };
        station.write_context(registers::CQ_CONTEXTS, 0, &context.to_words());
        station.write(registers::CQ_CONTROL, 1 << 8);
        station
    }

    fn cq_ring() -> u64 {
        RINGS - RING_STRIDE
    }

    fn rings(qp: u8) -> (u64, u64) {
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

    /// Writes a register.
    ///
    /// # Panics
    /// If the write cannot be sent.
    pub fn write(&mut self, register: Register, value: u32) {
        self.simulation.bar_write32(0, register.address, value).expect(register.name);
    }

    /// Writes a context, word by word.
    ///
    /// # Panics
    /// If a write cannot be sent.
    pub fn write_context(&mut self, area: u32, index: u32, words: &[u32]) {
        for (n, word) in words.iter().enumerate() {
            let address = area + index * registers::CONTEXT_STRIDE + 4 * n as u32;
            self.simulation.bar_write32(0, address, *word).expect("a context");
        }
    }

    /// Registers a region and gives its STag.
    pub fn register(&mut self, index: u8, region: MemoryRegionContext) -> u32 {
        let region = MemoryRegionContext { valid: true, ..region };
        self.write_context(registers::MR_CONTEXTS, index.into(), &region.to_words());
        region.key << MR_BITS | u32::from(index)
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
    pub fn start(&mut self, qp: u8, context: QueuePairContext) {
        let number = |octets: &[u8]| octets.iter().fold(0, |n, o| n << 8 | u64::from(*o));
        let (send, receive) = Self::rings(qp);
        let port = PEER_PORT + u16::from(qp) - 1;
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
        self.write_context(registers::QP_CONTEXTS, qp.into(), &context.to_words());
        self.write(registers::QP_CONTROL, 1 << 8 | u32::from(qp));
        self.sends[usize::from(qp)] = 0;
        self.receives[usize::from(qp)] = 0;
        if qp != 0 {
            let entry = flow_hash(context.remote_ip, port, LOCAL_PORT);
            let flow = FlowContext {
                remote_ip: context.remote_ip,
                local_ip: context.local_ip,
                local_port: LOCAL_PORT,
                remote_port: port,
                qp,
                valid: true,
            };
            self.write_context(registers::FLOW_CONTEXTS, entry as u32, &flow.to_words());
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
    pub fn post_send(&mut self, qp: u8, request: &SendRequest) {
        let slot = self.sends[usize::from(qp)];
        self.sends[usize::from(qp)] = slot.wrapping_add(1);
        self.post(Self::rings(qp).0, slot, &request.to_bytes(), qp, registers::DOORBELL_SEND);
    }

    /// Posts a receive work request and rings the doorbell.
    ///
    /// # Panics
    /// If the device does not take the doorbell.
    pub fn post_receive(&mut self, qp: u8, request: &ReceiveRequest) {
        let slot = self.receives[usize::from(qp)];
        self.receives[usize::from(qp)] = slot.wrapping_add(1);
        self.post(Self::rings(qp).1, slot, &request.to_bytes(), qp, registers::DOORBELL_RECEIVE);
    }

    fn post(&mut self, ring: u64, slot: u16, request: &[u8], qp: u8, doorbell: u32) {
        let offset = u64::from(slot % (1 << LOG2)) * SendRequest::BYTES as u64;
        self.memory.write(ring + offset, request).expect("a ring");
        let page = registers::QP_DOORBELLS + u32::from(qp) * registers::DOORBELL_PAGE;
        let value = u32::from(slot.wrapping_add(1));
        self.simulation.bar_write32(0, page + doorbell, value).expect("a doorbell");
        self.settle();
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
            let address = registers::CQ_DOORBELLS + registers::DOORBELL_CONSUMED;
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
