//! The connection manager: opens, starts and closes connections in software, and hands them to the
//! hardware in between.
//!
//! ```text
//!   manager: startups, live connections, events
//!     |         \
//!     |          startup, negotiation: MPA     live: events of the hardware, silence, drain
//!     |             |                             |
//!     +------------ tcp: the seam ----------------+
//!                   |           |
//!        frames: smoltcp on     kernel: sockets
//!        the raw queue
//! ```

mod crowd;
mod event;
pub(crate) mod frames;
mod keep_alive;
mod kernel;
mod live;
mod manager;
mod negotiation;
mod silence;
mod startup;
mod tcp;
#[cfg(test)]
mod tests;

pub use event::{Agreement, Event, PeerStartup, ReadDepths, RequestId, StartupOptions};
pub(crate) use frames::Flow;
pub(crate) use manager::Connections;
