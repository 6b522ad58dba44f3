//! What there is of an FPDU, by the number of octets alone.
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_wire::mpa::fpdu::LENGTH_BYTES;
use ironwarp_wire::mpa::marker::MARKER_BYTES;
use rust_hdl::prelude::*;

/// Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct FpduStart {
    /// Where in the stream the FPDU starts, or the marker before it.
    pub position: Signal<In, Bits<32>>,
    /// The stream has markers.
    pub markers: Signal<In, Bit>,
    /// Octets of the stream from there on.
    pub available: Signal<In, Bits<32>>,
    /// The length field is there.
    pub begun: Signal<Out, Bit>,
    /// A stream that ends here ends between two FPDUs.
    pub between: Signal<Out, Bit>,
    behind_marker: Signal<Local, Bit>,
    length: Literal<32, { LENGTH_BYTES as u64 }>,
    marker: Literal<32, { MARKER_BYTES as u64 }>,
    both: Literal<32, { (MARKER_BYTES + LENGTH_BYTES) as u64 }>,
}

impl Logic for FpduStart {
    //= rfc5044#4.3  A marker between two FPDUs belongs to the second one.
    #[hdl_gen]
    fn update(&mut self) {
        self.behind_marker.next = self.markers.val() & !self.position.val().get_bits::<9>(0).any();
        self.begun.next = self.available.val() >= self.length.val();
        self.between.next = !self.available.val().any();
        if self.behind_marker.val() {
            self.begun.next = self.available.val() >= self.both.val();
            self.between.next =
                !self.available.val().any() | (self.available.val() == self.marker.val());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= rfc5044#4.3
    //= type=test
    #[test]
    fn knows_the_length_field_and_the_end() {
        let mut uut = FpduStart::default();
        uut.connect_all();
        for position in [0_u64, 4, 508, 512, 516, 1024] {
            for available in 0..10_u64 {
                for markers in [false, true] {
                    uut.position.next = position.to_bits();
                    uut.markers.next = markers;
                    uut.available.next = available.to_bits();
                    assert!(simulate(&mut uut, 10));
                    let marker = if markers && position % 512 == 0 { 4 } else { 0 };
                    assert_eq!(uut.begun.val(), available >= marker + 2);
                    assert_eq!(uut.between.val(), available == 0 || available == marker);
                }
            }
        }
    }
}
