//! Judges what a device does, one thing after the other, by what its host has given to it.

use super::fact::Fact;
use super::ledger::{Ledger, Life, Owner, Piece, Work};
use super::pattern::{octets, Maker};
use super::peer::Peer;
use crate::station::TcpFrame;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry};
use ironwarp_abi::status;
use std::collections::BTreeMap;

/// What is known of a device at work.
#[derive(Default)]
pub struct Judge {
    /// What the host has given it.
    pub ledger: Ledger,
    /// The peers of the lives.
    pub peers: Vec<Peer>,
    /// Reads under way by tag: address and length.
    reads: BTreeMap<u8, (u64, usize)>,
    /// The newest life of each queue pair that an entry was seen of.
    seen: BTreeMap<u32, usize>,
    /// The numbers of the last fence that was asked for, and of the last one that is done.
    pub fences: (u16, u16),
    /// The regions that have become the host's since the last look.
    pub returned: Vec<usize>,
    /// Completion queues that have overflowed.
    pub overflows: usize,
    /// Entries, and frames with octets, so far.
    pub moved: (usize, usize),
}

/// What is wrong, if something is.
type Verdict = Result<(), String>;

fn wrong<T>(what: impl Into<String>) -> Result<T, String> {
    Err(what.into())
}

impl Judge {
    /// Judges what the device has done.
    ///
    /// # Errors
    /// What it must not do.
    pub fn fact(&mut self, fact: &Fact) -> Verdict {
        match fact {
            Fact::Read { tag, address, length } => self.read(*tag, *address, *length),
            Fact::Answered { tag } => {
                self.reads.remove(tag);
                Ok(())
            }
            Fact::Write { address, octets } => self.write(*address, octets),
            Fact::Frame(octets) => self.frame(octets),
        }
    }

    fn owned(&self, address: u64, length: usize, what: &str) -> Result<Owner, String> {
        let place = format!("{what} of {length} octets at {address:#x}");
        let Some(owner) = self.ledger.owner(address, length) else {
            return wrong(format!("{place}, which was never given to it"));
        };
        match self.ledger.standing(owner).is_open() {
            true => Ok(owner),
            false => wrong(format!("{place}, {owner:?}, after the fence behind its end")),
        }
    }

    fn read(&mut self, tag: u8, address: u64, length: usize) -> Verdict {
        let owner = self.owned(address, length, "a read")?;
        let may = match owner {
            Owner::Region(at) => !self.ledger.regions[at].sink,
            Owner::Ring(_) => true,
            Owner::Queue(_) => false,
        };
        if !may {
            return wrong(format!("a read of {owner:?}"));
        }
        self.reads.insert(tag, (address, length));
        Ok(())
    }

    fn write(&mut self, address: u64, what: &[u8]) -> Verdict {
        let owner = self.owned(address, what.len(), "a write")?;
        match owner {
            Owner::Region(at) if self.ledger.regions[at].sink => self.placed(at, address, what)?,
            Owner::Queue(at) => self.entry(at, address, what)?,
            _ => return wrong(format!("a write into {owner:?}")),
        }
        // It was owned: it is memory.
        let _ = self.ledger.memory.put(address, what);
        Ok(())
    }

    /// Octets in a sink are those that a peer whose queue pair may still be at work has sent for
    /// this very place.
    fn placed(&self, at: usize, address: u64, what: &[u8]) -> Verdict {
        let region = &self.ledger.regions[at];
        let offset = address - region.address;
        let mut lives = self.ledger.lives.iter().enumerate();
        let from = |(life, it): (usize, &Life)| {
            let due = || octets(Maker::Peer(life, at), offset, what.len());
            it.domain == region.domain && it.standing.is_open() && due() == what
        };
        match lives.any(from) {
            true => Ok(()),
            false => wrong(format!(
                "{} octets written to offset {offset} of region {at} that no peer sent there",
                what.len()
            )),
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Verdict {
        let destination: [u8; 6] =
            frame.get(..6).and_then(|it| it.try_into().ok()).unwrap_or([0; 6]);
        let port = frame.get(36..38).map_or(0, |it| u16::from_be_bytes([it[0], it[1]]));
        let Some(life) = self.ledger.lives.iter().position(|life| life.port == port) else {
            return wrong(format!("a frame to port {port}, where nobody is"));
        };
        let it = &self.ledger.lives[life];
        if !it.standing.is_open() {
            return wrong(format!("a frame of life {life} after the fence behind its end"));
        }
        let mut hops = self.ledger.hops.iter().filter(|hop| hop.qp == it.qp);
        if !hops.any(|hop| hop.mac == destination && hop.standing.is_open()) {
            return wrong(format!("a frame of life {life} to {destination:02x?}"));
        }
        let incoming = self.ledger.frames_of(life).reversed();
        let segment = TcpFrame { destination_mac: destination, ..incoming }.parse(frame)?;
        self.moved.1 += usize::from(!segment.payload.is_empty());
        self.peers[life].take(&segment, &self.ledger)
    }

    /// An entry is written where it belongs, whole, and tells what has happened.
    fn entry(&mut self, at: usize, address: u64, what: &[u8]) -> Verdict {
        let queue = &mut self.ledger.queues[at];
        let (due, phase) = queue.next();
        let Ok(octets) = <&[u8; CompletionEntry::BYTES]>::try_from(what) else {
            return wrong(format!("{} octets written to a completion queue", what.len()));
        };
        let entry = CompletionEntry::from_bytes(octets);
        let told = format!("completion queue {}: {entry:?}", queue.number);
        if address != due || entry.phase != phase || entry.to_bytes() != *octets {
            return wrong(format!("{told} at {address:#x}, not {due:#x} with phase {phase}"));
        }
        let overflows = entry.kind == kind::OVERFLOW;
        if queue.overflowed {
            return wrong(format!("{told}, after its overflow"));
        }
        if queue.is_full() && !overflows {
            return wrong(format!("{told}, in the place that is kept for an overflow"));
        }
        queue.written = queue.written.wrapping_add(1);
        self.moved.0 += 1;
        if overflows {
            self.overflowed(at, &entry).map_err(|why| format!("{told}: {why}"))?;
        }
        let verdict = match entry.kind {
            kind::FENCE => self.fenced(&entry),
            _ => self.told(&entry),
        };
        verdict.map_err(|why| format!("{told}: {why}"))
    }

    /// A completion queue takes nothing more: who writes to it ends.
    fn overflowed(&mut self, at: usize, entry: &CompletionEntry) -> Verdict {
        let queue = &mut self.ledger.queues[at];
        if !queue.may_be_full() || entry.status != status::CQ_OVERFLOW {
            return wrong("there was room");
        }
        queue.overflowed = true;
        self.overflows += 1;
        let number = queue.number;
        for life in self.ledger.lives.iter_mut().filter(|it| it.told_in.contains(&number)) {
            life.doomed = true;
            life.excuses.insert(status::CQ_OVERFLOW);
        }
        Ok(())
    }

    fn fenced(&mut self, entry: &CompletionEntry) -> Verdict {
        let number = entry.request;
        let (asked, done) = self.fences;
        if number <= done || number > asked || (entry.qp, entry.generation) != (0, 0) {
            return wrong(format!("{asked} were asked for, {done} is done"));
        }
        self.fences.1 = number;
        self.returned.extend(self.ledger.done(number));
        for (address, length) in self.reads.values() {
            self.owned(*address, *length, "an unanswered read")?;
        }
        Ok(())
    }

    fn told(&mut self, entry: &CompletionEntry) -> Verdict {
        let of = |life: &Life| (life.qp, life.generation) == (entry.qp, entry.generation);
        let Some(life) = self.ledger.lives.iter().rposition(of) else {
            return wrong("there was no such life");
        };
        let newest = self.seen.entry(entry.qp).or_insert(life);
        if *newest > life {
            return wrong(format!("life {life}, after one of life {newest}"));
        }
        *newest = life;
        let it = &self.ledger.lives[life];
        if !it.standing.is_open() {
            return wrong("after the fence behind its end");
        }
        if let Some(ended) = it.ended {
            return wrong(format!("after its event of status {ended}"));
        }
        match entry.kind {
            // Its event comes elsewhere, or not at all.
            kind::OVERFLOW => Ok(()),
            kind::EVENT => {
                let it = &mut self.ledger.lives[life];
                it.ended = Some(entry.status);
                match it.excuses.contains(&entry.status) {
                    true => Ok(()),
                    false => wrong(format!("it had no reason to end, but {:?}", it.excuses)),
                }
            }
            _ if entry.status != status::SUCCESS => wrong("not a success"),
            kind::SEND => self.sent(life, entry),
            kind::RECEIVE => self.received(life, entry),
            _ => wrong("an unknown kind"),
        }
    }

    /// A send work request completes behind those before it, when the peer has acknowledged it and
    /// what it reads has come.
    fn sent(&mut self, life: usize, entry: &CompletionEntry) -> Verdict {
        let it = &self.ledger.lives[life];
        let number = usize::from(entry.request);
        let signaled = it.sends.get(number).is_some_and(|work| work.signaled);
        let mut between = it.sends.iter().take(number).skip(it.sent);
        // What was told while its queue was stopped is lost.
        if !signaled || number < it.sent || between.any(|it| it.signaled) && !it.unheard {
            return wrong(format!("not the next one, {} are done", it.sent));
        }
        let work: Work = it.sends[number];
        let acknowledged = self.peers[life].acknowledged;
        if number >= acknowledged {
            return wrong(format!("only {acknowledged} are acknowledged"));
        }
        if entry.length != work.local.length {
            return wrong(format!("length of {work:?}"));
        }
        if work.opcode == opcode::READ && !self.ledger.holds(life, &work.local) {
            return wrong(format!("what {work:?} reads has not come"));
        }
        self.ledger.lives[life].sent = number + 1;
        Ok(())
    }

    /// A message has arrived, the next one, and lies in the next buffer.
    fn received(&mut self, life: usize, entry: &CompletionEntry) -> Verdict {
        let it = &self.ledger.lives[life];
        let number = usize::from(entry.request);
        let (next, sent) = (it.received, self.peers[life].sends.get(number).copied());
        if number != next && !(it.unheard && number > next) || sent != Some(entry.length) {
            return wrong(format!("the next one is {next}, and this has {sent:?} octets"));
        }
        let buffer = it.receives[number];
        let piece = Piece { length: entry.length, ..buffer };
        if !self.ledger.holds(life, &piece) {
            return wrong(format!("the message does not lie in {piece:?}"));
        }
        self.ledger.lives[life].received = number + 1;
        Ok(())
    }
}
