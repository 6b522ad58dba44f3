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
