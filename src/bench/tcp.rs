//! RDMA Writes beside plain TCP, with a process of this program as the receiver.

use super::{plain, rdma, system, Error, MESSAGE_BYTES};
use clap::Args;
use rustix::thread::{sched_getaffinity, sched_setaffinity, CpuSet};
use serde::Serialize;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How much is sent, and how often.
#[derive(Args, Clone, Debug)]
pub struct KernelTcp {
    /// Messages of 64 KiB that are sent each way of sending, in a round
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// Rounds; the best one counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Be the receiving process
    #[arg(long, hide = true)]
    receiver: bool,
}

/// The throughput of both, in octets a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    /// Octets of a message.
    pub message_bytes: usize,
    /// Plain TCP.
    pub plain_bytes_per_second: f64,
    /// RDMA Writes with CRC.
    pub rdma_bytes_per_second: f64,
    /// RDMA by plain.
    pub ratio: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plain, rdma) = (self.plain_bytes_per_second / 1e9, self.rdma_bytes_per_second / 1e9);
        writeln!(f, "{} octets a message, loopback, one process a side", self.message_bytes)?;
        writeln!(f, "plain TCP          {plain:7.3} GB/s")?;
        writeln!(f, "RDMA Write, CRC on {rdma:7.3} GB/s")?;
        write!(f, "ratio              {:7.3}", self.ratio)
    }
}

/// Runs this process on one core only: number `number` of those that it may use.
fn keep_to_core(number: usize) {
    // Where cores cannot be chosen the scheduler does it.
    let Ok(all) = sched_getaffinity(None) else { return };
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).cycle();
    if let Some(core) = cores.nth(number) {
        let mut one = CpuSet::new();
        one.set(core);
        let _ = sched_setaffinity(None, &one);
    }
}

/// The receiving process; it ends with this.
struct Receiver {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Receiver {
    fn start() -> Result<Self, Error> {
        let starting = system("starting the receiving process");
        let program = std::env::current_exe().map_err(&starting)?;
        let mut child = Command::new(program)
            .args(["bench", "kernel-tcp", "--receiver"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(&starting)?;
        let said = child.stdout.take().map(BufReader::new);
        let said = said.ok_or_else(|| Error::Receiver(String::new()))?;
        Ok(Self { child, said })
    }

    /// Asks for a port where the receiver waits for one sender: of `plain` or `rdma`.
    fn port(&mut self, what: &str) -> Result<u16, Error> {
        let asking = system("asking the receiving process");
        if let Some(stdin) = &mut self.child.stdin {
            writeln!(stdin, "{what}").map_err(&asking)?;
        }
        let mut line = String::new();
        self.said.read_line(&mut line).map_err(&asking)?;
        line.trim().parse().map_err(|_| Error::Receiver(line.trim().into()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for senders as the sending process asks, until it has gone.
fn receive() -> Result<(), Error> {
    keep_to_core(1);
    for line in std::io::stdin().lines() {
        let line = line.map_err(system("reading from the sending process"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.map_err(system("listening"))?;
        let port = listener.local_addr().map_err(system("listening"))?.port();
        if line == "plain" {
            println!("{port}");
            plain::receive(&listener)?;
        } else {
            drop(listener);
            let receiver = rdma::Receiver::listen(port)?;
            println!("{port}");
            receiver.receive()?;
        }
    }
    Ok(())
}

/// Measures both, in turns, and prints the figures.
pub fn run(bench: &KernelTcp) -> Result<(), Error> {
    if bench.receiver {
        return receive();
    }
    keep_to_core(0);
    let mut receiver = Receiver::start()?;
    let (mut plain, mut rdma) = (Duration::MAX, Duration::MAX);
    for _ in 0..bench.rounds {
        plain = plain.min(plain::send(receiver.port("plain")?, bench.messages)?);
        rdma = rdma.min(rdma::send(receiver.port("rdma")?, bench.messages)?);
    }
    let octets = bench.messages as f64 * MESSAGE_BYTES as f64;
    let rate = |took: Duration| octets / took.as_secs_f64();
    let report = Report {
        message_bytes: MESSAGE_BYTES,
        plain_bytes_per_second: rate(plain),
        rdma_bytes_per_second: rate(rdma),
        ratio: rate(rdma) / rate(plain),
    };
    match bench.json {
        true => println!("{}", serde_json::json!(report)),
        false => println!("{report}"),
    }
    Ok(())
}
