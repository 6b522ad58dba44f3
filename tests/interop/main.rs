//! Linux as the peer: its software RNIC, siw, and rdma-core's rping in a guest, against ours.
//!
//! `./ironwarp test --interop` makes the guest (`testbench/guest/make.sh`) and runs this. Words
//! behind it choose the cases whose names hold all of them.

mod capture;
mod case;
mod guest;
#[path = "../harness/process.rs"]
mod process;
mod run;
mod table;

use case::Case;
use std::time::Instant;

/// Separates the words that a case's name must hold.
const CHOICE: &str = "IRONWARP_INTEROP";

#[test]
#[ignore = "boots Linux guests: ./ironwarp test --interop runs it"]
fn linux_and_ironwarp_ping_each_other() {
    let choice = std::env::var(CHOICE).unwrap_or_default();
    let mut cases = Case::all();
    cases.retain(|case| choice.split_whitespace().all(|word| case.name().contains(word)));
    assert!(!cases.is_empty(), "no case is called {choice:?}");

    println!("{}", guest::about());
    let mut rows = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        println!("[{}/{}] {}", number + 1, cases.len(), case.name());
        let start = Instant::now();
        let outcome = run::run(case);
        let row = table::Row::new(case.name(), start.elapsed(), outcome);
        println!("    {row}");
        rows.push(row);
    }
    println!("\n{}", table::table(&rows));
    let failed: Vec<&str> = rows.iter().filter(|row| row.failed()).map(table::Row::name).collect();
    assert!(failed.is_empty(), "failed: {failed:?}; see {}", run::folder().display());
}
