//! How many octets of stream the FPDU takes that starts here.
use crate::literal::Literal;
use crate::mpa::MarkerCount;
use crate::pins::Ports;
use crate::receive::fpdu_length::FpduLength;
use crate::receive::ring_sizes::LONGEST_FPDU;
use rust_hdl::prelude::*;

/// The length field is read in the first clock, the markers are counted in the second; the results
/// stand in the third.
#[derive(LogicBlock, Ports, Default)]
pub struct FpduSize {
    pub clock: Signal<In, Clock>,
    /// The FPDU's first eight octets, a marker before it included; in the first clock.
    pub data: Signal<In, Bits<64>>,
    /// The stream has markers. This and `position` stay for two clocks.
    pub markers: Signal<In, Bit>,
    /// Where in the stream the FPDU starts, modulo 512.
    pub position: Signal<In, Bits<9>>,
    /// Octets, markers included.
    pub total: Signal<Out, Bits<17>>,
    /// More than the device takes.
    pub too_long: Signal<Out, Bit>,
    length: FpduLength,
    count: MarkerCount,
    bare: DFF<Bits<17>>,
    bare_too_long: DFF<Bit>,
    sum: DFF<Bits<17>>,
    sum_too_long: DFF<Bit>,
    marker_octets: Signal<Local, Bits<17>>,
    longest: Literal<17, LONGEST_FPDU>,
}

impl Logic for FpduSize {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bare, bare_too_long, sum, sum_too_long);
        self.length.data.next = self.data.val();
        self.length.marker.next = self.markers.val() & !self.position.val().any();
        self.bare.d.next = self.length.octets.val();
        self.bare_too_long.d.next = self.length.octets.val() > self.longest.val();

        self.count.position.next = self.position.val();
        self.count.octets.next = self.bare.q.val().get_bits::<15>(0);
        self.marker_octets.next = 0.into();
        if self.markers.val() {
            self.marker_octets.next = bit_cast::<17, 7>(self.count.count.val()) << 2;
        }
        self.sum.d.next = self.bare.q.val() + self.marker_octets.val();
        self.sum_too_long.d.next = self.bare_too_long.q.val();

        self.total.next = self.sum.q.val();
        self.too_long.next = self.sum_too_long.q.val() | (self.sum.q.val() > self.longest.val());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::mpa::stream::{Framer, Framing};
    use rand::Rng;

    #[test]
    fn agrees_with_the_software_framer() {
        let mut rng = rng(1);
        let mut uut = FpduSize::default();
        uut.connect_all();
        for _ in 0..2000 {
            let markers = rng.random();
            let at = 4 * rng.random_range(0..1000_u64);
            let mut framer = Framer::at(Framing { markers, crc: false }, at).unwrap();
            let most = [40, 600, 16_100, LONGEST_FPDU as usize + 9][rng.random_range(0..4)];
            let ulpdu = vec![0; rng.random_range(2..most)];
            let mut fpdu = vec![];
            framer.frame(&ulpdu, &mut fpdu).unwrap();
            uut.data.next = beat(&fpdu[..8], false, false).data;
            uut.markers.next = markers;
            uut.position.next = (at % 512).to_bits();
            tick!(uut);
            uut.data.next = 0.into();
            tick!(uut);
            let too_long = fpdu.len() as u64 > LONGEST_FPDU;
            assert_eq!(uut.too_long.val(), too_long, "{at} {}", ulpdu.len());
            if !too_long {
                assert_eq!(uut.total.val(), (fpdu.len() as u64).to_bits::<17>(), "{at}");
            }
        }
    }
}
