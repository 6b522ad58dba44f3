//! The run itself: drive, compare, clock.

use super::pins::{hex, Pins};
use super::sides::{Rust, Verilog};
use super::{Lockstep, Reference, Stimulus};
use rand::SeedableRng;
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
    let mut pins = Pins::new(verilog.ports());
    registered(&mut rust, &pins).map_err(start)?;
    let mut edge = pins.clone();
    let mut chance = ChaCha8Rng::seed_from_u64(plan.seed);
    for clock in 0..plan.clocks {
        let at = |why| (clock, why);
        for (port, value) in stimulus.choose(&edge, &mut chance) {
            pins.set(port, &value);
        }
        half(&mut rust, &mut verilog, &mut pins, 2 * clock).map_err(at)?;
        edge.clone_from(&pins);
        reference.clock(&edge).map_err(|why| (clock, format!("the model says: {why}")))?;
        half(&mut rust, &mut verilog, &mut pins, 2 * clock + 1).map_err(at)?;
    }
    reference.finish().map_err(|why| (plan.clocks, format!("the model says: {why}")))
}

/// One level of the clock, low when `half` is even: drives both sides and compares.
fn half(rust: &mut Rust, verilog: &mut Verilog, pins: &mut Pins, half: u64) -> Result<(), String> {
    let clock = half % 2 == 1;
    let settled = rust.drive(pins, clock);
    verilog.drive(pins, clock);
    rust.dump(half);
    verilog.dump(half);
    settled?;
    let outputs: Vec<usize> = pins.outputs().collect();
    let ours = rust.outputs(pins.ports());
    for port in outputs {
        let theirs = verilog.output(port);
        let ours = ours[port].as_deref().unwrap_or(&[]);
        if ours != theirs {
            let edge = if clock { "after" } else { "before" };
            return Err(format!(
                "port {} {edge} the clock edge: RustHDL {}, Verilog {}",
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
