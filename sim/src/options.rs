//! What a world is made of.

use crate::Error;
use std::path::PathBuf;

/// How the simulation is set up. Everything follows from these values: two runs with equal
/// options and equal calls agree in every clock, frame and file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// RNICs: 2 at the two ends of the link, or 1 and the test's peer at the other end.
    pub nics: usize,
    /// The host side of PCIe, the same for every RNIC.
    pub root_complex: RootComplexOptions,
    /// The Ethernet link, the same in both directions.
    pub link: LinkOptions,
    /// Write every frame that is sent to this pcapng file.
    pub capture: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            nics: 2,
            root_complex: RootComplexOptions::default(),
            link: LinkOptions::default(),
            capture: None,
        }
    }
}

impl Options {
    /// Refuses values that mean nothing.
    ///
    /// # Errors
    /// [`Error::NicCount`] or [`Error::BadOption`].
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=2).contains(&self.nics) {
            return Err(Error::NicCount(self.nics));
        }
        let (root, bad) = (&self.root_complex, &self.link.impairments);
        for (option, chance) in [
            ("back_pressure", root.back_pressure),
            ("bubbles", root.bubbles),
            ("drop", bad.drop),
            ("duplicate", bad.duplicate),
            ("reorder", bad.reorder),
            ("corrupt", bad.corrupt),
            ("corrupt_undetected", bad.corrupt_undetected),
        ] {
            if !(0.0..=1.0).contains(&chance) {
                return Err(Error::BadOption { option, why: format!("{chance} is no chance") });
            }
        }
        for (option, octets, most) in
            [("max_payload", root.max_payload, 512), ("max_read", root.max_read, 4096)]
        {
            if !octets.is_power_of_two() || !(128..=most).contains(&octets) {
                let why = format!("{octets} is no power of two from 128 to {most}");
                return Err(Error::BadOption { option, why });
            }
        }
        let bar = u64::from(ironwarp_abi::registers::BAR_BYTES);
        if root.bar_address % (2 * bar) != 0 {
            let why = format!("{:#x} is no multiple of {:#x}", root.bar_address, 2 * bar);
            return Err(Error::BadOption { option: "bar_address", why });
        }
        Ok(())
    }
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
        }
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

/// How the link behaves. The default is a perfect cable.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// From the sender's MAC to the receiver's, in core clocks.
    pub propagation_clocks: u64,
    /// What goes wrong on the way, as chances from 0 to 1 for every frame.
    pub impairments: Impairments,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self { propagation_clocks: 16, impairments: Impairments::NONE }
    }
}

/// The chances, 0 to 1 for every frame, that something goes wrong on the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Impairments {
    /// The frame is lost.
    pub drop: f64,
    /// The frame arrives twice.
    pub duplicate: f64,
    /// The frame is held back so that later ones overtake it.
    pub reorder: f64,
    /// By how many clocks at most a frame is held back.
    pub reorder_clocks: u64,
    /// Some bits flip, and the receiving MAC sees that the frame check sequence is wrong.
    pub corrupt: f64,
    /// One bit flips, and the frame check sequence does not tell.
    pub corrupt_undetected: f64,
    /// A seeded extra delay of up to so many clocks for every frame; order is kept.
    pub jitter_clocks: u64,
}

impl Impairments {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        drop: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_clocks: 2000,
        corrupt: 0.0,
        corrupt_undetected: 0.0,
        jitter_clocks: 0,
    };
}
