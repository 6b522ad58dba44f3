//! One block by itself: its checks, its area, its speed.

use crate::clocks::required_mhz;
use crate::critical_path::CriticalPath;
use crate::error::{make_folder, FlowError};
use crate::netlist::between_registers;
use crate::placement::{place, seed_options, ClockSpeed, Constraints, Placed};
use crate::runner::{each, Progress};
use crate::sources::{source, SOURCES};
use crate::synthesis::{synthesise, Design, Finding, NETLIST};
use crate::tools::Tools;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a circuit takes of the part, and how fast it is: an entry of `fpga/results.json`.
///
/// The placer's seed alone moves a small block's speed by a tenth. Of a block that was placed
/// several times, these are the figures of the seed in the middle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The circuit's name.
    pub name: String,
    /// 4-input LUTs that the part loses: logic, carry chains and distributed RAM.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of 18 Kbit.
    pub ebr: u64,
    /// Multipliers of 18 by 18 bits.
    pub dsp: u64,
    /// How fast the clock with the least margin is, in MHz.
    pub fmax_mhz: f64,
    /// How fast it must be.
    pub required_mhz: f64,
    /// What makes these figures.
    pub command: String,
    /// All clocks, that one first.
    pub clocks: Vec<ClockSpeed>,
    /// The path that limits it.
    pub critical_path: Option<CriticalPath>,
}

/// What is known of a block.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The block's name.
    pub name: String,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Its figures, if it was placed: a block with findings of synthesis is not.
    pub figures: Option<Figures>,
}

/// Checks the registered block `name` in `folder`, and places it with each of `seeds`, if there are
/// any, `threads` at a time.
///
/// # Errors
/// There is no such block, or a tool fails.
pub fn block(
    tools: &Tools,
    name: &str,
    seeds: &[u64],
    (folder, threads): (&Path, usize),
    progress: &dyn Progress,
) -> Result<Outcome, FlowError> {
    let known = || SOURCES.iter().map(|source| source.name).collect();
    let unknown = || FlowError::UnknownBlock { name: name.to_owned(), known: known() };
    let source = source(name).ok_or_else(unknown)?;
    let design =
        Design { netlist: !seeds.is_empty(), ..Design::of_block(source.top, source.verilog) };
    let command = format!("./ironwarp fpga --block {name}{}", seed_options(seeds));
    let job = Job { name, design: &design, command, seeds, speed: required_mhz, foreign: false };
    job.run(tools, (folder, threads), progress)
}

/// Does the registered blocks `names`, `threads` at a time, each with the seeds that `seeds` gives.
/// Those without findings leave nothing in `folder`.
///
/// # Errors
/// There is no such block, or a tool fails.
pub fn blocks<'a>(
    tools: &Tools,
    names: &[&str],
    seeds: impl Fn(&str) -> &'a [u64] + Sync,
    (folder, threads): (&Path, usize),
    progress: &dyn Progress,
) -> Result<Vec<Outcome>, FlowError> {
    // The longest ones first, so that no thread is alone at the end.
    let mut jobs = names.to_vec();
    jobs.sort_by_key(|name| std::cmp::Reverse(source(name).map_or(0, |it| it.verilog.len())));
    each(&jobs, threads, |name| {
        let folder = folder.join(name);
        let outcome = block(tools, name, seeds(name), (&folder, 1), progress)?;
        if outcome.findings.is_empty() {
            std::fs::remove_dir_all(&folder).map_err(FlowError::file(&folder))?;
        }
        progress.done(name);
        Ok(outcome)
    })
}

/// A circuit that is synthesised, and placed out of context if there is to be a netlist.
pub struct Job<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its Verilog.
    pub design: &'a Design<'a>,
    /// What makes it, for a report.
    pub command: String,
    /// Where the placer starts, once for each.
    pub seeds: &'a [u64],
    /// How fast a clock must be, in MHz, by its name.
    pub speed: fn(&str) -> f64,
    /// It is not ours to mend: whatever synthesis finds, its figures are wanted, if there is a
    /// netlist at all.
    pub foreign: bool,
}

impl Job<'_> {
    /// Does it in `folder`, which is made, with `threads` placers at a time. A clock must be fast
    /// enough with every seed.
    ///
    /// # Errors
    /// A tool fails.
    pub fn run(
        &self,
        tools: &Tools,
        (folder, threads): (&Path, usize),
        progress: &dyn Progress,
    ) -> Result<Outcome, FlowError> {
        make_folder(folder)?;
        let stage = &mut |stage: &str| progress.stage(self.name, stage);
        let findings = synthesise(tools, self.design, folder, stage)?;
        let mut outcome = Outcome { name: self.name.to_owned(), findings, figures: None };
        let good = outcome.findings.is_empty() || self.foreign && folder.join(NETLIST).exists();
        if self.design.netlist && good {
            let placed = self.place(tools, (folder, threads), progress)?;
            if let Some(slowest) = placed.first() {
                match slowest.clocks.is_empty() {
                    true => outcome.findings.push(Finding::Untimed("the clock".to_owned())),
                    false => outcome
                        .findings
                        .extend(slowest.clocks.iter().filter_map(ClockSpeed::finding)),
                }
            }
            let middle = placed.into_iter().nth((self.seeds.len().max(1) - 1) / 2);
            outcome.figures = middle.map(|placed| self.figures(placed));
        }
        Ok(outcome)
    }

    /// A placement for every seed, the one with the least margin first.
    fn place(
        &self,
        tools: &Tools,
        (folder, threads): (&Path, usize),
        progress: &dyn Progress,
    ) -> Result<Vec<Placed>, FlowError> {
        let around = between_registers(&folder.join(NETLIST), &self.design.top)?;
        let clocks: Vec<_> =
            around.clocks.into_iter().map(|name| (name.clone(), (self.speed)(&name))).collect();
        let mut placed = each(self.seeds, threads, |seed| {
            let stage = &mut |stage: &str| progress.stage(self.name, stage);
            place(tools, folder, &Constraints::Block(&clocks), *seed, stage)
        })?;
        placed.iter_mut().for_each(|it| it.ff -= around.flip_flops);
        placed.sort_by(|a, b| a.margin().total_cmp(&b.margin()));
        Ok(placed)
    }

    fn figures(&self, placed: Placed) -> Figures {
        let (fmax_mhz, required_mhz) =
            placed.clocks.first().map_or((0.0, 0.0), |clock| (clock.fmax_mhz, clock.required_mhz));
        Figures {
            name: self.name.to_owned(),
            lut: placed.lut,
            ff: placed.ff,
            ebr: placed.ebr,
            dsp: placed.dsp,
            fmax_mhz,
            required_mhz,
            command: self.command.clone(),
            clocks: placed.clocks,
            critical_path: placed.path,
        }
    }
}
