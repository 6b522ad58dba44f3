//! The octets of TCP streams (and raw frames) that wait on chip.
use crate::configuration::QpNumber;
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::receive::ring_sizes::{RingPosition, BANK_BITS, ROW_BITS};
use rust_hdl::prelude::*;

/// The octets of a row, from bank 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RingRow {
    pub octet0: Bits<8>,
    pub octet1: Bits<8>,
    pub octet2: Bits<8>,
    pub octet3: Bits<8>,
    pub octet4: Bits<8>,
    pub octet5: Bits<8>,
    pub octet6: Bits<8>,
    pub octet7: Bits<8>,
}

/// Where an octet lies in its bank.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BankPlace {
    pub row: Bits<ROW_BITS>,
    pub qp: QpNumber,
}

/// A ring of octets for each queue pair. In every clock eight octets are written and eight are
/// read, both at any octet and in any ring; positions wrap.
///
/// ```text
/// position 8 r + b lies in row r of bank b. Eight octets from b = 3 on:
/// bank     0    1    2    3    4    5    6    7
/// row      r+1  r+1  r+1  r    r    r    r    r
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct StreamRing {
    pub clock: Signal<In, Clock>,
    pub write_qp: Signal<In, QpNumber>,
    /// The position of octet 0 of `write_data`.
    pub write_at: Signal<In, RingPosition>,
    pub write_data: Signal<In, Bits<64>>,
    /// Bit n: octet n is written at the next clock edge.
    pub write_mask: Signal<In, Bits<8>>,
    pub read_qp: Signal<In, QpNumber>,
    /// The position of octet 0 of `read_data`.
    pub read_at: Signal<In, RingPosition>,
    /// The octets as they were written before the clock of the request, two clocks after it; those
    /// that are written in that clock are not defined.
    pub read_data: Signal<Out, Bits<64>>,
    bank: [DualPortRam<Bits<8>, BANK_BITS>; 8],
    read_turn: DFF<Bits<3>>,
    read_word: DFF<Bits<64>>,
    write_turn: Signal<Local, Bits<7>>,
    write_wide: Signal<Local, Bits<128>>,
    write_word: Signal<Local, Bits<64>>,
    mask_wide: Signal<Local, Bits<16>>,
    mask: Signal<Local, Bits<8>>,
    write_place: Signal<Local, BankPlace>,
    write_place_next: Signal<Local, BankPlace>,
    write_low: Signal<Local, Bits<BANK_BITS>>,
    write_high: Signal<Local, Bits<BANK_BITS>>,
    write_beyond: Signal<Local, Bits<8>>,
    write_row: Signal<Local, Bits<ROW_BITS>>,
    write_row_next: Signal<Local, Bits<ROW_BITS>>,
    read_place: Signal<Local, BankPlace>,
    read_place_next: Signal<Local, BankPlace>,
    read_low: Signal<Local, Bits<BANK_BITS>>,
    read_high: Signal<Local, Bits<BANK_BITS>>,
    read_beyond: Signal<Local, Bits<8>>,
    read_row: Signal<Local, Bits<ROW_BITS>>,
    read_row_next: Signal<Local, Bits<ROW_BITS>>,
    row: Signal<Local, RingRow>,
    row_word: Signal<Local, Bits<64>>,
    row_wide: Signal<Local, Bits<128>>,
    row_turn: Signal<Local, Bits<7>>,
    turned: Signal<Local, Bits<128>>,
    one_row: Literal<ROW_BITS, 1>,
    one: Literal<8, 1>,
}

impl Logic for StreamRing {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, read_turn, read_word);
        // Octet n goes to bank (write_at + n) mod 8.
        self.write_turn.next = bit_cast::<7, 3>(self.write_at.val().get_bits::<3>(0)) << 3;
        self.write_wide.next = bit_cast::<128, 64>(self.write_data.val()) << self.write_turn.val();
        self.write_word.next =
            self.write_wide.val().get_bits::<64>(0) | self.write_wide.val().get_bits::<64>(64);
        self.mask_wide.next =
            bit_cast::<16, 8>(self.write_mask.val()) << self.write_at.val().get_bits::<3>(0);
        self.mask.next =
            self.mask_wide.val().get_bits::<8>(0) | self.mask_wide.val().get_bits::<8>(8);
        // The banks below the first one hold octets of the next row.
        self.write_beyond.next =
            (self.one.val() << self.write_at.val().get_bits::<3>(0)) - self.one.val();
        self.write_row.next = self.write_at.val().get_bits::<ROW_BITS>(3);
        self.write_row_next.next = self.write_row.val() + self.one_row.val();
        self.write_place.next.row = self.write_row.val();
        self.write_place.next.qp = self.write_qp.val();
        self.write_low.next = self.write_place.val().into();
        self.write_place_next.next.row = self.write_row_next.val();
        self.write_place_next.next.qp = self.write_qp.val();
        self.write_high.next = self.write_place_next.val().into();
        self.read_beyond.next =
            (self.one.val() << self.read_at.val().get_bits::<3>(0)) - self.one.val();
        self.read_row.next = self.read_at.val().get_bits::<ROW_BITS>(3);
        self.read_row_next.next = self.read_row.val() + self.one_row.val();
        self.read_place.next.row = self.read_row.val();
        self.read_place.next.qp = self.read_qp.val();
        self.read_low.next = self.read_place.val().into();
        self.read_place_next.next.row = self.read_row_next.val();
        self.read_place_next.next.qp = self.read_qp.val();
        self.read_high.next = self.read_place_next.val().into();
        for i in 0..8 {
            self.bank[i].clock.next = self.clock.val();
            self.bank[i].write_enable.next = self.mask.val().get_bit(i);
            self.bank[i].write_data.next = self.write_word.val().get_bits::<8>(i * 8);
            self.bank[i].write_address.next = self.write_low.val();
            if self.write_beyond.val().get_bit(i) {
                self.bank[i].write_address.next = self.write_high.val();
            }
            self.bank[i].read_address.next = self.read_low.val();
            if self.read_beyond.val().get_bit(i) {
                self.bank[i].read_address.next = self.read_high.val();
            }
        }

        self.read_turn.d.next = self.read_at.val().get_bits::<3>(0);
        self.row.next.octet0 = self.bank[0].read_data.val();
        self.row.next.octet1 = self.bank[1].read_data.val();
        self.row.next.octet2 = self.bank[2].read_data.val();
        self.row.next.octet3 = self.bank[3].read_data.val();
        self.row.next.octet4 = self.bank[4].read_data.val();
        self.row.next.octet5 = self.bank[5].read_data.val();
        self.row.next.octet6 = self.bank[6].read_data.val();
        self.row.next.octet7 = self.bank[7].read_data.val();
        self.row_word.next = self.row.val().into();
        self.row_wide.next = (bit_cast::<128, 64>(self.row_word.val()) << 64)
            | bit_cast::<128, 64>(self.row_word.val());
        self.row_turn.next = bit_cast::<7, 3>(self.read_turn.q.val()) << 3;
        self.turned.next = self.row_wide.val() >> self.row_turn.val();
        self.read_word.d.next = self.turned.val().get_bits::<64>(0);
        self.read_data.next = self.read_word.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{CONFIGURATION, QP_COUNT};
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::VecDeque;

    #[test]
    fn behaves_as_rings_of_octets() {
        let ring_bytes = CONFIGURATION.stream_ring_bytes();
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = StreamRing::default();
            uut.connect_all();
            let mut model = vec![vec![0_u8; ring_bytes]; QP_COUNT];
            let mut due: VecDeque<[Option<u8>; 8]> = VecDeque::new();
            // Few places, and those around the end of the ring: reads and writes often meet.
            let place = |rng: &mut rand_chacha::ChaCha8Rng| {
                let at = (rng.random_range(0..60) + ring_bytes - 30) as u64;
                // The first and the last few: none lies in another's ring.
                let near = rng.random_range(0..8_usize);
                ((QP_COUNT - 4 + near) % QP_COUNT, at as usize % ring_bytes)
            };
            for clock in 0..400 {
                let (qp, at) = place(&mut rng);
                let octets = [0; 8].map(|_: u8| rng.random::<u8>());
                let mask: u8 = rng.random();
                let (from, read) = place(&mut rng);
                uut.write_qp.next = (qp as u64).to_bits();
                uut.write_at.next = (at as u64).to_bits();
                uut.write_data.next = u64::from_le_bytes(octets).to_bits();
                uut.write_mask.next = u64::from(mask).to_bits();
                uut.read_qp.next = (from as u64).to_bits();
                uut.read_at.next = (read as u64).to_bits();
                tick!(uut);
                let (written, ring) = (|at| mask >> at & 1 == 1, &model[from]);
                due.push_back(std::array::from_fn(|n| {
                    let offset = (read + n + ring_bytes - at) % ring_bytes;
                    let meet = qp == from && offset < 8 && written(offset);
                    (!meet).then_some(ring[(read + n) % ring_bytes])
                }));
                for (n, octet) in octets.iter().enumerate().filter(|(n, _)| written(*n)) {
                    let ring = &mut model[qp];
                    ring[(at + n) % ring_bytes] = *octet;
                }
                if clock > 0 {
                    let read = u64::from(uut.read_data.val()).to_le_bytes();
                    for (read, expected) in read.iter().zip(due.pop_front().unwrap()) {
                        assert_eq!(*read, expected.unwrap_or(*read), "SEED={seed}");
                    }
                }
            }
        }
    }
}
