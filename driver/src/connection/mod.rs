//! The connection manager: opens, starts and closes connections in software, on the raw queue, and
//! hands them to the hardware in between.

mod close;
mod event;
mod handover;
mod live;
mod manager;
mod negotiation;
mod network;
mod phy;
mod segment;
mod silence;
mod startup;
#[cfg(test)]
mod tests;
mod tracker;

pub use event::{Agreement, Event, PeerStartup, ReadDepths, RequestId, StartupOptions};
pub(crate) use manager::Connections;
pub(crate) use segment::Flow;
