//! `ironwarp rping` in processes of their own, over the kernel's TCP.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};

fn rping(role: &str, port: u16, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    command.args(["rping", role, "-a", "127.0.0.1", "-p", &port.to_string(), "-v"]);
    command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that listens.
fn server(port: u16, more: &[&str]) -> Child {
    let mut server = rping("-s", port, &[&["-d"], more].concat()).spawn().unwrap();
    let mut line = String::new();
    // Dropping the reader would close what the server writes to: what comes later is put back.
    let mut said = BufReader::new(server.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("listening"), "{line}");
    server.stderr = Some(said.into_inner());
    server
}

/// Reads what a process says while it runs, until its end.
fn end(process: Child) -> JoinHandle<Output> {
    thread::spawn(|| process.wait_with_output().unwrap())
}

fn pings(output: &Output, what: &str) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().filter_map(|line| line.strip_prefix(what)).map(str::to_owned).collect()
}

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_hundred_pings_between_two_processes() {
    for (size, crc) in [("26", "--crc"), ("4096", "--crc"), ("65535", "--no-crc")] {
        let port = free_port();
        let server = end(server(port, &[crc]));
        let client = rping("-c", port, &["-C", "100", "-S", size, "-V", crc]).output().unwrap();
        assert!(client.status.success(), "{}", String::from_utf8_lossy(&client.stderr));
        let server = server.join().unwrap();
        assert!(server.status.success(), "{}", String::from_utf8_lossy(&server.stderr));
        let (ours, theirs) = (pings(&client, "ping data: "), pings(&server, "server ping data: "));
        assert_eq!((ours.len(), &ours), (100, &theirs));
        assert!(ours[1].starts_with("rdma-ping-1: BCDEFGHIJKLM"), "{}", ours[1]);
        assert_eq!(ours[99].len() + 1, size.parse::<usize>().unwrap());
    }
}

/// Clients and strangers, one after another: a persistent server serves on.
#[test]
fn a_persistent_server_serves_on() {
    let port = free_port();
    let mut server = server(port, &["-P"]);
    for _ in 0..5 {
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stranger.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let client = rping("-c", port, &["-C", "3"]).output().unwrap();
        assert!(client.status.success(), "{client:?}");
        assert_eq!(pings(&client, "ping data: ").len(), 3);
    }
    assert!(server.try_wait().unwrap().is_none(), "it still serves");
    server.kill().unwrap();
    let output = server.wait_with_output().unwrap();
    assert_eq!(pings(&output, "server ping data: ").len(), 15);
}

#[test]
fn failures_have_a_reason_and_a_status() {
    let refused = rping("-c", free_port(), &["-C", "1"]).output().unwrap();
    assert!(failure(&refused).contains("reset"), "{refused:?}");
    // A server that accepts and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = rping("-c", port, &["-C", "1"]).spawn().unwrap();
    drop(listener.accept().unwrap());
    let output = client.wait_with_output().unwrap();
    // By a reset, if the Request was there before.
    let told = failure(&output);
    assert!(told.contains("during startup") || told.contains("reset"), "{told}");
    // A client that is killed: between two pings that is an end like any other.
    let port = free_port();
    let server = server(port, &[]);
    let mut client = rping("-c", port, &[]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(client.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    let status = server.wait_with_output().unwrap().status.code();
    assert!(matches!(status, Some(0 | 1)), "{status:?}");
    for wrong in [&["-S", "25"][..], &["-S", "65536"], &["-p", "0"], &["-s"], &["--ip", "x"]] {
        let output = rping("-c", 1, wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

/// The options of rdma-core's that say where, and what it has not here.
#[test]
fn hosts_have_names_and_clients_a_source() {
    let port = free_port();
    let server = end(server(port, &["-q"]));
    let named = ["rping", "-c", "-a", "localhost", "-I", "127.0.0.2", "-q", "-C", "3", "-v"];
    let mut client = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    let client = client.args(named).args(["-p", &port.to_string()]).output().unwrap();
    assert!(client.status.success(), "{}", String::from_utf8_lossy(&client.stderr));
    assert_eq!(pings(&client, "ping data: ").len(), 3);
    let server = server.join().unwrap();
    let told = String::from_utf8_lossy(&server.stderr);
    assert!(told.contains("127.0.0.2:"), "{told}");
    for (wrong, told) in [
        ("::1", "speaks IPv4 only"),
        ("fe80::2", "speaks IPv4 only"),
        ("no.such.host.invalid", "is not known"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ironwarp"))
            .args(["rping", "-c", "-a", wrong])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && errors.contains(told), "{wrong}: {errors}");
    }
    let other = rping("-c", port, &["-I", "127.0.0.2", "--ip", "127.0.0.1"]).output().unwrap();
    assert!(failure(&other).contains("not the device's"), "{other:?}");
}
