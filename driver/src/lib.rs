//! The user-space driver of an IronWARP RNIC.
//!
//! ```text
//!   verbs: Context, ProtectionDomain, MemoryRegion, CompletionQueue, QueuePair
//!     |                                   connection: ARP, TCP open, MPA startup, close
//!     +-- memory, completion, queue_pair  raw: Ethernet frames on queue pair 0
//!           |                               |
//!           +------ hardware, ring ---------+
//!                      |
//!                 device: window (records, queries), fence
//!                      |
//!                 pci: the seam; backend: vfio, vfio-user, serial
//! ```
//!
//! The hardware owns open connections. Software opens and closes them on the raw queue, and hands
//! them over in between by writing a context.
//!
//! A megabyte from one card to the other:
//!
//! ```no_run
//! use ironwarp_driver::{
//!     open, Access, Context, Event, Options, QueuePairOptions, Region, RemoteBuffer,
//!     StartupOptions, WorkRequest,
//! };
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let a = Context::open(open("vfio:0000:01:00.0")?, Options::station(1))?;
//! let b = Context::open(open("vfio:0000:02:00.0")?, Options::station(2))?;
//!
//! // B: a buffer that the peer may write, and a receive for the message that says it is done.
//! let (b_domain, b_queue) = (b.protection_domain()?, b.completion_queue(256)?);
//! let b_qp = b_domain.queue_pair(&QueuePairOptions::new(&b_queue))?;
//! let target = b_domain.register(&Region::new(1 << 20)?, Access::REMOTE_WRITE)?;
//! let inbox = b_domain.register(&Region::new(64)?, Access::LOCAL)?;
//! b_qp.post_receive(1, inbox.whole())?;
//! b.listen(7000)?;
//!
//! // A: the data.
//! let (a_domain, a_queue) = (a.protection_domain()?, a.completion_queue(256)?);
//! let a_qp = a_domain.queue_pair(&QueuePairOptions::new(&a_queue))?;
//! let source = a_domain.register(&Region::from_slice(&[7; 1 << 20])?, Access::LOCAL_READ)?;
//! a.connect(&a_qp, "10.0.0.2:7000".parse()?, &StartupOptions::default())?;
//!
//! // One thread drives both ends. B says in its private data where A may write.
//! let mut closed = 0;
//! while closed < 2 {
//!     for event in b.poll()? {
//!         match event {
//!             Event::ConnectRequest { request, .. } => {
//!                 let remote = target.remote(0);
//!                 let mut private_data = remote.stag.to_be_bytes().to_vec();
//!                 private_data.extend_from_slice(&remote.offset.to_be_bytes());
//!                 let options = StartupOptions::with_private_data(&private_data);
//!                 b.accept(request, &b_qp, &options)?;
//!             }
//!             Event::Established { .. } => {}
//!             Event::Disconnected { .. } => closed += 1,
//!             other => return Err(format!("B: {other:?}").into()),
//!         }
//!     }
//!     for event in a.poll()? {
//!         match event {
//!             Event::Established { startup, .. } => {
//!                 let (stag, offset) = startup.private_data.split_at(4);
//!                 let stag = u32::from_be_bytes(stag.try_into()?);
//!                 let offset = u64::from_be_bytes(offset.try_into()?);
//!                 let remote = RemoteBuffer { stag, offset };
//!                 let write = WorkRequest::write(1, source.whole(), remote);
//!                 a_qp.post_send(write.unsignaled())?;
//!                 a_qp.post_send(WorkRequest::send(2, source.buffer(0, 8)?))?;
//!             }
//!             Event::Disconnected { .. } => closed += 1,
//!             other => return Err(format!("A: {other:?}").into()),
//!         }
//!     }
//!     for sent in a_queue.poll(16)? {
//!         assert!(sent.status.is_success(), "{}", sent.status);
//!     }
//!     for received in b_queue.poll(16)? {
//!         assert!(received.status.is_success(), "{}", received.status);
//!         assert_eq!(target.region().to_vec(0, 8)?, [7; 8]);
//!         b.disconnect(&b_qp)?;
//!     }
//!     // An interrupt of either would do; B is looked at again when the time is up.
//!     b.arm()?;
//!     a.wait(Duration::from_micros(100))?;
//! }
//! # Ok(())
//! # }
//! ```

mod address;
pub mod backend;
mod capabilities;
mod completion;
mod completion_queue;
mod connection;
mod device;
mod dma;
mod domains;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub use connection::frames::fuzz;
#[cfg(test)]
mod fake;
mod fence;
mod flow_table;
mod hardware;
pub mod iova;
mod lent;
mod locked;
mod memory;
pub mod msix;
mod numbered;
mod options;
#[allow(unsafe_code)]
pub mod os;
pub mod pci;
mod queue_pair;
mod raw;
mod reactor;
mod ready;
mod ring;
mod setup;
pub mod sleep;
mod state;
mod station;
mod status;
mod usage;
mod verbs;
mod window;

pub use address::{open, Address};
pub use completion::{Completion, Operation};
pub use connection::{Agreement, Event, PeerStartup, ReadDepths, RequestId, StartupOptions};
pub use device::CLOCKS_PER_MICROSECOND;
pub use error::{Error, Reason};
pub use lent::Lent;
pub use memory::{Access, Buffer, RemoteBuffer};
pub use options::{Options, ReceiveWindow, Repair};
pub use os::Region;
pub use queue_pair::WorkRequest;
pub use ready::Completions;
pub use state::QpState;
pub use status::Status;
pub use usage::Usage;
pub use verbs::{
    CompletionQueue, Context, MemoryRegion, ProtectionDomain, QueuePair, QueuePairOptions,
};
