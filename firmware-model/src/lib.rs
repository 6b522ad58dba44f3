//! The behavioural model of the device: the RNIC's behaviour in Rust, with no clock.
//!
//! ```text
//!   BAR 0, DMA, interrupts (ironwarp-abi)     Ethernet frames       a ByteStream of the host
//!            |                                (ironwarp-wire)            |
//!   +-----------------+     +----------------------------------+----------------------+
//!   | registers, msix |     |  tcp  arrival, departure: headers|  byte_stream         |
//!   | contexts, flows |     |       receive, send: order       |                      |
//!   |                 |     |       recovery: what is lost     |                      |
//!   | completion      |     +----------------------------------+----------------------+
//!   | fences          |     |  rdma                                                   |
//!   | protection      |     |                                                         |
//!   | work_queue      | <-- |    in:   fpdu_stream, placement -> reads                |
//!   |                 | --> |    out:  message, sender <- reads, outstanding          |
//!   +-----------------+     +---------------------------------------------------------+
//!      device joins them;     queue_pair is rdma over either, raw_pair is queue pair 0
//! ```
//!
//! It is the specification that runs: what the RTL does is compared with it. It is written from
//! the RFCs and from the host's contract.
//!
//! # The contract
//!
#![doc = include_str!("../../docs/contract.md")]
#![forbid(unsafe_code)]

mod byte_stream;
mod completion;
mod contexts;
mod counters;
mod device;
mod fences;
mod flows;
mod fpdu;
mod fpdu_stream;
mod host;
mod life;
mod message;
mod msix;
mod outstanding;
mod place;
mod placement;
mod protection;
mod queue_pair;
mod queue_pairs;
mod raw_pair;
mod rdma;
mod reads;
mod registers;
mod sender;
mod shared;
mod tcp;
mod work_queue;

pub use byte_stream::ByteStream;
pub use device::{Device, Options};
pub use host::{Fault, Host};
pub use queue_pairs::AttachError;
pub use tcp::congestion::Algorithm as Congestion;

/// One of [`ironwarp_abi::status`].
type Status = u8;
