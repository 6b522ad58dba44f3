//! The MAC address that each queue pair's frames go to.
use crate::configuration::{QpNumber, OBJECT_BITS, QP_BITS};
use crate::control::records::{ContextWrite, EVERY_TABLE};
use crate::literal::Literal;
use crate::memory::{field_number, Table};
use crate::pins::Ports;
use ironwarp_abi::context::{table, QueuePairContext};
use rust_hdl::prelude::*;

/// The first word of the address in the queue pair's context; the other one follows it.
const FIRST: u64 = QueuePairContext::FIELDS[field_number("remote_mac")].word() as u64;

/// Takes it from the queue pair's context and from the next hop's. Each comes in two words, and is
/// written with the second: who reads it sees the old address or the new one.
#[derive(LogicBlock, Ports, Default)]
pub struct NextHops {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp: Signal<In, QpNumber>,
    /// The address, one clock later; the first octet on the wire is in the highest byte.
    pub address: Signal<Out, Bits<48>>,
    hops: Table<Bits<48>, QP_BITS>,
    /// The part that came first, of the context and of the next hop's record.
    low_part: DFF<Bits<16>>,
    low_word: DFF<Bits<32>>,
    data: Signal<Local, Bits<32>>,
    of_queue_pair: Signal<Local, Bit>,
    of_next_hop: Signal<Local, Bit>,
    wipe: Signal<Local, Bit>,
    queue_pair: Literal<4, { table::QUEUE_PAIR as u64 }>,
    next_hop: Literal<4, { table::NEXT_HOP as u64 }>,
    every_table: Literal<4, EVERY_TABLE>,
    first: Literal<6, FIRST>,
    second: Literal<6, { FIRST + 1 }>,
}

impl Logic for NextHops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, low_part, low_word);
        clock!(self, clock, hops);
        self.data.next = self.context_write.val().data;
        self.of_queue_pair.next = self.context_write.val().valid
            & (self.context_write.val().table == self.queue_pair.val());
        self.of_next_hop.next = self.context_write.val().valid
            & (self.context_write.val().table == self.next_hop.val());
        self.wipe.next = self.context_write.val().valid
            & (self.context_write.val().table == self.every_table.val());
        self.hops.write.next = self.wipe.val();
        self.hops.write_index.next =
            bit_cast::<QP_BITS, OBJECT_BITS>(self.context_write.val().index);
        self.hops.write_record.next = 0.into();
        if self.of_queue_pair.val() {
            if self.context_write.val().word == self.first.val() {
                self.low_part.d.next = self.data.val().get_bits::<16>(16);
            }
            if self.context_write.val().word == self.second.val() {
                self.hops.write.next = true;
                self.hops.write_record.next = (bit_cast::<48, 32>(self.data.val()) << 16)
                    | bit_cast::<48, 16>(self.low_part.q.val());
            }
        }
        if self.of_next_hop.val() {
            if self.context_write.val().word == 0 {
                self.low_word.d.next = self.data.val();
            }
            if self.context_write.val().word == 1 {
                self.hops.write.next = true;
                self.hops.write_record.next = (bit_cast::<48, 32>(self.data.val()) << 32)
                    | bit_cast::<48, 32>(self.low_word.q.val());
            }
        }
        self.hops.read_index.next = self.qp.val();
        self.address.next = self.hops.read_record.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::NextHopContext;
    use rand::Rng;

    #[test]
    fn an_address_is_old_or_new() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = NextHops::default();
            crate::queue::elaborate("next_hops", &mut uut);
            let mut model = [0_u64; 3];
            for _ in 0..100 {
                let qp = rng.random_range(0..3_usize);
                let remote_mac = rng.random::<u64>() >> 16;
                let (table, words) = if rng.random() {
                    let context = QueuePairContext { remote_mac, ..Default::default() };
                    (table::QUEUE_PAIR, context.to_words().to_vec())
                } else {
                    (table::NEXT_HOP, NextHopContext { remote_mac }.to_words().to_vec())
                };
                let read = rng.random_range(0..3_usize);
                uut.qp.next = (read as u64).to_bits();
                for (word, data) in words.into_iter().enumerate() {
                    uut.context_write.next = ContextWrite {
                        valid: true,
                        table: u64::from(table).to_bits(),
                        index: (qp as u64).to_bits(),
                        word: (word as u64).to_bits(),
                        data: u64::from(data).to_bits(),
                    };
                    tick!(uut);
                    let seen = uut.address.val().to_u64();
                    let fits = seen == model[read] || (read == qp && seen == remote_mac);
                    assert!(fits, "SEED={seed}: {seen:x}");
                }
                uut.context_write.next = ContextWrite::default();
                model[qp] = remote_mac;
                tick!(uut);
                assert_eq!(uut.address.val().to_u64(), model[read], "SEED={seed}");
            }
        }
    }
}
