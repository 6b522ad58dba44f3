//! Why a file did not cross.

use ironwarp_driver::{Operation, Reason, Status};
use std::path::PathBuf;

/// What a sender or a receiver can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver or the device.
    #[error(transparent)]
    Driver(#[from] ironwarp_driver::Error),
    /// The simulated machine.
    #[error(transparent)]
    Machine(#[from] ironwarp_machine::Error),
    /// A file cannot be had.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is to be sent is a folder, a pipe or the like.
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    /// The capture would be written over the file.
    #[error("{} is the file itself: choose another name for the capture", .0.display())]
    Capture(PathBuf),
    /// The file is empty, or has more octets than a memory region.
    #[error("{} has {octets} octets; 1 to {} can be sent", path.display(), u32::MAX)]
    Length {
        /// Which.
        path: PathBuf,
        /// Its length.
        octets: u64,
    },
    /// The other end answered and refused.
    #[error("the receiver refused: {0}")]
    Refused(String),
    /// The other end speaks another protocol.
    #[error("the other end does not speak this protocol")]
    Stranger,
    /// The connection ended, or never came to be.
    #[error("the connection ended: {0}")]
    Connection(Reason),
    /// The other end closed the connection too early.
    #[error("the other end closed the connection before it was done")]
    ClosedEarly,
    /// A work request failed.
    #[error("{0:?} failed: {1}")]
    Request(Operation, Status),
    /// A message of the peer is no digest.
    #[error("the other end sent a message of {0} octets, and a digest has 32")]
    Message(usize),
    /// The digests differ.
    #[error("what arrived is not what was sent: SHA-256 {arrived} instead of {sent}")]
    Differs {
        /// That of the receiver.
        arrived: String,
        /// That of the sender.
        sent: String,
    },
    /// A signal asked for the end.
    #[error("interrupted before the file was here")]
    Interrupted,
    /// Nothing happens any more.
    #[error("the other end has done nothing for {0} seconds")]
    Silent(u64),
}
