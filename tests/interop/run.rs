//! One case: a guest at one end of a link, a device or another guest at the other.

use crate::capture;
use crate::case::{Case, Peer, GUEST, OURS};
use crate::guest::{Guest, Report};
use crate::process::Process;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A guest boots and its server listens.
const BOOT: Duration = Duration::from_secs(90);
/// The client has booted, if it is a guest, and has made its pings.
const PINGING: Duration = Duration::from_secs(180);
/// The server ends after its client has.
const GRACE: Duration = Duration::from_secs(30);

/// What every server says when clients may come.
const LISTENING: &str = "listening";

/// How long our client holds back its first FPDU: siw's responder can lose one that comes right
/// behind its MPA Reply.
const SETTLE: &str = "20";

/// What a case that went well has to tell.
#[derive(Debug)]
pub struct Success {
    /// Pings that Linux printed, and that the peer printed.
    pub pings: (usize, usize),
    /// Absent where there is no tshark.
    pub findings: Option<capture::Findings>,
}

/// Where captures and logs are kept, a folder a case.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop")
}

/// Runs a case; its capture and logs stay in a folder of its name, failed or not.
pub fn run(case: &Case) -> Result<Success, String> {
    let folder = folder().join(case.name());
    let prepared = std::fs::remove_dir_all(&folder).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let prepared = prepared.and_then(|()| std::fs::create_dir_all(&folder));
    prepared.map_err(|error| format!("{}: {error}", folder.display()))?;
    let capture = folder.join("link.pcap");
    let (linux, peer) = converse(case, &folder, &capture)?;

    let report = Report::read(&linux);
    let all = case.load.pings;
    if !report.ended() || report.pings != all {
        let remarks = report.remarks.join("; ");
        return Err(format!("Linux: {} of {all} pings; {remarks}", report.pings));
    }
    let peer = match case.peer {
        Peer::Linux => Report::read(&peer).pings,
        Peer::Model | Peer::Rtl => pings(&peer),
    };
    if peer != all {
        return Err(format!("the peer: {peer} of {all} pings"));
    }
    let ours = (case.peer != Peer::Linux).then_some(OURS);
    let findings = capture::inspect(&capture, ours)?;
    match findings.as_ref().and_then(|findings| findings.wrong(case.crc)) {
        Some(wrong) => Err(wrong),
        None => Ok(Success { pings: (report.pings, peer), findings }),
    }
}

/// Starts both ends, the server first, waits for both, and returns what they said.
fn converse(
    case: &Case,
    folder: &Path,
    capture: &Path,
) -> Result<(Vec<String>, Vec<String>), String> {
    // A socket's path may have 108 octets only; the build's folder may be deeper.
    let sockets = tempfile::tempdir().map_err(|error| format!("a folder for sockets: {error}"))?;
    let link = (sockets.path().join("linux"), sockets.path().join("peer"));
    let linux = || {
        let rping = case.rping(!case.linux_asks);
        let peer = case.linux_asks.then_some(OURS);
        let link = (&*link.0, &*link.1);
        Guest { address: GUEST, peer, rping: &rping, link, capture: Some(capture) }.start("Linux")
    };
    let peer = || start_peer(case, (&link.1, &link.0));

    let mut server = if case.linux_asks { peer()? } else { linux()? };
    // A client that comes earlier finds nobody at the port: its neighbour answers pings as soon as
    // it has an address.
    if let Err(why) = server.wait_for(LISTENING, BOOT) {
        keep(&folder.join("server.log"), &server.stop())?;
        return Err(why);
    }
    let client = if case.linux_asks { linux()? } else { peer()? };
    let (client_end, client) = end(client, PINGING);
    let (server_end, server) = end(server, GRACE);
    let (linux, peer) = if case.linux_asks { (client, server) } else { (server, client) };
    keep(&folder.join("linux.log"), &linux)?;
    keep(&folder.join("peer.log"), &peer)?;
    client_end.and(server_end)?;
    Ok((linux, peer))
}

/// Waits for a process to end well, and says what it said.
fn end(mut process: Process, limit: Duration) -> (Result<(), String>, Vec<String>) {
    let end = process.wait(limit);
    let name = process.name();
    let said = process.stop();
    let end = end.and_then(|status| match status.success() {
        true => Ok(()),
        false => Err(format!("{name} ended with {status}: {}", last(&said))),
    });
    (end, said)
}

/// What answers Linux, at its end of the link: `link` has its own socket first.
fn start_peer(case: &Case, link: (&Path, &Path)) -> Result<Process, String> {
    let rping = case.rping(case.linux_asks);
    let device = match case.peer {
        Peer::Linux => {
            let guest = Guest { address: OURS, peer: None, rping: &rping, link, capture: None };
            return guest.start("the other guest");
        }
        Peer::Model => "model:",
        Peer::Rtl => "sim:",
    };
    let network = format!("dgram:{},{}", link.0.display(), link.1.display());
    let mut ironwarp = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    ironwarp
        .arg("rping")
        .args(rping.split(' '))
        .args(["--device", device, "--network", &network])
        .args(["--ip", &format!("{OURS}/24"), "--mac", "02:00:00:00:00:02"])
        .args(["--settle", SETTLE, if case.crc { "--crc" } else { "--no-crc" }])
        // It says when it listens.
        .arg("-d");
    Process::start("ironwarp", &mut ironwarp)
}

/// Writes a log.
fn keep(path: &Path, lines: &[String]) -> Result<(), String> {
    let text = lines.join("\n") + "\n";
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The last thing that a process said besides pings.
fn last(lines: &[String]) -> &str {
    let other = |line: &&String| !line.is_empty() && !line.contains("ping data: ");
    lines.iter().rev().find(other).map_or("it said nothing", String::as_str)
}

/// The different pings in rping's output.
fn pings(lines: &[String]) -> usize {
    let number = |line: &String| {
        let (_, ping) = line.split_once("ping data: rdma-ping-")?;
        ping.split_once(':')?.0.parse().ok()
    };
    lines.iter().filter_map(number).collect::<BTreeSet<usize>>().len()
}

#[test]
fn a_ping_counts_once() {
    let said = "ping data: rdma-ping-0: ABC\nserver ping data: rdma-ping-1: BCD\n\
        ping data: rdma-ping-1: BCD\nping data: rdma-ping-x: no\nan error";
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(pings(&lines), 2);
    assert_eq!(last(&lines), "an error");
    assert_eq!(last(&lines[..1]), "it said nothing");
}
