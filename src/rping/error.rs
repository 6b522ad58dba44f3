//! Why a ping-pong failed.

use ironwarp_driver::{Operation, QpState, Reason, Status};
use std::net::Ipv4Addr;

/// What a client or a server can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver or the device.
    #[error(transparent)]
    Driver(#[from] ironwarp_driver::Error),
    /// The simulated machine.
    #[error(transparent)]
    Machine(#[from] ironwarp_machine::Error),
    /// A source address that the device does not have.
    #[error("the source address {address} is not the device's, which is {ip}")]
    Source {
        /// What was asked for.
        address: Ipv4Addr,
        /// The device's.
        ip: Ipv4Addr,
    },
    /// The peer answered and refused the connection.
    #[error("the peer refused the connection")]
    Refused,
    /// The connection ended, or never came to be.
    #[error("the connection ended: {0}")]
    Connection(Reason),
    /// A work request failed.
    #[error("{0:?} failed: {1}")]
    Request(Operation, Status),
    /// A message of the peer is none of rping's.
    #[error("the peer sent a message of {0} octets, and rping's have 16")]
    Message(u32),
    /// The peer announced a buffer that cannot be.
    #[error("the peer announced {size} octets; at most {limit} can be taken")]
    Size {
        /// What it announced.
        size: u32,
        /// What there is room for.
        limit: usize,
    },
    /// The peer closed the connection in the middle of a ping.
    #[error("the peer closed the connection in the middle of ping {0}")]
    ClosedEarly(u64),
    /// What came back is not what was sent.
    #[error("ping {ping} came back with another octet at {offset}")]
    Mismatch {
        /// The number of the ping.
        ping: u64,
        /// The first octet that differs.
        offset: usize,
    },
    /// Nothing happens any more.
    #[error("the peer has said nothing for {0} seconds")]
    Silent(u64),
}

impl Error {
    /// What it means that nothing can be posted any more: the peer has closed, in the middle of a
    /// ping.
    pub(super) fn or_closed(self, ping: u64) -> Self {
        use ironwarp_driver::Error::State;
        match self {
            Self::Driver(State(QpState::Draining | QpState::Closed)) => Self::ClosedEarly(ping),
            other => other,
        }
    }
}
