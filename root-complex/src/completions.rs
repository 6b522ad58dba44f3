//! Read requests on their way to an answer: when, in which order, and in how many pieces.

use crate::host_memory::HostMemory;
use crate::tlp::{Completion, Request, Status};
use crate::{RootComplexOptions, Split};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Read completion boundary in octets: completions are cut at its multiples (s. 2.3.1.1).
pub const BOUNDARY: u64 = 64;
/// What octets of a DW hold that were not asked for.
const MEANINGLESS: u8 = 0xee;

/// A read request that is not yet answered.
#[derive(Debug)]
struct Read {
    request: Request,
    /// The clock from which it can be answered.
    due: u64,
    /// Its octets, from the first that counts to the last, once memory was read.
    octets: Option<Vec<u8>>,
    /// How many of them were sent.
    sent: usize,
}

/// What answering found in memory.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A piece from a bus address on, with this many octets that count.
    Data(Completion, u64, usize),
    /// No memory answers at so many octets from the address on.
    Unmapped(Completion, u64, usize),
}

/// All reads of one device.
#[derive(Debug)]
pub struct Completions {
    completer: u16,
    split: Split,
    reorder: bool,
    /// By arrival.
    reads: Vec<Read>,
    /// No read is due before this clock.
    earliest: u64,
}

impl Completions {
    /// No reads yet.
    pub fn new(completer: u16, options: &RootComplexOptions) -> Self {
        let (split, reorder) = (options.split, options.reorder);
        Self { completer, split, reorder, reads: Vec::new(), earliest: u64::MAX }
    }

    /// A read with this tag waits for its last completion.
    pub fn has_tag(&self, tag: u8) -> bool {
        self.reads.iter().any(|read| read.request.tag == tag)
    }

    /// Reads that are not yet answered.
    pub fn outstanding(&self) -> usize {
        self.reads.len()
    }

    /// Forgets every read: the device that asked is gone.
    pub fn clear(&mut self) {
        self.reads.clear();
        self.earliest = u64::MAX;
    }

    /// Takes a read that can be answered from clock `due` on.
    pub fn push(&mut self, request: Request, due: u64) {
        self.reads.push(Read { request, due, octets: None, sent: 0 });
        self.find_earliest();
    }

    fn find_earliest(&mut self) {
        let candidates =
            if self.reorder { &self.reads[..] } else { self.reads.get(..1).unwrap_or(&[]) };
        self.earliest = candidates.iter().map(|read| read.due).min().unwrap_or(u64::MAX);
    }

    /// A completion can be sent at `clock`.
    #[inline]
    pub fn due(&self, clock: u64) -> bool {
        self.earliest <= clock
    }

    /// The next completion, if one is due. Memory is read when a request's first one is made.
    pub fn next(
        &mut self,
        clock: u64,
        max_payload: usize,
        memory: &dyn HostMemory,
        random: &mut ChaCha8Rng,
    ) -> Option<Answer> {
        if !self.due(clock) {
            return None;
        }
        let chosen = self.choose(clock, random)?;
        let read = &mut self.reads[chosen];
        let (address, length) = read.request.span();
        let octets = match read.octets.take() {
            Some(octets) => octets,
            None => {
                let mut octets = vec![0; length];
                if memory.read(address, &mut octets).is_err() {
                    let read = self.reads.remove(chosen);
                    self.find_earliest();
                    let refusal = self.completion(&read.request, address, length, Vec::new());
                    let refusal = Completion { status: Status::Unsupported, ..refusal };
                    return Some(Answer::Unmapped(refusal, address, length));
                }
                octets
            }
        };
        let from = address + read.sent as u64;
        let left = length - read.sent;
        let piece = piece(self.split, from, left, max_payload, random);
        let payload = aligned(from, &octets[read.sent..read.sent + piece]);
        let request = read.request;
        read.sent += piece;
        if piece == left {
            self.reads.remove(chosen);
            self.find_earliest();
        } else {
            read.octets = Some(octets);
        }
        Some(Answer::Data(self.completion(&request, from, left, payload), from, piece))
    }

    /// The read to serve next. Within a request, completions come in the order of addresses;
    /// different requests have no order (s. 2.4.1).
    fn choose(&self, clock: u64, random: &mut ChaCha8Rng) -> Option<usize> {
        if !self.reorder {
            return self.reads.first().filter(|read| read.due <= clock).map(|_| 0);
        }
        let due = |read: &&Read| read.due <= clock;
        let count = self.reads.iter().filter(due).count();
        let pick = if count == 0 { return None } else { random.random_range(0..count) };
        let mut indices = self.reads.iter().enumerate().filter(|(_, read)| due(read));
        indices.nth(pick).map(|(index, _)| index)
    }

    fn completion(
        &self,
        request: &Request,
        from: u64,
        left: usize,
        payload: Vec<u8>,
    ) -> Completion {
        // A read of no octets is answered as if of one, at the DW's start (s. 2.3.1.1).
        Completion {
            completer: self.completer,
            status: Status::Success,
            remaining: left as u16,
            requester: request.requester,
            tag: request.tag,
            lower_address: (from & 0x7f) as u8,
            payload,
        }
    }
}

/// How many of `left` octets from `from` go into one completion.
fn piece(
    split: Split,
    from: u64,
    left: usize,
    max_payload: usize,
    random: &mut ChaCha8Rng,
) -> usize {
    let whole = from % 4 + left as u64 <= max_payload as u64;
    let first = (from / BOUNDARY + 1) * BOUNDARY;
    let limit = ((from & !3) + max_payload as u64) & !(BOUNDARY - 1);
    let end = match split {
        Split::Largest if whole => return left,
        Split::Largest => limit,
        Split::Smallest => first,
        Split::Random => {
            let last = limit.max(first);
            let end = first + BOUNDARY * random.random_range(0..=(last - first) / BOUNDARY);
            if end == last && whole {
                return left;
            }
            end
        }
    };
    ((end - from) as usize).min(left)
}

/// The whole DWs that have `octets` at bus address `from`.
fn aligned(from: u64, octets: &[u8]) -> Vec<u8> {
    let lead = (from % 4) as usize;
    let mut payload = vec![MEANINGLESS; (lead + octets.len()).next_multiple_of(4)];
    payload[lead..lead + octets.len()].copy_from_slice(octets);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnedMemory;
    use rand::SeedableRng;

    const MPS: usize = 256;

    fn answers(options: &RootComplexOptions, asked: &[(u64, usize)], seed: u64) -> Vec<Completion> {
        let mut memory = OwnedMemory::new();
        memory.map(0x1000, 0x2000);
        let content: Vec<u8> = (0..0x2000u32).map(|i| (i * 7 / 8) as u8).collect();
        memory.write(0x1000, &content).unwrap();
        let mut completions = Completions::new(0, options);
        for (tag, &(address, length)) in asked.iter().enumerate() {
            completions.push(Request::of(0x100, tag as u8, address, length), 10);
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        assert_eq!(completions.next(9, MPS, &memory, &mut random), None);
        let mut found = Vec::new();
        while let Some(answer) = completions.next(10, MPS, &memory, &mut random) {
            match answer {
                Answer::Data(completion, ..) => found.push(completion),
                unmapped => panic!("{unmapped:?}"),
            }
        }
        assert_eq!(completions.outstanding(), 0);
        found
    }

    /// Every split keeps the rules: in address order within a request, at most the payload size,
    /// cut at the boundary, byte count and lower address of what is left (s. 2.3.1.1).
    #[test]
    fn splits_keep_the_rules() {
        for seed in 0..200 {
            for split in [Split::Largest, Split::Smallest, Split::Random] {
                let options = RootComplexOptions { split, reorder: true, ..Default::default() };
                let asked = [(0x1003, 700), (0x1100, 512), (0x1fff, 1), (0x1440, 64)];
                let mut left = asked;
                for completion in answers(&options, &asked, seed) {
                    let (address, length) = &mut left[usize::from(completion.tag)];
                    assert_eq!(usize::from(completion.remaining), *length, "seed {seed}");
                    assert_eq!(u64::from(completion.lower_address), *address & 0x7f);
                    assert!(completion.payload.len() <= MPS);
                    let end = (*address & !3) + completion.payload.len() as u64;
                    let count = (end - *address).min(*length as u64);
                    for i in 0..count {
                        let at = (*address + i - 0x1000) as u32;
                        let octet = completion.payload[(*address % 4 + i) as usize];
                        assert_eq!(octet, (at * 7 / 8) as u8, "seed {seed}");
                    }
                    *address += count;
                    *length -= count as usize;
                    assert!(*length == 0 || *address % BOUNDARY == 0, "seed {seed}");
                }
                assert!(left.iter().all(|&(_, length)| length == 0));
            }
        }
    }

    /// Without reordering, requests are answered one after the other.
    #[test]
    fn order_is_kept_by_default() {
        let asked = [(0x1000, 512), (0x1800, 512), (0x1400, 64)];
        let tags: Vec<u8> =
            answers(&RootComplexOptions::default(), &asked, 1).iter().map(|c| c.tag).collect();
        assert_eq!(tags, [0, 0, 1, 1, 2]);
    }

    /// A read that leaves memory is refused whole, with one completion without data.
    #[test]
    fn unmapped_reads_are_refused() {
        let memory = OwnedMemory::new();
        memory.map(0x1000, 0x100);
        let mut completions = Completions::new(0, &RootComplexOptions::default());
        completions.push(Request::of(0x100, 3, 0x10f0, 32), 0);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        match completions.next(0, MPS, &memory, &mut random) {
            Some(Answer::Unmapped(completion, 0x10f0, 32)) => {
                assert_eq!(completion.status, Status::Unsupported);
                assert!(completion.payload.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(completions.outstanding(), 0);
    }
}
