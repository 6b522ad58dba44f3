//! Runs a programme on both devices.

use super::arena::Arena;
use super::batch::{Batch, Race};
use super::compare::{is_own, same, Difference};
use super::event::Event;
use super::layout::{BYTES, QPS};
use super::programme::Programme;
use super::ring;
use super::script::{Action, Script};
use super::side::{Make, Model, Rtl};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{self, Register};
use ironwarp_abi::status;
use ironwarp_sim::Options;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What to write while a programme runs.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// A waveform of the hardware, `.fst` or `.vcd`.
    pub wave: Option<PathBuf>,
    /// The frames, as pcapng.
    pub capture: Option<PathBuf>,
}

/// How a programme went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Events that happened, pauses not counted.
    pub events: usize,
    /// Times that the devices were compared.
    pub rests: usize,
    /// Clocks of the hardware.
    pub clocks: u64,
    /// Frames that the model has sent, and completion entries that it has written.
    pub moved: (usize, usize),
    /// The statuses of the events of queue pairs.
    pub statuses: BTreeSet<u8>,
    /// The programme ended early, where the outcome is a race, and at which event.
    pub raced: Option<(usize, Race)>,
    /// The first difference, and the number of the event at which it was found.
    pub difference: Option<(usize, Difference)>,
}

/// Why a programme goes no further.
pub(super) enum End {
    Race(Race),
    Differs(Difference),
}

impl From<Difference> for End {
    fn from(difference: Difference) -> Self {
        Self::Differs(difference)
    }
}

/// Runs a programme on the model and on a device that `make` makes.
pub fn run(programme: &Programme, make: &Make, records: &Records) -> Outcome {
    let mut content = vec![0; BYTES];
    ChaCha8Rng::seed_from_u64(programme.seed).fill_bytes(&mut content);
    let options = Options {
        seed: programme.seed,
        nics: 1,
        root_complex: programme.bus.clone(),
        link: ironwarp_sim::LinkOptions { propagation_clocks: 1, ..Default::default() },
        capture: records.capture.clone(),
    };
    let failed = |what: &str, why: &dyn std::fmt::Display| Outcome {
        difference: Some((0, Difference::new(what, why.to_string(), ""))),
        ..Outcome::default()
    };
    let mut rtl = match Rtl::new(Arena::new(content.clone()), make, options) {
        Ok(rtl) => rtl,
        Err(why) => return failed("the simulation", &why),
    };
    if let Some(wave) = &records.wave {
        if let Err(why) = rtl.simulation.open_waveform(0, wave) {
            return failed("the waveform", &why);
        }
    }
    let model = Model::new(Arena::new(content));
    let mut runner = Runner {
        rtl,
        model,
        script: Script::new(programme.flow_key),
        batch: Batch::default(),
        outcome: Outcome::default(),
        sent: 0,
        acknowledged: [0; QPS as usize],
        waiting: [0; QPS as usize],
        ended: BTreeSet::new(),
        overflows: 0,
    };
    runner.programme(programme);
    if let Err(why) = runner.rtl.simulation.finish() {
        return failed("the records", &why);
    }
    runner.outcome.clocks = runner.rtl.simulation.clock();
    runner.outcome
}

pub(super) struct Runner {
    pub(super) rtl: Rtl,
    pub(super) model: Model,
    pub(super) script: Script,
    /// What has happened since the last rest.
    pub(super) batch: Batch,
    pub(super) outcome: Outcome,
    /// Frames that the hardware has sent.
    pub(super) sent: u32,
    /// The last acknowledgement number of each queue pair.
    pub(super) acknowledged: [u32; QPS as usize],
    /// Octets that wait on chip for the rest of their FPDU, as the model told the peer.
    pub(super) waiting: [u32; QPS as usize],
    /// Queue pairs that have ended, and of which the send side is free.
    pub(super) ended: BTreeSet<u32>,
    pub(super) overflows: u32,
}

impl Runner {
    fn programme(&mut self, programme: &Programme) {
        for action in self.script.power_on() {
            self.act(&action);
        }
        for (number, event) in programme.events.iter().enumerate() {
            let end = self.event(event);
            self.outcome.events += usize::from(event.counts());
            if self.ends(number, end) {
                return;
            }
        }
        let last = programme.events.len();
        let end = self.rest().and_then(|()| self.event(&Event::Inspect)).and_then(|()| self.rest());
        self.ends(last, end);
    }

    fn ends(&mut self, number: usize, end: Result<(), End>) -> bool {
        match end {
            Ok(()) => return false,
            Err(End::Race(race)) => self.outcome.raced = Some((number, race)),
            Err(End::Differs(difference)) => self.outcome.difference = Some((number, difference)),
        }
        true
    }

    fn event(&mut self, event: &Event) -> Result<(), End> {
        if *event == Event::Rest {
            return self.rest();
        }
        if let Event::Pause(clocks) = event {
            self.rtl.simulation.run((*clocks).into());
            return Ok(());
        }
        if matches!(event, Event::Segment(qp, _) if self.ended.contains(qp)) {
            return Ok(());
        }
        let tamed = self.script.tamed(event);
        let event = tamed.as_ref().unwrap_or(event);
        if self.batch.must_rest(event, &mut self.script) {
            self.rest()?;
        }
        let active = self.active();
        let starts = match event {
            Event::Start(qp, _) => Some(*qp),
            Event::Revive(qp, _) => (active >> qp & 1 == 0).then_some(*qp),
            _ => None,
        };
        if let Some(qp) = starts {
            self.ended.remove(&qp);
            self.waiting[qp as usize] = 0;
        }
        let peer_of = |qp: u32| self.script.qps[qp as usize].peer.as_ref();
        let delicate = match event {
            Event::Segment(qp, _) => peer_of(*qp).is_some_and(|peer| peer.is_delicate()),
            _ => false,
        };
        for action in self.script.resolve(event, active) {
            if let Action::Read(address) = action {
                self.compare_read(address)?;
            } else {
                self.act(&action);
            }
        }
        self.follow();
        let now = active & !self.active();
        if now != 0 && !matches!(event, Event::Stop(_)) {
            let octets = matches!(event, Event::Segment(_, what) if what.length > 0);
            if self.by_full_queue(now) && (octets || self.batch.has_frames(now)) {
                return Err(End::Race(Race::Overflow));
            }
            let own = matches!(event, Event::Send(..)) || self.by_own_request();
            let race = self.batch.race(event, now, delicate, &self.script);
            if let Some(race) = race.filter(|_| own) {
                return Err(End::Race(race));
            }
            self.batch.happened(event, false, delicate, &self.script);
            self.batch.ended |= now;
            return self.rest();
        }
        self.batch.happened(event, starts.is_some(), delicate, &self.script);
        Ok(())
    }

    /// A full completion queue has ended one of these queue pairs in the model: what comes behind
    /// the entry that it lost is taken or not.
    pub(super) fn by_full_queue(&mut self, ended: u32) -> bool {
        let mut ended = (0..QPS).filter(|qp| ended >> qp & 1 != 0);
        ended.any(|qp| {
            let state = self.model.query(qp, registers::QUERY_STATE);
            registers::QUERY_STATE.get(state, "status") == u32::from(status::CQ_OVERFLOW)
        })
    }

    /// The newest event in the model tells that a work request was bad.
    fn by_own_request(&self) -> bool {
        let entries = ring::all(&self.model.memory, &self.script.cqs);
        let entries = entries.iter().flatten().map(CompletionEntry::from_bytes);
        let mut events = entries.filter(|entry| entry.kind == kind::EVENT);
        // An event that a full queue has lost may be one.
        events.next().is_none_or(|first| is_own(first.status) || events.any(|it| is_own(it.status)))
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Memory(address, octets) => {
                // The addresses are those of the layout: they are there.
                let _ = self.rtl.memory.put(*address, octets);
                let _ = self.model.memory.put(*address, octets);
            }
            Action::Write(address, value) => {
                self.model.write(*address, *value);
                let _ = self.rtl.simulation.bar_write32(0, *address, *value);
            }
            Action::Frame(octets) => {
                self.model.receive(octets);
                let _ = self.rtl.simulation.send_frame(octets);
            }
            Action::Read(_) => {}
        }
    }

    fn compare_read(&mut self, address: u32) -> Result<(), End> {
        let model = self.model.read(address);
        let rtl = self.rtl.simulation.bar_read32(0, address);
        let rtl = rtl.map_err(|why| Difference::new("a register", why.to_string(), model))?;
        let register = registers::ALL.iter().find(|register| register.address == address);
        let name = register.map_or_else(|| format!("{address:#07x}"), |r| r.name.to_owned());
        let query = self.model.read(registers::QUERY_QP.address);
        let of_send = |register: &Register| register.name.starts_with("QUERY_SEND");
        if register.is_some_and(of_send) && self.ended.contains(&query) {
            return Ok(());
        }
        let what = format!("register {name} (queue pair {query} is shown)");
        Ok(same(&what, rtl, model)?)
    }

    /// The queue pairs that run in the model.
    fn active(&mut self) -> u32 {
        let states = (0..QPS).map(|qp| self.model.query(qp, registers::QUERY_STATE));
        let active = states.map(|state| registers::QUERY_STATE.get(state, "active"));
        active.zip(0..).fold(0, |all, (active, qp)| all | active << qp)
    }

    /// The peers learn where the model's streams are.
    fn follow(&mut self) {
        for (qp, pair) in (0..).zip(&mut self.script.qps) {
            let Some(peer) = &mut pair.peer else { continue };
            peer.expected = self.model.query(qp, registers::QUERY_RECEIVE_NEXT);
            peer.unacknowledged = self.model.query(qp, registers::QUERY_SEND_UNACKNOWLEDGED);
            peer.window = self.model.query(qp, registers::QUERY_SEND_WINDOW);
        }
    }
}
