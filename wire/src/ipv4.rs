//! IPv4 without options: where the fields lie in a datagram (RFC 791 §3.1).

use core::ops::Range;

/// The version in the high four bits, the header's length in words of 32 bits in the low four.
pub const VERSION_AND_LENGTH: usize = 0;
/// Differentiated services in the high six bits, ECN in the low two.
pub const SERVICE: usize = VERSION_AND_LENGTH + 1;
/// The length of the datagram with its header, in octets.
pub const TOTAL_LENGTH: Range<usize> = SERVICE + 1..SERVICE + 3;
/// Which fragments belong together.
pub const IDENTIFICATION: Range<usize> = TOTAL_LENGTH.end..TOTAL_LENGTH.end + 2;
/// Three flags in the high bits, then the fragment's offset in units of eight octets.
pub const FRAGMENT: Range<usize> = IDENTIFICATION.end..IDENTIFICATION.end + 2;
/// How many hops are left.
pub const TIME_TO_LIVE: usize = FRAGMENT.end;
/// What the datagram carries: [`PROTOCOL_TCP`] and others.
pub const PROTOCOL: usize = TIME_TO_LIVE + 1;
/// The internet checksum of the header.
pub const CHECKSUM: Range<usize> = PROTOCOL + 1..PROTOCOL + 3;
/// The address of the sender.
pub const SOURCE: Range<usize> = CHECKSUM.end..CHECKSUM.end + 4;
/// The address of the receiver.
pub const DESTINATION: Range<usize> = SOURCE.end..SOURCE.end + 4;
/// The length of the header without options, in octets.
pub const HEADER_BYTES: usize = DESTINATION.end;

/// The first octet of every header that we send: version 4, five words of 32 bits.
pub const VERSION_4_WITHOUT_OPTIONS: u8 = 0x45;
/// In [`FRAGMENT`]: routers may not fragment the datagram.
pub const DO_NOT_FRAGMENT: u16 = 0x4000;
/// In [`FRAGMENT`]: further fragments follow.
pub const MORE_FRAGMENTS: u16 = 0x2000;
/// In [`FRAGMENT`]: the bits of the offset.
pub const FRAGMENT_OFFSET: u16 = 0x1fff;
/// In [`PROTOCOL`]: the datagram carries a TCP segment.
pub const PROTOCOL_TCP: u8 = 6;

const _: () = assert!(HEADER_BYTES == 20);
const _: () = assert!(VERSION_4_WITHOUT_OPTIONS as usize == (4 << 4) | (HEADER_BYTES / 4));
