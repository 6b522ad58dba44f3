//! The host side of PCIe: answers the device's reads, takes its writes and interrupts, and reads
//! and writes its BAR. Sections are those of the PCI Express base specification.
//!
//! Ordering (s. 2.4.1, table 2-40): writes take effect in the order in which they were sent; reads
//! and answers from the device do not pass writes before them; reads of memory are answered in
//! any order if the options say so. Towards the device, nothing passes a BAR write.

use crate::bar::{BarAnswer, BarReads, ROOT};
use crate::completions::{Answer, Completions};
use crate::conduct::{Fault, Misconduct, Rules, Violation};
use crate::config_space::ConfigSpace;
use crate::mishaps::Mishaps;
use crate::tlp::{Completion, Request, Tlp};
use crate::{time, HostMemory, NoMemory, RootComplexOptions};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Memory writes here are interrupts (x86: Intel SDM volume 3, s. 11.11).
pub const INTERRUPT_ADDRESSES: RangeInclusive<u64> = 0xfee0_0000..=0xfeef_ffff;
/// How long what the function was just forbidden may still come, in clocks: a packet may have
/// begun, or a message left its table.
const ON_THE_WAY: u64 = 256;
/// Violations and faults that are kept; later ones are only counted.
const REPORTS: usize = 1000;

/// What a posted packet does when its time has come.
#[derive(Debug)]
enum Posted {
    Write {
        address: u64,
        octets: Vec<u8>,
    },
    Interrupt(u32),
    /// An answer to a BAR read: it pushes the writes before it, and so stands in their queue.
    Answer(Completion),
}

/// Octets moved by DMA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Read from host memory by the device.
    pub read: u64,
    /// Written to host memory by the device.
    pub written: u64,
}

/// A root complex with one device below it.
pub struct RootComplex {
    nic: usize,
    requester: u16,
    options: RootComplexOptions,
    config: ConfigSpace,
    memory: Box<dyn HostMemory>,
    random: ChaCha8Rng,
    clock: u64,

    /// BAR accesses not yet sent, oldest first.
    requests: VecDeque<Tlp>,
    posted: VecDeque<(u64, Posted)>,
    reads: Completions,

    bar: BarReads,
    interrupts: VecDeque<u32>,
    /// When bus mastering or interrupts were last turned off.
    forbidden: Option<u64>,
    mishaps: Mishaps,
    violations: Vec<Violation>,
    violation_count: u64,
    faults: Vec<Fault>,
    moved: Moved,
}

impl RootComplex {
    /// A root complex whose configuration space is as firmware leaves it.
    pub fn new(nic: usize, options: &RootComplexOptions, seed: u64) -> Self {
        let mut root = Self {
            nic,
            requester: (nic as u16 + 1) << 8,
            options: options.clone(),
            config: ConfigSpace::new(options.configuration.bar_bytes()),
            memory: Box::new(NoMemory),
            random: ChaCha8Rng::seed_from_u64(seed),
            clock: 0,
            requests: VecDeque::new(),
            posted: VecDeque::new(),
            reads: Completions::new(ROOT, options),
            bar: BarReads::default(),
            interrupts: VecDeque::new(),
            forbidden: None,
            mishaps: Mishaps::default(),
            violations: Vec::new(),
            violation_count: 0,
            faults: Vec::new(),
            moved: Moved::default(),
        };
        root.set_up();
        root
    }

    /// The firmware's part.
    fn set_up(&mut self) {
        let encoded = |octets: u32| (octets / 128).max(1).ilog2() as u8;
        let bar = u64::from(self.options.configuration.bar_bytes()) * self.nic as u64;
        self.config.set_up(
            self.options.bar_address + bar,
            encoded(self.options.max_payload),
            encoded(self.options.max_read),
        );
    }

    /// Forgets everything about the device, which is reset. Memory and reports stay.
    pub fn reset(&mut self) {
        self.config = ConfigSpace::new(self.options.configuration.bar_bytes());
        self.set_up();
        self.requests.clear();
        self.posted.clear();
        self.reads.clear();
        self.bar = BarReads::default();
        self.interrupts.clear();
        self.forbidden = None;
        self.mishaps.clear();
    }

    /// Gives the device its memory.
    pub fn attach(&mut self, memory: Box<dyn HostMemory>) {
        self.memory = memory;
    }

    /// Configuration space.
    pub fn config(&self) -> &ConfigSpace {
        &self.config
    }

    /// Configuration space, for writing.
    pub fn config_write<T>(&mut self, write: impl FnOnce(&mut ConfigSpace) -> T) -> T {
        let allowed = |config: &ConfigSpace| (config.bus_master(), config.sends_messages());
        let (master, messages) = allowed(&self.config);
        let result = write(&mut self.config);
        let (master_now, messages_now) = allowed(&self.config);
        if master && !master_now || messages && !messages_now {
            self.forbidden = Some(self.clock);
        }
        result
    }

    /// What was forbidden a moment ago may still be on its way.
    fn on_the_way(&self) -> bool {
        self.forbidden.is_some_and(|forbidden| self.clock - forbidden <= ON_THE_WAY)
    }

    /// The function's bus, device and function number.
    pub fn requester(&self) -> u16 {
        self.requester
    }

    /// What the device did wrong; only the first thousand.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How often it did wrong.
    pub fn violation_count(&self) -> u64 {
        self.violation_count
    }

    /// Accesses that no memory answered; only the first thousand.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Octets moved so far.
    pub fn moved(&self) -> Moved {
        self.moved
    }

    /// How often each kind of mishap has happened, in the order of
    /// [`Mishap::ALL`](crate::Mishap::ALL).
    pub fn mishaps(&self) -> [u64; crate::Mishap::ALL.len()] {
        self.mishaps.counts()
    }

    /// Interrupts that were not yet taken, oldest first.
    pub fn interrupts(&mut self) -> &mut VecDeque<u32> {
        &mut self.interrupts
    }

    /// Takes note of a breach.
    pub fn report(&mut self, misconduct: Misconduct) {
        tracing::warn!(nic = self.nic, clock = self.clock, "{misconduct}");
        self.violation_count += 1;
        if self.violations.len() < REPORTS {
            let (nic, clock) = (self.nic, self.clock);
            self.violations.push(Violation { nic, clock, misconduct });
        }
    }

    fn fault(&mut self, write: bool, address: u64, octets: usize) {
        tracing::warn!(nic = self.nic, write, "no memory at {address:#x}, {octets} octets");
        if self.faults.len() < REPORTS {
            let (nic, clock) = (self.nic, self.clock);
            self.faults.push(Fault { nic, clock, write, address, octets });
        }
    }

    /// Queues a write of a 32-bit register.
    pub fn bar_write(&mut self, offset: u32, value: u32) {
        let address = self.config.bar_address() + u64::from(offset);
        let request = Request::of(ROOT, 0, address, 4);
        self.requests.push_back(Tlp::Write(request, value.to_le_bytes().to_vec()));
    }

    /// Queues a read of a 32-bit register; [`RootComplex::bar_answer`] has the outcome.
    pub fn bar_read(&mut self, offset: u32) {
        let address = self.config.bar_address() + u64::from(offset);
        let request = self.bar.ask(address);
        self.requests.push_back(Tlp::Read(request));
    }

    /// BAR accesses that are not yet sent.
    pub fn unsent(&self) -> usize {
        self.requests.len()
    }

    /// Takes the outcome of a BAR read, once it is there.
    pub fn bar_answer(&mut self) -> Option<BarAnswer> {
        self.bar.take()
    }

    /// The outcome of a BAR read waits to be taken.
    pub fn has_bar_answer(&self) -> bool {
        self.bar.has_answer()
    }

    /// Nothing is under way: no packet to send, no write that is yet to take effect, no read that
    /// is yet to be answered.
    pub fn idle(&self) -> bool {
        self.requests.is_empty()
            && self.posted.is_empty()
            && self.reads.outstanding() == 0
            && self.mishaps.idle()
    }

    /// Gives up waiting for a BAR read: an answer that still comes is a violation.
    pub fn bar_give_up(&mut self) {
        self.bar.give_up();
    }

    /// Time has come to `clock`: what is due takes effect.
    #[inline]
    pub fn advance(&mut self, clock: u64) {
        self.clock = clock;
        while self.posted.front().is_some_and(|&(due, _)| due <= clock) {
            if let Some((_, posted)) = self.posted.pop_front() {
                self.perform(posted);
            }
        }
    }

    /// By chance, from the one source of chance that the root complex has.
    pub fn happens(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.random.random_bool(chance.min(1.0))
    }

    /// The options that it was made with.
    pub fn options(&self) -> &RootComplexOptions {
        &self.options
    }

    /// Appends the octets of the next packet for the device, if there is one. BAR accesses go
    /// first: a completion may not pass a write that was queued before it, and there are few of
    /// them (s. 2.4.1, rows C and D).
    pub fn next_packet(&mut self, octets: &mut Vec<u8>) -> bool {
        if let Some(request) = self.requests.pop_front() {
            request.emit(octets);
            return true;
        }
        if self.mishaps.due(self.clock, octets) {
            return true;
        }
        let max_payload = 128 << self.config.max_payload();
        while octets.is_empty() {
            let (memory, random) = (&*self.memory, &mut self.random);
            let (completion, address) =
                match self.reads.next(self.clock, max_payload, memory, random) {
                    None => return false,
                    Some(Answer::Data(completion, address, octets)) => {
                        self.moved.read += octets as u64;
                        (completion, address)
                    }
                    Some(Answer::Unmapped(completion, address, octets)) => {
                        self.fault(false, address, octets);
                        (completion, address)
                    }
                };
            Tlp::Completion(completion).emit(octets);
            let options = &self.options.mishaps;
            let clocks = (self.clock, self.clock + time::clocks(options.late_ns));
            self.mishaps.befall(options, address, clocks, &mut self.random, octets);
        }
        true
    }

    /// Takes a packet of the device.
    pub fn accept_packet(&mut self, octets: &[u8]) {
        match Tlp::parse(octets) {
            Ok(tlp) => self.accept(tlp),
            Err(malformed) => self.report(malformed.into()),
        }
    }

    fn accept(&mut self, tlp: Tlp) {
        let outcome = match tlp {
            Tlp::Read(request) => self.accept_read(request),
            Tlp::Write(request, payload) => self.accept_write(request, payload),
            Tlp::Completion(completion) => {
                self.post(Posted::Answer(completion));
                Ok(())
            }
        };
        if let Err(misconduct) = outcome {
            self.report(misconduct);
        }
    }

    fn check(&self, request: &Request, write: bool) -> Result<(), Misconduct> {
        if !self.config.bus_master() && !self.on_the_way() {
            return Err(Misconduct::NotMaster { address: request.address });
        }
        let rules = Rules {
            requester: self.requester,
            max_payload: 128 << self.config.max_payload(),
            max_read: 128 << self.config.max_read(),
            extended_tags: self.config.extended_tags(),
        };
        rules.check(request, write)
    }

    fn accept_read(&mut self, request: Request) -> Result<(), Misconduct> {
        self.check(&request, false)?;
        if self.reads.has_tag(request.tag) {
            return Err(Misconduct::TagInUse(request.tag));
        }
        let jitter = match self.options.read_jitter_ns {
            0 => 0,
            most => self.random.random_range(0..=most),
        };
        let latency = time::clocks(self.options.read_latency_ns + jitter);
        // A read does not pass the writes before it (s. 2.4.1, row B).
        let written = self.posted.back().map_or(0, |&(due, _)| due);
        self.reads.push(request, (self.clock + 1 + latency).max(written));
        Ok(())
    }

    fn accept_write(&mut self, request: Request, payload: Vec<u8>) -> Result<(), Misconduct> {
        self.check(&request, true)?;
        if INTERRUPT_ADDRESSES.contains(&request.address) {
            let &[a, b, c, d] = &payload[..] else {
                let (address, octets) = (request.address, payload.len());
                return Err(Misconduct::Interrupt { address, octets });
            };
            let vector = u32::from_le_bytes([a, b, c, d]);
            if !self.config.sends_messages() && !self.on_the_way() {
                return Err(match self.config.msix_enabled() {
                    true => Misconduct::MsixMasked(vector),
                    false => Misconduct::MsixOff(vector),
                });
            }
            self.post(Posted::Interrupt(vector));
            return Ok(());
        }
        if request.first_enables == 0 {
            return Ok(()); // no octet counts (s. 2.2.5)
        }
        let (address, length) = request.span();
        let mut octets = payload;
        octets.drain(..(address - request.address) as usize);
        octets.truncate(length);
        self.post(Posted::Write { address, octets });
        Ok(())
    }

    fn post(&mut self, posted: Posted) {
        let due = self.clock + 1 + time::clocks(self.options.write_latency_ns);
        self.posted.push_back((due, posted));
    }

    fn perform(&mut self, posted: Posted) {
        match posted {
            Posted::Write { address, octets } => match self.memory.write(address, &octets) {
                Ok(()) => self.moved.written += octets.len() as u64,
                Err(_) => self.fault(true, address, octets.len()),
            },
            Posted::Interrupt(vector) => self.interrupts.push_back(vector),
            Posted::Answer(completion) => {
                if let Err(misconduct) = self.bar.answer(self.requester, &completion) {
                    self.report(misconduct);
                }
            }
        }
    }
}
