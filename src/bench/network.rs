//! What a TCP in software gets through a simulated network.

use crate::bench::Error;
use crate::network::Network;
use clap::Args;
use ironwarp_abi::limits::{MTU_MAX, MTU_MIN};
use ironwarp_network::bulk::{self, Congestion, Outcome, Transfer};
use serde::Serialize;
use std::fmt;

/// What is sent.
#[derive(Args, Clone, Debug)]
pub struct SimulatedNetwork {
    /// Octets of each stream
    #[arg(long, value_name = "N", default_value_t = 16 << 20)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    octets: u64,
    /// Octets of a socket's buffers: the largest window
    #[arg(long, value_name = "N", default_value_t = 256 << 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1 << 30))]
    window: u32,
    /// The largest IP packet in octets, 576 to 9000
    #[arg(long, default_value_t = 1500)]
    #[arg(value_parser = clap::value_parser!(u16).range(MTU_MIN as i64..=MTU_MAX as i64))]
    mtu: u16,
    #[command(flatten)]
    network: Network,
    /// Print one JSON object for each row
    #[arg(long)]
    json: bool,
}

/// The controls of congestion that smoltcp has, and the names of their rows.
const CONTROLS: [(Congestion, &str); 3] =
    [(Congestion::Cubic, "CUBIC"), (Congestion::Reno, "Reno"), (Congestion::None, "none")];

/// One stream.
#[derive(Clone, Debug, Serialize)]
struct Row {
    /// The sender's congestion control.
    congestion: &'static str,
    /// Octets of the stream a second of simulated time.
    bytes_per_second: f64,
    /// Simulated time, in nanoseconds.
    nanoseconds: u64,
    /// What the network did.
    network: ironwarp_network::Report,
}

impl Row {
    fn new(congestion: &'static str, Outcome { time, goodput, report }: Outcome) -> Self {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self { congestion, bytes_per_second: goodput, nanoseconds, network: report }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [there, _] = &self.network.directions;
        let (congestion, rate) = (self.congestion, self.bytes_per_second / 1e6);
        write!(f, "{congestion:<6} {rate:10.3} MB/s  {there}")
    }
}

/// Measures and prints the rows.
pub fn run(bench: &SimulatedNetwork) -> Result<(), Error> {
    for (congestion, name) in CONTROLS {
        let transfer = Transfer {
            octets: bench.octets,
            impairment: bench.network.impair.clone(),
            mtu: bench.mtu.into(),
            window: bench.window as usize,
            congestion,
            ..Transfer::default()
        };
        let row = Row::new(name, bulk::run(&transfer)?);
        match bench.json {
            true => println!("{}", serde_json::json!(row)),
            false => println!("{row}"),
        }
    }
    Ok(())
}
