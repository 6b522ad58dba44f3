//! What can go wrong when a machine is put together.

/// Why there is no such device, world or network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device cannot be had or reached.
    #[error(transparent)]
    Driver(#[from] ironwarp_driver::Error),
    /// The name of a network says nothing, or the network is none for the device.
    #[error("no network '{network}': {reason}")]
    Network {
        /// The name as given.
        network: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The frames of a link cannot be written to a file.
    #[error(transparent)]
    Capture(#[from] ironwarp_capture::Error),
}

impl Error {
    /// The way to a device fails: [`ironwarp_driver::Error::Bus`].
    pub(crate) fn bus(why: impl Into<String>) -> Self {
        ironwarp_driver::Error::Bus(why.into()).into()
    }
}
