//! How a world is set up.

use crate::cable::Conduct;
use crate::host::Setup;
#[cfg(feature = "sim")]
use crate::{error::Error, rtl};
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_driver::iova::Placement;
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
    /// Makes a link between models do other than carry every frame as it is. The link of RNICs in
    /// RTL has impairments instead, among the options of the simulation.
    pub conduct: Option<Conduct>,
    /// The seed, the hosts and the link's impairments of RNICs in RTL. The number of RNICs, the
    /// link's propagation time and the capture follow from the rest.
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
            conduct: None,
            #[cfg(feature = "sim")]
            simulation: ironwarp_sim::Options::default(),
        }
    }
}

impl WorldOptions {
    pub(crate) fn setup(&self) -> Setup {
        Setup { placement: self.placement, configuration: self.configuration }
    }

    /// A simulation of so many RNICs, which captures the frames of its link or not.
    #[cfg(feature = "sim")]
    pub(crate) fn simulation(&self, rnics: usize, captures: bool) -> Result<Simulation, Error> {
        let mut options = self.simulation.clone();
        let propagation = u64::try_from(self.propagation.as_nanos()).unwrap_or(u64::MAX);
        options.link.propagation_clocks = time::clocks(propagation);
        options.capture = self.capture.clone().filter(|_| captures);
        options.nics = rnics;
        Ok(Simulation::new(options).map_err(rtl::bus)?)
    }
}
