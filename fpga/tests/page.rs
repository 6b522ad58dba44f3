//! The page shows the figures that are committed.

use ironwarp_fpga::block::Figures;
use ironwarp_fpga::page::page;
use ironwarp_fpga::results::Results;

#[test]
fn the_page_is_fresh() {
    let results = Results::load().unwrap();
    let written = std::fs::read_to_string(Results::page_path()).unwrap();
    assert!(written == page(&results), "docs/fpga.md is not what fpga/results.json says");
}

/// What stands beside a public core is the block as it is now: its area does not depend on a seed.
#[test]
fn comparisons_are_with_the_blocks_as_they_are() {
    let results = Results::load().unwrap();
    assert!(!results.comparison.is_empty());
    for comparison in &results.comparison {
        let ours = &comparison.ours;
        let block = results.blocks.iter().find(|block| block.name == ours.name);
        let area = |it: &Figures| (it.lut, it.ff, it.ebr, it.dsp);
        let now = block.map(area);
        let name = &comparison.theirs.name;
        assert_eq!(now, Some(area(ours)), "{}: measure it beside {name} again", ours.name);
    }
}
