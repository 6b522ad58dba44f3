//! What the command line refuses before it runs anything.

use std::path::Path;
use std::process::{Command, Output};

fn ironwarp(arguments: &[&str]) -> Output {
    let command = env!("CARGO_BIN_EXE_ironwarp");
    Command::new(command).args(arguments).output().expect("the command runs")
}

/// Status 2, nothing on standard output, and `why` among the message.
fn refused(arguments: &[&str], why: &str) {
    let output = ironwarp(arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty(), "{arguments:?} has run");
    assert!(message.contains(why), "{arguments:?}: {message}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn no_result_of_the_demonstration_overwrites_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("same.fst"), "kept").expect("a file");
    let (same, beside) = (at("same.fst"), at("a.receiver.fst"));
    let demo = ["demo", "--device", "sim", "--peer", "sim", "--wave"];
    refused(&[&demo[..], &[text(&same), "--capture", text(&same)]].concat(), "named twice");
    assert_eq!(std::fs::read_to_string(&same).expect("it is there"), "kept");
    let wave = at("a.fst");
    refused(&[&demo[..], &[text(&wave), "--capture", text(&beside)]].concat(), "named twice");
}

#[test]
fn a_board_has_no_waveform() {
    let folder = tempfile::tempdir().expect("a folder");
    let wave = folder.path().join("b.fst");
    let demo = ["demo", "--device", "board", "--peer", "model", "--wave", text(&wave)];
    refused(&demo, "neither end is one");
    assert!(!wave.exists());
}

#[test]
fn the_differential_runner_looks_at_its_results_first() {
    let one = ["differential", "--seed", "7"];
    refused(&[&one[..], &["--wave", "x.bad"]].concat(), "a waveform is a .fst or a .vcd file");
    refused(&[&one[..], &["--capture", "/nowhere/at/all"]].concat(), "cannot write");
    let folder = tempfile::tempdir().expect("a folder");
    let same = folder.path().join("same.fst");
    let both = ["--wave", text(&same), "--capture", text(&same)];
    refused(&[&one[..], &both].concat(), "named twice");
    refused(&["differential", "--seeds", "0"], "--seeds");
}

#[test]
fn what_cannot_go_wrong_is_named() {
    refused(&["demo", "--impair", "lost=1%"], "there is no impairment 'lost'");
    refused(&["serve", "--impair", "delay=5"], "delay=5: a time");
    refused(&["rping", "-s", "--impair", "queue=5"], "queue=5: no frame waits");
    refused(&["bench", "network", "--impair", "loss=1"], "loss=1: a share");
    // These say something, but not where there are no frames, or none in this process.
    for (device, why) in [("model:", "it has no frames"), ("vfio-user:/x", "is not plugged into")] {
        let output = ironwarp(&["serve", "--device", device, "--impair", "loss=1%"]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(why), "{message}");
    }
}

#[test]
fn a_station_has_a_unicast_address() {
    let address = "ff:ff:ff:ff:ff:ff";
    refused(&["serve", "--device", "model:", "--mac", address], address);
}
