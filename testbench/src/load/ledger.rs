//! What the host knows: its memory, and what it has given to the device.

use super::memory::{Memory, BASE};
use super::pattern::{octets, Maker};
use super::standing::Standing;
use crate::station::{TcpFrame, LOCAL_IP, LOCAL_MAC, PEER_IP, PEER_MAC};
use ironwarp_abi::queue::CompletionEntry;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

/// A memory region's registration.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its STag.
    pub stag: u32,
    /// The tagged offset of its first octet.
    pub base: u64,
    /// Where it lies.
    pub address: u64,
    /// Octets.
    pub length: u32,
    /// The protection domain, which is one queue pair's.
    pub domain: u16,
    /// The device writes into it, by work request and by the peer's wish; else it reads from it.
    pub sink: bool,
    /// Whose it is.
    pub standing: Standing,
}

/// Octets of a region: its number in the ledger, where they begin, how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The region.
    pub region: usize,
    /// From its first octet on.
    pub offset: u32,
    /// Octets.
    pub length: u32,
}

/// A send work request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// One of `ironwarp_abi::queue::opcode`.
    pub opcode: u8,
    /// Tells when it is done.
    pub signaled: bool,
    /// Its local buffer.
    pub local: Piece,
    /// The peer's STag and tagged offset.
    pub remote: (u32, u64),
}

/// A start of a queue pair, and what came of it.
#[derive(Clone, Debug)]
pub struct Life {
    /// The queue pair.
    pub qp: u32,
    /// Its starts so far, modulo 2^8.
    pub generation: u8,
    /// Its protection domain.
    pub domain: u16,
    /// Its peer's TCP port, which no other life has.
    pub port: u16,
    /// Whose it is.
    pub standing: Standing,
    /// The send queue's and the receive queue's ring.
    pub rings: [u64; 2],
    /// Their completion queues.
    pub told_in: [u32; 2],
    /// Send work requests, as they were posted.
    pub sends: Vec<Work>,
    /// Receive work requests, as they were posted.
    pub receives: Vec<Piece>,
    /// Send work requests that are known to be done.
    pub sent: usize,
    /// Receive work requests that are done.
    pub received: usize,
    /// What it ended with.
    pub ended: Option<u8>,
    /// What it may end with, for something the host or the peer did.
    pub excuses: BTreeSet<u8>,
    /// It writes to a completion queue that was stopped: who waits for its entries waits in vain.
    pub unheard: bool,
    /// It writes to a completion queue that has overflowed, and ends with the next entry.
    pub doomed: bool,
}

/// A completion queue's start.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its number.
    pub number: u32,
    /// The ring.
    pub ring: u64,
    /// log2 of its entries.
    pub log2: u8,
    /// Entries that the device has written.
    pub written: u16,
    /// Entries that the host has told that it took.
    pub consumed: u16,
    /// The same, and when; the first is the newest that the device certainly knows.
    pub told: VecDeque<(u64, u16)>,
    /// It has overflowed.
    pub overflowed: bool,
    /// Whose it is.
    pub standing: Standing,
}

/// A MAC address of a next hop.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The queue pair.
    pub qp: u32,
    /// The address.
    pub mac: [u8; 6],
    /// Whether frames may go there.
    pub standing: Standing,
}

/// What a bus address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A region, by its number in the ledger.
    Region(usize),
    /// A ring of a life, by its number in the ledger.
    Ring(usize),
    /// A completion queue, by its number in the ledger.
    Queue(usize),
}

/// Everything that the host has given to the device, the oldest first.
#[derive(Default)]
pub struct Ledger {
    /// Registrations.
    pub regions: Vec<Region>,
    /// Starts of queue pairs.
    pub lives: Vec<Life>,
    /// Starts of completion queues.
    pub queues: Vec<Queue>,
    /// Next hops.
    pub hops: Vec<Hop>,
    /// Who has which octets, by where they begin; no address is given twice.
    owners: Vec<(Range<u64>, Owner)>,
    taken: u64,
    /// The memory as it should be.
    pub memory: Memory,
}

/// Everything begins at a multiple of this.
const ALIGNMENT: u64 = 4096;

impl Ledger {
    /// Room that nobody had before; none if there is no more.
    pub fn room(&mut self, length: usize, owner: Owner) -> Option<u64> {
        let address = BASE + self.taken;
        // The octets between two things belong to nobody: what runs over is seen.
        let end = self.taken + length as u64;
        self.taken = (end + 1).next_multiple_of(ALIGNMENT);
        if self.taken > super::memory::BYTES as u64 {
            return None;
        }
        self.owners.push((address..address + length as u64, owner));
        Some(address)
    }

    /// Whose these octets are, if they are one owner's.
    pub fn owner(&self, address: u64, length: usize) -> Option<Owner> {
        let after = self.owners.partition_point(|(range, _)| range.start <= address);
        let (range, owner) = self.owners.get(after.checked_sub(1)?)?;
        (address + length as u64 <= range.end).then_some(*owner)
    }

    /// The standing of an owner.
    pub fn standing(&self, owner: Owner) -> Standing {
        match owner {
            Owner::Region(at) => self.regions[at].standing,
            Owner::Ring(at) => self.lives[at].standing,
            Owner::Queue(at) => self.queues[at].standing,
        }
    }

    /// The standings of all that there is.
    fn all(&mut self) -> impl Iterator<Item = &mut Standing> {
        let regions = self.regions.iter_mut().map(|it| &mut it.standing);
        let lives = self.lives.iter_mut().map(|it| &mut it.standing);
        let queues = self.queues.iter_mut().map(|it| &mut it.standing);
        let hops = self.hops.iter_mut().map(|it| &mut it.standing);
        regions.chain(lives).chain(queues).chain(hops)
    }

    /// A fence is asked for.
    pub fn ask(&mut self, number: u16) {
        self.all().for_each(|standing| standing.ask(number));
    }

    /// A fence is done. The regions that are gone by it.
    pub fn done(&mut self, number: u16) -> Vec<usize> {
        let was: Vec<bool> = self.regions.iter().map(|it| it.standing.is_open()).collect();
        self.all().for_each(|standing| {
            standing.done(number);
        });
        let regions = self.regions.iter().zip(was).enumerate();
        regions.filter(|(_, (it, was))| *was && !it.standing.is_open()).map(|(at, _)| at).collect()
    }

    /// One of these completion queues has overflowed, and not started again.
    pub fn has_overflowed(&self, numbers: &[u32]) -> bool {
        let mut queues = self.queues.iter().filter(|queue| queue.standing.is_given());
        queues.any(|queue| queue.overflowed && numbers.contains(&queue.number))
    }

    /// The newest life of a queue pair.
    pub fn newest(&self, qp: u32) -> Option<usize> {
        self.lives.iter().rposition(|life| life.qp == qp)
    }

    /// The life of a queue pair, if the host has not stopped it.
    pub fn running(&self, qp: u32) -> Option<usize> {
        self.newest(qp).filter(|life| self.lives[*life].standing.is_given())
    }

    /// The regions of a domain that the device may use.
    pub fn given(&self, domain: u16, sink: bool) -> Vec<usize> {
        let of = |region: &Region| {
            region.domain == domain && region.sink == sink && region.standing.is_given()
        };
        (0..self.regions.len()).filter(|at| of(&self.regions[*at])).collect()
    }

    /// What the peer of a life sends for a piece of a sink region.
    pub fn sent_by(life: usize, piece: &Piece) -> Vec<u8> {
        octets(Maker::Peer(life, piece.region), piece.offset.into(), piece.length as usize)
    }

    /// The memory holds what the peer of a life has sent for a piece, or is not the device's any
    /// more.
    pub fn holds(&self, life: usize, piece: &Piece) -> bool {
        if !self.regions[piece.region].standing.is_open() {
            return true;
        }
        let mut held = vec![0; piece.length as usize];
        let address = self.regions[piece.region].address + u64::from(piece.offset);
        self.memory.get(address, &mut held).is_ok() && held == Self::sent_by(life, piece)
    }

    /// The addresses of the frames to and from a life's peer.
    pub fn frames_of(&self, life: usize) -> TcpFrame {
        TcpFrame {
            source_mac: PEER_MAC,
            destination_mac: LOCAL_MAC,
            source_ip: PEER_IP,
            destination_ip: LOCAL_IP,
            source_port: self.lives[life].port,
            destination_port: crate::station::LOCAL_PORT,
        }
    }
}

impl Queue {
    fn is_full_with(&self, consumed: u16) -> bool {
        self.written.wrapping_sub(consumed) >= (1 << self.log2) - 1
    }

    /// Whatever the device knows by now of what the host took, there is room for no entry but that
    /// of an overflow.
    pub fn is_full(&self) -> bool {
        self.is_full_with(self.consumed)
    }

    /// The device may not know yet that there is room.
    pub fn may_be_full(&self) -> bool {
        self.is_full_with(self.told.front().map_or(0, |(_, consumed)| *consumed))
    }

    /// The host tells what it has taken, `now`; what it told before `known` the device knows.
    pub fn consume(&mut self, now: u64, known: u64) {
        self.consumed = self.written;
        self.told.push_back((now, self.consumed));
        while self.told.get(1).is_some_and(|(clock, _)| *clock < known) {
            self.told.pop_front();
        }
    }

    /// Where the next entry belongs, and the phase bit that it has.
    pub fn next(&self) -> (u64, bool) {
        let slot = u64::from(self.written % (1 << self.log2));
        let address = self.ring + slot * CompletionEntry::BYTES as u64;
        (address, self.written >> self.log2 & 1 == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_belongs_to_one_owner_and_its_edges_to_nobody() {
        let mut ledger = Ledger::default();
        let first = ledger.room(4096, Owner::Ring(0)).unwrap();
        let second = ledger.room(10, Owner::Region(3)).unwrap();
        assert_eq!(ledger.owner(first, 4096), Some(Owner::Ring(0)));
        assert_eq!(ledger.owner(first, 4097), None);
        assert_eq!(ledger.owner(second + 2, 8), Some(Owner::Region(3)));
        assert_eq!(ledger.owner(second - 1, 1), None);
        assert!(ledger.room(usize::MAX / 2, Owner::Ring(1)).is_none());
    }
}
