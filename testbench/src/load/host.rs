//! The host: what it does to bring an act about.

use super::judge::Judge;
use super::ledger::{Hop, Life, Owner, Piece, Queue, Region, Work};
use super::pattern::{octets, Maker};
use super::peer::Peer;
use super::plan::{Dice, QPS};
use super::side::Side;
use super::standing::Standing;
use crate::differential::Chance;
use crate::station::PEER_MAC;
use crate::station::{commit, control, Flows, Writes, LOCAL_IP, LOCAL_MAC, LOCAL_PORT, PEER_IP};
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{
    stag, table, CompletionQueueContext, FlowContext, MemoryRegionContext, NextHopContext,
    QueuePairContext,
};
use ironwarp_abi::limits::CORE_CLOCK_HZ;
use ironwarp_abi::queue::{opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{self, Register};
use ironwarp_abi::status;
use std::collections::BTreeMap;

/// The completion queues by their numbers: the first is told of fences alone.
const CQS: [u32; 4] = [5, 2, 18, 63];
const CQ_LOG2: u8 = 8;
/// The one that overflows when the host is asleep.
const SMALL: u32 = CQS[2];
const SMALL_LOG2: u8 = 4;
/// After so many clocks the device knows what the host has taken.
const LATE: u64 = 20_000;
const RING_LOG2: u8 = 5;
/// Regions of a queue pair have one of so many numbers, and one number serves again and again.
const NUMBERS: u32 = 8;
/// The largest region.
const REGION_MAX: u32 = 12_000;
/// What ends a queue pair whose region was deregistered.
const NO_REGION: [u8; 3] = [status::LOCAL_STAG, status::DDP_STAG, status::READ_STAG];
/// What ends a queue pair that wants another's region.
const FOREIGN: [u8; 3] = [status::LOCAL_DOMAIN, status::DDP_DOMAIN, status::READ_DOMAIN];

/// The host of a device.
pub struct Host {
    /// The device, at work.
    pub side: Box<dyn Side>,
    /// What is known of it.
    pub judge: Judge,
    flows: Flows,
    /// The next STag's upper bits, which no region had before.
    stags: u32,
    /// Starts of each queue pair.
    starts: BTreeMap<u32, u8>,
    /// The clock at which the oldest fence that is not done was asked for, by its number.
    pub waiting: BTreeMap<u16, u64>,
    /// It takes no entries.
    pub asleep: bool,
    /// Words that it has written into BAR 0.
    written: u64,
}

fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))
}

impl Host {
    /// Powers a device on.
    pub fn new(side: Box<dyn Side>, flow_key: [u32; 3]) -> Self {
        let mut host = Self {
            side,
            judge: Judge::default(),
            flows: Flows::new(flow_key, REFERENCE.bucket_bits),
            stags: 1,
            starts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            asleep: false,
            written: 0,
        };
        let mac = number(&LOCAL_MAC);
        host.set(registers::TIME_BASE, (CORE_CLOCK_HZ / 1_000_000) as u32);
        host.set(registers::MAC_LOW, mac as u32);
        host.set(registers::MAC_HIGH, (mac >> 32) as u32);
        let key = host.flows.key();
        host.write(key);
        for cq in CQS {
            host.start_queue(cq);
        }
        host.set(registers::FENCE_QUEUE, CQS[0]);
        host
    }

    fn set(&mut self, register: Register, value: u32) {
        self.write(vec![(register.address, value)]);
    }

    fn write(&mut self, writes: Writes) {
        self.written += writes.len() as u64;
        writes.into_iter().for_each(|(address, value)| self.side.write(address, value));
    }

    /// The peer of a life goes on when the device knows what it was told so far.
    fn settle(&mut self, life: usize) {
        self.judge.peers[life].needs = self.written;
    }

    /// The frames that the peers send now.
    pub fn frames(&mut self) -> Vec<Vec<u8>> {
        let known = self.side.known();
        let peers = self.judge.peers.iter_mut().filter(|peer| known >= peer.needs);
        peers.flat_map(Peer::speak).collect()
    }

    /// Puts octets into memory, and takes note of it.
    fn put(&self, address: u64, octets: &[u8]) {
        // The ledger has given the room: it is there.
        let _ = self.side.memory().put(address, octets);
        let _ = self.judge.ledger.memory.put(address, octets);
    }

    fn start_queue(&mut self, number: u32) {
        let at = self.judge.ledger.queues.len();
        let length = CompletionEntry::BYTES << CQ_LOG2;
        let Some(ring) = self.judge.ledger.room(length, Owner::Queue(at)) else { return };
        let standing = Standing::Given;
        let log2 = if number == SMALL { SMALL_LOG2 } else { CQ_LOG2 };
        let told = [(0, 0)].into();
        self.judge.ledger.queues.push(Queue {
            number,
            ring,
            log2,
            written: 0,
            consumed: 0,
            told,
            overflowed: false,
            standing,
        });
        let context = CompletionQueueContext { ring, log2, vector: 0 };
        self.write(commit(table::COMPLETION_QUEUE, number, &context.to_words()));
        self.set(registers::CQ_CONTROL, control(number, true));
    }

    /// A completion queue that queue pairs use stops and starts, in other memory.
    pub fn renew(&mut self, dice: Dice) {
        let number = *Chance::new(dice.into()).of(&CQS[1..]);
        self.set(registers::CQ_CONTROL, control(number, false));
        for queue in self.judge.ledger.queues.iter_mut().filter(|it| it.number == number) {
            queue.standing.take_back();
        }
        // Entries of now are lost; which ones, nobody knows.
        for life in self.judge.ledger.lives.iter_mut() {
            life.unheard |= life.told_in.contains(&number);
        }
        self.start_queue(number);
    }

    /// Records that make no sense are committed, for what may be at work: then they are refused.
    /// What is not takes none before the next start that has one of its own.
    pub fn nonsense(&mut self, qp: u32, dice: Dice) {
        let mut chance = Chance::new(dice.into());
        let words: Vec<u32> = (0..QueuePairContext::WORDS).map(|_| chance.any()).collect();
        self.write(commit(table::QUEUE_PAIR, qp, &words));
        let cq = *chance.of(&CQS);
        self.write(commit(table::COMPLETION_QUEUE, cq, &words[..CompletionQueueContext::WORDS]));
    }

    /// The host tells how far it has read the completion queues.
    pub fn consume(&mut self) {
        let mut bells = Vec::new();
        let (asleep, now) = (self.asleep, self.side.clock());
        let queues = self.judge.ledger.queues.iter_mut();
        for queue in queues.filter(|it| it.standing.is_given() && !(asleep && it.number == SMALL)) {
            if queue.consumed != queue.written {
                queue.consume(now, now.saturating_sub(LATE));
                let bell = REFERENCE.cq_doorbell(queue.number, registers::DOORBELL_CONSUMED);
                bells.push((bell, queue.written.into()));
            }
        }
        self.write(bells);
    }

    /// A queue pair starts, in a new life.
    pub fn start(&mut self, qp: u32, dice: Dice) {
        let mut chance = Chance::new(dice.into());
        let at = self.judge.ledger.lives.len();
        let length = SendRequest::BYTES << RING_LOG2;
        let ledger = &mut self.judge.ledger;
        let rings = [(); 2].map(|()| ledger.room(length, Owner::Ring(at)));
        let [Some(send), Some(receive)] = rings else { return };
        let generation = self.starts.entry(qp).or_default();
        *generation = generation.wrapping_add(1);
        let before = ledger.newest(qp);
        // A segment of the old connection that is still under way may look like the next one.
        let receive_next = match before {
            Some(before) if chance.one_in(2) => self.judge.peers[before].next(),
            _ => chance.any(),
        };
        let told_in = [(); 2].map(|()| *chance.of(&CQS[1..]));
        // Of an overflow that is still to come nobody has told yet.
        let doomed = self.judge.ledger.has_overflowed(&told_in);
        let life = Life {
            qp,
            generation: *generation,
            domain: domain(qp),
            port: 20_000 + at as u16,
            standing: Standing::Given,
            told_in,
            sends: Vec::new(),
            receives: Vec::new(),
            rings: [send, receive],
            sent: 0,
            received: 0,
            ended: None,
            excuses: doomed.then_some(status::CQ_OVERFLOW).into_iter().collect(),
            unheard: false,
            doomed,
        };
        let context = self.context(&life, receive_next, &mut chance);
        self.judge.ledger.lives.push(life);
        let frames = self.judge.ledger.frames_of(at);
        self.judge.peers.push(Peer::new(at, frames, &context));
        self.hops(qp, PEER_MAC);
        // The old connection's flow names the queue pair, and would bring its segments here.
        let writes = self.flows.remove(qp);
        self.write(writes);
        self.write(commit(table::QUEUE_PAIR, qp, &context.to_words()));
        self.set(registers::QP_CONTROL, control(qp, true));
        let QueuePairContext { remote_ip, local_ip, remote_port, local_port, .. } = context;
        let flow =
            FlowContext { remote_ip, local_ip, local_port, remote_port, ..Default::default() };
        let writes = self.flows.add(qp, flow);
        self.write(writes);
        self.settle(at);
    }

    fn context(&self, life: &Life, receive_next: u32, chance: &mut Chance) -> QueuePairContext {
        let markers = chance.one_in(4);
        QueuePairContext {
            send_markers: markers,
            receive_markers: markers,
            crc: !chance.one_in(4),
            pd: life.domain,
            mulpdu: *chance.of(&[1400, 1400, 700, 256]),
            send_queue_log2: RING_LOG2,
            receive_queue_log2: RING_LOG2,
            send_cq: life.told_in[0],
            receive_cq: life.told_in[1],
            read_in: 4,
            read_out: 4,
            local_ip: number(&LOCAL_IP) as u32,
            remote_ip: number(&PEER_IP) as u32,
            local_port: LOCAL_PORT,
            remote_port: life.port,
            local_mac: number(&LOCAL_MAC),
            remote_mac: number(&PEER_MAC),
            send_queue: life.rings[0],
            receive_queue: life.rings[1],
            send_next: chance.any(),
            send_window: 0xffff,
            receive_next,
            receive_window: REFERENCE.receive_window_max(),
            ..QueuePairContext::default()
        }
    }

    /// A queue pair stops.
    pub fn stop(&mut self, qp: u32, dice: Dice) {
        let Some(life) = self.judge.ledger.running(qp) else { return };
        let mut chance = Chance::new(dice.into());
        // First, last, or not before the next start: segments reach a queue pair that is stopped.
        let order = chance.within(0..=2);
        let writes = if order < 2 { self.flows.remove(qp) } else { Vec::new() };
        let (first, last) = if order == 0 { (writes, Vec::new()) } else { (Vec::new(), writes) };
        self.write(first);
        self.set(registers::QP_CONTROL, control(qp, false));
        self.write(last);
        self.judge.ledger.lives[life].standing.take_back();
        // What the peer has said already goes on for a while.
        self.judge.peers[life].retire(chance.size(6000) as usize);
    }

    /// A fence is asked for.
    pub fn fence(&mut self) -> u16 {
        let number = self.judge.fences.0 + 1;
        self.judge.fences.0 = number;
        self.judge.ledger.ask(number);
        self.waiting.insert(number, self.side.clock());
        self.set(registers::FENCE, number.into());
        number
    }

    /// A region of a queue pair's domain is registered.
    pub fn register(&mut self, qp: u32, dice: Dice) {
        let mut chance = Chance::new(dice.into());
        let sink = chance.one_in(2);
        let length = 64 + chance.size(REGION_MAX - 64);
        let at = self.judge.ledger.regions.len();
        let start = qp * NUMBERS;
        let taken = |it: &u32| {
            let mut regions = self.judge.ledger.regions.iter();
            regions.any(|region| region.standing.is_given() && number_of(region.stag) == *it)
        };
        let Some(index) = (start..start + NUMBERS).find(|it| !taken(it)) else { return };
        let Some(address) = self.judge.ledger.room(length as usize, Owner::Region(at)) else {
            return;
        };
        self.stags += 1;
        let index = self.stags << REFERENCE.mr_bits | index;
        let region = Region {
            stag: stag(index, chance.any() as u8),
            base: u64::from(chance.any()) << chance.within(0..=31),
            address,
            length,
            domain: domain(qp),
            sink,
            standing: Standing::Given,
        };
        let maker = if sink { Maker::Stranger } else { Maker::Host(at) };
        self.put(address, &octets(maker, 0, length as usize));
        let context = MemoryRegionContext {
            base: region.base,
            length: length.into(),
            bus_address: address,
            stag: region.stag,
            pd: region.domain,
            local_read: !sink,
            local_write: sink,
            remote_read: !sink,
            remote_write: sink,
            valid: true,
            ..MemoryRegionContext::default()
        };
        self.write(commit(table::MEMORY_REGION, number_of(region.stag), &context.to_words()));
        self.judge.ledger.regions.push(region);
    }

    /// A region of a queue pair's domain is deregistered.
    pub fn deregister(&mut self, qp: u32, dice: Dice) {
        let mut chance = Chance::new(dice.into());
        let given = self.judge.ledger.given(domain(qp), chance.one_in(2));
        // One stays, so that traffic goes on.
        if given.len() < 2 {
            return;
        }
        let at = *chance.of(&given);
        let region = &mut self.judge.ledger.regions[at];
        region.standing.take_back();
        let index = number_of(region.stag);
        self.write(commit(table::MEMORY_REGION, index, &[]));
        for life in self.judge.ledger.lives.iter_mut().filter(|it| it.domain == domain(qp)) {
            life.excuses.extend(NO_REGION);
        }
    }

    /// What has become the host's again is another's at once.
    pub fn reuse(&mut self) {
        for at in std::mem::take(&mut self.judge.returned) {
            let region = &self.judge.ledger.regions[at];
            self.put(region.address, &octets(Maker::Stranger, 0, region.length as usize));
        }
    }

    fn hops(&mut self, qp: u32, mac: [u8; 6]) {
        let hops = &mut self.judge.ledger.hops;
        hops.iter_mut().filter(|hop| hop.qp == qp).for_each(|hop| hop.standing.take_back());
        hops.push(Hop { qp, mac, standing: Standing::Given });
    }

    /// The next hop of a queue pair changes.
    pub fn hop(&mut self, qp: u32, octet: u8) {
        let mac = [octet & !1, octet, !octet, octet ^ 0x55, octet, octet];
        self.hops(qp, mac);
        let context = NextHopContext { remote_mac: number(&mac) };
        self.write(commit(table::NEXT_HOP, qp, &context.to_words()));
    }

    /// Some octets of a region: mostly of one that the device may use, now and then of one that it
    /// may not, which a life may end with.
    fn piece(&mut self, life: usize, sink: bool, chance: &mut Chance) -> Option<Piece> {
        let domain = self.judge.ledger.lives[life].domain;
        let mut regions = self.judge.ledger.given(domain, sink);
        if chance.one_in(150) {
            let foreign = self.judge.ledger.regions.iter().enumerate();
            let foreign = foreign.filter(|(_, it)| it.domain != domain && it.sink == sink);
            regions = foreign.map(|(at, _)| at).collect();
            self.judge.ledger.lives[life].excuses.extend(NO_REGION);
            self.judge.ledger.lives[life].excuses.extend(FOREIGN);
        } else if chance.one_in(80) {
            let all = self.judge.ledger.regions.iter().enumerate();
            let old = all.filter(|(_, it)| it.domain == domain && it.sink == sink);
            regions = old.map(|(at, _)| at).collect();
            self.judge.ledger.lives[life].excuses.extend(NO_REGION);
        }
        if regions.is_empty() {
            return None;
        }
        let region = *chance.of(&regions);
        let most = self.judge.ledger.regions[region].length.min(8000);
        let length = if chance.one_in(3) { chance.within(0..=most) } else { chance.size(most) };
        let room = self.judge.ledger.regions[region].length - length;
        Some(Piece { region, offset: chance.within(0..=room), length })
    }

    /// The STag and tagged offset of a piece.
    fn place(&self, piece: &Piece) -> (u32, u64) {
        let region = &self.judge.ledger.regions[piece.region];
        (region.stag, region.base.wrapping_add(piece.offset.into()))
    }

    /// Send work requests are posted.
    pub fn send(&mut self, qp: u32, dice: Dice) {
        let Some(life) = self.judge.ledger.running(qp) else { return };
        let mut chance = Chance::new(dice.into());
        for _ in 0..chance.within(1..=5) {
            let it = &self.judge.ledger.lives[life];
            if it.sends.len() - it.sent >= 1 << RING_LOG2 {
                break;
            }
            let opcode = *chance.of(&[opcode::WRITE, opcode::SEND, opcode::READ]);
            let sink = opcode == opcode::READ;
            let Some(local) = self.piece(life, sink, &mut chance) else { break };
            let remote = match opcode {
                opcode::SEND => (0, 0),
                _ => (chance.any(), u64::from(chance.any()) << chance.within(0..=31)),
            };
            let work = Work { opcode, signaled: !chance.one_in(5), local, remote };
            let (local_stag, local_offset) = self.place(&local);
            let request = SendRequest {
                opcode,
                signaled: work.signaled,
                length: local.length,
                local_offset,
                local_stag,
                remote_stag: remote.0,
                remote_offset: remote.1,
            };
            let it = &mut self.judge.ledger.lives[life];
            let (ring, slot) = (it.rings[0], it.sends.len());
            it.sends.push(work);
            self.put(entry(ring, slot), &request.to_bytes());
        }
        let posted = self.judge.ledger.lives[life].sends.len();
        self.ring(qp, registers::DOORBELL_SEND, posted);
    }

    /// Receive work requests are posted.
    pub fn receive(&mut self, qp: u32, dice: Dice) {
        let Some(life) = self.judge.ledger.running(qp) else { return };
        let mut chance = Chance::new(dice.into());
        for _ in 0..chance.within(1..=6) {
            let it = &self.judge.ledger.lives[life];
            if it.receives.len() - it.received >= 1 << RING_LOG2 {
                break;
            }
            let Some(local) = self.piece(life, true, &mut chance) else { break };
            let (local_stag, local_offset) = self.place(&local);
            let request = ReceiveRequest { length: local.length, local_offset, local_stag };
            let it = &mut self.judge.ledger.lives[life];
            let (ring, slot) = (it.rings[1], it.receives.len());
            it.receives.push(local);
            self.put(entry(ring, slot), &request.to_bytes());
        }
        let posted = self.judge.ledger.lives[life].receives.len();
        self.ring(qp, registers::DOORBELL_RECEIVE, posted);
    }

    fn ring(&mut self, qp: u32, which: u32, posted: usize) {
        self.write(vec![(REFERENCE.qp_doorbell(qp, which), posted as u32 & 0xffff)]);
    }

    /// The peer of a queue pair writes, sends or reads.
    pub fn say(&mut self, qp: u32, dice: Dice) {
        let Some(life) = self.judge.ledger.running(qp) else { return };
        self.settle(life);
        let mut chance = Chance::new(dice.into());
        for _ in 0..chance.within(1..=4) {
            let what = chance.within(0..=2);
            if what == 0 {
                let next = self.judge.peers[life].sends.len();
                let buffer = self.judge.ledger.lives[life].receives.get(next).copied();
                let Some(buffer) = buffer else { continue };
                let length = chance.size(buffer.length);
                self.judge.peers[life].send(&Piece { length, ..buffer });
                continue;
            }
            let Some(piece) = self.piece(life, what == 1, &mut chance) else { continue };
            let place = self.place(&piece);
            match what {
                1 => self.judge.peers[life].write(place, &piece),
                _ => {
                    self.judge.peers[life].read(place, &piece);
                }
            }
        }
    }
}

fn entry(ring: u64, slot: usize) -> u64 {
    ring + (slot % (1 << RING_LOG2)) as u64 * SendRequest::BYTES as u64
}

/// The number of the region that an STag names.
fn number_of(stag: u32) -> u32 {
    ironwarp_abi::context::region_of(stag, REFERENCE.mr_bits) as u32
}

/// The protection domain of a queue pair.
fn domain(qp: u32) -> u16 {
    0x1d00 + QPS.iter().position(|it| *it == qp).unwrap_or(QPS.len()) as u16
}
