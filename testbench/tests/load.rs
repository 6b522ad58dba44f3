//! Control under load: hosts start, stop, register, deregister and fence while traffic runs.

use ironwarp_testbench::differential::{cores, rnic};
use ironwarp_testbench::load::{run, sweep, Finding, On, Plan};
use std::path::PathBuf;

/// Plans that are carried out when nothing else is asked for: the first ones.
const SEEDS: u64 = 150;
/// Breaches that are shrunk and shown.
const SHOWN: usize = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

/// `LOAD_SEED` carries one plan out, `LOAD_SEEDS` so many from zero on.
fn seeds() -> std::ops::Range<u64> {
    match (number("LOAD_SEED"), number("LOAD_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    }
}

fn holds(on: On<'_>) {
    let found = sweep(seeds(), cores(), usize::MAX, on);
    println!("{found}");
    for Finding { seed, breach } in &found.findings {
        println!("seed {seed}: {breach}");
    }
    for finding in found.findings.iter().take(SHOWN) {
        println!("\n{}", finding.shrunk(on));
    }
    assert!(found.findings.is_empty(), "{} plans show a breach", found.findings.len());
    assert!(found.sum.moved.0 > 0 && found.sum.fences > 0, "{found}");
}

/// With `LOAD_SEED`, `LOAD_KEEP` keeps only the acts with these numbers, and `LOAD_WAVE` names a
/// file for a waveform.
#[test]
fn the_hardware_keeps_its_word_under_load() {
    let (keep, wave) = (std::env::var("LOAD_KEEP").ok(), std::env::var("LOAD_WAVE").ok());
    let (Some(seed), true) = (number("LOAD_SEED"), keep.is_some() || wave.is_some()) else {
        return holds(On::Hardware(&rnic, None));
    };
    let mut plan = Plan::of(seed);
    if let Some(keep) = keep {
        let numbers: Vec<_> = keep.split(',').map(|n| n.parse().expect("LOAD_KEEP")).collect();
        plan = plan.keep(&numbers);
    }
    let wave = wave.map(PathBuf::from);
    let outcome = run(&plan, On::Hardware(&rnic, wave.as_deref()));
    println!("{outcome:?}");
    assert_eq!(outcome.breach, None);
}

#[test]
fn the_model_keeps_its_word_under_load() {
    holds(On::Model);
}
