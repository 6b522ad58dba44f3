//! What more objects cost: blocks of several configurations beside each other, by synthesis alone.
//!
//! A configuration that no board here can hold is synthesised all the same; it is not placed, so
//! there are no clocks, and the figures are what synthesis counts.

use crate::error::{make_folder, read, FlowError};
use crate::runner::{each, Progress};
use crate::sources::GROWTH;
use crate::synthesis::{synthesise, Design, NETLIST};
use crate::tools::Tools;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// A block of a configuration: an entry of `fpga/results.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grown {
    /// The block's name.
    pub block: String,
    /// The configuration's.
    pub configuration: String,
    /// 4-input LUTs of logic, of carry chains and of distributed RAM.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of 18 Kbit.
    pub ebr: u64,
}

/// A cell of the part, and how many LUTs it takes.
const LUTS_OF_CELL: &[(&str, u64)] = &[("LUT4", 1), ("CCU2C", 2), ("TRELLIS_DPR16X4", 4)];

/// Synthesises every block whose growth is shown, in each configuration, `threads` at a time.
///
/// # Errors
/// A tool fails, or a block has a finding.
pub fn growth(
    tools: &Tools,
    (folder, threads): (&Path, usize),
    progress: &dyn Progress,
) -> Result<Vec<Grown>, FlowError> {
    // The longest ones first, so that no thread is alone at the end.
    let mut jobs: Vec<_> = (0..GROWTH.len()).collect();
    jobs.sort_by_key(|n| std::cmp::Reverse(GROWTH[*n].1.verilog.len()));
    let mut grown = each(&jobs, threads, |n| {
        let (configuration, source) = &GROWTH[*n];
        let name = format!("{}-{configuration}", source.name);
        let folder = folder.join(&name);
        make_folder(&folder)?;
        let design = Design::of_block(source.top, source.verilog);
        let stage = &mut |stage: &str| progress.stage(&name, stage);
        let found = synthesise(tools, &design, &folder, stage)?;
        if let Some(finding) = found.first() {
            return Err(FlowError::content(&folder, finding));
        }
        let netlist = folder.join(NETLIST);
        let content = serde_json::from_str(&read(&netlist)?);
        let content: Value = content.map_err(|why| FlowError::content(&netlist, why))?;
        let counted = count(&content["modules"][source.top]["cells"]);
        std::fs::remove_dir_all(&folder).map_err(FlowError::file(&folder))?;
        progress.done(&name);
        let (block, configuration) = (source.name.to_owned(), (*configuration).to_owned());
        Ok::<_, FlowError>((*n, Grown { block, configuration, ..counted }))
    })?;
    grown.sort_by_key(|(n, _)| *n);
    Ok(grown.into_iter().map(|(_, grown)| grown).collect())
}

/// What cells of a netlist take.
fn count(cells: &Value) -> Grown {
    let mut grown = Grown::default();
    for cell in cells.as_object().into_iter().flat_map(|cells| cells.values()) {
        let kind = cell["type"].as_str().unwrap_or_default();
        grown.lut += LUTS_OF_CELL.iter().find(|(name, _)| *name == kind).map_or(0, |(_, n)| *n);
        grown.ff += u64::from(kind == "TRELLIS_FF");
        grown.ebr += u64::from(kind == "DP16KD");
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_counted_as_what_they_take() {
        let kinds = ["LUT4", "LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "DP16KD", "PFUMX"];
        let cells: serde_json::Map<_, _> =
            (0..).zip(kinds).map(|(n, kind)| (format!("{n}"), json!({ "type": kind }))).collect();
        let expected = Grown { lut: 8, ff: 1, ebr: 1, ..Grown::default() };
        assert_eq!(count(&Value::Object(cells)), expected);
    }

    /// Each block of one configuration stands beside the same of the others.
    #[test]
    fn every_configuration_has_every_block() {
        let names = |wanted: &str| -> Vec<_> {
            let of = GROWTH.iter().filter(|(configuration, _)| *configuration == wanted);
            of.map(|(_, source)| source.name).collect()
        };
        assert!(names("board").len() > 4 && names("board") == names("reference"));
    }
}
