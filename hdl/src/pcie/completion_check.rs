//! Does a completion go on where its read has got to?
use super::records::CompletionBeat;
use crate::literal::Literal;
use crate::pins::{Pin, Ports};
use rust_hdl::prelude::*;

/// What a read still waits for.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Awaited {
    /// Address bits 8:2 of the next double word; 128 after the end of the block of 512 octets.
    pub place: Bits<8>,
    /// Address bits 1:0 of the next octet.
    pub lead: Bits<2>,
    /// Octets that have not come.
    pub left: Bits<10>,
}

/// A completion brings the octets that are next, says so in Lower Address and Byte Count, and is no
/// longer than what is left (PCI Express Base Specification, s. 2.2.9, 2.3.1.1); one that refuses
/// the read needs only its tag. Two steps, a clock apart: first what the header alone tells, then,
/// when the read is known, the rest, which is combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct CompletionCheck {
    pub clock: Signal<In, Clock>,
    /// The first record of the completion.
    pub header: Signal<In, CompletionBeat>,
    /// One clock later: what its read waits for. The outputs follow.
    pub awaited: Signal<In, Awaited>,
    /// The completion fits.
    pub fits: Signal<Out, Bit>,
    /// What the read waits for after it.
    pub then: Signal<Out, Awaited>,
    held: DFF<CompletionBeat>,
    /// The octets in its double words, without those before the first that counts.
    octets: DFF<Bits<12>>,
    overlong: DFF<Bit>,
    whole: Signal<Local, Bits<12>>,
    brought: Signal<Local, Bits<12>>,
    most: Signal<Local, Bits<13>>,
    expected: Signal<Local, Bits<7>>,
    left: Signal<Local, Bits<12>>,
    rest: Signal<Local, Bits<12>>,
    three: Literal<13, 3>,
    block: Literal<10, 128>,
}

impl Logic for CompletionCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, octets, overlong);
        self.held.d.next = self.header.val();
        self.whole.next = bit_cast::<12, 10>(self.header.val().dwords) << 2;
        self.brought.next =
            self.whole.val() - bit_cast::<12, 7>(self.header.val().lower_address & 3);
        self.octets.d.next = self.brought.val();
        self.most.next = bit_cast::<13, 12>(self.header.val().count) + self.three.val();
        self.overlong.d.next = (bit_cast::<13, 12>(self.brought.val()) > self.most.val())
            | (self.header.val().dwords > self.block.val())
            | !self.header.val().dwords.any();

        self.expected.next = (bit_cast::<7, 8>(self.awaited.val().place) << 2)
            | bit_cast::<7, 2>(self.awaited.val().lead);
        self.left.next = bit_cast::<12, 10>(self.awaited.val().left);
        self.fits.next = self.held.q.val().refused
            | (!self.overlong.q.val()
                & (self.held.q.val().count == self.left.val())
                & (self.held.q.val().lower_address == self.expected.val()));
        self.rest.next = self.left.val() - self.octets.q.val();
        self.then.next.place =
            self.awaited.val().place + bit_cast::<8, 10>(self.held.q.val().dwords);
        self.then.next.lead = 0.into();
        self.then.next.left = bit_cast::<10, 12>(self.rest.val());
        if self.held.q.val().refused | (self.octets.q.val() >= self.left.val()) {
            self.then.next.left = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// Random headers near the right one against arithmetic on octets.
    #[test]
    fn only_what_is_next_fits() {
        let mut rng = rng(4);
        let mut uut = CompletionCheck::default();
        uut.connect_all();
        let (mut good, mut bad) = (0, 0);
        for _ in 0..6000 {
            let start = rng.random_range(0..512u64);
            let left = rng.random_range(1..=512 - start);
            let last = (start + left).div_ceil(4) - start / 4;
            let near = |rng: &mut rand_chacha::ChaCha8Rng, value: u64| match rng.random_range(0..8)
            {
                0 => value.wrapping_add(rng.random_range(1..5)),
                1 => value.saturating_sub(rng.random_range(1..5)),
                _ => value,
            };
            let dwords = rng.random_range(1..=last);
            let dwords = near(&mut rng, dwords) & 0x3ff;
            let (count, lower) = (near(&mut rng, left), near(&mut rng, start % 128) % 128);
            let refused = rng.random_bool(0.1);
            uut.header.next = CompletionBeat {
                refused,
                count: count.to_bits(),
                lower_address: lower.to_bits(),
                dwords: dwords.to_bits(),
                ..Default::default()
            };
            tick!(uut);
            uut.awaited.next = Awaited {
                place: (start / 4).to_bits(),
                lead: (start % 4).to_bits(),
                left: left.to_bits(),
            };
            settle!(uut);
            let fits = count == left && lower == start % 128 && (1..=last).contains(&dwords);
            assert_eq!(uut.fits.val(), fits || refused, "{start} {left} {dwords} {count} {lower}");
            if fits && !refused {
                let end = (start / 4 + dwords) * 4;
                let then = uut.then.val();
                assert_eq!(then.left.to_u64(), (start + left).saturating_sub(end));
                assert_eq!((then.place.to_u64(), then.lead.to_u64()), (end / 4, 0));
                good += 1;
            } else if refused {
                assert_eq!(uut.then.val().left.to_u64(), 0);
            } else {
                bad += 1;
            }
        }
        assert!(good > 1000 && bad > 1000, "{good} {bad}");
    }
}
