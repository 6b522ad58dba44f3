//! Many plans, on all cores, and the shortest one that shows a breach.

use super::plan::Plan;
use super::run::{run, Breach, On, Outcome};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A breach that a seed shows.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The seed.
    pub seed: u64,
    /// What was seen.
    pub breach: Breach,
}

/// What many plans have come to.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// Plans that were carried out.
    pub plans: u64,
    /// The sums over all of them.
    pub sum: Outcome,
    /// Breaches, the lowest seed first.
    pub findings: Vec<Finding>,
}

impl Sweep {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.plans += 1;
        let sum = &mut self.sum;
        sum.clocks += outcome.clocks;
        sum.moved.0 += outcome.moved.0;
        sum.moved.1 += outcome.moved.1;
        sum.overflows += outcome.overflows;
        sum.lives.0 += outcome.lives.0;
        sum.lives.1 += outcome.lives.1;
        sum.fences += outcome.fences;
        self.findings.extend(outcome.breach.map(|breach| Finding { seed, breach }));
    }
}

/// Carries out the plans of these seeds until `enough` of them show a breach.
pub fn sweep(seeds: Range<u64>, threads: usize, enough: usize, on: On<'_>) -> Sweep {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sweep::default());
    let locked = || sum.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end || locked().findings.len() >= enough {
                    return;
                }
                let outcome = run(&Plan::of(seed), on);
                locked().add(seed, outcome);
            });
        }
    });
    let mut sweep = std::mem::take(&mut *locked());
    sweep.findings.sort_by_key(|finding| finding.seed);
    sweep
}

impl Finding {
    /// The finding with the acts that it takes, by number: every act that can be missed, alone or
    /// in a run of 2, 4, 8, … neighbours, is left out.
    pub fn shrunk(&self, on: On<'_>) -> Shrunk {
        let plan = Plan::of(self.seed);
        let kind = self.breach.kind();
        let shows = |kept: &[usize]| {
            let breach = run(&plan.keep(kept), on).breach;
            breach.filter(|breach| breach.kind() == kind)
        };
        let end = plan.acts.len().min(self.breach.act + 1);
        let mut kept: Vec<usize> = (0..end).collect();
        let mut small = self.breach.clone();
        let mut length = kept.len().next_power_of_two() / 2;
        while length > 0 {
            let mut from = 0;
            while from < kept.len() {
                let mut fewer = kept.clone();
                fewer.drain(from..(from + length).min(kept.len()));
                match shows(&fewer) {
                    Some(breach) => (kept, small) = (fewer, breach),
                    None => from += length,
                }
            }
            length /= 2;
        }
        Shrunk { finding: self.clone(), kept, small }
    }
}

/// A finding, and as few acts as were found to show it.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The finding.
    pub finding: Finding,
    /// The numbers of the acts.
    pub kept: Vec<usize>,
    /// What they show.
    pub small: Breach,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.seed;
        writeln!(f, "seed {seed}: {}", self.breach)?;
        write!(f, "again: LOAD_SEED={seed} cargo test -p ironwarp-testbench --test load")
    }
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = Plan::of(self.finding.seed);
        writeln!(f, "{}", self.finding)?;
        writeln!(f, "{} of {} acts show: {}", self.kept.len(), plan.acts.len(), self.small)?;
        for number in &self.kept {
            writeln!(f, "  {number:3} {:?}", plan.acts[*number])?;
        }
        let kept: Vec<_> = self.kept.iter().map(usize::to_string).collect();
        write!(f, "again, with LOAD_KEEP={}", kept.join(","))
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { clocks, moved: (entries, frames), lives: (lives, ended), .. } = self.sum;
        let Outcome { fences, overflows, .. } = self.sum;
        let plans = self.plans;
        write!(f, "{plans} plans: {lives} lives, {ended} of which ended; ")?;
        writeln!(f, "{fences} fences, {overflows} overflows;")?;
        writeln!(f, "{entries} completion entries, {frames} frames with octets, {clocks} clocks")?;
        write!(f, "{} breaches", self.findings.len())
    }
}
