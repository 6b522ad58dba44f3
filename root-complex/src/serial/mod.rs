//! The host's end of a serial line that carries packets (`ironwarp_abi::serial`). No I/O: octets go
//! in and out, and the caller says what time it is.

pub mod frame;
pub mod link;
pub mod round_trip;

pub use frame::{Deframer, Frame};
pub use link::{LinkError, SerialLink};
