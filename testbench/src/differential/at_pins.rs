//! The runner sees no difference between the model and the model behind the pins of the RTL: what
//! it holds against the hardware is not of its own making.

use super::campaign::{campaign, cores};
use crate::stand_in::StandIn;

const SEEDS: u64 = 60;

#[test]
fn the_model_at_the_pins_agrees_with_the_model() {
    let make = || -> Box<dyn ironwarp_sim::Pins> { Box::new(StandIn::new()) };
    let summary = campaign(0..SEEDS, cores(), 3, &make, &|_| {});
    println!("{summary}");
    for finding in &summary.findings {
        println!("\n{}", finding.clone().shrunk(&make));
    }
    assert!(summary.findings.is_empty());
}
