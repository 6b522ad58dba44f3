//! Network order.
use rust_hdl::prelude::*;

/// The eight octets of a word, turned round. The first field is bits 7:0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Lanes {
    pub lane0: Bits<8>,
    pub lane1: Bits<8>,
    pub lane2: Bits<8>,
    pub lane3: Bits<8>,
    pub lane4: Bits<8>,
    pub lane5: Bits<8>,
    pub lane6: Bits<8>,
    pub lane7: Bits<8>,
}

/// Turns a number into a word whose first octet on the wire is bits 7:0, and such a word into the
/// number. Combinational.
#[derive(LogicBlock, Default)]
pub struct Swap {
    pub word: Signal<In, Bits<64>>,
    pub swapped: Signal<Out, Bits<64>>,
    lanes: Signal<Local, Lanes>,
}

impl Logic for Swap {
    #[hdl_gen]
    fn update(&mut self) {
        self.lanes.next.lane0 = self.word.val().get_bits::<8>(56);
        self.lanes.next.lane1 = self.word.val().get_bits::<8>(48);
        self.lanes.next.lane2 = self.word.val().get_bits::<8>(40);
        self.lanes.next.lane3 = self.word.val().get_bits::<8>(32);
        self.lanes.next.lane4 = self.word.val().get_bits::<8>(24);
        self.lanes.next.lane5 = self.word.val().get_bits::<8>(16);
        self.lanes.next.lane6 = self.word.val().get_bits::<8>(8);
        self.lanes.next.lane7 = self.word.val().get_bits::<8>(0);
        self.swapped.next = self.lanes.val().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_octets_round() {
        let mut uut = Swap::default();
        crate::queue::elaborate("swap", &mut uut);
        uut.word.next = 0x0102_0304_0506_0708_u64.to_bits();
        assert!(simulate(&mut uut, 10));
        assert_eq!(uut.swapped.val().to_u64(), 0x0807_0605_0403_0201);
    }
}
