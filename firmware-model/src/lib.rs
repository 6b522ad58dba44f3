//! The behavioural model of the device: the RNIC's behaviour in Rust, with no clock.
//!
//! ```text
//!   BAR 0, DMA, interrupts (ironwarp-abi)              Ethernet frames (ironwarp-wire)
//!            |                                                  |
//!   +-----------------+     +-----------------------------------------------+
//!   | registers       |     |  arrival     judges frames                    |
//!   | contexts, msix  |     |  receiver    TCP octets in order              |
//!   | completion      | <-- |  deframe     FPDUs                            |
//!   | protection      |     |  placement   DDP, RDMAP                       |
//!   | work_queue      | --> |  sender      work requests to FPDUs           |
//!   +-----------------+     |  departure   TCP/IP headers                   |
//!                           +-----------------------------------------------+
//!        device joins them;   stream_pair is a connection, raw_pair is queue pair 0
//! ```
//!
//! It is the specification that runs: what the RTL does is compared with it. It is written from
//! the RFCs and from the host's contract.
//!
//! # Where the RFCs and the contract leave a choice
//!
#![doc = include_str!("../CHOICES.md")]
#![forbid(unsafe_code)]

mod arrival;
mod completion;
mod contexts;
mod counters;
mod deframe;
mod departure;
mod device;
mod host;
mod msix;
mod place;
mod placement;
mod protection;
mod raw_pair;
mod receiver;
mod registers;
mod sender;
mod shared;
mod stream_pair;
mod work_queue;

pub use device::{Device, Options};
pub use host::{Fault, Host};

/// One of [`ironwarp_abi::status`].
type Status = u8;
