//! The command line: from the RTL to a bitstream, and numbers per block.

use clap::{ArgGroup, Parser};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use ironwarp_fpga::block::{block, blocks, Figures, Job, Outcome};
use ironwarp_fpga::board::{build, Board, Built, BOARDS};
use ironwarp_fpga::clocks::{required_mhz, ENGINES};
use ironwarp_fpga::growth::growth;
use ironwarp_fpga::part::PART;
use ironwarp_fpga::placement::seed_options;
use ironwarp_fpga::results::{Comparison, Results};
use ironwarp_fpga::runner::Progress;
use ironwarp_fpga::sources::{source, SOURCES};
use ironwarp_fpga::synthesis::Design;
use ironwarp_fpga::tools::Tools;
use ironwarp_fpga::FlowError;
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Makes a bitstream with open tools, or measures blocks out of context.
#[derive(Parser, Clone, Debug)]
#[command(name = "ironwarp fpga", version, max_term_width = 100)]
#[command(group(ArgGroup::new("what").required(true)))]
pub struct Options {
    /// Make a bitstream for this board
    #[arg(group = "what")]
    board: Option<String>,
    /// Measure one block out of context
    #[arg(long, group = "what", value_name = "NAME")]
    block: Option<String>,
    /// Check every block, and measure the engines
    #[arg(long, group = "what")]
    blocks: bool,
    /// Synthesise the engines with few objects and with many
    #[arg(long, group = "what")]
    growth: bool,
    /// Measure a module of other Verilog in the same way
    #[arg(long, group = "what", value_name = "FILE", num_args = 1.., requires = "top")]
    verilog: Vec<PathBuf>,
    /// With --blocks: measure every block, not only the engines
    #[arg(long, requires = "blocks")]
    all: bool,
    /// With --verilog: the module
    #[arg(long, requires = "verilog", value_name = "MODULE")]
    top: Option<String>,
    /// With --verilog: parameters of the module
    #[arg(long = "set", requires = "verilog", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// With --verilog and --write-results: the block that does the same
    #[arg(long, requires = "verilog", value_name = "BLOCK")]
    against: Option<String>,
    /// With --against: what both do
    #[arg(long, requires = "against", default_value = "", value_name = "TEXT")]
    function: String,
    /// With --against: what the module does more or less than the block
    #[arg(long, requires = "against", default_value = "", value_name = "TEXT")]
    remark: String,
    /// Where the placer starts
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "seeds")]
    seed: u64,
    /// Place and route so many times, with seeds from 1 on: all must meet their clocks; of a block,
    /// the figures are those of the seed in the middle
    #[arg(long, value_name = "COUNT")]
    seeds: Option<NonZeroU64>,
    /// The folder for everything that the tools write
    #[arg(long, default_value = "target/fpga", value_name = "DIR")]
    out: PathBuf,
    /// Tools that run at a time [default: the cores of this machine]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Put the figures into fpga/results.json and docs/fpga.md
    #[arg(long)]
    write_results: bool,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The flow did not come to its end.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// No such board.
    #[error("no board is called {0}; there are: {known}", known = board_names())]
    UnknownBoard(String),
    /// A parameter that is not `NAME=VALUE`.
    #[error("{0} is not NAME=VALUE")]
    Parameter(String),
    /// Circuits with findings, which were printed.
    #[error("{0} findings")]
    Findings(usize),
}

fn board_names() -> String {
    BOARDS.iter().map(|board| board.name).collect::<Vec<_>>().join(", ")
}

/// Does what the options say.
///
/// # Errors
/// A tool fails, or a circuit is not what it must be; that is printed.
pub fn run(options: &Options) -> Result<(), Error> {
    let tools = Tools::find()?;
    let folder = std::path::absolute(&options.out).unwrap_or_else(|_| options.out.clone());
    let run = Run { options, tools, folder, bars: Bars::default() };
    if let Some(name) = &options.board {
        let known = BOARDS.iter().find(|board| board.name == name.as_str());
        run.board(known.ok_or_else(|| Error::UnknownBoard(name.clone()))?)
    } else if options.blocks {
        run.blocks()
    } else if options.growth {
        run.growth()
    } else if let Some(name) = &options.block {
        run.block(name)
    } else {
        run.verilog()
    }
}

struct Run<'a> {
    options: &'a Options,
    tools: Tools,
    folder: PathBuf,
    bars: Bars,
}

impl Run<'_> {
    fn board(&self, board: &Board) -> Result<(), Error> {
        let unknown = || Error::UnknownBoard(board.name.to_owned());
        let source = source(board.name).ok_or_else(unknown)?;
        let design = Design::of_block(source.top, source.verilog);
        let folder = self.folder.join(board.name);
        let what = (&design, board.constraints);
        let place = (folder.as_path(), self.threads());
        let built = build(&self.tools, board.name, what, &self.seeds(), place, &self.bars)?;
        self.bars.clear();
        self.report_board(built)
    }

    fn report_board(&self, built: Built) -> Result<(), Error> {
        if let Some(whole) = &built.whole {
            self.print(&whole.figures);
            for seed in &whole.seeds {
                for clock in &seed.clocks {
                    let (name, fmax, must) = (&clock.name, clock.fmax_mhz, clock.required_mhz);
                    println!("seed {}: {name} {fmax:.1} MHz of {must} MHz", seed.seed);
                }
            }
        }
        built.bitstreams.iter().for_each(|file| println!("bitstream: {}", file.display()));
        for (seed, finding) in &built.findings {
            let seed = seed.map(|seed| format!("seed {seed}: ")).unwrap_or_default();
            println!("{seed}{finding}");
        }
        self.write(|results| {
            built.whole.into_iter().for_each(|whole| results.take_whole(whole));
        })?;
        judged(built.findings.len())
    }

    fn block(&self, name: &str) -> Result<(), Error> {
        let outcome = self.measure(name)?;
        self.report(&[outcome], false)
    }

    /// Places a registered block.
    fn measure(&self, name: &str) -> Result<Outcome, Error> {
        let place = (self.folder.join(name), self.threads());
        let outcome = block(&self.tools, name, &self.seeds(), (&place.0, place.1), &self.bars)?;
        self.bars.clear();
        Ok(outcome)
    }

    fn blocks(&self) -> Result<(), Error> {
        // A board is built as a whole, with its pins.
        let is_board = |name: &str| BOARDS.iter().any(|board| board.name == name);
        let names: Vec<_> =
            SOURCES.iter().map(|it| it.name).filter(|it| *it != "rnic" && !is_board(it)).collect();
        let seeds = self.seeds();
        let placed = |name: &str| self.options.all || ENGINES.contains(&name);
        let seeds = |name: &str| if placed(name) { &seeds[..] } else { &[] };
        let place = (self.folder.as_path(), self.threads());
        let outcomes = blocks(&self.tools, &names, seeds, place, &self.bars)?;
        self.bars.clear();
        println!("{} blocks", outcomes.len());
        self.report(&outcomes, self.options.all)
    }

    fn growth(&self) -> Result<(), Error> {
        let place = (self.folder.as_path(), self.threads());
        let grown = growth(&self.tools, place, &self.bars)?;
        self.bars.clear();
        for it in &grown {
            let (lut, ff, ebr) = (it.lut, it.ff, it.ebr);
            println!("{} of {}: lut {lut}, ff {ff}, ebr {ebr}", it.block, it.configuration);
        }
        self.write(|results| results.growth = grown)
    }

    fn verilog(&self) -> Result<(), Error> {
        let top = self.options.top.clone().unwrap_or_default();
        let mut texts = Vec::new();
        for path in &self.options.verilog {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let file = |source| FlowError::File { path: path.clone(), source };
            texts.push((name, std::fs::read_to_string(path).map_err(file)?));
        }
        let mut parameters = Vec::new();
        for text in &self.options.parameters {
            let (name, value) =
                text.split_once('=').ok_or_else(|| Error::Parameter(text.clone()))?;
            parameters.push((name.to_owned(), value.to_owned()));
        }
        let files: Vec<_> =
            texts.iter().map(|(name, text)| (name.clone(), text.as_str())).collect();
        let seeds = &self.seeds()[..];
        let mut command = String::from("./ironwarp fpga --verilog");
        files.iter().for_each(|(name, _)| command += &format!(" {name}"));
        command += &format!(" --top {top}");
        self.options.parameters.iter().for_each(|it| command += &format!(" --set {it}"));
        command += &seed_options(seeds);
        let design = Design { files, top: top.clone(), parameters, netlist: true };
        let speed = required_mhz;
        let job = Job { name: &top, design: &design, command, seeds, speed, foreign: true };
        let outcome =
            job.run(&self.tools, (&self.folder.join(&top), self.threads()), &self.bars)?;
        self.bars.clear();
        self.compare(&outcome)?;
        let judgement = self.report(std::slice::from_ref(&outcome), false);
        match judgement {
            // They are for its makers to mend, and it was measured all the same.
            Err(Error::Findings(_)) if outcome.figures.is_some() => Ok(()),
            judgement => judgement,
        }
    }

    /// Puts a module beside our block of the same function.
    fn compare(&self, outcome: &Outcome) -> Result<(), Error> {
        let (Some(against), Some(theirs)) = (&self.options.against, &outcome.figures) else {
            return Ok(());
        };
        let ours = self.measure(against)?;
        let Some(ours) = ours.figures else { return Ok(()) };
        self.print(&ours);
        let (function, remark) = (self.options.function.clone(), self.options.remark.clone());
        let comparison = Comparison { function, remark, ours, theirs: theirs.clone() };
        println!("{against} has {}", comparison.beside());
        self.write(|results| results.take_comparison(comparison))
    }

    /// Prints what was measured and found, and keeps the figures of registered blocks.
    fn report(&self, outcomes: &[Outcome], all: bool) -> Result<(), Error> {
        let figures: Vec<_> = outcomes.iter().filter_map(|it| it.figures.clone()).collect();
        figures.iter().for_each(|it| self.print(it));
        for outcome in outcomes {
            outcome.findings.iter().for_each(|finding| println!("{}: {finding}", outcome.name));
        }
        let ours = |it: &Figures| source(&it.name).is_some();
        self.write(|results| {
            results.take_blocks(figures.into_iter().filter(ours).collect(), all);
        })?;
        judged(outcomes.iter().map(|outcome| outcome.findings.len()).sum())
    }

    fn print(&self, it: &Figures) {
        let Figures { name, lut, ff, ebr, dsp, fmax_mhz, required_mhz, .. } = it;
        println!(
            "{name}: lut {lut}, ff {ff}, ebr {ebr}, dsp {dsp}, fmax {fmax_mhz:.1} MHz of \
             {required_mhz} MHz"
        );
        if let Some(path) = &it.critical_path {
            let stations = path.stations.join(" -> ");
            let (logic, routing) = (path.logic_ns, path.routing_ns);
            println!("  {stations}: {} cells, {logic} + {routing} ns", path.cells);
        }
    }

    fn write(&self, change: impl FnOnce(&mut Results)) -> Result<(), Error> {
        if self.options.write_results {
            let mut results = Results::load()?;
            results.part = PART.to_owned();
            results.tools = self.tools.versions().to_vec();
            change(&mut results);
            results.save()?;
        }
        Ok(())
    }

    fn seeds(&self) -> Vec<u64> {
        match self.options.seeds {
            Some(count) => (1..=count.get()).collect(),
            None => vec![self.options.seed],
        }
    }

    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.options.threads.unwrap_or_else(cores)
    }
}

fn judged(findings: usize) -> Result<(), Error> {
    match findings {
        0 => Ok(()),
        count => Err(Error::Findings(count)),
    }
}

/// A line on the terminal for every job that is under way.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    jobs: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<String, ProgressBar>> {
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn clear(&self) {
        self.jobs().drain().for_each(|(_, bar)| bar.finish_and_clear());
    }
}

impl Progress for Bars {
    fn stage(&self, job: &str, stage: &str) {
        let mut jobs = self.jobs();
        let bar = jobs.entry(job.to_owned()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {prefix}: {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(job.to_owned());
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        bar.set_message(stage.to_owned());
    }

    fn done(&self, job: &str) {
        if let Some(bar) = self.jobs().remove(job) {
            bar.finish_and_clear();
            // Without a terminal there are no bars to see.
            if self.all.is_hidden() {
                eprintln!("{job}: done after {} s", bar.elapsed().as_secs());
            }
        }
    }
}
