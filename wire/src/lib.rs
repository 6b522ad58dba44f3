//! What travels between two iWARP RNICs.
//!
//! ```text
//!   Ethernet | IPv4 | TCP | FPDU: length | ULPDU: DDP header, RDMAP, payload | pad | CRC
//!                                   ^ markers every 512 octets of the TCP stream, if asked for
//! ```
//!
//! Every header is a table of byte positions in which a field starts where the last one ends. The
//! hardware, its model and the software take their offsets from these tables. Over a table lie a
//! *view*, whose one constructor checks the length so that no accessor can panic, and a *`Repr`*,
//! which holds the fields as values and can be emitted and parsed.
//!
//! All multi-octet fields are in network byte order, with one exception: the CRC of an FPDU.
//!
//! The crate is `no_std`; its default feature `std` adds the framer and deframer of `mpa::stream`.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod checksum;
pub mod ddp;
pub mod ethernet;
mod field;
pub mod ipv4;
pub mod limit;
pub mod mpa;
pub mod rdmap;
pub mod sack;
pub mod sequence;
pub mod tcp;

/// The octets end before the header does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{have} octets where the header alone has {need}")]
pub struct TooShort {
    /// The length of the header, in octets.
    pub need: usize,
    /// What there was, in octets.
    pub have: usize,
}
