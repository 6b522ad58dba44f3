//! The user-space driver of an IronWARP RNIC.
//!
//! ```text
//!   verbs: Context, ProtectionDomain, MemoryRegion, CompletionQueue, QueuePair
//!     |                                   connection: ARP, TCP open, MPA startup, close
//!     +-- memory, completion, queue_pair  raw: Ethernet frames on queue pair 0
//!           |                               |
//!           +---- ring, device -------------+
//!                      |
//!                 pci: the seam; backend: sim
//! ```
//!
//! The hardware owns open connections. Software opens and closes them on the raw queue, and hands
//! them over in between by writing a context.
#![forbid(unsafe_code)]

pub mod backend;
mod completion;
mod connection;
mod device;
mod error;
#[cfg(test)]
mod fake;
mod hardware;
pub mod iova;
mod memory;
pub mod msix;
mod options;
pub mod os;
pub mod pci;
mod queue_pair;
mod raw;
mod ring;
mod state;
mod station;
mod status;
mod verbs;

pub use completion::{Completion, Operation};
pub use connection::{Agreement, Event, PeerStartup, ReadDepths, RequestId, StartupOptions};
pub use device::CLOCKS_PER_MICROSECOND;
pub use error::{Error, Reason};
pub use memory::{Access, Buffer, RemoteBuffer};
pub use options::Options;
pub use os::Region;
pub use queue_pair::WorkRequest;
pub use state::QpState;
pub use status::Status;
pub use verbs::{
    CompletionQueue, Context, MemoryRegion, ProtectionDomain, QueuePair, QueuePairOptions,
};
