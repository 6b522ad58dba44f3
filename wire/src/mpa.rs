//! MPA: how DDP segments become a TCP stream and come back (RFC 5044, RFC 6581).
//!
//! A connection starts with one [startup] frame in each direction; then each direction is a
//! sequence of [FPDUs](fpdu), with [markers](marker) in it if the receiver wants them.

pub mod crc;
pub mod fpdu;
pub mod marker;
pub mod startup;
#[cfg(feature = "std")]
pub mod stream;

/// The errors of MPA, with the codes that RFC 5044 §8 and RFC 6581 §8 give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Error {
    /// The TCP connection was closed, reset or lost.
    ConnectionLost = 1,
    /// The CRC of an FPDU is wrong.
    Crc = 2,
    /// A marker does not point to the start of its FPDU.
    Marker = 3,
    /// A startup frame is not valid.
    InvalidStartup = 4,
    /// A local failure while connecting.
    LocalCatastrophe = 5,
    /// The peer wants more inbound reads than there is room for.
    InsufficientIrd = 6,
    /// The two sides have no way in common to say ready-to-receive.
    NoMatchingRtr = 7,
}

impl Error {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::ConnectionLost,
        Self::Crc,
        Self::Marker,
        Self::InvalidStartup,
        Self::LocalCatastrophe,
        Self::InsufficientIrd,
        Self::NoMatchingRtr,
    ];

    /// The error of a code, or None if no RFC defines it.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|error| *error as u8 == code)
    }
}
