//! How a world is set up.

use crate::cable::Conduct;
use crate::error::Error;
use crate::host::Setup;
use crate::network::{Network, Uplink};
#[cfg(feature = "sim")]
use crate::rtl;
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_driver::iova::Placement;
use ironwarp_network::Impairment;
#[cfg(feature = "sim")]
use ironwarp_sim::{time, Simulation};
use std::path::PathBuf;
use std::time::Duration;

/// How a world is set up.
pub struct WorldOptions {
    /// From one end of the link to the other.
    pub propagation: Duration,
    /// Write every frame of the link to this pcapng file.
    pub capture: Option<PathBuf>,
    /// How many objects models have. An RNIC in RTL is compiled for its own.
    pub configuration: Configuration,
    /// Where the bus addresses of host memory are.
    pub placement: Placement,
    /// A bus without an IOMMU: the application's pages are scattered on it, by this seed.
    pub scatter: Option<u64>,
    /// What goes wrong on the link, be it in a time of its own or in the computer's.
    pub impairment: Impairment,
    /// Makes a link between models do with each frame what a test says, before anything else goes
    /// wrong with it.
    pub conduct: Option<Conduct>,
    /// The seed and the hosts of RNICs in RTL. The number of RNICs, all of the link and the capture
    /// follow from the rest.
    #[cfg(feature = "sim")]
    pub simulation: ironwarp_sim::Options,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            propagation: Duration::from_nanos(100),
            capture: None,
            configuration: REFERENCE,
            placement: Placement::default(),
            scatter: None,
            impairment: Impairment::default(),
            conduct: None,
            #[cfg(feature = "sim")]
            simulation: ironwarp_sim::Options::default(),
        }
    }
}

impl WorldOptions {
    pub(crate) fn setup(&self) -> Setup {
        let Self { placement, scatter, configuration, .. } = *self;
        Setup { placement, scatter, configuration }
    }

    /// The way to a network, which captures and impairs.
    pub(crate) fn uplink(&self, network: &Network) -> Result<Uplink, Error> {
        Ok(Uplink::open(network, self.capture.as_deref())?.impaired(&self.impairment))
    }

    /// A simulation of so many RNICs. Its link is the world's whole link, or leads to an uplink,
    /// which captures and impairs then.
    #[cfg(feature = "sim")]
    pub(crate) fn simulation(&self, rnics: usize, whole: bool) -> Result<Simulation, Error> {
        let mut options = self.simulation.clone();
        let propagation = u64::try_from(self.propagation.as_nanos()).unwrap_or(u64::MAX);
        options.link.propagation_clocks = time::clocks(propagation);
        options.capture = self.capture.clone().filter(|_| whole);
        if whole {
            options.link.impairment = self.impairment.clone();
        }
        options.nics = rnics;
        Ok(Simulation::new(options).map_err(rtl::bus)?)
    }
}
