//! In which order the words of a record are copied.
use crate::literal::Literal;
use crate::memory::field;
use crate::pins::Ports;
use ironwarp_abi::context::*;
use rust_hdl::prelude::*;

/// The number of a record's last word.
const fn last(words: usize) -> u64 {
    words as u64 - 1
}

const REGION_VALID: u64 = field(MemoryRegionContext::FIELDS, "valid").word() as u64;
const FLOW_VALID: u64 = field(FlowContext::FIELDS, "valid").word() as u64;

/// From the first word to the last; but if one of them says that the record is valid, that is left
/// out, and comes behind the last. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct CopyOrder {
    /// The record's table.
    pub table: Signal<In, Bits<4>>,
    /// The word at work.
    pub step: Signal<In, Bits<5>>,
    /// The word behind it, unless it is the final one ...
    pub following: Signal<Out, Bits<5>>,
    /// ... which is this.
    pub final_word: Signal<Out, Bits<5>>,
    /// The final word says that the record is valid.
    pub has_valid: Signal<Out, Bit>,
    last: Signal<Local, Bits<5>>,
    ends: Signal<Local, Bits<5>>,
    after: Signal<Local, Bits<5>>,
    skips: Signal<Local, Bits<5>>,
    one: Literal<5, 1>,
    two: Literal<5, 2>,
    qp_table: Literal<4, { table::QUEUE_PAIR as u64 }>,
    cq_table: Literal<4, { table::COMPLETION_QUEUE as u64 }>,
    mr_table: Literal<4, { table::MEMORY_REGION as u64 }>,
    flow_table: Literal<4, { table::FLOW as u64 }>,
    bucket_table: Literal<4, { table::FLOW_BUCKET as u64 }>,
    hop_table: Literal<4, { table::NEXT_HOP as u64 }>,
    qp_last: Literal<5, { last(QueuePairContext::WORDS) }>,
    cq_last: Literal<5, { last(CompletionQueueContext::WORDS) }>,
    mr_last: Literal<5, { last(MemoryRegionContext::WORDS) }>,
    flow_last: Literal<5, { last(FlowContext::WORDS) }>,
    bucket_last: Literal<5, { last(FlowBucketContext::WORDS) }>,
    hop_last: Literal<5, { last(NextHopContext::WORDS) }>,
    mr_valid: Literal<5, REGION_VALID>,
    flow_valid: Literal<5, FLOW_VALID>,
}

impl Logic for CopyOrder {
    #[hdl_gen]
    fn update(&mut self) {
        self.last.next = 0.into();
        if self.table.val() == self.qp_table.val() {
            self.last.next = self.qp_last.val();
        } else if self.table.val() == self.cq_table.val() {
            self.last.next = self.cq_last.val();
        } else if self.table.val() == self.mr_table.val() {
            self.last.next = self.mr_last.val();
        } else if self.table.val() == self.flow_table.val() {
            self.last.next = self.flow_last.val();
        } else if self.table.val() == self.bucket_table.val() {
            self.last.next = self.bucket_last.val();
        } else if self.table.val() == self.hop_table.val() {
            self.last.next = self.hop_last.val();
        }
        self.ends.next = self.last.val();
        self.has_valid.next = false;
        if self.table.val() == self.mr_table.val() {
            self.ends.next = self.mr_valid.val();
            self.has_valid.next = true;
        } else if self.table.val() == self.flow_table.val() {
            self.ends.next = self.flow_valid.val();
            self.has_valid.next = true;
        }
        self.final_word.next = self.ends.val();
        self.after.next = self.step.val() + self.one.val();
        self.skips.next = self.step.val() + self.two.val();
        self.following.next = self.after.val();
        if self.ends.val() != self.last.val() {
            if self.after.val() == self.ends.val() {
                self.following.next = self.skips.val();
            }
            if self.step.val() == self.last.val() {
                self.following.next = self.ends.val();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn every_word_comes_once_and_that_with_valid_last() {
        let mut uut = CopyOrder::default();
        crate::queue::elaborate("copy_order", &mut uut);
        for (table, words, valid) in [
            (table::QUEUE_PAIR, QueuePairContext::WORDS, None),
            (table::COMPLETION_QUEUE, CompletionQueueContext::WORDS, None),
            (table::MEMORY_REGION, MemoryRegionContext::WORDS, Some(REGION_VALID)),
            (table::FLOW, FlowContext::WORDS, Some(FLOW_VALID)),
            (table::FLOW_BUCKET, FlowBucketContext::WORDS, None),
            (table::NEXT_HOP, NextHopContext::WORDS, None),
        ] {
            uut.table.next = u64::from(table).to_bits();
            let mut order = vec![0];
            loop {
                uut.step.next = order[order.len() - 1].to_bits();
                settle!(uut);
                assert_eq!(uut.has_valid.val(), valid.is_some(), "table {table}");
                if uut.step.val() == uut.final_word.val() {
                    break;
                }
                order.push(uut.following.val().to_u64());
            }
            let others = (0..words as u64).filter(|word| Some(*word) != valid);
            assert_eq!(order, others.chain(valid).collect::<Vec<_>>(), "table {table}");
        }
    }
}
