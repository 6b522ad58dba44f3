//! One RNIC, a host reduced to its memory, and a peer that is the test itself.
//!
//! No driver and no handshake: the test writes contexts and rings as the driver would, and makes
//! and reads the frames of the other end. So a test decides every octet that the hardware meets.

mod flows;
mod frame;
mod host;
mod peer;
mod window;

pub use flows::{Flows, Writes};
pub use frame::{Segment, TcpFrame};
pub use host::{Station, LOCAL_IP, LOCAL_MAC, LOCAL_PORT, PEER_IP, PEER_MAC, PEER_PORT};
pub use peer::Peer;
pub use window::{commit, control};
