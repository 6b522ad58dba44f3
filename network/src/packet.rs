//! Where the IPv4 packet lies in a frame.

use ironwarp_wire::{ethernet, ipv4};
use std::ops::Range;

/// The octets of the IPv4 packet in a frame, without Ethernet's padding; no less than a header.
/// None if there is none, or it is cut.
pub(crate) fn ipv4_packet(frame: &[u8]) -> Option<Range<usize>> {
    let (header, packet) = frame.split_at_checked(ethernet::HEADER_BYTES)?;
    if header[ethernet::TYPE] != ethernet::TYPE_IPV4.to_be_bytes() {
        return None;
    }
    let length = packet.get(ipv4::TOTAL_LENGTH)?.try_into().ok()?;
    let length = usize::from(u16::from_be_bytes(length));
    let whole = (ipv4::HEADER_BYTES..=packet.len()).contains(&length);
    whole.then_some(ethernet::HEADER_BYTES..ethernet::HEADER_BYTES + length)
}
