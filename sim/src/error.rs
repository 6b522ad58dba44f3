//! What can go wrong in the world, for the one who runs it.

use ironwarp_root_complex::{BadOption, ConfigAddress};
use std::path::PathBuf;

/// Why the simulation could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A world has one RNIC or two.
    #[error("a simulation has 1 or 2 RNICs, not {0}")]
    NicCount(usize),
    /// There is no such RNIC.
    #[error("there is no RNIC {0} in this simulation")]
    NoSuchNic(usize),
    /// An option has a value that means nothing.
    #[error(transparent)]
    BadOption(#[from] BadOption),
    /// A BAR access is misaligned or outside the BAR.
    #[error("BAR 0 address {0:#x} is not a 32-bit register")]
    BarAddress(u32),
    /// The device did not answer a read of its BAR in time.
    #[error("RNIC {nic} did not answer a read of BAR 0 + {address:#x} in {clocks} clocks")]
    BarTimeout {
        /// The RNIC.
        nic: usize,
        /// The register's offset in BAR 0.
        address: u32,
        /// How long the root complex waited.
        clocks: u64,
    },
    /// The access was refused: memory space is disabled, or the device said so.
    #[error("RNIC {nic} refused an access to BAR 0 + {address:#x}: {why}")]
    BarRefused {
        /// The RNIC.
        nic: usize,
        /// The register's offset in BAR 0.
        address: u32,
        /// By whom and how.
        why: &'static str,
    },
    /// A configuration access crosses the end of configuration space.
    #[error(transparent)]
    ConfigAddress(#[from] ConfigAddress),
    /// A frame cannot be sent: shorter than its Ethernet header, or longer than the link takes.
    #[error("a frame of {0} octets cannot be sent")]
    FrameLength(usize),
    /// The link has no end that a test may use: both are RNICs.
    #[error("both ends of the link are RNICs")]
    NoPeer,
    /// The capture could not be written.
    #[error(transparent)]
    Capture(#[from] ironwarp_capture::Error),
    /// This device has no insides to show.
    #[error("waveform {}: this device offers none", path.display())]
    NoWaveform {
        /// The file asked for.
        path: PathBuf,
    },
    /// The waveform could not be written.
    #[error("waveform: {0}")]
    Waveform(#[source] Box<dyn std::error::Error + Send + Sync>),
}
