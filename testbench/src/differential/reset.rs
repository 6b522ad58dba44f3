//! A device that is reset in the middle of a programme runs the next one as a fresh device does, to
//! the clock.
//!
//! ```text
//! used:   programme A, cut off at some clock -> reset -> programme B \
//!                                                                      the same at every pin?
//! fresh:                     power-on -------> reset -> programme B /
//! ```
//! B leaves out some of its events, so that it meets what A has left behind: in half of the seeds
//! it is A itself but for that, and uses A's regions and connections: a region whose registration
//! is left out is used all the same.

use super::chance::Chance;
use super::event::Event;
use super::programme::Programme;
use super::run::{run, Outcome, Records};
use super::side::Make;
use ironwarp_sim::{Beat, Inputs, Outputs, Pins};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clocks after which a reset is over.
const RESET_CLOCKS: u32 = 400;
/// Clocks after the reset before which frames may still begin, to be lost.
const LOST_CLOCKS: u32 = 200;
/// A programme is cut off after up to so many clocks.
const CUT_CLOCKS: u32 = 12_000;
/// One in so many events of B is left out.
const LEFT_OUT: u32 = 8;

/// Packets that are under way at the device's edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// From the host.
    pub pcie_in: bool,
    /// To the host.
    pub pcie_out: bool,
    /// From the wire.
    pub mac_in: bool,
    /// To the wire.
    pub mac_out: bool,
}

/// A reset and what came of it.
#[derive(Clone, Debug)]
pub struct Reset {
    /// What it has cut.
    pub cut: Open,
    /// Clocks that were compared.
    pub clocks: usize,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// What a device does that was reset, and a fresh one does not.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(f, "again: RESET_SEED={} cargo test -p ironwarp-testbench --test reset", self.seed)
    }
}

/// Cuts a programme off with a reset, and compares what follows.
pub fn reset(seed: u64, make: &Make) -> Reset {
    let mut chance = Chance::new(!seed);
    let first = if chance.one_in(2) { seed } else { seed ^ 1 << 40 };
    let programme = Programme::of(seed);
    let events = programme.events.iter();
    let kept = events.filter_map(|event| match (chance.one_in(LEFT_OUT), event) {
        (false, event) => Some(event.clone()),
        (true, Event::Register(index, region) | Event::RegisterPages(index, region, _)) => {
            Some(Event::Remember(*index, *region))
        }
        (true, _) => None,
    });
    let programme = Programme { events: kept.collect(), ..programme.clone() };

    let used = Device::new(make);
    let clocks = chance.within(1..=CUT_CLOCKS);
    used.lock().inside = chance.within(0..=5) as usize;
    used.run(&Programme::of(first), Some(clocks));
    let mut reset = Reset { cut: used.lock().open, clocks: 0, difference: None };
    let fresh = Device::new(make);
    let calm = used.reset(Some(&mut chance)).and_then(|()| fresh.reset(None));
    let what = calm.and_then(|()| {
        let (ours, outcome) = used.run(&programme, None);
        let (theirs, fresh_outcome) = fresh.run(&programme, None);
        reset.clocks = theirs.len();
        let both = ours.iter().zip(&theirs);
        match both.enumerate().find(|(_, (ours, theirs))| ours != theirs) {
            Some((clock, (ours, theirs))) => {
                Err(format!("clock {clock} after the reset: {ours:?}, a fresh device {theirs:?}"))
            }
            None if outcome != fresh_outcome => Err(format!("{outcome:?}, not {fresh_outcome:?}")),
            None => Ok(()),
        }
    });
    reset.difference = what.err().map(|what| Difference { seed, what });
    reset
}

/// A device that outlives the worlds it is in. Clones are the same device.
#[derive(Clone)]
struct Device(Arc<Mutex<State>>);

struct State {
    pins: Box<dyn Pins>,
    open: Open,
    /// Clocks until nothing reaches the device any more, if that is to be, ...
    left: Option<u32>,
    /// ... and the stream that must be inside a packet then, by number; others mean none.
    inside: usize,
    /// What it did since the world began.
    seen: Vec<Outputs>,
}

impl Device {
    fn new(make: &Make) -> Self {
        let (open, seen) = (Open::default(), Vec::new());
        Self(Arc::new(Mutex::new(State { pins: make(), open, left: None, inside: 4, seen })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a programme, all of it or until it is cut off: what was at the pins, and the outcome.
    fn run(&self, programme: &Programme, clocks: Option<u32>) -> (Vec<Outputs>, Outcome) {
        self.lock().left = clocks;
        let device = self.clone();
        let outcome = run(programme, &move || Box::new(device.clone()), &Records::default());
        (std::mem::take(&mut self.lock().seen), outcome)
    }

    /// Resets the device. With chance, its neighbours finish what they were sending, frames come
    /// at the wrong time, and not all that is offered is taken.
    fn reset(&self, mut chance: Option<&mut Chance>) -> Result<(), String> {
        let mut state = self.lock();
        state.left = None;
        let (mut pcie_in, mut ends) = (None, Open::default());
        for clock in 0..RESET_CLOCKS {
            let open = state.open;
            let mut inputs = Inputs { reset: clock == 0, ..Inputs::default() };
            (inputs.pcie_out_ready, inputs.mac_out_ready) = (true, true);
            if let Some(chance) = &mut chance {
                inputs.pcie_out_ready = clock >= LOST_CLOCKS || chance.one_in(3);
                inputs.mac_out_ready = clock >= LOST_CLOCKS || chance.one_in(3);
                let frame = open.mac_in || clock < LOST_CLOCKS && chance.one_in(20);
                inputs.mac_in = (frame && !chance.one_in(3)).then(|| beat(chance));
                if open.pcie_in && pcie_in.is_none() && !chance.one_in(3) {
                    pcie_in = Some(beat(chance));
                }
                inputs.pcie_in = pcie_in;
            }
            let outputs = state.step(&inputs);
            if outputs.pcie_in_ready {
                pcie_in = None;
            }
            if clock == 0 {
                ends = Open { pcie_in: false, mac_in: false, ..state.open };
                continue;
            }
            let streams = [
                ("pcie_out", outputs.pcie_out, inputs.pcie_out_ready, &mut ends.pcie_out),
                ("mac_out", outputs.mac_out, inputs.mac_out_ready, &mut ends.mac_out),
            ];
            for (stream, beat, ready, due) in streams {
                if beat.is_some_and(|beat| !(*due && beat.last && beat.error)) {
                    return Err(format!("{stream} after a reset: {beat:?}"));
                }
                *due &= beat.is_none() || !ready;
            }
        }
        state.seen.clear();
        match ends == Open::default() {
            true => Ok(()),
            false => Err(format!("packets that a reset has cut do not end: {ends:?}")),
        }
    }
}

/// A beat with anything in it, often a packet's last.
fn beat(chance: &mut Chance) -> Beat {
    let data = u64::from(chance.any()) << 32 | u64::from(chance.any());
    Beat { data, bytes: 8, last: chance.one_in(8), error: false }
}

impl State {
    fn step(&mut self, inputs: &Inputs) -> Outputs {
        let outputs = self.pins.clock(inputs);
        let moves = [
            (inputs.pcie_in, outputs.pcie_in_ready, &mut self.open.pcie_in),
            (outputs.pcie_out, inputs.pcie_out_ready, &mut self.open.pcie_out),
            (inputs.mac_in, outputs.mac_in_ready, &mut self.open.mac_in),
            (outputs.mac_out, inputs.mac_out_ready, &mut self.open.mac_out),
        ];
        for (beat, ready, open) in moves {
            if let (Some(beat), true) = (beat, ready) {
                *open = !beat.last;
            }
        }
        outputs
    }
}

impl Pins for Device {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        let mut state = self.lock();
        let Open { pcie_in, pcie_out, mac_in, mac_out } = state.open;
        let inside =
            [pcie_in, pcie_out, mac_in, mac_out].get(state.inside).is_none_or(|open| *open);
        if state.left == Some(0) && inside {
            return Outputs { pcie_in_ready: true, mac_in_ready: true, ..Outputs::default() };
        }
        state.left = state.left.map(|left| left.saturating_sub(1));
        let outputs = state.step(inputs);
        state.seen.push(outputs);
        outputs
    }
}
