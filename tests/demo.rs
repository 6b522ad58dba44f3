//! The demonstration as its users run it.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .arg("demo")
        .args(arguments)
        .output()
        .expect("the command runs")
}

fn report(arguments: &[&str]) -> Value {
    let output = demo(&[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn shipped() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbench/files/julia.pgm");
    std::fs::read(path).expect("the shipped file")
}

/// A megabyte at 1500 and 9000: it arrives, and at no less than 90 % of what the wire allows, with
/// CRCs on and a PCIe read latency of 1 µs (the default of the root complex).
#[test]
fn a_megabyte_crosses_at_nine_tenths_of_the_wire() {
    assert_eq!(ironwarp_sim::Options::default().root_complex.read_latency_ns, 1000);
    let file = shipped();
    let digest: String = Sha256::digest(&file).iter().map(|octet| format!("{octet:02x}")).collect();
    for mtu in [1500, 9000] {
        let report = report(&["--mtu", &mtu.to_string()]);
        println!("{report}");
        assert_eq!(report["device"], "sim:");
        assert_eq!(report["mtu"], mtu);
        assert_eq!(report["bytes"], file.len());
        assert_eq!(report["digest_sent"], digest.as_str());
        assert_eq!(report["digest_received"], digest.as_str());
        let figure = |name: &str| report[name].as_f64().expect("a number");
        let seconds = figure("clocks") / 156.25e6;
        assert!((figure("goodput_bps") * seconds / 8.0 - file.len() as f64).abs() < 1.0);
        assert!((figure("ratio") - figure("goodput_bps") / figure("limit_bps")).abs() < 1e-9);
        assert!(figure("ratio") >= 0.90 && figure("ratio") <= 1.0, "MTU {mtu}: {report}");
        let stages = report["stages"].as_array().expect("stages");
        assert!(stages.len() >= 12, "{stages:?}");
        let name = |stage: &Value| stage["name"].as_str().expect("a name").to_owned();
        assert_eq!(name(&stages[0]), "doorbell");
        assert!(stages.iter().any(|stage| name(stage) == "completion written"));
    }
}

/// All four pairs of kinds move the file. Clocks and stages are told where there is RTL: of a pair
/// with a model, only those of the device that has them.
#[test]
fn devices_of_both_kinds_at_either_end() {
    let file = shipped();
    for (device, peer) in [("sim", "sim"), ("sim", "model"), ("model", "sim"), ("model", "model")] {
        for mtu in ["1500", "9000"] {
            let report = report(&["--device", device, "--peer", peer, "--mtu", mtu]);
            println!("{report}");
            assert_eq!(report["device"], format!("{device}:"));
            assert_eq!(report["peer"], format!("{peer}:"));
            assert_eq!(report["bytes"], file.len());
            assert_eq!(report["digest_sent"], report["digest_received"]);
            let ratio = report["ratio"].as_f64().expect("a number");
            assert!((0.90..=1.0).contains(&ratio), "{device} to {peer}, MTU {mtu}: {ratio}");
            let nanoseconds = report["nanoseconds"].as_u64().expect("a number");
            let clocks = report["clocks"].as_u64();
            assert_eq!(clocks.is_some(), device == "sim" || peer == "sim", "{device} {peer}");
            assert!(clocks.is_none_or(|clocks| (clocks * 64 / 10).abs_diff(nanoseconds) <= 7));
            let names: Vec<_> = report["stages"].as_array().into_iter().flatten().collect();
            let has = |name: &str| names.iter().any(|stage| stage["name"] == name);
            assert_eq!(has("frame sent"), device == "sim", "{device} to {peer}");
            assert_eq!(has("payload placed"), peer == "sim", "{device} to {peer}");
        }
    }
}

/// The same seed gives the same clocks and the same frames.
#[test]
fn a_run_is_deterministic() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, &shipped()[..50_000]).expect("a file");
    let run = |name: &str| {
        let capture = folder.path().join(name);
        let arguments = ["--seed", "7", "--mtu", "1500", "--file", file.to_str().unwrap()];
        let capture_arguments = ["--capture", capture.to_str().unwrap()];
        let report = report(&[&arguments[..], &capture_arguments].concat());
        (report, std::fs::read(capture).expect("a capture"))
    };
    assert!(run("a.pcapng") == run("b.pcapng"));
}

#[test]
fn options_change_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("odd");
    std::fs::write(&file, &shipped()[1000..4001]).expect("a file");
    let file = file.to_str().unwrap();
    let plain = report(&["--file", file, "--mtu", "576"]);
    let marked = report(&["--file", file, "--mtu", "576", "--markers", "--no-crc"]);
    assert_eq!((&plain["bytes"], &plain["mtu"]), (&3001.into(), &576.into()));
    assert_eq!(plain["digest_received"], marked["digest_received"]);
    assert!(marked["limit_bps"].as_f64() < plain["limit_bps"].as_f64());
    let scattered = report(&["--file", file, "--mtu", "576", "--scatter"]);
    assert_eq!(plain["digest_received"], scattered["digest_received"]);
    assert_ne!(plain["clocks"], scattered["clocks"], "page lists are read");
    let wave = folder.path().join("out.vcd");
    report(&["--file", file, "--mtu", "1500", "--wave", wave.to_str().unwrap()]);
    for path in [wave, folder.path().join("out.receiver.vcd")] {
        let text = std::fs::read(&path).expect("a waveform");
        assert!(text.len() > 10_000 && text.starts_with(b"$"), "{path:?}");
    }
}

#[test]
fn bad_input_is_refused_with_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, b"").expect("a file");
    let precious = folder.path().join("precious");
    std::fs::write(&precious, b"do not lose me").expect("a file");
    let (empty, precious) = (empty.to_str().unwrap(), precious.to_str().unwrap());
    let refused: &[(&[&str], &str)] = &[
        (&["--file", "no/such/file"], "no/such/file"),
        (&["--file", empty], "empty"),
        (&["--capture", "no/such/folder/out.pcapng"], "no/such/folder"),
        (&["--file", precious, "--capture", precious], "file to move"),
        (&["--wave", "out.txt"], "waveform"),
        (&["--mtu", "575"], "575"),
        (&["--mtu", "9001"], "9001"),
        (&["--mtu", "many"], "many"),
        (&["--seed", "-1"], "-1"),
        (&["--peer", "vfio"], "sim, model and board"),
        (&["--device", "model", "--peer", "model", "--wave", "out.vcd"], "RTL"),
        (&["--nonsense"], "--nonsense"),
    ];
    for (arguments, told) in refused {
        let output = demo(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(told), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read(precious).expect("still there"), b"do not lose me");
}
