//! Ethernet II: where the fields lie in a frame, from its destination address on.

use core::ops::Range;

/// The address of the receiver.
pub const DESTINATION: Range<usize> = 0..6;
/// The address of the sender.
pub const SOURCE: Range<usize> = DESTINATION.end..DESTINATION.end + 6;
/// What the frame carries: [`TYPE_IPV4`], [`TYPE_ARP`] and others.
pub const TYPE: Range<usize> = SOURCE.end..SOURCE.end + 2;
/// The length of the header, in octets. There is no VLAN tag in it.
pub const HEADER_BYTES: usize = TYPE.end;

/// The frame carries an IPv4 datagram.
pub const TYPE_IPV4: u16 = 0x0800;
/// The frame carries an ARP message.
pub const TYPE_ARP: u16 = 0x0806;

/// The shortest frame without its check sequence, in octets; shorter ones are padded.
pub const FRAME_BYTES_MIN: usize = 60;
/// Preamble and start-of-frame delimiter, in octets of time on the wire.
pub const PREAMBLE_BYTES: usize = 8;
/// The frame check sequence, which the MAC appends, in octets.
pub const CHECK_BYTES: usize = 4;
/// The shortest gap between two frames, in octets of time on the wire.
pub const GAP_BYTES: usize = 12;
/// What a frame costs on the wire beyond what it carries, in octets.
pub const WIRE_OVERHEAD_BYTES: usize = PREAMBLE_BYTES + HEADER_BYTES + CHECK_BYTES + GAP_BYTES;

const _: () = assert!(HEADER_BYTES == 14 && WIRE_OVERHEAD_BYTES == 38);
