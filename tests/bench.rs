//! `ironwarp bench` runs and says what it should; how fast is not for a test to say.

use std::process::Command;

#[test]
fn rdma_over_kernel_tcp_is_compared_with_plain_tcp() {
    let bench = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
        command.args(["bench", "kernel-tcp", "--messages", "500", "--rounds", "2"]).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let report: serde_json::Value = serde_json::from_str(&bench(&["--json"])).unwrap();
    let number = |name: &str| report[name].as_f64().unwrap();
    let (plain, rdma) = (number("plain_bytes_per_second"), number("rdma_bytes_per_second"));
    assert!(plain > 0.0 && rdma > 0.0);
    assert!((number("ratio") - rdma / plain).abs() < 1e-9);
    let text = bench(&[]);
    for line in ["plain TCP", "RDMA Write, CRC on", "ratio"] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{text}");
    }
}

#[test]
fn posting_and_polling_make_no_system_call() {
    let bench = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
        let output = command.args(["bench", "driver", "--rounds", "20"]).args(more).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let names = ["receive posted", "send posted", "send polled", "receive polled"];
    let lines = bench(&["--json"]);
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<_> = [1, 64].iter().flat_map(|n| names.map(|name| (*n, name))).collect();
    assert_eq!(rows.len(), expected.len());
    for ((batch, what), row) in expected.into_iter().zip(&rows) {
        assert_eq!((row["batch"].as_u64(), row["what"].as_str()), (Some(batch), Some(what)));
        let number = |name: &str| row[name].as_f64().unwrap();
        assert!(number("nanoseconds") > 0.0, "{row}");
        assert_eq!(number("system_calls"), 0.0, "{row}");
        assert_eq!(number("doorbells"), 1.0 / batch as f64, "one for a batch: {row}");
    }
    let table = bench(&[]);
    let heads: Vec<&str> = table.lines().map(|line| line[..18].trim_end()).collect();
    assert_eq!(heads[0], "a message");
    assert_eq!(heads[1..], [names, names].concat());
}

/// Simulated time is the same on every machine, and so are the figures.
#[test]
fn streams_through_a_simulated_network_are_measured() {
    let bench = |network: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
        let arguments = ["bench", "network", "--octets", "1000000", "--impair", network];
        let output = command.args(arguments).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let names = ["CUBIC", "Reno", "none"];
    let lossy = "loss=1%,delay=100us,rate=1gbit,seed=3";
    let lines = bench(lossy, &["--json"]);
    assert_eq!(lines, bench(lossy, &["--json"]));
    assert_eq!(lines.lines().count(), names.len());
    for (line, name) in lines.lines().zip(names) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (row["congestion"].as_str(), &row["network"]["impairment"]),
            (Some(name), &lossy.into())
        );
        let seconds = row["nanoseconds"].as_f64().unwrap() / 1e9;
        let rate = row["bytes_per_second"].as_f64().unwrap();
        assert!((rate * seconds - 1e6).abs() < 1.0, "{row}");
        assert!(row["network"]["directions"][0]["resent"].as_u64() > Some(0), "{row}");
    }
    let table = bench("rate=1gbit", &[]);
    for (line, name) in table.lines().zip(names) {
        assert!(line.starts_with(name) && line.contains(" MB/s "), "{line}");
    }
}
