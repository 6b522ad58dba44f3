//! The demonstration on the Verilated board: driver, pseudo-terminal, UART pins, RNIC, RGMII pins,
//! and a model at the other end of the link.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::process::{Command, Output};

/// Octets of the picture that cross when no file is named.
const BYTES: usize = 16 * 1024;
const MTU: usize = 1500;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    command.arg("demo").args(arguments).output().expect("the command runs")
}

/// Every frame of the board had a right check sequence, and there were enough for the file.
#[test]
fn a_file_crosses_the_board() {
    let file = include_bytes!("../testbench/files/julia.pgm");
    let digest: String =
        Sha256::digest(&file[..BYTES]).iter().map(|octet| format!("{octet:02x}")).collect();
    let output = demo(&["--device", "board", "--peer", "model", "--json"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    println!("{report}");
    assert_eq!(report["device"], "board:");
    assert_eq!(report["bytes"], BYTES);
    assert_eq!(report["digest_sent"], digest.as_str());
    assert_eq!(report["digest_received"], digest.as_str());
    let frames = report["checked_frames"].as_u64().expect("a number");
    assert!(frames as usize > BYTES / MTU, "{frames} frames");
}

#[test]
fn a_board_at_the_other_end_is_refused() {
    let output = demo(&["--device", "model", "--peer", "board"]);
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("--device board --peer model"), "{errors}");
}
