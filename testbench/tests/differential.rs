//! The hardware and the model agree, programme by programme.

use ironwarp_testbench::differential::{campaign, cores, rnic, EVENTS_MIN};

/// Seeds that are run when nothing else is asked for: the first ones.
const SEEDS: u64 = 300;
/// Seeds that have found something before, each a kind of its own: an event that went past the
/// work before it, a bad work request behind a full queue, and numbers half a circle apart.
const SPECIMENS: [u64; 3] = [7302, 7535, 8688];
/// Differences that are shrunk and shown.
const SHOWN: usize = 3;

#[test]
fn what_differed_once_agrees() {
    for seed in SPECIMENS {
        let summary = campaign(seed..seed + 1, 1, usize::MAX, &rnic, &|_| {});
        if let Some(finding) = summary.findings.into_iter().next() {
            panic!("{}", finding.shrunk(&rnic));
        }
    }
}

/// `DIFFERENTIAL_SEED` runs one seed, `DIFFERENTIAL_SEEDS` so many from zero on.
#[test]
fn the_hardware_and_the_model_agree() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seeds = match (number("DIFFERENTIAL_SEED"), number("DIFFERENTIAL_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    let summary = campaign(seeds, cores(), usize::MAX, &rnic, &|_| {});
    println!("{summary}");
    for finding in &summary.findings {
        println!("seed {}: {}", finding.seed, finding.whole.1.what);
    }
    for finding in summary.findings.iter().take(SHOWN) {
        println!("\n{}", finding.clone().shrunk(&rnic));
    }
    assert!(summary.findings.is_empty(), "{} programmes differ", summary.findings.len());
    let fewest = summary.events.1;
    // One programme may race; all of many do not.
    assert!(fewest.is_some() || summary.programmes == 1, "all of them raced");
    assert!(fewest.is_none_or(|fewest| fewest >= EVENTS_MIN), "{fewest:?} events");
}
