//! Which octets of its first and last double word a memory request means.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Turns a run of octets into double words and byte enables (PCI Express Base Specification,
/// s. 2.2.5). Combinational.
#[derive(LogicBlock, Ports)]
pub struct ByteEnables {
    /// The address of the first octet modulo 4.
    pub offset: Signal<In, Bits<2>>,
    /// Octets, 1 to 512; with `offset` not more than 512.
    pub bytes: Signal<In, Bits<10>>,
    /// Double words that the run touches, 1 to 128.
    pub dwords: Signal<Out, Bits<8>>,
    /// Enables of the first double word; bit n is octet n.
    pub first: Signal<Out, Bits<4>>,
    /// Enables of the last double word; zero if it is the first.
    pub last: Signal<Out, Bits<4>>,
    span: Signal<Local, Bits<11>>,
    rounded: Signal<Local, Bits<11>>,
    count: Signal<Local, Bits<8>>,
    ending: Signal<Local, Bits<4>>,
    beginning: Signal<Local, Bits<4>>,
    three: Constant<Bits<11>>,
    all: Constant<Bits<4>>,
}

impl Default for ByteEnables {
    fn default() -> Self {
        Self {
            offset: Default::default(),
            bytes: Default::default(),
            dwords: Default::default(),
            first: Default::default(),
            last: Default::default(),
            span: Default::default(),
            rounded: Default::default(),
            count: Default::default(),
            ending: Default::default(),
            beginning: Default::default(),
            three: Constant::new(3.into()),
            all: Constant::new(15.into()),
        }
    }
}

impl Logic for ByteEnables {
    #[hdl_gen]
    fn update(&mut self) {
        self.span.next =
            bit_cast::<11, 10>(self.bytes.val()) + bit_cast::<11, 2>(self.offset.val());
        self.rounded.next = self.span.val() + self.three.val();
        self.count.next = self.rounded.val().get_bits::<8>(2);
        self.beginning.next = self.all.val() << self.offset.val();
        self.ending.next = 15.into();
        if self.span.val().get_bits::<2>(0) == 1 {
            self.ending.next = 1.into();
        } else if self.span.val().get_bits::<2>(0) == 2 {
            self.ending.next = 3.into();
        } else if self.span.val().get_bits::<2>(0) == 3 {
            self.ending.next = 7.into();
        }
        self.dwords.next = self.count.val();
        if self.count.val() == 1 {
            self.first.next = self.beginning.val() & self.ending.val();
            self.last.next = 0.into();
        } else {
            self.first.next = self.beginning.val();
            self.last.next = self.ending.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn marks_exactly_the_octets() {
        let mut uut = ByteEnables::default();
        uut.connect_all();
        for offset in 0..4usize {
            for bytes in 1..=512 - offset {
                uut.offset.next = offset.to_bits();
                uut.bytes.next = bytes.to_bits();
                settle!(uut);
                let dwords = uut.dwords.val().to_u64() as usize;
                let (first, last) = (uut.first.val().to_u64(), uut.last.val().to_u64());
                let enabled = |octet: usize| match octet / 4 {
                    0 => first >> octet & 1 == 1,
                    n if n == dwords - 1 => last >> (octet % 4) & 1 == 1,
                    _ => true,
                };
                for octet in 0..4 * dwords {
                    let wanted = (offset..offset + bytes).contains(&octet);
                    assert_eq!(enabled(octet), wanted, "{bytes} at {offset}: octet {octet}");
                }
                assert_eq!(dwords, (offset + bytes).div_ceil(4));
                assert!(dwords > 1 || last == 0);
            }
        }
    }
}
