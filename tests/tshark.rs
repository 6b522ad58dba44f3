//! An independent dissector reads every frame of a transfer and has nothing to complain about.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Octets that are moved.
///
/// tshark 4.0 counts a marker too many in an FPDU that ends exactly where the next marker is due
/// (RFC 5044 s. 4.3 gives that marker to the following FPDU), and from there on shows TCP only. In
/// so many octets none ends there at either MTU; `tests/markers.rs` looks at a whole megabyte.
const BYTES: usize = 60_003;

/// Makes a capture with the command line.
fn capture(folder: &Path, arguments: &[&str]) -> PathBuf {
    let path = folder.join("out.pcapng");
    let file = folder.join("file");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbench/files/julia.pgm");
    let octets = std::fs::read(shipped).expect("the shipped file");
    std::fs::write(&file, &octets[300_000..300_000 + BYTES]).expect("a file");
    let status = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .args(["demo", "--json", "--capture"])
        .arg(&path)
        .arg("--file")
        .arg(&file)
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("the command runs");
    assert!(status.success(), "{arguments:?}");
    path
}

/// What tshark prints, with every checksum looked at.
fn tshark(capture: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .args(["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-r"])
        .arg(capture)
        .args(arguments)
        .output()
        .expect("tshark is installed: ./ironwarp setup");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn count(capture: &Path, filter: &str) -> usize {
    tshark(capture, &["-Y", filter]).lines().count()
}

#[test]
fn tshark_finds_nothing_wrong_with_and_without_markers() {
    for (markers, mtu) in [(false, "1500"), (true, "1500"), (false, "9000"), (true, "9000")] {
        finds_nothing_wrong(["sim", "sim"], markers, mtu);
    }
}

#[test]
fn tshark_finds_nothing_wrong_with_models() {
    finds_nothing_wrong(["model", "model"], true, "1500");
    finds_nothing_wrong(["model", "model"], false, "9000");
    finds_nothing_wrong(["sim", "model"], true, "1500");
    finds_nothing_wrong(["model", "sim"], true, "9000");
}

/// Looks at a transfer from one kind of device to another.
fn finds_nothing_wrong([device, peer]: [&str; 2], markers: bool, mtu: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let markers_or_not = if markers { "--markers" } else { "--seed=3" };
    let arguments = ["--mtu", mtu, markers_or_not, "--device", device, "--peer", peer];
    let path = capture(folder.path(), &arguments);
    let what = format!("{device} to {peer}, markers {markers} MTU {mtu}");

    let wrong = "_ws.malformed || ip.checksum.status == \"Bad\" || \
            tcp.checksum.status == \"Bad\" || iwarp_mpa.bad_length || tcp.analysis.lost_segment || \
            _ws.expert.severity >= \"Warning\"";
    let complaints = tshark(&path, &["-Y", wrong, "-V"]);
    assert!(complaints.is_empty(), "{what}: {complaints}");

    // Every segment with payload is MPA: a Request, a Reply, or FPDUs with DDP and RDMAP
    // inside.
    assert_eq!(count(&path, "iwarp_mpa.req"), 1, "{what}");
    assert_eq!(count(&path, "iwarp_mpa.rep"), 1, "{what}");
    let carrying = count(&path, "tcp.len > 0");
    assert_eq!(count(&path, "iwarp_ddp_rdmap"), carrying - 2, "{what}");
    let payload = if mtu == "1500" { 1428 } else { 8868 };
    assert!(carrying > BYTES / (payload + 12) + 2, "{what}: {carrying}");
    let writes = count(&path, "iwarp_rdma.opcode == 0");
    let sends = count(&path, "iwarp_rdma.opcode == 3");
    assert_eq!((writes + sends, sends), (carrying - 2, 3), "{what}");

    // The CRC of every FPDU is good, and markers are where they were asked for.
    let text = tshark(&path, &["-V", "-Y", "iwarp_mpa.fpdu"]);
    assert_eq!(text.matches("Good CRC32").count(), carrying - 2, "{what}");
    assert_eq!(text.matches("Bad CRC32").count(), 0, "{what}");
    assert_eq!(count(&path, "iwarp_mpa.markers") > 0, markers, "{what}");

    // The stream is opened and closed in order.
    assert_eq!(count(&path, "tcp.flags.syn == 1"), 2, "{what}");
    assert_eq!(count(&path, "tcp.flags.fin == 1"), 2, "{what}");
    assert_eq!(count(&path, "tcp.flags.reset == 1"), 0, "{what}");
}
