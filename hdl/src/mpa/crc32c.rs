//! CRC32c, eight octets a clock.
//!
//! //= rfc5044#4.4  The polynomial and the bit order are those of the iSCSI digest.
use crate::crc;
use crate::pins::Ports;
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
///
/// ```text
/// old ^ octets 0 to 3 --+--> over four octets ------ half --+
///                       +--> over eight octets --+          +--> new
/// octets 4 to 7 ----------> over four octets ----+- whole --+
/// ```
/// Half a word could go through the matrices of a whole one behind four octets of zero, but that
/// choice would stand before the parities, in the longest path; here it comes after them.
#[derive(LogicBlock, Ports)]
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
    /// The complement of the remainder, as it goes on the wire.
    check: DFF<Bits<32>>,
    old: Signal<Local, Bits<32>>,
    folded: Signal<Local, Bits<32>>,
    upper: Signal<Local, Bits<32>>,
    whole: Signal<Local, Bits<32>>,
    part: Signal<Local, Bits<32>>,
    over_four: [Constant<Bits<32>>; 32],
    over_eight: [Constant<Bits<32>>; 32],
    ones: Constant<Bits<32>>,
}

impl Default for Crc32c {
    fn default() -> Self {
        let rows =
            |octets| remainder_rows(octets).map(|row| Constant::new(u64::from(row).to_bits()));
        Self {
            clock: Default::default(),
            first: Default::default(),
            half: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            crc: Default::default(),
            check: Default::default(),
            old: Default::default(),
            folded: Default::default(),
            upper: Default::default(),
            whole: Default::default(),
            part: Default::default(),
            over_four: rows(4),
            over_eight: rows(8),
            ones: Constant::new(0xffff_ffff_u64.to_bits()),
        }
    }
}

impl Logic for Crc32c {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, check);
        self.old.next = self.check.q.val() ^ self.ones.val();
        if self.first.val() {
            self.old.next = self.ones.val();
        }
        // Four octets of data move a remainder as four octets of it do.
        self.folded.next = self.old.val() ^ self.data.val().get_bits::<32>(0);
        self.upper.next = self.data.val().get_bits::<32>(32);
        self.whole.next = 0.into();
        self.part.next = 0.into();
        for i in 0..32 {
            self.whole.next = self.whole.val().replace_bit(
                i,
                (self.folded.val() & self.over_eight[i].val()).xor()
                    ^ (self.upper.val() & self.over_four[i].val()).xor(),
            );
            self.part.next =
                self.part.val().replace_bit(i, (self.folded.val() & self.over_four[i].val()).xor());
        }
        if self.valid.val() {
            self.check.d.next = self.whole.val() ^ self.ones.val();
            if self.half.val() {
                self.check.d.next = self.part.val() ^ self.ones.val();
            }
        }
        self.crc.next = self.check.q.val();
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
            let mut rest = &message[..];
            while !rest.is_empty() {
                let half = rest.len() == 4 || rng.random_bool(0.25);
                let (word, others) = rest.split_at(if half { 4 } else { 8 });
                uut.first.next = rest.len() == message.len();
                uut.half.next = half;
                // What `half` leaves out does not count, whatever it is.
                let beyond = if half { rng.random::<u64>() << 32 } else { 0 };
                uut.data.next = beat(word, false, false).data | beyond.to_bits();
                uut.valid.next = true;
                tick!(uut);
                uut.valid.next = false;
                uut.data.next = rng.random::<u64>().to_bits();
                tick!(uut);
                rest = others;
            }
            let expected = u64::from(crc32c::crc32c(&message));
            assert_eq!(uut.crc.val(), expected.to_bits::<32>(), "SEED={seed}");
        }
    }
}
