//! The frame check sequence, one octet a clock.
use crate::crc;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// The polynomial of IEEE 802.3 section 3.2.9, 0x04C11DB7, lowest power first.
pub const POLYNOMIAL: u32 = 0xedb8_8320;

/// The remainder after the whole of a good frame, inverted as [`Fcs`] holds it.
const RESIDUE: u32 = !crc::residue(POLYNOMIAL);

/// Makes or checks a frame check sequence.
///
/// The remainder starts as all ones and is sent inverted. It is held inverted, so that zero, the
/// flip-flops' first content, is also the start. An octet that is taken moves the remainder on by
/// eight bits and adds to it what follows from the eight that leave; to shift is to add nothing.
#[derive(LogicBlock, Ports)]
pub struct Fcs {
    pub clock: Signal<In, Clock>,
    /// Start again, at the next clock edge; goes before the others.
    pub restart: Signal<In, Bit>,
    /// Take `octet` at the next clock edge.
    pub valid: Signal<In, Bit>,
    pub octet: Signal<In, Bits<8>>,
    /// `value` loses its low octet at the next clock edge: the next one is to be sent.
    pub shift: Signal<In, Bit>,
    /// The sequence over the octets taken up to the last clock edge; bits 7:0 go first on the wire.
    pub value: Signal<Out, Bits<32>>,
    /// The octets taken are a frame and its right sequence.
    pub good: Signal<Out, Bit>,
    inverted: DFF<Bits<32>>,
    leaving: Signal<Local, Bits<8>>,
    added: Signal<Local, Bits<32>>,
    ones: Constant<Bits<8>>,
    /// Ones that follow from above: inverted zeros.
    filling: Constant<Bits<32>>,
    residue: Constant<Bits<32>>,
    rows: [Constant<Bits<8>>; 32],
}

impl Default for Fcs {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            restart: Default::default(),
            valid: Default::default(),
            octet: Default::default(),
            shift: Default::default(),
            value: Default::default(),
            good: Default::default(),
            inverted: Default::default(),
            leaving: Default::default(),
            added: Default::default(),
            ones: Constant::new(0xff.into()),
            filling: Constant::new(0xff00_0000_u64.to_bits()),
            residue: Constant::new(u64::from(RESIDUE).to_bits()),
            rows: crc::data_rows(POLYNOMIAL, 1).map(|row| Constant::new(row.to_bits())),
        }
    }
}

impl Logic for Fcs {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, inverted);
        self.leaving.next = 0.into();
        if self.valid.val() {
            self.leaving.next =
                self.inverted.q.val().get_bits::<8>(0) ^ self.octet.val() ^ self.ones.val();
        }
        self.added.next = 0.into();
        for i in 0..32 {
            self.added.next =
                self.added.val().replace_bit(i, (self.leaving.val() & self.rows[i].val()).xor());
        }
        if self.valid.val() | self.shift.val() {
            self.inverted.d.next =
                ((self.inverted.q.val() >> 8) | self.filling.val()) ^ self.added.val();
        }
        if self.restart.val() {
            self.inverted.d.next = 0.into();
        }
        self.value.next = self.inverted.q.val();
        self.good.next = self.inverted.q.val() == self.residue.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mac::bench::sequence;
    use crate::stream::bench::*;
    use rand::Rng;

    /// The check value of every CRC-32 implementation.
    #[test]
    fn the_definition_gives_the_check_value() {
        assert_eq!(sequence(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn makes_what_it_finds_good() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Fcs::default();
            uut.connect_all();
            let frame: Vec<u8> = (0..rng.random_range(1..80)).map(|_| rng.random()).collect();
            for octet in &frame {
                uut.octet.next = octet.to_bits();
                uut.valid.next = true;
                tick!(uut);
            }
            uut.valid.next = false;
            let made = uut.value.val().to_u64() as u32;
            assert_eq!(made, sequence(&frame), "SEED={seed}");
            for octet in made.to_le_bytes() {
                uut.shift.next = true;
                settle!(uut);
                assert_eq!(uut.value.val().get_bits::<8>(0), octet.to_bits(), "SEED={seed}");
                edge!(uut);
            }
            for flip in [0, rng.random_range(1..=255_u8)] {
                uut.restart.next = true;
                tick!(uut);
                uut.restart.next = false;
                let sent = made.to_le_bytes();
                let sent = [&frame[..], &[sent[0] ^ flip], &sent[1..]].concat();
                for octet in sent {
                    uut.octet.next = octet.to_bits();
                    uut.valid.next = true;
                    tick!(uut);
                }
                uut.valid.next = false;
                assert_eq!(uut.good.val(), flip == 0, "SEED={seed}");
            }
        }
    }
}
