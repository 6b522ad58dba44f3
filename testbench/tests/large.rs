//! The device *large* moves data on a thousand queue pairs at once.
//!
//! It is compiled for this test alone, by the feature `large`; without it, the test asks Cargo for
//! itself with it.

/// `cargo test -p ironwarp-testbench --test large -- --ignored`
#[cfg(not(feature = "large"))]
#[test]
#[ignore]
fn a_thousand_queue_pairs_at_once() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let with = ["test", "--no-default-features", "--features", "large", "--test", "large"];
    let status = std::process::Command::new(cargo)
        .args(with)
        .args(["--", "--ignored", "--nocapture"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(status.expect("cargo").success());
}

#[cfg(feature = "large")]
#[path = "large/thousand.rs"]
mod thousand;
