//! Many seeds, on all cores.

use super::batch::Race;
use super::finding::Finding;
use super::programme::Programme;
use super::run::{run, Outcome, Records};
use super::side::Make;
use ironwarp_abi::status;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What many programmes have come to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Programmes that ran.
    pub programmes: u64,
    /// Events that happened, and the fewest of a programme that ran to its end.
    pub events: (u64, Option<usize>),
    /// Times that the devices were compared.
    pub rests: u64,
    /// Clocks of the hardware.
    pub clocks: u64,
    /// Frames that the model has sent.
    pub frames: u64,
    /// Completion entries that the model has written.
    pub entries: u64,
    /// The statuses of queue pairs' events.
    pub statuses: BTreeSet<u8>,
    /// Programmes that ended early, where the outcome is a race, by what the race was.
    pub races: BTreeMap<Race, u64>,
    /// Differences, the lowest seed first.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub time: Duration,
}

impl Summary {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.programmes += 1;
        self.events.0 += outcome.events as u64;
        if outcome.raced.is_none() && outcome.difference.is_none() {
            let fewest = self.events.1.unwrap_or(usize::MAX);
            self.events.1 = Some(fewest.min(outcome.events));
        }
        self.rests += outcome.rests as u64;
        self.clocks += outcome.clocks;
        self.frames += outcome.moved.0 as u64;
        self.entries += outcome.moved.1 as u64;
        self.statuses.extend(outcome.statuses);
        if let Some((_, race)) = outcome.raced {
            *self.races.entry(race).or_default() += 1;
        }
        if let Some(difference) = outcome.difference {
            self.findings.push(Finding::new(seed, difference));
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { programmes, rests, clocks, frames, entries, races, .. } = self;
        let (events, fewest) = self.events;
        let per_second = *clocks as f64 / self.time.as_secs_f64().max(1e-9);
        writeln!(
            f,
            "{programmes} programmes, {events} events (at least {} each), compared {rests} times",
            fewest.unwrap_or(0)
        )?;
        writeln!(
            f,
            "{frames} frames, {entries} completion entries; {} programmes ended in a race",
            races.values().sum::<u64>()
        )?;
        for (race, count) in races {
            writeln!(f, "  {count}: {race}")?;
        }
        let known = status::ALL.iter().filter(|(value, ..)| self.statuses.contains(value));
        let names: Vec<_> = known.map(|(_, name, _)| *name).collect();
        writeln!(f, "queue pairs ended with {}", names.join(", "))?;
        writeln!(
            f,
            "{clocks} clocks in {:.1} s: {per_second:.0} a second",
            self.time.as_secs_f64()
        )?;
        match self.findings.len() {
            0 => write!(f, "no difference"),
            found => write!(f, "{found} programmes differ"),
        }
    }
}

/// Runs the programmes of these seeds, `threads` at a time, until `enough` of them differ;
/// `progress` hears of each, with the number of those that differ.
pub fn campaign(
    seeds: Range<u64>,
    threads: usize,
    enough: usize,
    make: &Make,
    progress: &(dyn Fn(usize) + Sync),
) -> Summary {
    let start = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let locked = || summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end || locked().findings.len() >= enough {
                    return;
                }
                let outcome = run(&Programme::of(seed), make, &Records::default());
                let mut summary = locked();
                summary.add(seed, outcome);
                progress(summary.findings.len());
            });
        }
    });
    let mut summary = std::mem::take(&mut *locked());
    summary.findings.sort_by_key(|finding| finding.seed);
    summary.time = start.elapsed();
    summary
}

/// As many threads as the machine runs at a time.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
