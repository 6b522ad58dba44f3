//! CRC32c, eight octets a clock.
//!
//! //= rfc5044#4.4  The polynomial and the bit order are those of the iSCSI digest.
use crate::crc;
use rust_hdl::prelude::*;

/// The Castagnoli polynomial 0x1EDC6F41, lowest power first.
pub const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The remainder after one more octet: the definition that the hardware's matrices come from.
pub const fn update(remainder: u32, octet: u8) -> u32 {
    crc::update(POLYNOMIAL, remainder, octet)
}

/// For each bit of the remainder after `octets` octets, the data bits whose parity reaches it.
pub(crate) const fn data_rows(octets: usize) -> [u64; 32] {
    crc::data_rows(POLYNOMIAL, octets)
}

/// For each bit of the remainder after `octets` octets, the bits of the old remainder.
pub(crate) const fn remainder_rows(octets: usize) -> [u32; 32] {
    crc::remainder_rows(POLYNOMIAL, octets)
}

/// Folds 64 or 32 bits into a CRC32c every clock.
#[derive(LogicBlock)]
pub struct Crc32c {
    pub clock: Signal<In, Clock>,
    /// `data` is the first word of a message.
    pub first: Signal<In, Bit>,
    /// Only octets 0 to 3 of `data` count: an FPDU is a whole number of 32-bit words.
    pub half: Signal<In, Bit>,
    /// Take `data` at the next clock edge.
    pub valid: Signal<In, Bit>,
    /// Octet 0, the first on the wire, is bits 7:0.
    pub data: Signal<In, Bits<64>>,
    /// The CRC of every word taken up to the last clock edge; bits 7:0 go first on the wire.
    pub crc: Signal<Out, Bits<32>>,
    /// The CRC as it will be if `data` is taken: `crc` of the next clock, a clock earlier.
    pub crc_next: Signal<Out, Bits<32>>,
    remainder: DFF<Bits<32>>,
    old: Signal<Local, Bits<32>>,
    whole: Signal<Local, Bits<32>>,
    part: Signal<Local, Bits<32>>,
    chosen: Signal<Local, Bits<32>>,
    whole_data: [Constant<Bits<64>>; 32],
    whole_old: [Constant<Bits<32>>; 32],
    part_data: [Constant<Bits<64>>; 32],
    part_old: [Constant<Bits<32>>; 32],
    ones: Constant<Bits<32>>,
}

impl Default for Crc32c {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            first: Default::default(),
            half: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            crc: Default::default(),
            crc_next: Default::default(),
            remainder: Default::default(),
            old: Default::default(),
            whole: Default::default(),
            part: Default::default(),
            chosen: Default::default(),
            whole_data: data_rows(8).map(|row| Constant::new(row.to_bits())),
            whole_old: remainder_rows(8).map(|row| Constant::new(u64::from(row).to_bits())),
            part_data: data_rows(4).map(|row| Constant::new(row.to_bits())),
            part_old: remainder_rows(4).map(|row| Constant::new(u64::from(row).to_bits())),
            ones: Constant::new(0xffff_ffff_u64.to_bits()),
        }
    }
}

impl Logic for Crc32c {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, remainder);
        self.old.next = self.remainder.q.val();
        if self.first.val() {
            self.old.next = self.ones.val();
        }
        self.whole.next = 0.into();
        self.part.next = 0.into();
        for i in 0..32 {
            self.whole.next = self.whole.val().replace_bit(
                i,
                (self.data.val() & self.whole_data[i].val()).xor()
                    ^ (self.old.val() & self.whole_old[i].val()).xor(),
            );
            self.part.next = self.part.val().replace_bit(
                i,
                (self.data.val() & self.part_data[i].val()).xor()
                    ^ (self.old.val() & self.part_old[i].val()).xor(),
            );
        }
        self.chosen.next = self.whole.val();
        if self.half.val() {
            self.chosen.next = self.part.val();
        }
        if self.valid.val() {
            self.remainder.d.next = self.chosen.val();
        }
        self.crc.next = self.remainder.q.val() ^ self.ones.val();
        self.crc_next.next = self.chosen.val() ^ self.ones.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// The check value of every CRC-32C implementation (RFC 3720 appendix B.4 has its relatives).
    #[test]
    fn the_definition_gives_the_check_value() {
        let crc = !b"123456789".iter().fold(!0, |remainder, octet| update(remainder, *octet));
        assert_eq!(crc, 0xe306_9283);
    }

    //= rfc5044#4.4
    //= type=test
    #[test]
    fn agrees_with_software_on_words_and_halves() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Crc32c::default();
            uut.connect_all();
            let length = 4 * rng.random_range(1..60);
            let message: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            for (n, chunk) in message.chunks(8).enumerate() {
                uut.first.next = n == 0;
                uut.half.next = chunk.len() == 4;
                uut.data.next = beat(chunk, false, false).data;
                uut.valid.next = true;
                settle!(uut);
                let early = uut.crc_next.val();
                edge!(uut);
                uut.valid.next = false;
                uut.data.next = rng.random::<u64>().to_bits();
                tick!(uut);
                assert_eq!(uut.crc.val(), early, "SEED={seed}");
            }
            let expected = u64::from(crc32c::crc32c(&message));
            assert_eq!(uut.crc.val(), expected.to_bits::<32>(), "SEED={seed}");
        }
    }
}
