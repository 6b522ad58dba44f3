//! Which octets of a beat lie in a range of the frame.
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct OctetMask {
    /// The octet of the frame that is the beat's octet 0.
    pub offset: Signal<In, Bits<16>>,
    /// The range: from the octet `low` of the frame
    pub low: Signal<In, Bits<16>>,
    /// to before the octet `high`.
    pub high: Signal<In, Bits<16>>,
    /// Bit n: the beat's octet n lies in the range.
    pub mask: Signal<Out, Bits<8>>,
    below: Signal<Local, Bits<16>>,
    above: Signal<Local, Bits<16>>,
    start: Signal<Local, Bits<4>>,
    stop: Signal<Local, Bits<4>>,
    from_start: Signal<Local, Bits<16>>,
    to_stop: Signal<Local, Bits<16>>,
    eight: Literal<16, 8>,
    eight_places: Literal<4, 8>,
    octets: Literal<16, 0xff>,
    one: Literal<16, 1>,
}

impl Logic for OctetMask {
    #[hdl_gen]
    fn update(&mut self) {
        self.below.next = self.low.val() - self.offset.val();
        self.start.next = self.below.val().get_bits::<4>(0);
        if self.low.val() <= self.offset.val() {
            self.start.next = 0.into();
        } else if self.below.val() > self.eight.val() {
            self.start.next = self.eight_places.val();
        }
        self.above.next = self.high.val() - self.offset.val();
        self.stop.next = self.above.val().get_bits::<4>(0);
        if self.high.val() <= self.offset.val() {
            self.stop.next = 0.into();
        } else if self.above.val() > self.eight.val() {
            self.stop.next = self.eight_places.val();
        }
        self.from_start.next = self.octets.val() << self.start.val();
        self.to_stop.next = (self.one.val() << self.stop.val()) - self.one.val();
        self.mask.next =
            self.from_start.val().get_bits::<8>(0) & self.to_stop.val().get_bits::<8>(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn agrees_with_a_look_at_every_octet() {
        let mut rng = rng(1);
        let mut uut = OctetMask::default();
        uut.connect_all();
        for _ in 0..20_000 {
            let offset = 8 * rng.random_range(0..8_u64);
            let (low, high) = (rng.random_range(0..80_u64), rng.random_range(0..80_u64));
            uut.offset.next = offset.to_bits();
            uut.low.next = low.to_bits();
            uut.high.next = high.to_bits();
            settle!(uut);
            let expected = (0..8)
                .filter(|n| (low..high).contains(&(offset + n)))
                .fold(0_u64, |mask, n| mask | 1 << n);
            assert_eq!(uut.mask.val(), expected.to_bits::<8>(), "{offset} {low}..{high}");
        }
    }
}
