//! What a world is made of.

use crate::{Error, RootComplexOptions};
use ironwarp_root_complex::BadOption;
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
        let bad = &self.link.impairments;
        for (option, chance) in [
            ("drop", bad.drop),
            ("duplicate", bad.duplicate),
            ("reorder", bad.reorder),
            ("corrupt", bad.corrupt),
            ("corrupt_undetected", bad.corrupt_undetected),
        ] {
            if !(0.0..=1.0).contains(&chance) {
                return Err(BadOption { option, why: format!("{chance} is no chance") }.into());
            }
        }
        self.root_complex.check()?;
        Ok(())
    }
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
