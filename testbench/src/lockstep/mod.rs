//! Runs a block three ways on one stimulus: as RustHDL, as its Verilog, and as a Rust model.
//!
//! RustHDL's Verilog can differ from its Rust in silence. So every leaf block is driven with seeded
//! stimulus in RustHDL (stepped with `simulate()`, never its threaded `Simulation`) and in
//! Verilator, and every output is compared before and after every clock edge. A [`Reference`]
//! says besides whether both are *right*.
//!
//! The first difference fails with the block, the clock, the port, both values, and the one line
//! that replays it. The replay can write waveforms of both sides:
//!
//! ```text
//! BLOCK=byte_packer SEED=3 IRONWARP_WAVE=waves cargo test -p ironwarp-testbench --test lockstep
//! ```

mod of_board;
mod pins;
mod run;
mod sides;
mod stimulus;

pub use of_board::of_board;
pub use pins::Pins;
pub use stimulus::{Choice, Noise, Stimulus, Traffic};

use ironwarp_hdl::blocks::BlockEntry;
use std::fmt;
use std::path::PathBuf;

/// What a block should do, in plain Rust.
pub trait Reference {
    /// The state of all ports as a clock edge comes: inputs as driven, outputs as both sides agree
    /// on them. The error says what should have been.
    fn clock(&mut self, pins: &Pins) -> Result<(), String>;
    /// The run is over: says what is missing.
    fn finish(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Two sides differ, or both are wrong.
#[derive(Debug)]
pub struct Difference {
    /// The block.
    pub block: &'static str,
    /// The clock, counted from 0.
    pub clock: u64,
    /// What differs and how.
    pub what: String,
    /// What chose the stimulus.
    pub seed: u64,
    /// The test that found it, as Cargo's arguments.
    pub test: &'static str,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, clock, what, seed, test } = self;
        write!(
            f,
            "block {block}, clock {clock}: {what}\nreplay: BLOCK={block} SEED={seed} \
             IRONWARP_WAVE=waves cargo test -p ironwarp-testbench {test}"
        )
    }
}

impl std::error::Error for Difference {}

/// One run of one block.
pub struct Lockstep {
    entry: BlockEntry,
    seed: u64,
    clocks: u64,
    test: &'static str,
    waves: Option<PathBuf>,
}

impl Lockstep {
    /// A run of `entry` with the stimulus that `seed` chooses. `test` is what to give to
    /// `cargo test` to run this again, such as `--test lockstep`.
    pub fn new(entry: BlockEntry, seed: u64, test: &'static str) -> Self {
        let waves = std::env::var_os("IRONWARP_WAVE").filter(|dir| !dir.is_empty());
        Self { entry, seed, clocks: 1000, test, waves: waves.map(PathBuf::from) }
    }

    /// Runs for this many clocks instead of 1,000.
    pub fn clocks(mut self, clocks: u64) -> Self {
        self.clocks = clocks;
        self
    }

    /// Runs the block on both sides.
    ///
    /// # Errors
    /// The first difference.
    pub fn run(&self, stimulus: &mut dyn Stimulus) -> Result<(), Difference> {
        self.run_against(stimulus, &mut NoReference)
    }

    /// Runs the block on both sides and against `reference`.
    ///
    /// # Errors
    /// The first difference.
    pub fn run_against(
        &self,
        stimulus: &mut dyn Stimulus,
        reference: &mut dyn Reference,
    ) -> Result<(), Difference> {
        run::run(self, stimulus, reference).map_err(|(clock, what)| Difference {
            block: self.entry.name,
            clock,
            what,
            seed: self.seed,
            test: self.test,
        })
    }
}

/// Nothing is wrong as long as both sides agree.
struct NoReference;

impl Reference for NoReference {
    fn clock(&mut self, _: &Pins) -> Result<(), String> {
        Ok(())
    }
}

/// The seeds of a test: the one in `SEED`, or `count` of them from 0.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

/// The block in `BLOCK` if that is set and among these, or all of them.
pub fn chosen(blocks: Vec<BlockEntry>) -> Vec<BlockEntry> {
    let only = std::env::var("BLOCK").ok();
    blocks.into_iter().filter(|b| only.as_deref().is_none_or(|name| name == b.name)).collect()
}

/// Every leaf block: those of the RTL and those of the board.
pub fn blocks() -> Vec<BlockEntry> {
    let board = ironwarp_ecpix5::blocks().into_iter().map(of_board);
    ironwarp_hdl::blocks().into_iter().chain(board).collect()
}

/// The block called `name`.
///
/// # Panics
/// When there is none.
pub fn block(name: &str) -> BlockEntry {
    let found = blocks().into_iter().find(|entry| entry.name == name);
    found.unwrap_or_else(|| panic!("no block is called {name}"))
}
