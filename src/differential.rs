//! `ironwarp differential`: random programmes on the hardware and on the model.

use crate::results;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ironwarp_testbench::differential::{
    campaign, cores, rnic, run, Finding, Programme, Records, Summary,
};
use std::path::PathBuf;

/// Which programmes to run, and what to keep of them.
#[derive(Args, Clone, Debug)]
pub struct Differential {
    /// Programmes to run, one a seed
    #[arg(long, default_value_t = 1000, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0, value_name = "S")]
    first: u64,
    /// Threads [default: the cores of this machine]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Go on until so many programmes differ
    #[arg(long, default_value_t = 10, value_name = "N")]
    enough: usize,
    /// Do not look for shorter programmes that differ
    #[arg(long)]
    no_shrink: bool,
    /// Run one seed, event by event
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "first", "enough"])]
    seed: Option<u64>,
    /// With --seed: only the events with these numbers
    #[arg(long, value_delimiter = ',', requires = "seed", value_name = "N,N,...")]
    keep: Vec<usize>,
    /// With --seed: write a waveform (.fst or .vcd)
    #[arg(long, requires = "seed", value_name = "OUT.fst")]
    wave: Option<PathBuf>,
    /// With --seed: write the frames to a pcapng file
    #[arg(long, requires = "seed", value_name = "OUT.pcapng")]
    capture: Option<PathBuf>,
}

/// Why the runner has nothing good to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Hardware and model do not agree in so many programmes.
    #[error("{0} programmes show a difference between the hardware and the model")]
    Differs(usize),
    /// A result cannot be had.
    #[error(transparent)]
    Results(#[from] results::Error),
}

impl Error {
    /// The command line is to blame.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Differs(_))
    }
}

/// Runs the programmes.
///
/// # Errors
/// Results that cannot be had, before anything is run; or programmes that differ: what differs
/// is printed.
pub fn execute(options: &Differential) -> Result<(), Error> {
    options.check_results()?;
    let findings = match options.seed {
        Some(seed) => options.one(seed),
        None => {
            let summary = options.many();
            println!("{summary}");
            summary.findings
        }
    };
    for finding in &findings {
        let shrink = !options.no_shrink && options.keep.is_empty();
        let finding = finding.clone();
        println!("\n{}", if shrink { finding.shrunk(&rnic) } else { finding });
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Error::Differs(count)),
    }
}

impl Differential {
    fn check_results(&self) -> Result<(), Error> {
        if let Some(path) = &self.wave {
            results::check_waveform(path)?;
        }
        let results: Vec<_> = [&self.wave, &self.capture].into_iter().flatten().collect();
        Ok(results::check(&results)?)
    }

    fn one(&self, seed: u64) -> Vec<Finding> {
        let mut programme = Programme::of(seed);
        if !self.keep.is_empty() {
            programme = programme.keep(&self.keep);
        }
        for (number, event) in programme.events.iter().enumerate() {
            println!("{number:3} {event:?}");
        }
        let records = Records { wave: self.wave.clone(), capture: self.capture.clone() };
        let outcome = run(&programme, &rnic, &records);
        println!("{} clocks, compared {} times", outcome.clocks, outcome.rests);
        if let Some((number, race)) = outcome.raced {
            println!("event {number} ends it in a race: {race}");
        }
        outcome.difference.map(|it| Finding::new(seed, it)).into_iter().collect()
    }

    fn many(&self) -> Summary {
        let style = "{wide_bar} {pos} of {len} programmes, {msg}{elapsed}, {eta} to go";
        let bar = ProgressBar::new(self.seeds);
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let seeds = self.first..self.first.saturating_add(self.seeds);
        let threads = self.threads.unwrap_or_else(cores);
        let summary = campaign(seeds, threads, self.enough, &rnic, &|differing| {
            bar.inc(1);
            if differing > 0 {
                bar.set_message(format!("{differing} differ, "));
            }
        });
        bar.finish_and_clear();
        summary
    }
}
