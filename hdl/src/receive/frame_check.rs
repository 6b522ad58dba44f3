//! Is a frame good, as far as its octets tell?
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::{header_kind, way, FrameBeat};
use crate::receive::ring_sizes::LONGEST_FRAME;
use ironwarp_wire::{ethernet, ipv4, tcp};
use rust_hdl::prelude::*;

/// Combinational, for a frame's last beat.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameCheck {
    pub frame: Signal<In, FrameBeat>,
    /// Octets of the frame.
    pub octets: Signal<In, Bits<16>>,
    /// A check sequence, checksum or length is wrong.
    pub bad: Signal<Out, Bit>,
    /// The frame is for another station; what is in it was not looked at.
    pub foreign: Signal<Out, Bit>,
    away: Literal<2, { way::FOREIGN }>,
    packet: Literal<2, { header_kind::PACKET }>,
    header: Literal<2, { header_kind::HEADER }>,
    segment: Literal<2, { header_kind::SEGMENT }>,
    longest: Literal<16, LONGEST_FRAME>,
    shortest: Literal<16, { ethernet::HEADER_BYTES as u64 }>,
    shortest_packet: Literal<16, { (ethernet::HEADER_BYTES + ipv4::HEADER_BYTES) as u64 }>,
    shortest_segment:
        Literal<16, { (ethernet::HEADER_BYTES + ipv4::HEADER_BYTES + tcp::HEADER_BYTES) as u64 }>,
}

impl Logic for FrameCheck {
    //= rfc1122#3.2.1.2  A datagram with a wrong checksum is dropped in silence.
    #[hdl_gen]
    fn update(&mut self) {
        self.bad.next = false;
        self.foreign.next = false;
        if !self.frame.val().intact
            | (self.octets.val() < self.shortest.val())
            | (self.octets.val() > self.longest.val())
        {
            self.bad.next = true;
        } else if self.frame.val().way == self.away.val() {
            self.foreign.next = true;
        } else if self.frame.val().kind == self.packet.val() {
            self.bad.next = self.octets.val() < self.shortest_packet.val();
        } else if self.frame.val().kind == self.header.val() {
            self.bad.next =
                (self.octets.val() < self.shortest_packet.val()) | !self.frame.val().header_good;
        } else if self.frame.val().kind == self.segment.val() {
            self.bad.next = (self.octets.val() < self.shortest_segment.val())
                | self.frame.val().broken
                | !self.frame.val().checked;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::CONFIGURATION;

    #[test]
    fn every_layer_has_its_checks() {
        let longest = CONFIGURATION.frame_bytes_max();
        let mut uut = FrameCheck::default();
        uut.connect_all();
        let good = FrameBeat {
            way: way::RAW.to_bits(),
            intact: true,
            header_good: true,
            checked: true,
            ..Default::default()
        };
        let of = |kind: u64| FrameBeat { kind: kind.to_bits(), ..good };
        let segment = of(header_kind::SEGMENT);
        let unsummed = FrameBeat { header_good: false, checked: false, ..good };
        let with = |kind: u64, frame: FrameBeat| FrameBeat { kind: kind.to_bits(), ..frame };
        let foreign = FrameBeat { way: way::FOREIGN.to_bits(), ..segment };
        for (frame, octets, bad, other) in [
            (of(header_kind::NONE), 14, false, false),
            (of(header_kind::NONE), 13, true, false),
            (of(header_kind::NONE), longest, false, false),
            (of(header_kind::NONE), longest + 1, true, false),
            (with(header_kind::NONE, unsummed), 60, false, false),
            (FrameBeat { intact: false, ..of(header_kind::NONE) }, 60, true, false),
            (foreign, 60, false, true),
            (foreign, 13, true, false),
            (FrameBeat { checked: false, ..foreign }, 60, false, true),
            (with(header_kind::PACKET, unsummed), 34, false, false),
            (of(header_kind::PACKET), 33, true, false),
            (of(header_kind::HEADER), 34, false, false),
            (of(header_kind::HEADER), 33, true, false),
            (with(header_kind::HEADER, unsummed), 60, true, false),
            (FrameBeat { checked: false, ..of(header_kind::HEADER) }, 60, false, false),
            (segment, 54, false, false),
            (segment, 53, true, false),
            (FrameBeat { checked: false, ..segment }, 60, true, false),
            (FrameBeat { broken: true, ..segment }, 60, true, false),
        ] {
            uut.frame.next = frame;
            uut.octets.next = (octets as u64).to_bits();
            assert!(simulate(&mut uut, 10));
            assert_eq!((uut.bad.val(), uut.foreign.val()), (bad, other), "{octets} {frame:?}");
        }
    }
}
