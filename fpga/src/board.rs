//! A whole device with its pins: from the RTL to a bitstream.

use crate::block::Figures;
use crate::clocks;
use crate::error::{make_folder, FlowError};
use crate::placement::{place, seed_options, Constraints, Placed};
use crate::runner::{each, Progress};
use crate::synthesis::{synthesise, Design, Finding};
use crate::tools::{run, Tools};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A board that the RNIC runs on.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Its name, and that of its top in the registry of blocks.
    pub name: &'static str,
    /// Its pins, as a Lattice preference file.
    pub constraints: &'static str,
}

/// Every board.
pub static BOARDS: &[Board] =
    &[Board { name: "ecpix5", constraints: include_str!("../ecpix5/ecpix5.lpf") }];

/// What one seed of the placer led to: an entry of `fpga/results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// Where the placer started.
    pub seed: u64,
    /// How fast the clocks are, the one with the least margin first.
    pub clocks: Vec<crate::placement::ClockSpeed>,
    /// All clocks are as fast as they must be.
    pub met: bool,
}

/// A device that was placed: an entry of `fpga/results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whole {
    /// The figures of the seed with the least margin.
    #[serde(flatten)]
    pub figures: Figures,
    /// Every seed that was tried.
    pub seeds: Vec<Seed>,
}

/// What came of a board.
#[derive(Clone, Debug)]
pub struct Built {
    /// What is wrong, with the seed that showed it if it is a clock.
    pub findings: Vec<(Option<u64>, Finding)>,
    /// What was placed; nothing if synthesis had findings.
    pub whole: Option<Whole>,
    /// Bitstreams, of the seeds that met all clocks.
    pub bitstreams: Vec<PathBuf>,
}

/// Builds `design` with the pins of `constraints` once for every seed, in `folder`, which is made.
///
/// # Errors
/// A tool fails, or the design does not fit.
pub fn build(
    tools: &Tools,
    name: &str,
    (design, constraints): (&Design, &str),
    seeds: &[u64],
    (folder, threads): (&Path, usize),
    progress: &dyn Progress,
) -> Result<Built, FlowError> {
    make_folder(folder)?;
    let found = synthesise(tools, design, folder, &mut |stage| progress.stage(name, stage))?;
    progress.done(name);
    let mut built = Built {
        findings: found.into_iter().map(|finding| (None, finding)).collect(),
        whole: None,
        bitstreams: Vec::new(),
    };
    if !built.findings.is_empty() {
        return Ok(built);
    }
    let placed = each(seeds, threads, |seed| {
        let job = format!("{name}, seed {seed}");
        let constraints = Constraints::Board(constraints);
        let stage = &mut |stage: &str| progress.stage(&job, stage);
        let placed = place(tools, folder, &constraints, *seed, stage)?;
        let findings = judge(&placed);
        let bitstream = match findings.is_empty() {
            true => {
                stage("packing");
                Some(pack(tools, folder, *seed)?)
            }
            false => None,
        };
        progress.done(&job);
        Ok::<_, FlowError>((*seed, placed, findings, bitstream))
    })?;
    let mut tried = Vec::new();
    for (seed, placed, findings, bitstream) in placed {
        let met = findings.is_empty();
        built.findings.extend(findings.into_iter().map(|finding| (Some(seed), finding)));
        built.bitstreams.extend(bitstream);
        tried.push((Seed { seed, clocks: placed.clocks.clone(), met }, placed));
    }
    built.whole = whole(name, tried);
    Ok(built)
}

/// Clocks that are too slow, or that nothing says how fast they must be.
fn judge(placed: &Placed) -> Vec<Finding> {
    let known = [clocks::CORE_MHZ, clocks::LINE_MHZ, clocks::OSCILLATOR_MHZ];
    let constrained = |mhz: f64| known.iter().any(|known| (known - mhz).abs() < known * 0.01);
    let strange = placed.clocks.iter().filter(|clock| !constrained(clock.required_mhz));
    let unconstrained = strange.map(|clock| Finding::Unconstrained(clock.name.clone()));
    let slow = placed.clocks.iter().filter_map(|clock| clock.finding());
    let none = placed.clocks.is_empty().then(|| Finding::Untimed("the board".to_owned()));
    unconstrained.chain(slow).chain(none).collect()
}

fn pack(tools: &Tools, folder: &Path, seed: u64) -> Result<PathBuf, FlowError> {
    let [config, bit, svf, log] =
        ["config", "bit", "svf", "ecppack.log"].map(|kind| format!("seed-{seed}.{kind}"));
    let arguments = ["--compress", "--input", &config, "--bit", &bit, "--svf", &svf];
    run(&tools.ecppack, &arguments, folder, &log, &mut |_| ())?;
    Ok(folder.join(bit))
}

fn whole(name: &str, mut tried: Vec<(Seed, Placed)>) -> Option<Whole> {
    let seeds: Vec<u64> = tried.iter().map(|(seed, _)| seed.seed).collect();
    let command = format!("./ironwarp fpga {name}{}", seed_options(&seeds));
    tried.sort_by(|(_, a), (_, b)| a.margin().total_cmp(&b.margin()));
    let (_, worst) = tried.first()?;
    let first = worst.clocks.first();
    let figures = Figures {
        name: name.to_owned(),
        lut: worst.lut,
        ff: worst.ff,
        ebr: worst.ebr,
        dsp: worst.dsp,
        fmax_mhz: first.map_or(0.0, |clock| clock.fmax_mhz),
        required_mhz: first.map_or(0.0, |clock| clock.required_mhz),
        command,
        clocks: worst.clocks.clone(),
        critical_path: worst.path.clone(),
    };
    let mut seeds: Vec<_> = tried.into_iter().map(|(seed, _)| seed).collect();
    seeds.sort_by_key(|seed| seed.seed);
    Some(Whole { figures, seeds })
}
