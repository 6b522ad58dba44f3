//! One block by itself: its checks, its area, its speed.

use crate::clocks::required_mhz;
use crate::critical_path::CriticalPath;
use crate::error::{make_folder, FlowError};
use crate::netlist::between_registers;
use crate::placement::{place, ClockSpeed, Constraints};
use crate::runner::{each, Progress};
use crate::sources::{source, SOURCES};
use crate::synthesis::{synthesise, Design, Finding, NETLIST};
use crate::tools::Tools;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a circuit takes of the part, and how fast it is: an entry of `fpga/results.json`.
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

/// Checks the registered block `name` in `folder`, and synthesises and places it if `placed`.
///
/// # Errors
/// There is no such block, or a tool fails.
pub fn block(
    tools: &Tools,
    name: &str,
    placed: bool,
    folder: &Path,
    stage: &mut dyn FnMut(&str),
) -> Result<Outcome, FlowError> {
    let known = || SOURCES.iter().map(|source| source.name).collect();
    let unknown = || FlowError::UnknownBlock { name: name.to_owned(), known: known() };
    let source = source(name).ok_or_else(unknown)?;
    let design = Design { netlist: placed, ..Design::of_block(source.verilog) };
    let command = format!("./ironwarp fpga --block {name}");
    let job = Job { name, design: &design, command, speed: required_mhz, foreign: false };
    job.run(tools, folder, stage)
}

/// Does the registered blocks `names`, `threads` at a time; those that `placed` chooses are placed.
/// Those without findings leave nothing in `folder`.
///
/// # Errors
/// There is no such block, or a tool fails.
pub fn blocks(
    tools: &Tools,
    names: &[&str],
    placed: impl Fn(&str) -> bool + Sync,
    (folder, threads): (&Path, usize),
    progress: &dyn Progress,
) -> Result<Vec<Outcome>, FlowError> {
    // The longest ones first, so that no thread is alone at the end.
    let mut jobs = names.to_vec();
    jobs.sort_by_key(|name| std::cmp::Reverse(source(name).map_or(0, |it| it.verilog.len())));
    each(&jobs, threads, |name| {
        let folder = folder.join(name);
        let stage = &mut |stage: &str| progress.stage(name, stage);
        let outcome = block(tools, name, placed(name), &folder, stage)?;
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
    /// How fast a clock must be, in MHz, by its name.
    pub speed: fn(&str) -> f64,
    /// It is not ours to mend: whatever synthesis finds, its figures are wanted, if there is a
    /// netlist at all.
    pub foreign: bool,
}

impl Job<'_> {
    /// Does it in `folder`, which is made.
    ///
    /// # Errors
    /// A tool fails.
    pub fn run(
        &self,
        tools: &Tools,
        folder: &Path,
        stage: &mut dyn FnMut(&str),
    ) -> Result<Outcome, FlowError> {
        make_folder(folder)?;
        let findings = synthesise(tools, self.design, folder, stage)?;
        let mut outcome = Outcome { name: self.name.to_owned(), findings, figures: None };
        let good = outcome.findings.is_empty() || self.foreign && folder.join(NETLIST).exists();
        if self.design.netlist && good {
            let figures = self.place(tools, folder, stage)?;
            match figures.clocks.is_empty() {
                true => outcome.findings.push(Finding::Untimed("the clock".to_owned())),
                false => {
                    outcome.findings.extend(figures.clocks.iter().filter_map(ClockSpeed::finding))
                }
            }
            outcome.figures = Some(figures);
        }
        Ok(outcome)
    }

    fn place(
        &self,
        tools: &Tools,
        folder: &Path,
        stage: &mut dyn FnMut(&str),
    ) -> Result<Figures, FlowError> {
        let around = between_registers(&folder.join(NETLIST), &self.design.top)?;
        let clocks: Vec<_> =
            around.clocks.into_iter().map(|name| (name.clone(), (self.speed)(&name))).collect();
        let placed = place(tools, folder, &Constraints::Block(&clocks), 1, stage)?;
        let (fmax_mhz, required_mhz) =
            placed.clocks.first().map_or((0.0, 0.0), |clock| (clock.fmax_mhz, clock.required_mhz));
        Ok(Figures {
            name: self.name.to_owned(),
            lut: placed.lut,
            ff: placed.ff - around.flip_flops,
            ebr: placed.ebr,
            dsp: placed.dsp,
            fmax_mhz,
            required_mhz,
            command: self.command.clone(),
            clocks: placed.clocks,
            critical_path: placed.path,
        })
    }
}
