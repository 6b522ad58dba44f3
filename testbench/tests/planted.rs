//! The differential runner, or the one for control under load, finds mistakes that are planted in
//! the RTL.

use ironwarp_testbench::differential::{campaign, cores, planted, MISTAKES};
use ironwarp_testbench::load::{sweep, On};

/// Within so many seeds of one runner or the other every mistake is found; in steps, since a seed
/// of each costs about the same.
const STEPS: [u64; 5] = [0, 20, 100, 500, 2000];
/// The device without a mistake shows nothing in the first seeds.
const SOUND: u64 = 50;
/// Mistakes that the very first seed may find; the others take more than a smoke test.
const GROSS: usize = 4;

/// The seed that finds a mistake, which runner it is of, and what it finds.
fn found(mutant: u8) -> Option<(u64, &'static str, String)> {
    let make = move || planted(mutant);
    STEPS.windows(2).find_map(|step| {
        let seeds = step[0]..step[1];
        let differs = campaign(seeds.clone(), cores(), 1, &make, &|_| {});
        let differs = differs.findings.first().map(|finding| {
            let (at, difference) = &finding.whole;
            (finding.seed, "differential", format!("event {at}: {difference}"))
        });
        differs.or_else(|| {
            let breaks = sweep(seeds, cores(), 1, On::Hardware(&make, None));
            let finding = breaks.findings.first()?;
            Some((finding.seed, "load", finding.breach.to_string()))
        })
    })
}

/// The device without a mistake shows nothing in a seed of a runner.
fn sound(seed: u64, runner: &str) -> bool {
    let (seeds, make) = (seed..seed + 1, || planted(0));
    match runner {
        "load" => sweep(seeds, 1, 1, On::Hardware(&make, None)).findings.is_empty(),
        _ => campaign(seeds, 1, 1, &make, &|_| {}).findings.is_empty(),
    }
}

/// `PLANTED` names the only mistake that is looked for.
fn asked(number: u8) -> bool {
    std::env::var("PLANTED").map_or(true, |one| one.parse() == Ok(number))
}

#[test]
fn every_planted_mistake_is_found_and_none_where_there_is_none() {
    let make = || planted(0);
    let differs = campaign(0..SOUND, cores(), 1, &make, &|_| {});
    assert!(differs.findings.is_empty(), "without a mistake: {}", differs.findings[0]);
    let breaks = sweep(0..SOUND, cores(), 1, On::Hardware(&make, None));
    assert!(breaks.findings.is_empty(), "without a mistake: {}", breaks.findings[0]);
    let mut gross = 0;
    for (about, number) in MISTAKES.iter().zip(1..).filter(|(_, number)| asked(*number)) {
        let Some((seed, runner, what)) = found(number) else {
            panic!("{about}: not found in {} seeds", STEPS[STEPS.len() - 1]);
        };
        assert!(sound(seed, runner), "{about}: {runner} seed {seed} shows something without");
        println!("{number:2} {about}\n   {runner} seed {seed}, {what}");
        gross += usize::from(seed == 0);
    }
    assert!(gross <= GROSS, "{gross} mistakes are found by the first seed");
}
