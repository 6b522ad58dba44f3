//! Octets in wire order as numbers.
use rust_hdl::prelude::*;

/// A beat's eight octets. A `LogicStruct` fills from bit 0, so the octet that comes last on the
/// wire stands first here, and the struct as bits is the big-endian number.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BigEndian {
    pub octet7: Bits<8>,
    pub octet6: Bits<8>,
    pub octet5: Bits<8>,
    pub octet4: Bits<8>,
    pub octet3: Bits<8>,
    pub octet2: Bits<8>,
    pub octet1: Bits<8>,
    pub octet0: Bits<8>,
}

/// Reverses the octets of a beat: octet 0 of the wire comes to bits 63:56. Combinational.
#[derive(LogicBlock, Default)]
pub struct WireOrder {
    /// A beat's `data`.
    pub data: Signal<In, Bits<64>>,
    /// The same octets as a big-endian number.
    pub word: Signal<Out, Bits<64>>,
    octets: Signal<Local, BigEndian>,
}

impl Logic for WireOrder {
    #[hdl_gen]
    fn update(&mut self) {
        self.octets.next.octet0 = self.data.val().get_bits::<8>(0);
        self.octets.next.octet1 = self.data.val().get_bits::<8>(8);
        self.octets.next.octet2 = self.data.val().get_bits::<8>(16);
        self.octets.next.octet3 = self.data.val().get_bits::<8>(24);
        self.octets.next.octet4 = self.data.val().get_bits::<8>(32);
        self.octets.next.octet5 = self.data.val().get_bits::<8>(40);
        self.octets.next.octet6 = self.data.val().get_bits::<8>(48);
        self.octets.next.octet7 = self.data.val().get_bits::<8>(56);
        self.word.next = self.octets.val().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octet_0_becomes_the_highest() {
        let mut uut = WireOrder::default();
        uut.connect_all();
        uut.data.next = 0x0807_0605_0403_0201_u64.to_bits();
        assert!(simulate(&mut uut, 10));
        assert_eq!(uut.word.val(), 0x0102_0304_0506_0708_u64.to_bits::<64>());
    }
}
