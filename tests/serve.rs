//! `ironwarp serve` as a process, over UNIX datagrams: rping clients, ARP and ping, and its end.

use ironwarp_machine::DeviceKind;
use pcap_file::pcapng::{Block, PcapNgReader};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A serving process, which does not outlive the test.
struct Serving {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Serving {
    /// Starts it with its device at 10.0.0.2, and waits until it listens.
    fn start(kind: DeviceKind, [near, far]: [&Path; 2], more: &[&str]) -> Self {
        let network = format!("dgram:{},{}", near.display(), far.display());
        let where_it_is = ["--device", kind.name(), "--network", &network];
        let who_it_is = ["--ip", "10.0.0.2/24", "--mac", "02:49:57:00:00:02"];
        Self::with(&[&where_it_is[..], &who_it_is, more].concat(), 7174)
    }

    /// Starts it, and waits until it listens.
    fn with(arguments: &[&str], port: u16) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
            .args(["serve", "--port", &port.to_string()])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let stderr = process.stderr.take().expect("a pipe");
        let mut serving = Self { process, lines: BufReader::new(stderr).lines() };
        let first = serving.line();
        assert!(first.ends_with(&format!("listening on port {port}")), "{first}");
        serving
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("another line").expect("text")
    }

    /// Interrupts it; the last line that it says.
    fn interrupt(mut self) -> String {
        let process = self.process.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status().expect("kill");
        assert!(sent.success());
        let last = self.lines.by_ref().last().expect("a summary").expect("text");
        assert!(self.process.wait().expect("an end").success(), "{last}");
        last
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already, unless the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The two ends of a network in a folder: the server's socket and ours.
fn sockets(folder: &Path) -> [PathBuf; 2] {
    ["server", "client"].map(|name| folder.join(name))
}

/// Runs a client process to its end; how many pings came back.
fn ping(kind: DeviceKind, [near, far]: [&Path; 2], size: u64, count: u64) -> usize {
    let network = format!("dgram:{},{}", near.display(), far.display());
    let output = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .args(["rping", "-c", "-a", "10.0.0.2", "-v", "-V"])
        .args(["-S", &size.to_string(), "-C", &count.to_string()])
        .args(["--device", kind.name(), "--network", &network, "--ip", "10.0.0.1/24"])
        .output()
        .expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.starts_with("ping data: rdma-ping-")).count()
}

/// The frames of a capture.
fn frames(capture: &Path) -> usize {
    let mut reader = PcapNgReader::new(File::open(capture).expect("a capture")).expect("pcapng");
    let mut frames = 0;
    while let Some(block) = reader.next_block() {
        frames += usize::from(matches!(block.expect("a block"), Block::EnhancedPacket(_)));
    }
    frames
}

/// Clients one after another, and the end in order.
fn serves(kind: DeviceKind, client: DeviceKind) {
    let folder = tempfile::tempdir().expect("a folder");
    let [near, far] = sockets(folder.path());
    let capture = folder.path().join("serve.pcapng");
    let more = ["--capture", capture.to_str().unwrap()];
    let mut serving = Serving::start(kind, [&near, &far], &more);
    for (size, count) in [(64, 3), (4096, 4)] {
        assert_eq!(ping(client, [&far, &near], size, count) as u64, count);
        assert!(!far.exists(), "the client removes its socket");
        let line = serving.line();
        assert!(line.starts_with("connection from 10.0.0.1:"), "{line}");
        assert_eq!(serving.line(), format!("closed after {count} pings"));
    }
    assert_eq!(serving.interrupt(), "served 7 pings of 2 clients, 0 connections failed");
    assert!(!near.exists(), "the server removes its socket");
    let frames = frames(&capture);
    // Two messages each way, a Read Request and its Response, and a Write.
    assert!(frames > 7 * 7, "{frames} frames");
}

#[test]
fn a_model_serves_models() {
    serves(DeviceKind::Model, DeviceKind::Model);
}

#[test]
fn the_rtl_serves_models() {
    serves(DeviceKind::Sim, DeviceKind::Model);
}

#[test]
fn a_model_serves_the_rtl() {
    serves(DeviceKind::Model, DeviceKind::Sim);
}

/// What there is to say at the end still leaves: the client hears at once that its server is gone.
fn goes_away(kind: DeviceKind) {
    let folder = tempfile::tempdir().expect("a folder");
    let [near, far] = sockets(folder.path());
    let mut serving = Serving::start(kind, [&near, &far], &[]);
    let network = format!("dgram:{},{}", far.display(), near.display());
    let client = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .args(["rping", "-c", "-a", "10.0.0.2", "--network", &network, "--ip", "10.0.0.1/24"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let line = serving.line();
    assert!(line.starts_with("connection from 10.0.0.1:"), "{line}");
    serving.interrupt();
    let output = client.wait_with_output().expect("an end");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("the peer reset the TCP connection"), "{errors}");
}

#[test]
fn a_model_that_goes_away_says_so() {
    goes_away(DeviceKind::Model);
}

#[test]
fn the_rtl_that_goes_away_says_so() {
    goes_away(DeviceKind::Sim);
}

/// As the ones' complement sum of RFC 1071.
fn checksum(octets: &[u8]) -> [u8; 2] {
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (!(folded as u16)).to_be_bytes()
}

/// Someone who asks who is there, and pings.
#[test]
fn arp_and_ping_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let [near, far] = sockets(folder.path());
    for kind in DeviceKind::ALL {
        let peer = UnixDatagram::bind(&far).expect("a socket");
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let serving = Serving::start(kind, [&near, &far], &[]);
        peer.connect(&near).expect("the server's socket");
        let ours = [2, 0, 0, 0, 0, 9];
        let ask = [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
        let addresses = [10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
        peer.send(&[&[0xff; 6][..], &ours, &ask, &ours, &addresses].concat()).unwrap();
        let mut frame = [0; 2000];
        let length = peer.recv(&mut frame).expect("an answer to ARP");
        assert_eq!(frame[..12], [2, 0, 0, 0, 0, 9, 2, 0x49, 0x57, 0, 0, 2], "{length} octets");
        assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);

        let mut ip = [0x45, 0, 0, 28, 0, 7, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 2];
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum);
        let mut echo = [8, 0, 0, 0, 0x12, 0x34, 0, 1];
        let sum = checksum(&echo);
        echo[2..4].copy_from_slice(&sum);
        let header = [2, 0x49, 0x57, 0, 0, 2, 2, 0, 0, 0, 0, 9, 8, 0];
        peer.send(&[&header[..], &ip, &echo].concat()).unwrap();
        let length = peer.recv(&mut frame).expect("an answer to ping");
        assert_eq!(length, 60, "padded");
        assert_eq!((frame[23], &frame[26..34]), (1, &[10, 0, 0, 2, 10, 0, 0, 9][..]));
        assert_eq!((frame[34], &frame[38..42]), (0, &[0x12, 0x34, 0, 1][..]));
        assert_eq!(serving.interrupt(), "served 0 pings of 0 clients, 0 connections failed");
        std::fs::remove_file(&far).unwrap();
    }
}

/// Clients finish MPA and say nothing more, until there is no place left: after the keep-alive they
/// are let go, and a newcomer is served.
#[test]
fn clients_that_say_nothing_are_let_go() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let arguments = ["--ip", "127.0.0.1", "--keep-alive", "2"];
    let mut serving = Serving::with(&arguments, port);
    let mut silent = Vec::new();
    loop {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"MPA ID Req Frame\x40\x01\x00\x00").unwrap();
        let mut reply = [0; 20];
        client.read_exact(&mut reply).unwrap();
        silent.push(client);
        let is_rejected = reply[16] & 0x20 != 0;
        if is_rejected {
            break;
        }
    }
    let places = silent.len() - 1;
    assert!(places > 14, "{places}");
    for client in &mut silent[..places] {
        let end = client.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(end, Err(ErrorKind::ConnectionReset));
    }
    let ping = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
        .args(["rping", "-c", "-a", "127.0.0.1", "-C", "3", "-p", &port.to_string()])
        .output()
        .unwrap();
    assert!(ping.status.success(), "{}", String::from_utf8_lossy(&ping.stderr));
    let told = "ended after 0 pings: the connection ended: the peer did not answer in time";
    let mut let_go = 0;
    while let_go < places {
        let_go += usize::from(serving.line() == told);
    }
}

#[test]
fn networks_that_cannot_be_had_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("precious");
    std::fs::write(&file, b"do not lose me").unwrap();
    let taken = format!("dgram:{},{}", file.display(), folder.path().join("b").display());
    for (arguments, told) in [
        (&["--network", "udp:1"][..], "networks are"),
        (&["--network", "dgram:a"], "two paths"),
        (&["--network", &taken], "no socket"),
        (&["--network", "tcp", "--device", "sim"], "TCP of its own"),
        (&["--network", "tcp", "--ip", "10.0.0/8"], "no IPv4 address"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
            .arg("serve")
            .args(arguments)
            .output()
            .expect("the command runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(told), "{arguments:?}: {errors}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"do not lose me");
}
