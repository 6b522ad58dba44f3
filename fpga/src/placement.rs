//! A netlist's cells get places and wires; how fast the result is.

use crate::critical_path::{self, CriticalPath};
use crate::error::{read, write, FlowError};
use crate::part::PART_ARGUMENTS;
use crate::synthesis::{Finding, NETLIST};
use crate::tools::{run, Tools};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// What a placement must keep to.
#[derive(Clone, Debug)]
pub enum Constraints<'a> {
    /// The pins and clocks of a board, as a Lattice preference file.
    Board(&'a str),
    /// A block out of context, with the names of its clocks and their frequencies in MHz.
    Block(&'a [(String, f64)]),
}

/// A clock of a placed design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockSpeed {
    /// The name of its net.
    pub name: String,
    /// The highest frequency at which all its paths hold, in MHz.
    pub fmax_mhz: f64,
    /// The frequency that it must have.
    pub required_mhz: f64,
}

impl ClockSpeed {
    /// How much faster than required it is: 1 is just enough.
    pub fn margin(&self) -> f64 {
        self.fmax_mhz / self.required_mhz
    }

    /// What is wrong with it, if anything.
    pub fn finding(&self) -> Option<Finding> {
        let Self { name, fmax_mhz, required_mhz } = self.clone();
        (self.margin() < 1.0).then_some(Finding::Slow { clock: name, fmax_mhz, required_mhz })
    }
}

/// What a placed design takes of the part, and how fast it is.
#[derive(Clone, Debug)]
pub struct Placed {
    /// LUTs: those of logic, of carry chains and of distributed RAM (`TRELLIS_COMB`).
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub ebr: u64,
    /// Multipliers.
    pub dsp: u64,
    /// Its clocks, the one with the least margin first.
    pub clocks: Vec<ClockSpeed>,
    /// The longest path of the first clock.
    pub path: Option<CriticalPath>,
}

impl Placed {
    /// How much faster than required the clock with the least margin is; 0 without a clock.
    pub fn margin(&self) -> f64 {
        self.clocks.first().map_or(0.0, ClockSpeed::margin)
    }
}

/// The options of the command line that stand for `seeds`; nothing for the one seed that is used
/// when nothing is said.
pub fn seed_options(seeds: &[u64]) -> String {
    match seeds {
        [] | [1] => String::new(),
        [seed] => format!(" --seed {seed}"),
        all => format!(" --seeds {}", all.len()),
    }
}

/// Places and routes [`NETLIST`] in `folder`; a board's configuration is `seed-N.config`. Clocks
/// may be too slow: see [`ClockSpeed::finding`].
///
/// # Errors
/// The design does not fit, cannot be routed, or nextpnr fails for another reason.
pub fn place(
    tools: &Tools,
    folder: &Path,
    constraints: &Constraints,
    seed: u64,
    stage: &mut dyn FnMut(&str),
) -> Result<Placed, FlowError> {
    let [report, log, preferences, configuration] =
        ["json", "log", "lpf", "config"].map(|kind| format!("seed-{seed}.{kind}"));
    let number = seed.to_string();
    let mut arguments = PART_ARGUMENTS.to_vec();
    arguments.extend(["--json", NETLIST, "--seed", &number, "--report", &report]);
    // The report says what is too slow.
    arguments.extend(["--lpf", &preferences, "--timing-allow-fail"]);
    let text = match constraints {
        Constraints::Board(text) => {
            arguments.extend(["--textcfg", &configuration]);
            // The default router takes hours over the wires that a whole board fights for; for a
            // block, it is better. This one would send late wires on long ways round.
            arguments.extend(["--router", "router2", "--tmg-ripup"]);
            (*text).to_owned()
        }
        Constraints::Block(clocks) => {
            arguments.extend(["--out-of-context", "--lpf-allow-unconstrained"]);
            let line = |(name, mhz): &(_, _)| format!("FREQUENCY NET \"{name}\" {mhz} MHZ;\n");
            clocks.iter().map(line).collect()
        }
    };
    write(&folder.join(&preferences), text)?;
    run(&tools.nextpnr, &arguments, folder, &log, &mut |line| {
        if let Some(what) = stage_of(line) {
            stage(what);
        }
    })?;
    let report = folder.join(report);
    let content: Value =
        serde_json::from_str(&read(&report)?).map_err(|why| FlowError::content(&report, why))?;
    of_report(&content)
        .ok_or_else(|| FlowError::content(&report, "nextpnr's report has another form"))
}

/// The stage that a line of nextpnr's begins.
fn stage_of(line: &str) -> Option<&'static str> {
    const STAGES: &[(&str, &str)] = &[
        ("Info: Packing", "placement: packing"),
        ("Info: Creating initial", "placement: first places"),
        ("Info: Running main", "placement: analytical"),
        ("Info: Running simulated", "placement: refinement"),
        ("Info: Routing", "routing"),
        ("Info: Critical path", "timing"),
    ];
    STAGES.iter().find(|(start, _)| line.starts_with(start)).map(|(_, stage)| *stage)
}

fn of_report(report: &Value) -> Option<Placed> {
    let used = |cell: &str| report["utilization"][cell]["used"].as_u64();
    let mut clocks = Vec::new();
    for (net, speed) in report["fmax"].as_object()? {
        let name = clock_name(net).to_owned();
        let mhz = |what: &str| speed[what].as_f64().map(hundredths);
        let (fmax_mhz, required_mhz) = (mhz("achieved")?, mhz("constraint")?);
        clocks.push(ClockSpeed { name, fmax_mhz, required_mhz });
    }
    clocks.sort_by(|a, b| a.margin().total_cmp(&b.margin()));
    let paths = report["critical_paths"].as_array()?;
    let path = clocks.first().and_then(|clock| critical_path::of(paths, &clock.name));
    Some(Placed {
        lut: used("TRELLIS_COMB")?,
        ff: used("TRELLIS_FF")?,
        ebr: used("DP16KD")?,
        dsp: used("MULT18X18D")?,
        clocks,
        path,
    })
}

/// Rounded to what is worth writing down.
pub(crate) fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// A clock's name without nextpnr's mark of global nets.
pub(crate) fn clock_name(net: &str) -> &str {
    net.strip_prefix("$glbnet$").unwrap_or(net).trim_end_matches("$TRELLIS_IO_IN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_is_read_and_its_slowest_clock_is_first() {
        let used = |n: u64| json!({"available": 100, "used": n});
        let report = json!({
            "fmax": {
                "$glbnet$core": {"achieved": 80.0, "constraint": 62.5},
                "$glbnet$line": {"achieved": 120.0, "constraint": 125.0},
            },
            "utilization": {
                "TRELLIS_COMB": used(7), "TRELLIS_FF": used(6), "DP16KD": used(5),
                "MULT18X18D": used(4),
            },
            "critical_paths": [],
        });
        let placed = of_report(&report).unwrap();
        assert_eq!((placed.lut, placed.ff, placed.ebr, placed.dsp), (7, 6, 5, 4));
        let names: Vec<_> = placed.clocks.iter().map(|clock| clock.name.as_str()).collect();
        assert_eq!(names, ["line", "core"]);
        let told = placed.clocks[0].finding().unwrap().to_string();
        assert_eq!(told, "line reaches 120.0 MHz of 125 MHz");
        assert_eq!(placed.clocks[1].finding(), None);
        assert!(of_report(&json!({"fmax": {}})).is_none());
    }
}
