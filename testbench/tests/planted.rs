//! The differential runner finds mistakes that are planted in the RTL.

use ironwarp_testbench::differential::{campaign, cores, planted, MISTAKES};

/// Within so many seeds every mistake is found.
const SEEDS: u64 = 2000;
/// The device without a mistake shows no difference in the first seeds.
const SOUND: u64 = 50;
/// Mistakes that the very first seed may find; the others take more than a smoke test.
const GROSS: usize = 3;

#[test]
fn every_planted_mistake_is_found_and_none_where_there_is_none() {
    let sound = campaign(0..SOUND, cores(), 1, &|| planted(0), &|_| {});
    assert!(sound.findings.is_empty(), "without a mistake: {}", sound.findings[0]);
    let mut gross = 0;
    for (about, number) in MISTAKES.iter().zip(1..) {
        let make = move || planted(number);
        let summary = campaign(0..SEEDS, cores(), 1, &make, &|_| {});
        let Some(finding) = summary.findings.first() else {
            panic!("{about}: not found in {SEEDS} seeds");
        };
        let seed = finding.seed..finding.seed + 1;
        let sound = campaign(seed, 1, 1, &|| planted(0), &|_| {});
        assert!(sound.findings.is_empty(), "{about}: seed {} differs without", finding.seed);
        let (at, difference) = &finding.whole;
        println!("{number:2} {about}\n   seed {}, event {at}: {difference}", finding.seed);
        gross += usize::from(finding.seed == 0);
    }
    assert!(gross <= GROSS, "{gross} mistakes are found by the first seed");
}
