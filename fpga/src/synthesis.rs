//! Verilog to a netlist of the part's cells, and what must not be found on the way.
//!
//! ```text
//! read -> proc -> flatten ------> coarse -> map RAMs --------> flip-flops, LUTs -> netlist.json
//!            |       |                          |
//!         latches  check: loops, drivers     RAMs that are left would become flip-flops
//! ```

use crate::error::{read, write, FlowError};
use crate::tools::{run, Tools};
use std::fmt;
use std::path::Path;

/// The netlist, in the folder of a synthesis.
pub const NETLIST: &str = "netlist.json";

/// What a circuit must not have.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A latch: a kernel does not assign a signal in every case.
    Latch(String),
    /// A combinational loop, by its cells.
    Loop(String),
    /// A signal that nothing drives, or several do.
    Drivers(String),
    /// A memory that is to be a RAM and became flip-flops.
    FlipFlopRam(String),
    /// A clock that is slower than it must be.
    Slow {
        /// Its name.
        clock: String,
        /// What it reaches, in MHz.
        fmax_mhz: f64,
        /// What it must reach.
        required_mhz: f64,
    },
    /// No path between flip-flops of this clock was found, so its speed is not known.
    Untimed(String),
    /// Nothing says how fast this clock of a board must be.
    Unconstrained(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latch(name) => write!(f, "a latch: {name}"),
            Self::Loop(cells) => write!(f, "a combinational loop: {cells}"),
            Self::Drivers(what) => write!(f, "{what}"),
            Self::FlipFlopRam(name) => write!(f, "a RAM that became flip-flops: {name}"),
            Self::Slow { clock, fmax_mhz, required_mhz } => {
                write!(f, "{clock} reaches {fmax_mhz:.1} MHz of {required_mhz} MHz")
            }
            Self::Untimed(clock) => write!(f, "{clock} has no path that could be timed"),
            Self::Unconstrained(clock) => write!(f, "{clock} has no frequency to keep to"),
        }
    }
}

/// What to synthesise.
#[derive(Clone, Debug)]
pub struct Design<'a> {
    /// The Verilog files' texts, with their names.
    pub files: Vec<(String, &'a str)>,
    /// The top module.
    pub top: String,
    /// Parameters of the top module.
    pub parameters: Vec<(String, String)>,
    /// Make a netlist; without it, only what must not be found is looked for.
    pub netlist: bool,
}

impl<'a> Design<'a> {
    /// A block whose own module is called `top`.
    pub fn of_block(top: &str, verilog: &'a str) -> Self {
        Self {
            files: vec![("top.v".to_owned(), verilog)],
            top: top.to_owned(),
            parameters: Vec::new(),
            netlist: true,
        }
    }
}

/// Synthesises `design` in `folder`, which is there; the netlist, if it wants one, is [`NETLIST`].
///
/// The findings are all but [`Finding::Slow`].
///
/// # Errors
/// Yosys fails for another reason.
pub fn synthesise(
    tools: &Tools,
    design: &Design,
    folder: &Path,
    stage: &mut dyn FnMut(&str),
) -> Result<Vec<Finding>, FlowError> {
    for (name, text) in &design.files {
        write(&folder.join(name), text)?;
    }
    for list in [LATCHES, CHECK, MEMORIES] {
        write(&folder.join(list), "")?;
    }
    write(&folder.join("synthesis.ys"), script(design))?;
    // One of an earlier run is not this design's.
    match std::fs::remove_file(folder.join(NETLIST)) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            return Err(FlowError::file(&folder.join(NETLIST))(why));
        }
        _ => (),
    }
    let mut lists = Vec::new();
    let result = run(&tools.yosys, &["-s", "synthesis.ys"], folder, "yosys.log", &mut |line| {
        if let Some((_, pass)) = line.split_once("Executing ") {
            let pass = pass.split(" pass").next().unwrap_or(pass);
            stage(&format!("synthesis: {}", pass.trim_end_matches('.').to_lowercase()));
        }
        if let Some((_, memory)) = line.split_once("Warning: Replacing memory ") {
            let memory = memory.split(" with list of registers").next().unwrap_or(memory);
            lists.push(Finding::FlipFlopRam(memory.to_owned()));
        }
    });
    let mut findings = lists;
    lists_of(folder, &mut findings)?;
    // A latch, for one, makes synthesis fail.
    match result {
        Err(error) if findings.is_empty() => Err(error),
        _ => Ok(findings),
    }
}

const LATCHES: &str = "latches.txt";
const CHECK: &str = "check.txt";
const MEMORIES: &str = "memories.txt";

fn script(design: &Design) -> String {
    let mut script = String::new();
    for (name, _) in &design.files {
        script += &format!("read_verilog {name}\n");
    }
    let top = &design.top;
    for (name, value) in &design.parameters {
        script += &format!("chparam -set {name} {value} {top}\n");
    }
    script += &format!(
        "synth_ecp5 -top {top} -run begin:coarse\n\
         proc\n\
         tee -q -o {LATCHES} select -list t:$dlatch t:$adlatch t:$dlatchsr\n\
         flatten\n\
         opt_clean\n\
         tee -q -o {CHECK} check\n\
         synth_ecp5 -top {top} -run coarse:map_ffram\n\
         tee -q -o {MEMORIES} select -list t:$mem_v2 r:WR_PORTS>0 %i\n"
    );
    if design.netlist {
        script += &format!("synth_ecp5 -top {top} -run map_ffram: -json {NETLIST}\n");
    }
    script
}

/// What the lists that the script wrote say.
fn lists_of(folder: &Path, findings: &mut Vec<Finding>) -> Result<(), FlowError> {
    // `top/name`
    let name = |line: &str| line.split_once('/').map_or(line, |(_, name)| name).to_owned();
    let lines = |file: &str| read(&folder.join(file));
    findings.extend(lines(LATCHES)?.lines().map(name).map(Finding::Latch));
    findings.extend(lines(MEMORIES)?.lines().map(name).map(Finding::FlipFlopRam));
    findings.extend(in_check(&lines(CHECK)?));
    Ok(())
}

/// The warnings of Yosys's `check`; a loop's cells are in the indented lines after its own.
fn in_check(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in text.lines() {
        if let Some(warning) = line.strip_prefix("Warning: ") {
            let is_loop = warning.starts_with("found logic loop");
            let what = if is_loop { String::new() } else { warning.to_owned() };
            findings.push(if is_loop { Finding::Loop(what) } else { Finding::Drivers(what) });
        } else if let Some(Finding::Loop(cells)) = findings.last_mut() {
            let Some(cell) = line.trim().strip_prefix("cell ") else { continue };
            let comma = if cells.is_empty() { "" } else { ", " };
            *cells += &format!("{comma}{}", cell.split(' ').next().unwrap_or(cell));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_check_become_findings() {
        let text = "5. Executing CHECK pass (checking for obvious problems).\n\
                    Checking module top...\n\
                    Warning: found logic loop in module top:\n    \
                    cell $and$top.v:4$2 ($and) source: top.v:4.30-4.35\n      \
                    A[0] --> Y[0]\n    \
                    cell $xor$top.v:4$1 ($xor) source: top.v:4.12-4.17\n\
                    Warning: multiple conflicting drivers for top.\\x:\n    \
                    port Y[0] of cell a\n\
                    Found and reported 2 problems.\n";
        let cells = "$and$top.v:4$2, $xor$top.v:4$1".to_owned();
        let drivers = "multiple conflicting drivers for top.\\x:".to_owned();
        assert_eq!(in_check(text), [Finding::Loop(cells), Finding::Drivers(drivers)]);
    }
}
