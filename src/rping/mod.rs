//! The ping-pong of RDMA people, as rdma-core's `rping` plays it.
//!
//! ```text
//!   client                                         server
//!     | Send: where my data is                        |
//!     |---------------------------------------------->|
//!     |<----------------------------- RDMA Read ------|
//!     |<----------------------------- Send: go ahead -|
//!     | Send: where I want it                         |
//!     |---------------------------------------------->|
//!     |<----------------------------- RDMA Write -----|
//!     |<----------------------------- Send: go ahead -|
//!     | compare                                       |
//! ```

mod client;
pub mod command;
mod endpoint;
mod error;
mod message;
mod server;

pub use client::Client;
pub use error::Error;
pub use message::{Info, INFO_BYTES, SIZE_MAX, SIZE_MIN};
pub use server::{Outcome, Server};

use ironwarp_driver::{Agreement, Reason};
use std::net::SocketAddrV4;

/// What happened.
#[derive(Debug)]
pub enum Notice {
    /// A connection is open.
    Connected {
        /// The peer.
        peer: SocketAddrV4,
        /// What both sides agreed on.
        agreement: Agreement,
    },
    /// The client has a ping back, or the server has read one.
    Pinged {
        /// Its number on this connection, from 0.
        ping: u64,
        /// Its text.
        text: String,
    },
    /// Client: the connection was closed in order, after so many pings.
    Closed {
        /// How many came back.
        pings: u64,
    },
    /// Server: a client is done with.
    Served(Outcome),
    /// Server: a client could not be served.
    Turned {
        /// The client.
        peer: SocketAddrV4,
        /// Why.
        error: Error,
    },
    /// Server: someone connected who speaks no MPA.
    Stranger(Reason),
}
