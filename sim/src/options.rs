//! What a world is made of.

use crate::{Error, RootComplexOptions};
use ironwarp_network::Impairment;
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
        self.root_complex.check()?;
        Ok(())
    }
}

/// How the link behaves. The default is a perfect cable.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// From the sender's MAC to the receiver's, in core clocks.
    pub propagation_clocks: u64,
    /// What goes wrong on the way. Without a seed of its own, it follows from the world's. Anything
    /// at all puts a network between the two cables: it takes whole frames, and a frame that its
    /// sender has spoilt goes no further.
    pub impairment: Impairment,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self { propagation_clocks: 16, impairment: Impairment::default() }
    }
}
