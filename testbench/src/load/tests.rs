//! The model keeps to everything; a model with a fault is found.

use super::fact::Fact;
use super::memory::Memory;
use super::run::On;
use super::side::{Modelled, Side};
use super::sweep::sweep;
use crate::differential::cores;
use crate::station::control;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers;

#[test]
fn the_model_keeps_to_everything() {
    let found = sweep(0..100, cores(), 3, On::Model);
    println!("{found}");
    for finding in &found.findings {
        println!("{}", finding.shrunk(On::Model));
    }
    assert!(found.findings.is_empty());
    assert!(found.sum.overflows > 10, "{found}");
    assert!(found.sum.fences > 500 && found.sum.lives.0 > 1000, "{found}");
}

/// A device that does something wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Fences are answered at once, before what was under way.
    EarlyFence,
    /// A fence is never done.
    NoFence,
    /// A stop stops another queue pair, too.
    Neighbour,
    /// A completion entry is lost.
    Lost,
    /// A completion entry of a queue pair's life before.
    OldLife,
    /// An entry is written again, behind an event.
    AfterEvent,
    /// A write into a region is one octet longer.
    Beyond,
    /// Payload is read one octet further on.
    Foreign,
    /// Frames go to a MAC address that is half of the old and half of the new.
    HalfHop,
    /// Octets are placed a little further on.
    Misplaced,
}

struct Faulty {
    device: Modelled,
    fault: Fault,
    /// What is held back.
    late: Vec<Fact>,
    macs: Vec<[u8; 6]>,
    count: usize,
}

fn entry(fact: &Fact) -> Option<CompletionEntry> {
    let Fact::Write { octets, .. } = fact else { return None };
    let octets = <&[u8; CompletionEntry::BYTES]>::try_from(octets.as_slice()).ok()?;
    // Octets of a region may be as many, but hardly mean as much.
    let entry = CompletionEntry::from_bytes(octets);
    (entry.to_bytes() == *octets && (1..=5).contains(&entry.kind)).then_some(entry)
}

impl Faulty {
    fn make(fault: Fault) -> Box<dyn Side> {
        let device = Modelled::new();
        Box::new(Self { device, fault, late: Vec::new(), macs: Vec::new(), count: 0 })
    }

    /// What a fault makes of a fact.
    fn spoil(&mut self, fact: Fact) -> Vec<Fact> {
        let told = entry(&fact);
        let is = |wanted: u8| told.as_ref().is_some_and(|entry| entry.kind == wanted);
        match (self.fault, fact) {
            (Fault::NoFence, _) if is(kind::FENCE) => vec![],
            (Fault::EarlyFence, fact) => {
                let fence = is(kind::FENCE);
                self.late.push(fact);
                let keep = if fence { 4 } else { 8 };
                let ready = self.late.len().saturating_sub(keep);
                let mut now: Vec<_> = match fence {
                    true => self.late.pop().into_iter().collect(),
                    false => vec![],
                };
                now.extend(self.late.drain(..ready.min(self.late.len())));
                now
            }
            (Fault::Lost, fact) if is(kind::SEND) => {
                self.count += 1;
                if self.count % 20 == 0 {
                    vec![]
                } else {
                    vec![fact]
                }
            }
            (Fault::OldLife, Fact::Write { address, octets }) if is(kind::RECEIVE) => {
                let mut entry = told.unwrap_or_default();
                let old = entry.generation > 1 && entry.request == 2;
                entry.generation -= u8::from(old);
                let octets = if old { entry.to_bytes().to_vec() } else { octets };
                vec![Fact::Write { address, octets }]
            }
            (Fault::AfterEvent, Fact::Write { address, octets }) if is(kind::EVENT) => {
                let phase = told.unwrap_or_default().phase;
                let again = CompletionEntry { phase, ..told.unwrap_or_default() };
                let next = address + octets.len() as u64;
                let late = Fact::Write { address: next, octets: again.to_bytes().to_vec() };
                vec![Fact::Write { address, octets }, late]
            }
            (Fault::Beyond, Fact::Write { address, mut octets }) if told.is_none() => {
                octets.push(0);
                vec![Fact::Write { address, octets }]
            }
            (Fault::Misplaced, Fact::Write { address, octets }) if told.is_none() => {
                self.count += 1;
                let by = u64::from(self.count % 50 == 0);
                vec![Fact::Write { address: address.saturating_sub(by), octets }]
            }
            (Fault::HalfHop, Fact::Frame(mut octets)) => {
                let mac: [u8; 6] = octets[..6].try_into().unwrap();
                if let Some(before) = self.macs.last().filter(|before| **before != mac) {
                    octets[..3].copy_from_slice(&before[..3]);
                }
                self.macs.push(mac);
                vec![Fact::Frame(octets)]
            }
            (_, fact) => vec![fact],
        }
    }
}

impl Side for Faulty {
    fn memory(&self) -> &Memory {
        self.device.memory()
    }

    fn write(&mut self, address: u32, value: u32) {
        self.device.write(address, value);
        let stops = address == registers::QP_CONTROL.address && value < control(0, true);
        if stops && matches!(self.fault, Fault::Neighbour) {
            self.device.write(address, value ^ 16);
        }
    }

    fn frame(&mut self, octets: &[u8]) {
        self.device.frame(octets);
    }

    fn run(&mut self, clocks: u64) {
        if let Fault::Foreign = self.fault {
            // The memory under the device is another than the host's.
            let mut octet = [0];
            let at = super::memory::BASE + 0x2_0000 + self.device.clock() % 0x1_0000;
            let _ = self.memory().get(at, &mut octet);
            octet[0] ^= 1;
            let _ = self.memory().put(at, &octet);
        }
        self.device.run(clocks);
    }

    fn refuse(&mut self, bus: u32, wire: u32) {
        self.device.refuse(bus, wire);
    }

    fn clock(&self) -> u64 {
        self.device.clock()
    }

    fn known(&self) -> u64 {
        self.device.known()
    }

    fn facts(&mut self) -> Result<Vec<Fact>, String> {
        let facts = self.device.facts()?;
        Ok(facts.into_iter().flat_map(|fact| self.spoil(fact)).collect())
    }
}

#[test]
fn every_fault_is_found_for_what_it_is() {
    use Fault::*;
    let faults: [(Fault, &[&str]); 10] = [
        (
            EarlyFence,
            &["after the fence behind its end", "only", "does not lie in", "not the next"],
        ),
        (NoFence, &["is not done after"]),
        (Neighbour, &["nothing happens, and life"]),
        (Lost, &["not the next one", "with phase"]),
        (OldLife, &["one of life", "the next one is", "after the fence", "after its event"]),
        (AfterEvent, &["after its event of status"]),
        (Beyond, &["that no peer sent there", "never given to it"]),
        (Foreign, &["not the owner's", "read", "no reason to end", "posted"]),
        (HalfHop, &["a frame of life"]),
        (Misplaced, &["that no peer sent there", "never given to it"]),
    ];
    for (fault, words) in faults {
        let make = move || Faulty::make(fault);
        let found = sweep(0..60, cores(), 1, On::Other(&make));
        let finding = found.findings.first().unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: {finding}\n");
        let what = &finding.breach.what;
        assert!(words.iter().any(|word| what.contains(word)), "{fault:?}: {what}");
    }
}

#[test]
fn a_shorter_plan_shows_the_same() {
    let make = || Faulty::make(Fault::HalfHop);
    let found = sweep(0..60, cores(), 1, On::Other(&make));
    let shrunk = found.findings[0].shrunk(On::Other(&make));
    println!("{shrunk}");
    assert_eq!(shrunk.small.kind(), found.findings[0].breach.kind());
    assert!(shrunk.kept.len() < 20, "{shrunk}");
}

/// A late frame, read or write behind a fence is found by that, and nothing else is wrong.
#[test]
fn an_early_fence_is_found_as_such() {
    let make = || Faulty::make(Fault::EarlyFence);
    let found = sweep(0..200, cores(), usize::MAX, On::Other(&make));
    let of = |words: &str| found.findings.iter().any(|it| it.breach.what.contains(words));
    for words in ["a read of", "a write of", "a frame of life"] {
        let all = || found.findings.iter().map(|it| it.breach.what.clone()).collect::<Vec<_>>();
        assert!(of(words), "{words}: {:#?}", all());
    }
}

/// The model at the pins of the RTL keeps to everything, too: what listens there hears right.
#[test]
fn the_model_at_the_pins_keeps_to_everything() {
    let make = || -> Box<dyn ironwarp_sim::Pins> { Box::new(crate::stand_in::StandIn::new()) };
    let on = On::Hardware(&make, None);
    let found = sweep(0..20, cores(), 3, on);
    println!("{found}");
    for finding in &found.findings {
        println!("{}", finding.shrunk(on));
    }
    assert!(found.findings.is_empty());
}
