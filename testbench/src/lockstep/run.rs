//! The run itself: drive, compare, clock.

use super::pins::{hex, Pins};
use super::sides::{Rust, Verilog};
use super::{Lockstep, Reference, Stimulus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// The first difference, as its clock and what it is.
pub(super) fn run(
    plan: &Lockstep,
    stimulus: &mut dyn Stimulus,
    reference: &mut dyn Reference,
) -> Result<(), (u64, String)> {
    let start = |why| (0, why);
    let mut rust = Rust::new(&plan.entry);
    let mut verilog = Verilog::new(plan.entry.name).map_err(start)?;
    if let Some(folder) = &plan.waves {
        waveforms(folder, plan, &mut rust, &mut verilog).map_err(start)?;
    }
    let order = rust.order(verilog.ports());
    let mut pins = Pins::new(verilog.ports(), &order);
    registered(&mut rust, &pins).map_err(start)?;
    let mut chance = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut schedule = Schedule::new(pins.clocks(), &mut chance);
    let mut edges = vec![pins.clone(); pins.clocks().max(1)];
    for clock in 0..plan.clocks {
        let at = |why| (clock, why);
        let rising = schedule.advance();
        let edge = &mut edges[rising];
        edge.rising = rising;
        for (port, value) in stimulus.choose(edge, &mut chance) {
            pins.set(port, &value);
        }
        pins.rising = rising;
        pins.set_clock(rising, false);
        settle(&mut rust, &mut verilog, &mut pins, schedule.low).map_err(at)?;
        edge.clone_from(&pins);
        reference.clock(edge).map_err(|why| (clock, format!("the model says: {why}")))?;
        pins.set_clock(rising, true);
        settle(&mut rust, &mut verilog, &mut pins, schedule.high).map_err(at)?;
    }
    reference.finish().map_err(|why| (plan.clocks, format!("the model says: {why}")))
}

/// Picoseconds of half a clock of a block that has but one: 156.25 MHz.
const HALF_CLOCK: u64 = 3200;

/// When the clocks rise. One clock has its usual rate; several have rates and phases by chance,
/// from 15 to 250 MHz. No two rise at one moment: hardware promises nothing about that.
struct Schedule {
    /// For each clock, picoseconds of a half, and when it rises next.
    clocks: Vec<(u64, u64)>,
    /// When the last edge's clock was low, and all inputs settled.
    low: u64,
    /// When it rose.
    high: u64,
}

impl Schedule {
    fn new(count: usize, chance: &mut ChaCha8Rng) -> Self {
        let clocks = match count {
            0 | 1 => vec![(HALF_CLOCK, HALF_CLOCK)],
            _ => (0..count)
                .map(|_| (chance.random_range(2000..32_000), chance.random_range(1..64_000)))
                .collect(),
        };
        Self { clocks, low: 0, high: 0 }
    }

    /// Moves to the next edge, and says whose it is.
    fn advance(&mut self) -> usize {
        let rising = (0..self.clocks.len()).min_by_key(|&n| self.clocks[n].1).unwrap_or(0);
        let (half, rises) = self.clocks[rising];
        self.low = rises.saturating_sub(half).max(self.high);
        self.high = rises.max(self.low + 1);
        self.clocks[rising].1 += 2 * half;
        rising
    }
}

/// Drives both sides, lets them settle and compares.
fn settle(
    rust: &mut Rust,
    verilog: &mut Verilog,
    pins: &mut Pins,
    time: u64,
) -> Result<(), String> {
    let settled = rust.drive(pins);
    verilog.drive(pins);
    rust.dump(time);
    verilog.dump(time);
    settled?;
    let outputs: Vec<usize> = pins.outputs().collect();
    let ours = rust.outputs(pins.ports());
    for port in outputs {
        let theirs = verilog.output(port);
        let ours = ours[port].as_deref().unwrap_or(&[]);
        if ours != theirs {
            return Err(format!(
                "port {} at {time} ps: RustHDL {}, Verilog {}",
                pins.ports()[port].name,
                hex(ours),
                hex(&theirs)
            ));
        }
        pins.set(port, &theirs);
    }
    Ok(())
}

/// Every port of the Verilog is in the registry, else it would not be driven or compared.
fn registered(rust: &mut Rust, pins: &Pins) -> Result<(), String> {
    let known = rust.outputs(pins.ports());
    let missing = pins.ports().iter().zip(known).find(|(_, value)| value.is_none());
    match missing {
        Some((port, _)) => Err(format!("port {} is not listed in hdl/src/blocks", port.name)),
        None => Ok(()),
    }
}

fn waveforms(
    folder: &Path,
    plan: &Lockstep,
    rust: &mut Rust,
    verilog: &mut Verilog,
) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let name = format!("{}-{}", plan.entry.name, plan.seed);
    rust.open_waveform(&folder.join(format!("{name}.rust.vcd")))?;
    verilog.open_waveform(&folder.join(format!("{name}.fst")))
}
