//! How a root complex behaves.

use crate::mishaps::MishapOptions;
use ironwarp_abi::configuration::{self, Configuration};

/// A value that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {why}")]
pub struct BadOption {
    /// The option's name.
    pub option: &'static str,
    /// What it must be.
    pub why: String,
}

/// How a root complex behaves. The default is quick and orderly.
#[derive(Clone, Debug)]
pub struct RootComplexOptions {
    /// From a read request's last beat to its first completion, in nanoseconds.
    pub read_latency_ns: u64,
    /// A seeded extra latency of up to so many nanoseconds for every read request.
    pub read_jitter_ns: u64,
    /// From a write request's last beat to its effect in memory, in nanoseconds.
    pub write_latency_ns: u64,
    /// Answer requests out of order and interleaved, where PCIe allows it.
    pub reorder: bool,
    /// How the answer to a read request is cut.
    pub split: Split,
    /// The share of clocks, 0 to 1, in which the device's stream is not taken.
    pub back_pressure: f64,
    /// The share of clocks, 0 to 1, in which the stream to the device pauses inside a TLP.
    pub bubbles: f64,
    /// The largest payload of a TLP in octets that the firmware sets up: 128, 256 or 512.
    pub max_payload: u32,
    /// The largest read request in octets that the firmware sets up: 128 to 4096.
    pub max_read: u32,
    /// Bus address of BAR 0 of RNIC 0; the next RNIC's follows. Accesses to addresses above 4 GiB
    /// have 4 DW headers.
    pub bar_address: u64,
    /// Clocks until an unanswered BAR read is given up.
    pub bar_timeout_clocks: u64,
    /// What goes wrong with answers to the device on purpose.
    pub mishaps: MishapOptions,
    /// What the device has: BAR 0's size follows from it.
    pub configuration: Configuration,
}

impl Default for RootComplexOptions {
    fn default() -> Self {
        Self {
            read_latency_ns: 1000,
            read_jitter_ns: 0,
            write_latency_ns: 200,
            reorder: false,
            split: Split::Largest,
            back_pressure: 0.0,
            bubbles: 0.0,
            max_payload: 256,
            max_read: 512,
            bar_address: 0xe000_0000,
            bar_timeout_clocks: 10_000,
            mishaps: MishapOptions::default(),
            configuration: configuration::REFERENCE,
        }
    }
}

impl RootComplexOptions {
    /// Refuses values that mean nothing.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self) -> Result<(), BadOption> {
        for (option, chance) in [("back_pressure", self.back_pressure), ("bubbles", self.bubbles)] {
            if !(0.0..=1.0).contains(&chance) {
                return Err(BadOption { option, why: format!("{chance} is no chance") });
            }
        }
        let chances = &self.mishaps.chances;
        let sum: f64 = chances.iter().sum();
        if chances.iter().any(|chance| !(0.0..=1.0).contains(chance)) || sum > 1.0 {
            return Err(BadOption {
                option: "mishaps",
                why: format!("{chances:?} are no chances"),
            });
        }
        for (option, octets, most) in
            [("max_payload", self.max_payload, 512), ("max_read", self.max_read, 4096)]
        {
            if !octets.is_power_of_two() || !(128..=most).contains(&octets) {
                let why = format!("{octets} is no power of two from 128 to {most}");
                return Err(BadOption { option, why });
            }
        }
        let bar = u64::from(self.configuration.bar_bytes());
        if self.bar_address % (2 * bar) != 0 {
            let why = format!("{:#x} is no multiple of {:#x}", self.bar_address, 2 * bar);
            return Err(BadOption { option: "bar_address", why });
        }
        Ok(())
    }
}

/// How a root complex cuts the answer to a read request into completions.
///
/// Cuts are at multiples of the read completion boundary, 64 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// As few completions as the largest payload allows.
    Largest,
    /// A completion for every 64 octets.
    Smallest,
    /// At boundaries chosen by chance.
    Random,
}
