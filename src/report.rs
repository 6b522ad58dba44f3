//! What a transfer amounts to, for people and for programs.

use crate::transfer::{Outcome, Plan, Stage};
use ironwarp_abi::limits::{CORE_CLOCK_HZ, DATAPATH_BYTES};
use ironwarp_network::Report as Network;
use ironwarp_wire::limit::write_goodput_bps;
use serde::Serialize;
use std::fmt;

/// The result of one transfer.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The sender's kind, as an address begins.
    pub device: String,
    /// The receiver's kind.
    pub peer: String,
    /// The largest IP packet of the link, in octets.
    pub mtu: usize,
    /// Octets of the file.
    pub bytes: usize,
    /// SHA-256 of the file, in hexadecimal.
    pub digest_sent: String,
    /// SHA-256 of the receiver's memory.
    pub digest_received: String,
    /// Bits of the file a second of simulated time.
    pub goodput_bps: f64,
    /// What the wire allows, or a network of a lower rate: RDMA Write at this MTU, with or without
    /// markers.
    pub limit_bps: f64,
    /// `goodput_bps / limit_bps`.
    pub ratio: f64,
    /// Simulated time from the first Write's doorbell to the last message's completion.
    pub nanoseconds: u64,
    /// The same in core clocks, if any device has such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<u64>,
    /// Frames of a board in simulation whose frame check sequence was checked. Its time is the
    /// computer's, and says nothing about a board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_frames: Option<u64>,
    /// What the simulated network did, if the link has any impairment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// The first message: its stations in RTL, and the clocks from one to the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

impl Report {
    /// Works the figures out.
    pub fn new(outcome: &Outcome, plan: &Plan) -> Self {
        let line_bps = (8 * DATAPATH_BYTES) as f64 * CORE_CLOCK_HZ as f64;
        let rate_bps = plan.impairment.rate.map_or(line_bps, |rate| rate as f64);
        let seconds = match outcome.clocks {
            Some(clocks) => clocks as f64 / CORE_CLOCK_HZ as f64,
            None => outcome.time.as_secs_f64(),
        };
        let goodput_bps = 8.0 * outcome.bytes as f64 / seconds;
        let limit_bps = write_goodput_bps(line_bps.min(rate_bps), plan.mtu, plan.markers);
        let [device, peer] = plan.devices;
        Self {
            device: device.to_string(),
            peer: peer.to_string(),
            mtu: plan.mtu,
            bytes: outcome.bytes,
            digest_sent: hexadecimal(&outcome.digest_sent),
            digest_received: hexadecimal(&outcome.digest_received),
            goodput_bps,
            limit_bps,
            ratio: goodput_bps / limit_bps,
            nanoseconds: outcome.time.as_nanos() as u64,
            clocks: outcome.clocks,
            checked_frames: outcome.checked_frames,
            network: outcome.network.clone(),
            stages: outcome.stages.clone(),
        }
    }

    /// The receiver has what was sent.
    pub fn matches(&self) -> bool {
        self.digest_sent == self.digest_received
    }

    /// The stages as a table.
    pub fn stage_table(&self) -> String {
        let total: u64 = self.stages.iter().map(|stage| stage.clocks).sum();
        let mut table = String::from("first message, clocks from station to station:\n");
        for stage in &self.stages {
            table += &format!("  {:<20} {:>6}\n", stage.name, stage.clocks);
        }
        table + &format!("  {:<20} {total:>6}\n", "in all")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MTU {}: {} octets ", self.mtu, self.bytes)?;
        write!(f, "from {} to {} in ", self.device, self.peer)?;
        match self.clocks {
            Some(clocks) => write!(f, "{clocks} clocks")?,
            None => write!(f, "{} ns", self.nanoseconds)?,
        }
        if let Some(frames) = self.checked_frames {
            writeln!(f, " of the simulation's, {frames} frames of the board checked")?;
        } else {
            writeln!(
                f,
                ": {:.3} Gb/s, {:.1} % of the wire's limit {:.3} Gb/s",
                self.goodput_bps / 1e9,
                100.0 * self.ratio,
                self.limit_bps / 1e9
            )?;
        }
        writeln!(f, "  SHA-256 sent     {}", self.digest_sent)?;
        write!(f, "  SHA-256 received {}", self.digest_received)?;
        self.network.as_ref().map_or(Ok(()), |network| write!(f, "\n{network}"))
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
