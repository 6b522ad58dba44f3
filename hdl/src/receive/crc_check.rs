//! Checks the CRC at the end of every FPDU.
//!
//! A message with its own CRC behind it has always the same CRC: the residue. So the check needs
//! not know where the CRC field is.
use crate::literal::Literal;
use crate::mpa::Crc32c;
use crate::pins::Ports;
use crate::stream::*;
use rust_hdl::prelude::*;

/// The CRC32c of any message followed by its CRC32c.
pub const RESIDUE: u32 = 0x4867_4bc7;

/// Passes packets on; `error` is set with the last beat if the packet does not end with its CRC32c.
/// One clock; full rate.
#[derive(LogicBlock, Ports, Default)]
pub struct CrcCheck {
    pub clock: Signal<In, Clock>,
    /// FPDUs, with their markers: dense, a multiple of four octets. Of other packets the result
    /// means nothing.
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    crc: Crc32c,
    held: DFF<Beat>,
    full: DFF<Bit>,
    in_packet: DFF<Bit>,
    free: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    residue: Literal<32, { RESIDUE as u64 }>,
    half: Literal<4, 4>,
}

impl Logic for CrcCheck {
    //= rfc5044#4.4  Over length field, ULPDU, pad and every marker of the FPDU.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, full, in_packet);
        clock!(self, clock, crc);
        self.free.next = self.source.ready.val() | !self.full.q.val();
        self.moves.next = self.free.val() & self.sink.valid.val();
        self.sink.ready.next = self.free.val();
        self.crc.first.next = !self.in_packet.q.val();
        self.crc.half.next = self.sink.beat.val().bytes == self.half.val();
        self.crc.valid.next = self.moves.val();
        self.crc.data.next = self.sink.beat.val().data;
        if self.free.val() {
            self.full.d.next = self.sink.valid.val();
        }
        if self.moves.val() {
            self.held.d.next = self.sink.beat.val();
            self.in_packet.d.next = !self.sink.beat.val().last;
        }
        // `crc` counts the held beat.
        self.source.beat.next = self.held.q.val();
        self.source.beat.next.error =
            self.held.q.val().last & (self.crc.crc.val() != self.residue.val());
        self.source.valid.next = self.full.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    //= rfc5044#4.4
    //= type=test
    #[test]
    fn one_wrong_bit_is_an_error() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let sent: Vec<Packet> = (0..20)
                .map(|_| {
                    let length = 4 * rng.random_range(1..30);
                    let mut octets: Vec<u8> = (0..length).map(|_| rng.random()).collect();
                    octets.extend(crc32c::crc32c(&octets).to_le_bytes());
                    let error = rng.random();
                    if error {
                        let at = rng.random_range(0..octets.len());
                        octets[at] ^= 1 << rng.random_range(0..8);
                    }
                    Packet { octets, error }
                })
                .collect();
            let clean: Vec<Beat> =
                dense(&sent).into_iter().map(|beat| Beat { error: false, ..beat }).collect();
            let mut uut = CrcCheck::default();
            assert_eq!(exchange!(uut, seed, &clean), dense(&sent), "SEED={seed}");
        }
    }
}
