//! CRC32c, an octet a clock: a quarter of the gates of [`crate::mpa::Crc32c`]'s 32 bits.
use crate::mpa::crc32c::{data_rows, remainder_rows, update};
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// What `remainder` is after any message and its CRC.
pub const RESIDUE: u32 = update(update(update(update(0xffff_ffff, 0), 0), 0), 0);

/// Folds an octet into a CRC32c.
#[derive(LogicBlock, Ports)]
pub struct OctetCrc {
    pub clock: Signal<In, Clock>,
    /// Forget all octets so far; wins over `valid`.
    pub restart: Signal<In, Bit>,
    /// Take `octet` at the next clock edge.
    pub valid: Signal<In, Bit>,
    pub octet: Signal<In, Bits<8>>,
    /// The CRC of every octet taken, before its last inversion.
    pub remainder: Signal<Out, Bits<32>>,
    /// The remainder upside down: a CRC begins with ones, a flip-flop with zeros.
    inverse: DFF<Bits<32>>,
    old: Signal<Local, Bits<32>>,
    folded: Signal<Local, Bits<32>>,
    data_rows: [Constant<Bits<8>>; 32],
    old_rows: [Constant<Bits<32>>; 32],
    ones: Constant<Bits<32>>,
}

impl Default for OctetCrc {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            restart: Default::default(),
            valid: Default::default(),
            octet: Default::default(),
            remainder: Default::default(),
            inverse: Default::default(),
            old: Default::default(),
            folded: Default::default(),
            data_rows: data_rows(1).map(|row| Constant::new(row.to_bits())),
            old_rows: remainder_rows(1).map(|row| Constant::new(u64::from(row).to_bits())),
            ones: Constant::new(0xffff_ffff_u64.to_bits()),
        }
    }
}

impl Logic for OctetCrc {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, inverse);
        self.old.next = self.inverse.q.val() ^ self.ones.val();
        self.remainder.next = self.old.val();
        self.folded.next = 0.into();
        for i in 0..32 {
            self.folded.next = self.folded.val().replace_bit(
                i,
                (self.octet.val() & self.data_rows[i].val()).xor()
                    ^ (self.old.val() & self.old_rows[i].val()).xor(),
            );
        }
        if self.valid.val() {
            self.inverse.d.next = self.folded.val() ^ self.ones.val();
        }
        if self.restart.val() {
            self.inverse.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn agrees_with_the_crate_and_leaves_the_residue() {
        let mut rng = rng(3);
        let mut uut = OctetCrc::default();
        uut.connect_all();
        for _ in 0..50 {
            let mut message: Vec<u8> = (0..rng.random_range(0..40)).map(|_| rng.random()).collect();
            let crc = crc32c::crc32c(&message);
            message.extend_from_slice(&crc.to_le_bytes());
            uut.restart.next = true;
            tick!(uut);
            uut.restart.next = false;
            uut.valid.next = true;
            for (n, &octet) in message.iter().enumerate() {
                if n + 4 == message.len() {
                    assert_eq!(uut.remainder.val(), u64::from(!crc).to_bits::<32>());
                }
                uut.octet.next = u64::from(octet).to_bits();
                tick!(uut);
            }
            uut.valid.next = false;
            assert_eq!(uut.remainder.val(), u64::from(RESIDUE).to_bits::<32>());
        }
    }
}
