//! How many markers an FPDU holds.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Markers lie at every 512th octet of the stream, the first one at octet 0 (RFC 5044 s. 4.3).
/// Between two of them are 508 other octets.
///
/// Combinational: `count` belongs to the `position` and `octets` of the same clock.
#[derive(LogicBlock, Ports)]
pub struct MarkerCount {
    /// Where in the stream the FPDU starts, modulo 512. A multiple of 4. Position 0 means that a
    /// marker stands before the FPDU's length field; it counts.
    pub position: Signal<In, Bits<9>>,
    /// The FPDU without markers: length field, ULPDU, pad and CRC; a multiple of 4, 4 to 32,764.
    pub octets: Signal<In, Bits<15>>,
    /// The markers in it.
    pub count: Signal<Out, Bits<7>>,
    distance: Signal<Local, Bits<9>>,
    beyond: Signal<Local, Bits<15>>,
    last: Signal<Local, Bits<15>>,
    words: Signal<Local, Bits<15>>,
    hundreds: Signal<Local, Bits<15>>,
    sum: Signal<Local, Bits<15>>,
    quotient: Signal<Local, Bits<15>>,
    more: Signal<Local, Bits<7>>,
    zero: Constant<Bits<9>>,
    one: Constant<Bits<15>>,
    first: Constant<Bits<7>>,
}

impl Default for MarkerCount {
    fn default() -> Self {
        Self {
            position: Default::default(),
            octets: Default::default(),
            count: Default::default(),
            distance: Default::default(),
            beyond: Default::default(),
            last: Default::default(),
            words: Default::default(),
            hundreds: Default::default(),
            sum: Default::default(),
            quotient: Default::default(),
            more: Default::default(),
            zero: Constant::new(0.into()),
            one: Constant::new(1.into()),
            first: Constant::new(1.into()),
        }
    }
}

impl Logic for MarkerCount {
    //= rfc5044#4.3  A marker every 512 octets of the TCP sequence space.
    #[hdl_gen]
    fn update(&mut self) {
        // Octets up to the first marker; then one marker, and one more for every 508 octets.
        self.distance.next = self.zero.val() - self.position.val();
        self.beyond.next = self.octets.val() - bit_cast::<15, 9>(self.distance.val());
        self.last.next = self.beyond.val() - self.one.val();
        // x / 508 = (x / 4) / 127, and y / 127 = (y + y / 128 + 1) / 128 for y < 127 * 128.
        self.words.next = self.last.val() >> 2;
        self.hundreds.next = self.words.val() >> 7;
        self.sum.next = self.words.val() + self.hundreds.val() + self.one.val();
        self.quotient.next = self.sum.val() >> 7;
        self.more.next = self.quotient.val().get_bits::<7>(0);
        self.count.next = 0.into();
        if self.octets.val() > bit_cast::<15, 9>(self.distance.val()) {
            self.count.next = self.more.val() + self.first.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    /// Walks the FPDU word by word.
    fn walk(position: usize, octets: usize) -> usize {
        let (mut at, mut left, mut markers) = (position, octets, 0);
        while left > 0 {
            if at % 512 == 0 {
                markers += 1;
                at += 4;
            }
            at += 4;
            left -= 4;
        }
        markers
    }

    //= rfc5044#4.3
    //= type=test
    #[test]
    fn agrees_with_a_walk_for_every_position_and_length() {
        let mut uut = MarkerCount::default();
        uut.connect_all();
        for position in (0..512).step_by(4) {
            for octets in (4..=32_764).step_by(if position % 36 == 0 { 4 } else { 124 }) {
                uut.position.next = (position as u64).to_bits();
                uut.octets.next = (octets as u64).to_bits();
                settle!(uut);
                let expected = walk(position, octets) as u64;
                assert_eq!(uut.count.val(), expected.to_bits::<7>(), "{position} {octets}");
            }
        }
    }
}
