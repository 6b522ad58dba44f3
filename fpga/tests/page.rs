//! The page shows the figures that are committed.

use ironwarp_fpga::page::page;
use ironwarp_fpga::results::Results;

#[test]
fn the_page_is_fresh() {
    let results = Results::load().unwrap();
    let written = std::fs::read_to_string(Results::page_path()).unwrap();
    assert!(written == page(&results), "docs/fpga.md is not what fpga/results.json says");
}
