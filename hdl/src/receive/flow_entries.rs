//! The flows and their buckets, as the host has written them.
use crate::configuration::{QpNumber, BUCKET_BITS, OBJECT_BITS, QP_BITS};
use crate::control::records::{ContextWrite, EVERY_TABLE};
use crate::literal::Literal;
use crate::memory::Table;
use crate::pins::Ports;
use crate::receive::notes::FlowEntry;
use ironwarp_abi::context::table;
use rust_hdl::prelude::*;

/// A flow for every queue pair, and the first flow of every bucket. Each changes at once: an entry
/// is seen as it was, or whole as it is now.
///
/// The words of a flow come in order behind the last one, which then has its `valid` clear. That
/// one alone changes nothing here: segments of a flow that only moves in its list would be
/// nobody's.
#[derive(LogicBlock, Ports, Default)]
pub struct FlowEntries {
    pub clock: Signal<In, Clock>,
    /// The records that the host commits.
    pub context_write: Signal<In, ContextWrite>,
    /// A bucket, and a clock later its first flow; zero if there is none.
    pub bucket: Signal<In, Bits<BUCKET_BITS>>,
    pub first: Signal<Out, QpNumber>,
    /// A queue pair, and a clock later its flow.
    pub qp: Signal<In, QpNumber>,
    pub entry: Signal<Out, FlowEntry>,
    buckets: Table<QpNumber, BUCKET_BITS>,
    flows: Table<FlowEntry, QP_BITS>,
    /// What has come of the flow that is being written.
    staged: DFF<FlowEntry>,
    /// All but its last word.
    whole: DFF<Bit>,
    wipes: Signal<Local, Bit>,
    to_flow: Signal<Local, Bit>,
    to_bucket: Signal<Local, Bit>,
    data: Signal<Local, Bits<32>>,
    number: Signal<Local, Bits<24>>,
    above: Signal<Local, Bits<24>>,
    named: Signal<Local, QpNumber>,
    flow_table: Literal<4, { table::FLOW as u64 }>,
    bucket_table: Literal<4, { table::FLOW_BUCKET as u64 }>,
    every_table: Literal<4, EVERY_TABLE>,
    qp_bits: Literal<5, { QP_BITS as u64 }>,
}

impl Logic for FlowEntries {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, staged, whole);
        clock!(self, clock, buckets, flows);
        self.data.next = self.context_write.val().data;
        self.wipes.next = self.context_write.val().valid
            & (self.context_write.val().table == self.every_table.val());
        self.to_flow.next = self.context_write.val().valid
            & (self.context_write.val().table == self.flow_table.val());
        self.to_bucket.next = self.context_write.val().valid
            & (self.context_write.val().table == self.bucket_table.val());
        // A number that no queue pair has ends the list.
        self.number.next = self.data.val().get_bits::<24>(0);
        self.above.next = self.number.val() >> self.qp_bits.val();
        self.named.next = bit_cast::<QP_BITS, 24>(self.number.val());
        if self.above.val().any() {
            self.named.next = 0.into();
        }

        self.flows.write_record.next = self.staged.q.val();
        self.flows.write_record.next.behind = self.named.val();
        self.flows.write_record.next.valid = self.data.val().get_bit(31);
        self.flows.write.next = self.wipes.val();
        if self.to_flow.val() {
            if self.context_write.val().word == 0 {
                self.staged.d.next.remote_ip = self.data.val();
            } else if self.context_write.val().word == 1 {
                self.staged.d.next.local_ip = self.data.val();
            } else if self.context_write.val().word == 2 {
                self.staged.d.next.ports = self.data.val();
                self.whole.d.next = true;
            } else {
                self.flows.write.next = self.whole.q.val();
                self.whole.d.next = false;
            }
        }
        if self.wipes.val() {
            self.flows.write_record.next.valid = false;
            self.flows.write_record.next.behind = 0.into();
        }
        self.flows.write_index.next =
            bit_cast::<QP_BITS, OBJECT_BITS>(self.context_write.val().index);
        self.buckets.write_index.next =
            bit_cast::<BUCKET_BITS, OBJECT_BITS>(self.context_write.val().index);
        self.buckets.write.next = self.wipes.val() | self.to_bucket.val();
        self.buckets.write_record.next = self.named.val();
        if self.wipes.val() {
            self.buckets.write_record.next = 0.into();
        }

        self.buckets.read_index.next = self.bucket.val();
        self.first.next = self.buckets.read_record.val();
        self.flows.read_index.next = self.qp.val();
        self.entry.next = self.flows.read_record.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::FlowContext;
    use rand::Rng;

    /// While the words come one by one, the entry is the old one, and then the new one.
    #[test]
    fn an_entry_is_never_seen_half() {
        let mut rng = rng(1);
        let mut uut = FlowEntries::default();
        crate::queue::elaborate("flow_entries", &mut uut);
        let (at, next) = (3_usize, 2_u64);
        uut.qp.next = (at as u64).to_bits();
        let mut old = FlowEntry::default();
        for _ in 0..50 {
            let flow = FlowContext {
                remote_ip: rng.random(),
                local_ip: rng.random(),
                local_port: rng.random(),
                remote_port: rng.random(),
                next: next as u32,
                valid: rng.random(),
            };
            let new = FlowEntry {
                remote_ip: u64::from(flow.remote_ip).to_bits(),
                local_ip: u64::from(flow.local_ip).to_bits(),
                ports: (u64::from(flow.remote_port) << 16 | u64::from(flow.local_port)).to_bits(),
                behind: next.to_bits(),
                valid: flow.valid,
            };
            let words = flow.to_words();
            let mut commits = writes(table::FLOW, at, &words);
            let valid = 1_u32 << 31;
            commits.insert(
                0,
                ContextWrite { data: u64::from(words[3] & !valid).to_bits(), ..commits[3] },
            );
            let last = commits.len() - 1;
            for (n, write) in commits.into_iter().enumerate() {
                uut.context_write.next = write;
                tick!(uut);
                uut.context_write.next = Default::default();
                assert_eq!(uut.entry.val(), if n == last { new } else { old }, "word {n}");
                tick!(uut);
            }
            old = new;
        }
        uut.context_write.next = ContextWrite {
            valid: true,
            table: EVERY_TABLE.to_bits(),
            index: (at as u64).to_bits(),
            ..Default::default()
        };
        tick!(uut);
        assert!(!uut.entry.val().valid && uut.entry.val().behind.to_u64() == 0);
    }

    #[test]
    fn a_number_that_no_queue_pair_has_ends_the_list() {
        let mut uut = FlowEntries::default();
        uut.connect_all();
        uut.bucket.next = 5.into();
        for (first, expected) in
            [(3, 3), ((1 << QP_BITS) - 1, (1 << QP_BITS) - 1), (1 << QP_BITS | 3, 0), (0, 0)]
        {
            commit!(uut, table::FLOW_BUCKET, 5, &[first]);
            tick!(uut);
            assert_eq!(uut.first.val().to_u64(), expected);
        }
    }
}
