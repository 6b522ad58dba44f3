//! The header of a memory read or write.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Header octets 0 to 7 of a memory request, in wire order.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RequestHead {
    /// `Fmt` and `Type`.
    pub kind: Bits<8>,
    /// Traffic class and more: zero.
    pub traffic: Bits<8>,
    /// Digest, poison, attributes, address type, length 9:8: zero.
    pub attributes: Bits<8>,
    /// Length 7:0 in double words.
    pub length: Bits<8>,
    /// Requester ID 15:8: the bus.
    pub requester_high: Bits<8>,
    /// Requester ID 7:0: device and function.
    pub requester_low: Bits<8>,
    /// Tag.
    pub tag: Bits<8>,
    /// First DW byte enables.
    pub first_enables: Bits<4>,
    /// Last DW byte enables.
    pub last_enables: Bits<4>,
}

/// Eight octets in wire order.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Octets {
    pub o0: Bits<8>,
    pub o1: Bits<8>,
    pub o2: Bits<8>,
    pub o3: Bits<8>,
    pub o4: Bits<8>,
    pub o5: Bits<8>,
    pub o6: Bits<8>,
    pub o7: Bits<8>,
}

/// Builds the header of a memory request (PCI Express Base Specification, s. 2.2.1, 2.2.4.1,
/// 2.2.7). Addresses below 4 GiB take the short form, as s. 2.2.4.1 demands. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct RequestHeader {
    /// A write, else a read.
    pub write: Signal<In, Bit>,
    /// Bus address; its two lowest bits do not count.
    pub address: Signal<In, Bits<64>>,
    /// Double words, 1 to 128.
    pub dwords: Signal<In, Bits<8>>,
    pub first_enables: Signal<In, Bits<4>>,
    pub last_enables: Signal<In, Bits<4>>,
    pub tag: Signal<In, Bits<8>>,
    /// Our requester ID.
    pub requester: Signal<In, Bits<16>>,
    /// Octets 0 to 7.
    pub head: Signal<Out, Bits<64>>,
    /// Octets 8 to 15, or 8 to 11 and zeros.
    pub tail: Signal<Out, Bits<64>>,
    /// The header has 16 octets, else 12.
    pub wide: Signal<Out, Bit>,
    parts: Signal<Local, RequestHead>,
    octets: Signal<Local, Octets>,
    low: Signal<Local, Bits<8>>,
    is_long: Signal<Local, Bit>,
    kind: Signal<Local, Bits<8>>,
}

impl Logic for RequestHeader {
    #[hdl_gen]
    fn update(&mut self) {
        self.is_long.next = self.address.val().get_bits::<32>(32).any();
        self.kind.next = 0.into();
        if self.write.val() & self.is_long.val() {
            self.kind.next = 96.into();
        } else if self.write.val() {
            self.kind.next = 64.into();
        } else if self.is_long.val() {
            self.kind.next = 32.into();
        }
        self.parts.next.kind = self.kind.val();
        self.parts.next.traffic = 0.into();
        self.parts.next.attributes = 0.into();
        self.parts.next.length = self.dwords.val();
        self.parts.next.requester_high = self.requester.val().get_bits::<8>(8);
        self.parts.next.requester_low = self.requester.val().get_bits::<8>(0);
        self.parts.next.tag = self.tag.val();
        self.parts.next.first_enables = self.first_enables.val();
        self.parts.next.last_enables = self.last_enables.val();
        self.head.next = self.parts.val().into();

        self.low.next = bit_cast::<8, 6>(self.address.val().get_bits::<6>(2)) << 2;
        if self.is_long.val() {
            self.octets.next.o0 = self.address.val().get_bits::<8>(56);
            self.octets.next.o1 = self.address.val().get_bits::<8>(48);
            self.octets.next.o2 = self.address.val().get_bits::<8>(40);
            self.octets.next.o3 = self.address.val().get_bits::<8>(32);
            self.octets.next.o4 = self.address.val().get_bits::<8>(24);
            self.octets.next.o5 = self.address.val().get_bits::<8>(16);
            self.octets.next.o6 = self.address.val().get_bits::<8>(8);
            self.octets.next.o7 = self.low.val();
        } else {
            self.octets.next.o0 = self.address.val().get_bits::<8>(24);
            self.octets.next.o1 = self.address.val().get_bits::<8>(16);
            self.octets.next.o2 = self.address.val().get_bits::<8>(8);
            self.octets.next.o3 = self.low.val();
            self.octets.next.o4 = 0.into();
            self.octets.next.o5 = 0.into();
            self.octets.next.o6 = 0.into();
            self.octets.next.o7 = 0.into();
        }
        self.tail.next = self.octets.val().into();
        self.wide.next = self.is_long.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcie::tlp::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn lays_out_the_octets() {
        let mut rng = rng(1);
        let mut uut = RequestHeader::default();
        uut.connect_all();
        for n in 0..200 {
            let (write, long) = (n % 2 == 0, n / 2 % 2 == 0);
            let address: u64 = rng.random::<u64>() >> if long { 0 } else { 32 };
            let long = address >> 32 != 0;
            let (dwords, tag, requester) =
                (rng.random_range(1..=128u8), rng.random(), rng.random());
            let (first, last) = (rng.random_range(0..16u8), rng.random_range(0..16u8));
            uut.write.next = write;
            uut.address.next = address.to_bits();
            uut.dwords.next = dwords.to_bits();
            uut.first_enables.next = first.to_bits();
            uut.last_enables.next = last.to_bits();
            uut.tag.next = u8::to_bits(tag);
            uut.requester.next = u16::to_bits(requester);
            settle!(uut);
            let kind = match (write, long) {
                (false, false) => MEMORY_READ_32,
                (false, true) => MEMORY_READ_64,
                (true, false) => MEMORY_WRITE_32,
                (true, true) => MEMORY_WRITE_64,
            };
            let id = u16::to_be_bytes(requester);
            let head = [kind, 0, 0, dwords, id[0], id[1], tag, last << 4 | first];
            assert_eq!(uut.head.val().to_u64().to_le_bytes(), head);
            let aligned = address & !3;
            let tail = if long { aligned } else { aligned << 32 }.to_be_bytes();
            assert_eq!(uut.tail.val().to_u64().to_le_bytes(), tail);
            assert_eq!(uut.wide.val(), long);
        }
    }
}
