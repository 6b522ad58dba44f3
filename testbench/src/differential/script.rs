//! What the host knows, and what comes of an event: accesses to memory and BAR 0, and frames.

use super::event::{Compose, Event, Ulpdu, Work};
use super::layout::{cq_ring, page_list, receive_ring, send_ring, CQ_LOG2_MAX, FENCE_CQ, QPS, RAW};
use super::pair::{QueuePair, Ring};
use super::peer::{port, Peer, LOCAL_PORT};
use super::regions::{Regions, Way};
use super::stray;
use crate::station::{commit, control, Flows, Writes, LOCAL_IP, LOCAL_MAC, PEER_IP, PEER_MAC};
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{
    table, CompletionQueueContext, FlowContext, MemoryRegionContext, NextHopContext,
    QueuePairContext,
};
use ironwarp_abi::limits::CORE_CLOCK_HZ;
use ironwarp_abi::queue::{CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{self, Register};

/// What is done to a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Octets are put into the host's memory.
    Memory(u64, Vec<u8>),
    /// A word of BAR 0 is written.
    Write(u32, u32),
    /// A word of BAR 0 is read and compared.
    Read(u32),
    /// A frame arrives.
    Frame(Vec<u8>),
}

/// A completion queue as the host knows it.
#[derive(Default, Clone, Copy)]
pub struct CompletionQueue {
    /// log2 of its entries, if it runs.
    pub log2: Option<u8>,
    /// Entries that the device has written.
    pub written: u16,
}

/// Everything that the host and the peers know.
pub struct Script {
    /// The memory regions.
    pub regions: Regions,
    /// The queue pairs by number.
    pub qps: Vec<QueuePair>,
    /// The completion queues by number.
    pub cqs: Vec<CompletionQueue>,
    flows: Flows,
}

fn register(register: Register, value: u32) -> Action {
    Action::Write(register.address, value)
}

fn record(table: u8, index: u32, words: &[u32]) -> Vec<Action> {
    actions(commit(table, index, words))
}

fn actions(writes: Writes) -> Vec<Action> {
    writes.into_iter().map(|(address, value)| Action::Write(address, value)).collect()
}

fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))
}

impl Script {
    /// After power-on, with this key of the flow table.
    pub fn new(flow_key: [u32; 3]) -> Self {
        Self {
            regions: Regions::default(),
            qps: (0..QPS).map(|_| QueuePair::default()).collect(),
            cqs: vec![CompletionQueue::default(); FENCE_CQ as usize + 1],
            flows: Flows::new(flow_key, REFERENCE.bucket_bits),
        }
    }

    /// What the driver does first: the station's address, the flow table's key, the interrupt
    /// vectors, unmasked, and the completion queue that is told of fences.
    pub fn power_on(&mut self) -> Vec<Action> {
        let mac = number(&LOCAL_MAC);
        let mut actions = vec![
            register(registers::TIME_BASE, (CORE_CLOCK_HZ / 1_000_000) as u32),
            register(registers::MAC_LOW, mac as u32),
            register(registers::MAC_HIGH, (mac >> 32) as u32),
        ];
        actions.extend(self::actions(self.flows.key()));
        for vector in 0..u32::from(super::layout::VECTORS) {
            let entry = registers::MSIX_TABLE + 16 * vector;
            let address = *ironwarp_sim::root_complex::INTERRUPT_ADDRESSES.start() as u32;
            let words = [address + 16 * vector, 0, 0x100 + vector, 0];
            actions.extend(words.iter().zip(0..).map(|(w, n)| Action::Write(entry + 4 * n, *w)));
        }
        actions.extend(self.start_cq(FENCE_CQ, CQ_LOG2_MAX, 0));
        actions.push(register(registers::FENCE_QUEUE, FENCE_CQ));
        actions
    }

    /// RDMA Reads may be posted to a queue pair.
    pub fn reads(&self, qp: u32) -> bool {
        self.qps[qp as usize].context.is_some_and(|context| context.read_out > 0)
    }

    /// The event as it happens, if that is not as it was drawn.
    pub fn tamed(&self, event: &Event) -> Option<Event> {
        let Event::Segment(qp, what) = event else { return None };
        Some(Event::Segment(*qp, self.qps[*qp as usize].tamed(what)))
    }

    fn qp(&mut self, qp: u32) -> &mut QueuePair {
        &mut self.qps[qp as usize]
    }

    /// What comes of an event, in order. Nothing if it makes no sense now, such as a work request
    /// for a full ring. `active` says which queue pairs are.
    pub fn resolve(&mut self, event: &Event, active: u32) -> Vec<Action> {
        match event {
            Event::Rest | Event::Pause(_) => vec![],
            Event::Inspect => self.inspection(),
            Event::Read(address) => vec![Action::Read(*address)],
            Event::Write(address, value) => vec![Action::Write(*address, *value)],
            Event::Register(index, region) => {
                self.regions.set(*index, *region, &[]);
                record(table::MEMORY_REGION, *index, &region.to_words())
            }
            Event::RegisterPages(index, region, pages) => {
                self.regions.set(*index, *region, pages);
                let octets = pages.iter().flat_map(|page| page.to_le_bytes()).collect();
                let mut actions = vec![Action::Memory(page_list(*index), octets)];
                actions.extend(record(table::MEMORY_REGION, *index, &region.to_words()));
                actions
            }
            Event::Remember(index, region) => {
                self.regions.set(*index, MemoryRegionContext { valid: false, ..*region }, &[]);
                vec![]
            }
            Event::Forget(index) => {
                self.regions.forget(*index);
                record(table::MEMORY_REGION, *index, &[])
            }
            Event::StartCq(cq, log2, vector) => self.start_cq(*cq, *log2, *vector),
            Event::StopCq(cq) => {
                self.cqs[*cq as usize].log2 = None;
                vec![register(registers::CQ_CONTROL, control(*cq, false))]
            }
            Event::Mask(vector, masked) => {
                let control = registers::MSIX_TABLE + 16 * u32::from(*vector) + 12;
                vec![Action::Write(control, (*masked).into())]
            }
            Event::Consume(cq, leave) => self.consume(*cq, *leave),
            Event::Arm(cq) => {
                let bell = REFERENCE.cq_doorbell(*cq, registers::DOORBELL_ARM);
                vec![Action::Write(bell, 1)]
            }
            Event::Start(qp, context) => self.start(*qp, context),
            Event::Revive(qp, _) if active >> qp & 1 != 0 => vec![],
            Event::Revive(qp, context) => self.start(*qp, context),
            Event::Stop(qp) => vec![register(registers::QP_CONTROL, control(*qp, false))],
            Event::Hop(qp, octet) => self.hop(*qp, *octet),
            Event::Commit(table, index, words) => record(*table, *index, words),
            Event::Fence(number) => vec![register(registers::FENCE, (*number).into())],
            Event::Flow(qp, valid) => actions(self.flow(*qp, *valid)),
            Event::Send(qp, work) => self.send(*qp, work),
            Event::Receive(qp, work) => self.receive(*qp, work),
            Event::Compose(qp, what) => {
                self.compose(*qp, what);
                vec![]
            }
            Event::Segment(qp, what) => {
                let peer = self.qp(*qp).peer.as_mut();
                peer.map(|peer| Action::Frame(peer.segment(what))).into_iter().collect()
            }
            Event::Stray(stray) => vec![Action::Frame(stray::frame(stray))],
        }
    }

    fn compose(&mut self, qp: u32, what: &Compose) {
        let pair = &mut self.qps[qp as usize];
        // Where a work request waits for the window, the hardware looks no further.
        let waits = pair.sends_wait();
        let Some(peer) = &mut pair.peer else { return };
        if let Ulpdu::Read(place) = what.ulpdu {
            if waits {
                return;
            }
            let granted = self.regions.grants(&place, what.length.into(), Way::RemoteRead);
            pair.doubtful |= !granted || what.header.is_some();
        }
        peer.compose(what, &self.regions);
    }

    fn inspection(&self) -> Vec<Action> {
        let watched = |register: &&Register| {
            // Time is not the model's; frames are counted one by one where they are compared.
            ![registers::TIME, registers::COUNT_FRAMES_SENT].contains(register)
        };
        let shown = |register: &Register| register.name.starts_with("QUERY_");
        let all = registers::ALL.iter().filter(watched);
        let (queries, others): (Vec<&Register>, Vec<&Register>) = all.partition(|r| shown(r));
        let others = others.into_iter().map(|register: &Register| register.address);
        let mut actions: Vec<_> = others.map(Action::Read).collect();
        actions.push(Action::Read(registers::MSIX_PENDING));
        for (qp, _) in self.qps.iter().enumerate().filter(|(_, qp)| qp.peer.is_some()) {
            actions.push(register(registers::QUERY_QP, qp as u32));
            actions.extend(queries.iter().map(|register| Action::Read(register.address)));
        }
        actions
    }

    fn start_cq(&mut self, cq: u32, log2: u8, vector: u8) -> Vec<Action> {
        self.cqs[cq as usize] = CompletionQueue { log2: Some(log2), written: 0 };
        let context = CompletionQueueContext { ring: cq_ring(cq), log2, vector };
        let control = |start| register(registers::CQ_CONTROL, control(cq, start));
        // An entry of an earlier life must not look like a new one.
        let mut actions =
            vec![Action::Memory(cq_ring(cq), vec![0; CompletionEntry::BYTES << log2])];
        // A queue at work takes no record.
        actions.push(control(false));
        actions.extend(record(table::COMPLETION_QUEUE, cq, &context.to_words()));
        actions.push(control(true));
        actions
    }

    fn consume(&self, cq: u32, leave: u8) -> Vec<Action> {
        let queue = self.cqs[cq as usize];
        if queue.log2.is_none() {
            return vec![];
        }
        let consumed = queue.written.saturating_sub(leave.into());
        let bell = REFERENCE.cq_doorbell(cq, registers::DOORBELL_CONSUMED);
        vec![Action::Write(bell, consumed.into())]
    }

    fn start(&mut self, qp: u32, context: &QueuePairContext) -> Vec<Action> {
        let context = QueuePairContext {
            local_ip: number(&LOCAL_IP) as u32,
            remote_ip: number(&PEER_IP) as u32,
            local_port: LOCAL_PORT,
            remote_port: port(qp),
            local_mac: number(&LOCAL_MAC),
            remote_mac: number(&PEER_MAC),
            send_queue: send_ring(qp),
            receive_queue: receive_ring(qp),
            ..*context
        };
        *self.qp(qp) = QueuePair {
            context: Some(context),
            sends: Ring { log2: context.send_queue_log2, ..Ring::default() },
            receives: Ring { log2: context.receive_queue_log2, ..Ring::default() },
            peer: (qp != RAW).then(|| Peer::new(qp, &context)),
            doubtful: false,
        };
        let control = |start| register(registers::QP_CONTROL, control(qp, start));
        // A queue pair at work takes no record.
        let mut actions = vec![control(false)];
        actions.extend(record(table::QUEUE_PAIR, qp, &context.to_words()));
        actions.push(control(true));
        actions
    }

    /// A flow of an odd number that is not to be found leaves its list, one of an even number stays
    /// in it without being valid.
    fn flow(&mut self, qp: u32, valid: bool) -> Writes {
        match (valid, qp % 2 == 0) {
            (true, true) if self.flows.has(qp) => self.flows.set_valid(qp, true),
            (false, true) => self.flows.set_valid(qp, false),
            (false, false) => self.flows.remove(qp),
            (true, _) => self.flows.add(
                qp,
                FlowContext {
                    remote_ip: number(&PEER_IP) as u32,
                    local_ip: number(&LOCAL_IP) as u32,
                    local_port: LOCAL_PORT,
                    remote_port: port(qp),
                    ..FlowContext::default()
                },
            ),
        }
    }

    fn hop(&mut self, qp: u32, octet: u8) -> Vec<Action> {
        let mut mac = PEER_MAC;
        mac[5] = octet;
        let Some(peer) = &mut self.qp(qp).peer else { return vec![] };
        peer.moves_to(mac);
        let context = NextHopContext { remote_mac: number(&mac) };
        record(table::NEXT_HOP, qp, &context.to_words())
    }

    fn send(&mut self, qp: u32, work: &Work) -> Vec<Action> {
        // The hardware looks at no work request while a response waits for the window; the model
        // may find that it is bad.
        if self.qp(qp).peer.as_ref().is_some_and(|peer| peer.reads.is_held()) {
            return vec![];
        }
        let (local_stag, local_offset) = self.regions.resolve(&work.local, work.length);
        let request = SendRequest {
            opcode: work.opcode,
            signaled: work.signaled,
            length: work.length,
            local_offset,
            local_stag,
            remote_stag: work.remote.0,
            remote_offset: work.remote.1,
        };
        let bell = REFERENCE.qp_doorbell(qp, registers::DOORBELL_SEND);
        post(&mut self.qp(qp).sends, send_ring(qp), request.to_bytes(), bell, work)
    }

    fn receive(&mut self, qp: u32, work: &Work) -> Vec<Action> {
        let (local_stag, local_offset) = self.regions.resolve(&work.local, work.length);
        let request = ReceiveRequest { length: work.length, local_offset, local_stag };
        let bell = REFERENCE.qp_doorbell(qp, registers::DOORBELL_RECEIVE);
        post(&mut self.qp(qp).receives, receive_ring(qp), request.to_bytes(), bell, work)
    }
}

fn post(ring: &mut Ring, base: u64, mut entry: [u8; 64], bell: u32, work: &Work) -> Vec<Action> {
    if ring.posted.wrapping_sub(ring.done) >= 1 << ring.log2 {
        return vec![];
    }
    if let Some(bit) = work.flip {
        entry[usize::from(bit / 8) % entry.len()] ^= 1 << (bit % 8);
    }
    let offset = u64::from(ring.posted % (1 << ring.log2)) * entry.len() as u64;
    ring.posted = ring.posted.wrapping_add(1);
    let mut actions = vec![Action::Memory(base + offset, entry.to_vec())];
    if work.bell {
        actions.push(Action::Write(bell, ring.posted.into()));
    }
    actions
}
