//! `fpga/results.json`: the figures that are committed.

use crate::block::Figures;
use crate::board::Whole;
use crate::error::{read, write, FlowError};
use crate::growth::Grown;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The part.
    pub part: String,
    /// The tools and their versions.
    pub tools: Vec<String>,
    /// Whole devices with their pins.
    pub whole: Vec<Whole>,
    /// Blocks out of context, between flip-flops at all ports.
    pub blocks: Vec<Figures>,
    /// The same blocks of several configurations.
    #[serde(default)]
    pub growth: Vec<Grown>,
    /// Functional units beside those of public cores.
    pub comparison: Vec<Comparison>,
}

/// A block of ours and a public core of the same function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What both do, and at which width.
    pub function: String,
    /// What one of them does and the other does not.
    pub remark: String,
    /// Ours.
    pub ours: Figures,
    /// The public core, by the same tools in the same surroundings.
    pub theirs: Figures,
}

impl Comparison {
    /// Our area and speed as multiples of theirs.
    pub fn beside(&self) -> String {
        let area = self.ours.lut as f64 / self.theirs.lut as f64;
        let speed = self.ours.fmax_mhz / self.theirs.fmax_mhz;
        format!("{area:.2} of the LUTs, {speed:.2} of the Fmax")
    }
}

impl Results {
    /// Where they are.
    pub fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("results.json")
    }

    /// Where the page that shows them is.
    pub fn page_path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fpga.md")
    }

    /// Those that are committed.
    ///
    /// # Errors
    /// The file cannot be read, or has another form.
    pub fn load() -> Result<Self, FlowError> {
        let path = Self::path();
        serde_json::from_str(&read(&path)?).map_err(|why| FlowError::content(&path, why))
    }

    /// Writes them, and the page.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self) -> Result<(), FlowError> {
        let path = Self::path();
        let text =
            serde_json::to_string_pretty(self).map_err(|why| FlowError::content(&path, why))?;
        write(&path, text + "\n")?;
        write(&Self::page_path(), crate::page::page(self))
    }

    /// Takes over what was measured of blocks. If it was `all` blocks, others are forgotten.
    pub fn take_blocks(&mut self, figures: Vec<Figures>, all: bool) {
        self.blocks.retain(|old| !all && figures.iter().all(|new| new.name != old.name));
        self.blocks.extend(figures);
        self.blocks.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Takes over a whole device.
    pub fn take_whole(&mut self, whole: Whole) {
        self.whole.retain(|old| old.figures.name != whole.figures.name);
        self.whole.push(whole);
    }

    /// Takes over a comparison; one with the same core is replaced.
    pub fn take_comparison(&mut self, comparison: Comparison) {
        let same = |old: &mut Comparison| old.theirs.name == comparison.theirs.name;
        match self.comparison.iter_mut().find_map(|old| same(old).then_some(old)) {
            Some(old) => *old = comparison,
            None => self.comparison.push(comparison),
        }
    }
}
