//! `ironwarp serve` as a process, over UNIX datagrams: rping clients, ARP and ping, and its end.

use ironwarp::rping::{Client, Notice};
use ironwarp_driver::backend::{DeviceKind, Network, World, WorldOptions};
use ironwarp_driver::{Context, Options, StartupOptions};
use pcap_file::pcapng::{Block, PcapNgReader};
use std::io::{BufRead, BufReader};
use std::net::SocketAddrV4;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

const PORT: u16 = 7174;
/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A serving process, which does not outlive the test.
struct Serving {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Serving {
    /// Starts it with its device at 10.0.0.2, and waits until it listens.
    fn start(kind: DeviceKind, [near, far]: [&Path; 2], more: &[&str]) -> Self {
        let network = format!("dgram:{},{}", near.display(), far.display());
        let mut process = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
            .args(["serve", "--device", kind.name(), "--network", &network])
            .args(["--ip", "10.0.0.2/24", "--mac", "02:49:57:00:00:02"])
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let stderr = process.stderr.take().expect("a pipe");
        let mut serving = Self { process, lines: BufReader::new(stderr).lines() };
        let first = serving.line();
        assert!(first.ends_with("listening on port 7174"), "{first}");
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

/// Pings so many times; what the client said.
fn ping(context: &Context, size: usize, count: u64) -> Vec<Notice> {
    let server = SocketAddrV4::new([10, 0, 0, 2].into(), PORT);
    let startup = StartupOptions::default();
    let mut client = Client::connect(context, server, size, Some(count), &startup).unwrap();
    let mut said = Vec::new();
    while !client.is_done() {
        said.extend(client.step().expect("a ping-pong"));
        context.wait(Duration::from_millis(100)).unwrap();
    }
    said
}

/// Clients one after another, and the end in order. The frames of the server's capture.
fn serves(kind: DeviceKind, client: DeviceKind) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let [near, far] = sockets(folder.path());
    let capture = folder.path().join("serve.pcapng");
    let more = ["--capture", capture.to_str().unwrap()];
    let mut serving = Serving::start(kind, [&near, &far], &more);

    let network = Network::Dgram { local: far.clone(), remote: near.clone() };
    let world = World::on_network(client, &network, WorldOptions::default()).unwrap();
    let context = Context::open(world.function(0).unwrap(), Options::station(1)).unwrap();
    for (size, count) in [(64, 3), (4096, 4)] {
        let said = ping(&context, size, count);
        let pings = said.iter().filter(|notice| matches!(notice, Notice::Pinged { .. })).count();
        assert_eq!(pings as u64, count, "{said:?}");
        let line = serving.line();
        assert!(line.starts_with("connection from 10.0.0.1:"), "{line}");
        assert_eq!(serving.line(), format!("closed after {count} pings"));
    }
    assert_eq!(serving.interrupt(), "served 7 pings of 2 clients, 0 connections failed");
    assert!(!near.exists(), "the socket is removed");
    drop((context, world));
    assert!(!far.exists(), "ours, too");

    let file = std::fs::File::open(&capture).expect("a capture");
    let mut reader = PcapNgReader::new(file).expect("pcapng");
    let mut frames = 0;
    while let Some(block) = reader.next_block() {
        frames += usize::from(matches!(block.expect("a block"), Block::EnhancedPacket(_)));
    }
    frames
}

#[test]
fn a_model_serves_clients_one_after_another() {
    let frames = serves(DeviceKind::Model, DeviceKind::Model);
    assert!(frames > 7 * 8, "{frames} frames");
}

/// As the ones' complement sum of RFC 1071.
fn checksum(octets: &[u8]) -> [u8; 2] {
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum = words.fold(0, |sum, word| sum + word);
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
