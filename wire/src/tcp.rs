//! TCP: where the fields lie in a segment (RFC 9293 §3.1).

use core::ops::Range;

/// The port of the sender.
pub const SOURCE_PORT: Range<usize> = 0..2;
/// The port of the receiver.
pub const DESTINATION_PORT: Range<usize> = SOURCE_PORT.end..SOURCE_PORT.end + 2;
/// The sequence number of the first octet of the payload, or of SYN.
pub const SEQUENCE: Range<usize> = DESTINATION_PORT.end..DESTINATION_PORT.end + 4;
/// The sequence number that the sender expects next; counts if ACK is set.
pub const ACKNOWLEDGMENT: Range<usize> = SEQUENCE.end..SEQUENCE.end + 4;
/// The length of the header with its options, in words of 32 bits, in the high four bits.
pub const DATA_OFFSET: usize = ACKNOWLEDGMENT.end;
/// The flags: [`FIN`] to [`CWR`].
pub const FLAGS: usize = DATA_OFFSET + 1;
/// How many octets the sender can take, before scaling (RFC 7323 §2).
pub const WINDOW: Range<usize> = FLAGS + 1..FLAGS + 3;
/// The internet checksum of pseudo header, header and payload.
pub const CHECKSUM: Range<usize> = WINDOW.end..WINDOW.end + 2;
/// Where urgent data ends; counts if URG is set.
pub const URGENT: Range<usize> = CHECKSUM.end..CHECKSUM.end + 2;
/// The length of the header without options, in octets.
pub const HEADER_BYTES: usize = URGENT.end;

/// The longest header that [`DATA_OFFSET`] can say, in octets.
pub const HEADER_BYTES_MAX: usize = 60;

/// The sender will send no more.
pub const FIN: u8 = 1 << 0;
/// The sequence number is the initial one.
pub const SYN: u8 = 1 << 1;
/// The connection is gone.
pub const RST: u8 = 1 << 2;
/// The receiver should pass the data on without waiting.
pub const PSH: u8 = 1 << 3;
/// The acknowledgment field counts.
pub const ACK: u8 = 1 << 4;
/// The urgent pointer counts.
pub const URG: u8 = 1 << 5;
/// Congestion was experienced (RFC 3168).
pub const ECE: u8 = 1 << 6;
/// The congestion window was reduced (RFC 3168).
pub const CWR: u8 = 1 << 7;

/// The kinds of options (RFC 9293 s. 3.1).
pub mod option {
    /// The end of the options.
    pub const END: u8 = 0;
    /// An octet of padding.
    pub const NO_OPERATION: u8 = 1;
    /// The sender may be sent selective acknowledgements (RFC 2018 s. 2).
    pub const SACK_PERMITTED: u8 = 4;
    /// Selective acknowledgements (RFC 2018 s. 3): see [`sack`](crate::sack).
    pub const SACK: u8 = 5;
}

const _: () = assert!(HEADER_BYTES == 20);
