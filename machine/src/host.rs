//! What is around a device.

use crate::kind::DeviceKind;
use crate::socket::Socket;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_driver::iova::{IovaTable, Placement};
use ironwarp_driver::os::EventFd;
use ironwarp_driver::Error;
use std::sync::Arc;
use std::time::Duration;

/// What hosts and models are made of.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// Where the bus addresses of memory are.
    pub placement: Placement,
    /// How many objects models have.
    pub configuration: Configuration,
}

/// What the functions of a device need without asking it.
pub(crate) struct Host {
    pub kind: DeviceKind,
    /// Of a model.
    configuration: Configuration,
    /// What the device reaches.
    pub memory: IovaTable,
    /// A counter for each vector.
    pub interrupts: Vec<Arc<EventFd>>,
}

impl Host {
    /// Memory with nothing mapped, and interrupts that were never sent.
    pub fn new(kind: DeviceKind, setup: Setup) -> Result<Self, Error> {
        let interrupts = (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new));
        let interrupts = interrupts.collect::<Result<_, _>>()?;
        let Setup { placement, configuration } = setup;
        Ok(Self { kind, configuration, memory: IovaTable::new(placement), interrupts })
    }

    /// A model with this host's memory, whose registers take so long to read.
    pub fn model(&self, read_time: Duration) -> Socket {
        Socket::new(self.configuration, self.memory.clone(), read_time)
    }
}
