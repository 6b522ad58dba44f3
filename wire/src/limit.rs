//! What the wire allows: the goodput of RDMA Write over TCP/IPv4 on Ethernet.

use crate::ddp::TAGGED_HEADER_BYTES;
use crate::ethernet::{self, WIRE_OVERHEAD_BYTES};
use crate::mpa::fpdu::mulpdu;
use crate::{ipv4, tcp};

/// The largest TCP payload of a segment at an MTU, in octets: no IP and no TCP options.
pub const fn emss(mtu: usize) -> usize {
    mtu.saturating_sub(ipv4::HEADER_BYTES + tcp::HEADER_BYTES)
}

/// The largest MULPDU that a frame holds, in octets; `frame` counts Ethernet's header and no frame
/// check sequence.
pub const fn mulpdu_of_frame(frame: usize, markers: bool) -> usize {
    mulpdu(emss(frame.saturating_sub(ethernet::HEADER_BYTES)), markers)
}

/// Payload octets of a full RDMA Write segment, and the octet times that its frame takes on the
/// wire with preamble, frame check sequence and gap.
pub const fn write_segment(mtu: usize, markers: bool) -> (usize, usize) {
    let payload = mulpdu(emss(mtu), markers).saturating_sub(TAGGED_HEADER_BYTES);
    (payload, mtu + WIRE_OVERHEAD_BYTES)
}

/// The goodput limit of RDMA Write on a link of `line_bps` bits a second, in bits a second.
pub fn write_goodput_bps(line_bps: f64, mtu: usize, markers: bool) -> f64 {
    let (payload, wire) = write_segment(mtu, markers);
    line_bps * payload as f64 / wire as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_known_shares_of_the_line() {
        for (mtu, markers, percent) in
            [(1500, false, 93.63), (1500, true, 92.85), (9000, false, 98.92), (9000, true, 98.12)]
        {
            let share = write_goodput_bps(100.0, mtu, markers);
            assert!((share - percent).abs() < 0.005, "{mtu} {markers}: {share}");
        }
    }
}
