//! How long the FPDU is that starts here.
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Reads the length field out of the first eight octets of an FPDU. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct FpduLength {
    /// The octets; the first one is bits 7:0.
    pub data: Signal<In, Bits<64>>,
    /// A marker stands before the length field.
    pub marker: Signal<In, Bit>,
    /// Octets of the FPDU without markers: length field, ULPDU, pad and CRC.
    pub octets: Signal<Out, Bits<17>>,
    length: Signal<Local, Bits<17>>,
    padded: Signal<Local, Bits<17>>,
    /// Length field, and what rounds up to a multiple of four.
    frame: Literal<17, { 2 + 3 }>,
    crc: Literal<17, 4>,
}

impl Logic for FpduLength {
    //= rfc5044#4.2  ULPDU_Length counts the ULPDU alone.
    #[hdl_gen]
    fn update(&mut self) {
        self.length.next = (bit_cast::<17, 8>(self.data.val().get_bits::<8>(0)) << 8)
            | bit_cast::<17, 8>(self.data.val().get_bits::<8>(8));
        if self.marker.val() {
            self.length.next = (bit_cast::<17, 8>(self.data.val().get_bits::<8>(32)) << 8)
                | bit_cast::<17, 8>(self.data.val().get_bits::<8>(40));
        }
        self.padded.next = self.length.val() + self.frame.val();
        self.octets.next = ((self.padded.val() >> 2) << 2) + self.crc.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::mpa::fpdu::fpdu_bytes;

    //= rfc5044#4.2
    //= type=test
    #[test]
    fn agrees_with_the_wire_for_every_length() {
        let mut uut = FpduLength::default();
        uut.connect_all();
        for ulpdu in 0..=u16::MAX {
            let field = u64::from(ulpdu.swap_bytes());
            for marker in [false, true] {
                uut.marker.next = marker;
                uut.data.next = if marker { field << 32 | 0x1234 } else { field }.to_bits();
                assert!(simulate(&mut uut, 10));
                let expected = fpdu_bytes(usize::from(ulpdu)) as u64;
                assert_eq!(uut.octets.val(), expected.to_bits::<17>(), "{ulpdu}");
            }
        }
    }
}
