//! A root complex for tests: checks every packet, answers reads in pieces and out of order.
use super::tlp::*;
use crate::stream::bench::{beat, rng};
use crate::stream::Beat;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::{HashMap, VecDeque};

/// A packet, parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tlp {
    pub kind: u8,
    pub traffic: u8,
    pub attributes: u8,
    /// Double words of data, or asked for.
    pub length: usize,
    /// EP: the data is poisoned.
    pub poisoned: bool,
    /// Requester ID (requests) or completer ID (completions).
    pub id: u16,
    pub tag: u8,
    pub first: u8,
    pub last: u8,
    pub address: u64,
    pub status: u8,
    pub byte_count: usize,
    pub requester: u16,
    pub lower_address: u8,
    pub data: Vec<u8>,
}

impl Tlp {
    /// Parses a packet; panics if it is malformed.
    pub fn parse(octets: &[u8]) -> Tlp {
        let word = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        let kind = octets[0];
        let length = match usize::from(word(2) & 0x3ff) {
            0 => 1024,
            length => length,
        };
        let mut tlp = Tlp {
            kind,
            traffic: octets[1] >> 4,
            attributes: octets[2] >> 4 & 3,
            length,
            id: word(4),
            ..Default::default()
        };
        assert_eq!((octets[1] & 0x8f, octets[2] & 0xcc), (0, 0), "reserved bits");
        let header = match kind {
            MEMORY_READ_32 | MEMORY_WRITE_32 => 12,
            MEMORY_READ_64 | MEMORY_WRITE_64 => 16,
            COMPLETION | COMPLETION_DATA | LOCKED_COMPLETION => 12,
            _ => panic!("kind {kind:#x}"),
        };
        if [COMPLETION, COMPLETION_DATA, LOCKED_COMPLETION].contains(&kind) {
            tlp.status = octets[6] >> 5;
            tlp.byte_count = usize::from(word(6) & 0xfff);
            tlp.requester = word(8);
            tlp.tag = octets[10];
            tlp.lower_address = octets[11];
        } else {
            tlp.tag = octets[6];
            tlp.first = octets[7] & 15;
            tlp.last = octets[7] >> 4;
            tlp.address = octets[8..header].iter().fold(0, |sum, &o| sum << 8 | u64::from(o));
            assert!(header == 12 || tlp.address >> 32 != 0, "a long header for a short address");
            assert_eq!(tlp.address & 3, 0);
            assert!(tlp.length > 1 || tlp.last == 0, "last enables of a single double word");
        }
        let data = if kind & 0x40 != 0 { 4 * tlp.length } else { 0 };
        assert_eq!(octets.len(), header + data, "{tlp:?}");
        tlp.data = octets[header..].to_vec();
        tlp
    }

    /// Address and number of the enabled octets of a memory request.
    pub fn enabled(&self) -> (u64, u64) {
        let end = if self.length == 1 { self.first } else { self.last };
        assert!(self.first != 0 && end != 0, "{self:?}");
        let skip = self.first.trailing_zeros();
        let keep = 4 * self.length as u64 - u64::from(end.leading_zeros() - 4);
        assert!(self.length == 1 || self.first == 15 << skip & 15, "{self:?}");
        assert!(self.length == 1 || end == 15 >> (end.leading_zeros() - 4), "{self:?}");
        (self.address + u64::from(skip), keep - u64::from(skip))
    }

    /// The packet's octets.
    pub fn octets(&self) -> Vec<u8> {
        let [length_high, length_low] = (self.length as u16 & 0x3ff).to_be_bytes();
        let flags = self.attributes << 4 | u8::from(self.poisoned) << 6;
        let mut octets = vec![self.kind, self.traffic << 4, flags | length_high, length_low];
        octets.extend(self.id.to_be_bytes());
        match self.kind {
            COMPLETION | COMPLETION_DATA => {
                let count = (self.byte_count as u16 & 0xfff).to_be_bytes();
                octets.extend([self.status << 5 | count[0], count[1]]);
                octets.extend(self.requester.to_be_bytes());
                octets.extend([self.tag, self.lower_address]);
            }
            _ => {
                octets.extend([self.tag, self.last << 4 | self.first]);
                let address = self.address.to_be_bytes();
                octets.extend(&address[if self.kind & 0x20 != 0 { 0 } else { 4 }..]);
            }
        }
        octets.extend(&self.data);
        octets
    }

    /// The packet's beats.
    pub fn beats(&self) -> Vec<Beat> {
        beats(&self.octets())
    }
}

fn beats(octets: &[u8]) -> Vec<Beat> {
    let count = octets.len().div_ceil(8);
    octets.chunks(8).enumerate().map(|(n, chunk)| beat(chunk, n + 1 == count, false)).collect()
}

/// A read under way.
struct Outstanding {
    tlp: Tlp,
    /// The next double word to answer.
    at: usize,
    wait: u32,
}

/// The host's side of the link.
pub struct RootComplex {
    rng: ChaCha8Rng,
    /// Sizes as the device is told.
    pub max_payload: usize,
    pub max_read: usize,
    /// The device's ID.
    pub device: u16,
    /// Octets that the device wrote.
    pub written: HashMap<u64, u8>,
    /// Memory writes and completions of the device, in order.
    pub seen: Vec<Tlp>,
    /// Reads at and above this address get an Unsupported Request.
    pub unmapped_from: u64,
    /// Reads at and above this address are not answered: they are put into `ignored`.
    pub ignored_from: u64,
    pub ignored: Vec<Tlp>,
    /// The tags of all reads, in order.
    pub tags: Vec<u8>,
    /// Every completion is sent twice.
    pub twice: bool,
    /// Completions sent.
    pub completions: usize,
    /// Clocks that a read waits at most.
    pub latency: u32,
    /// Most reads under way at once.
    pub most_outstanding: usize,
    reads: Vec<Outstanding>,
    partial: Vec<u8>,
    to_device: VecDeque<Beat>,
}

/// What memory holds where nothing was written.
pub fn pattern(address: u64) -> u8 {
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// The completion of a read with so many double words from the `at`-th on.
pub fn completion(read: &Tlp, at: usize, dwords: usize) -> Tlp {
    let (start, count) = read.enabled();
    let address = read.address + 4 * at as u64;
    let from = start.max(address);
    Tlp {
        kind: COMPLETION_DATA,
        length: dwords,
        id: 0x0008,
        requester: read.id,
        tag: read.tag,
        lower_address: (from & 127) as u8,
        byte_count: (start + count - from) as usize,
        data: (0..4 * dwords as u64).map(|n| pattern(address + n)).collect(),
        ..Default::default()
    }
}

impl RootComplex {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: rng(seed ^ 0x00c0_ffee),
            max_payload: 128,
            max_read: 128,
            device: 0x0100,
            written: HashMap::new(),
            seen: vec![],
            unmapped_from: u64::MAX,
            ignored_from: u64::MAX,
            ignored: vec![],
            tags: vec![],
            twice: false,
            completions: 0,
            latency: 100,
            most_outstanding: 0,
            reads: vec![],
            partial: vec![],
            to_device: VecDeque::new(),
        }
    }

    /// Puts a request of the host in line.
    pub fn send(&mut self, tlp: &Tlp) {
        self.to_device.extend(tlp.beats());
    }

    /// Puts any octets in line.
    pub fn send_octets(&mut self, octets: &[u8]) {
        self.to_device.extend(beats(octets));
    }

    /// The beat to offer to the device.
    pub fn offered(&mut self) -> Option<Beat> {
        if self.to_device.is_empty() {
            self.complete_something();
        }
        self.to_device.front().copied()
    }

    /// The device took the offered beat.
    pub fn taken(&mut self) {
        self.to_device.pop_front();
    }

    /// Nothing is under way.
    pub fn idle(&self) -> bool {
        self.reads.is_empty() && self.to_device.is_empty() && self.partial.is_empty()
    }

    /// Takes a beat from the device.
    pub fn take(&mut self, beat: Beat) {
        let bytes = beat.bytes.to_u64() as usize;
        assert!(beat.last || bytes == 8, "packets are dense");
        self.partial.extend(&beat.data.to_u64().to_le_bytes()[..bytes]);
        if beat.last {
            let tlp = Tlp::parse(&std::mem::take(&mut self.partial));
            assert_eq!(tlp.id, self.device);
            match tlp.kind {
                MEMORY_READ_32 | MEMORY_READ_64 => self.read(tlp),
                MEMORY_WRITE_32 | MEMORY_WRITE_64 => self.write(tlp),
                _ => self.seen.push(tlp),
            }
        }
    }

    fn write(&mut self, tlp: Tlp) {
        assert!(4 * tlp.length <= self.max_payload, "maximum payload size: {tlp:?}");
        assert_eq!(tlp.address >> 12, (tlp.address + 4 * tlp.length as u64 - 1) >> 12);
        let (start, count) = tlp.enabled();
        let skip = (start - tlp.address) as usize;
        for (n, &octet) in tlp.data[skip..skip + count as usize].iter().enumerate() {
            self.written.insert(start + n as u64, octet);
        }
        self.seen.push(tlp);
    }

    fn read(&mut self, tlp: Tlp) {
        assert!(4 * tlp.length <= self.max_read, "maximum read request size: {tlp:?}");
        assert_eq!(tlp.address >> 12, (tlp.address + 4 * tlp.length as u64 - 1) >> 12);
        assert!(self.reads.iter().all(|read| read.tlp.tag != tlp.tag), "tag {} in use", tlp.tag);
        tlp.enabled();
        self.tags.push(tlp.tag);
        if tlp.address >= self.ignored_from {
            self.ignored.push(tlp);
            return;
        }
        let wait = self.rng.random_range(0..=self.latency);
        self.reads.push(Outstanding { tlp, at: 0, wait });
        self.most_outstanding = self.most_outstanding.max(self.reads.len());
    }

    /// Completes a part of some read; every part ends at a multiple of 64 or at the end.
    fn complete_something(&mut self) {
        for read in &mut self.reads {
            read.wait = read.wait.saturating_sub(1);
        }
        let ready: Vec<usize> =
            (0..self.reads.len()).filter(|&n| self.reads[n].wait == 0).collect();
        if ready.is_empty() {
            return;
        }
        let chosen = ready[self.rng.random_range(0..ready.len())];
        let mut read = self.reads.swap_remove(chosen);
        let address = read.tlp.address + 4 * read.at as u64;
        let mut completion = completion(&read.tlp, read.at, 0);
        if address >= self.unmapped_from {
            completion.kind = COMPLETION;
            completion.status = STATUS_UNSUPPORTED;
        } else {
            let rest = read.tlp.length - read.at;
            let boundary = ((64 - address % 64) / 4) as usize;
            let most = if rest > boundary { (rest - boundary).div_ceil(16) } else { 0 };
            let parts = self.rng.random_range(0..=most);
            completion.length = rest.min(boundary + 16 * parts);
            completion.data = (0..4 * completion.length as u64)
                .map(|n| *self.written.get(&(address + n)).unwrap_or(&pattern(address + n)))
                .collect();
            completion.kind = COMPLETION_DATA;
            read.at += completion.length;
            if read.at < read.tlp.length {
                read.wait = self.rng.random_range(0..=self.latency / 4);
                self.reads.push(read);
            }
        }
        for _ in 0..if self.twice { 2 } else { 1 } {
            self.to_device.extend(completion.beats());
            self.completions += 1;
        }
    }
}
