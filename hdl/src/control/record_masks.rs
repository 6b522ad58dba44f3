//! Which bits of a record may be set.
use crate::configuration::{CQ_BITS, QP_BITS};
use crate::pins::{Pin, Ports};
use ironwarp_abi::context::*;
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_abi::record::Field;
use rust_hdl::prelude::*;
use std::collections::BTreeMap;

/// A word of a record of a table.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct RecordWord {
    pub word: Bits<5>,
    pub table: Bits<4>,
}

/// Every table's number and fields.
const TABLES: [(u8, &[Field]); 6] = [
    (table::QUEUE_PAIR, QueuePairContext::FIELDS),
    (table::COMPLETION_QUEUE, CompletionQueueContext::FIELDS),
    (table::MEMORY_REGION, MemoryRegionContext::FIELDS),
    (table::FLOW, FlowContext::FIELDS),
    (table::FLOW_BUCKET, FlowBucketContext::FIELDS),
    (table::NEXT_HOP, NextHopContext::FIELDS),
];

/// The bits of a field that a value which the device has may use: a number of an object, of which
/// there is a power of two, is too large if a higher one is set.
fn width(field: &Field) -> usize {
    match field.name {
        "send_cq" | "receive_cq" => CQ_BITS,
        "next" | "first" => QP_BITS,
        "vector" => VECTOR_COUNT.ilog2() as usize,
        _ => field.width,
    }
}

/// The bits that may be set in a word of a record; none where there is no record. Combinational.
#[derive(LogicBlock, Ports)]
pub struct RecordMasks {
    pub place: Signal<In, RecordWord>,
    pub mask: Signal<Out, Bits<32>>,
    masks: ROM<Bits<32>, { RecordWord::BITS }>,
}

impl Default for RecordMasks {
    fn default() -> Self {
        assert!(VECTOR_COUNT.is_power_of_two());
        let mut masks: BTreeMap<u64, u64> = BTreeMap::new();
        for (table, fields) in TABLES {
            for field in fields {
                for bit in field.offset..field.offset + width(field) {
                    let (word, bit) = (bit as u64 / 32, bit % 32);
                    *masks.entry(word | u64::from(table) << 5).or_default() |= 1 << bit;
                }
            }
        }
        let masks = masks.into_iter().map(|(at, mask)| (at.to_bits(), mask.to_bits()));
        Self {
            place: Default::default(),
            mask: Default::default(),
            masks: ROM::new(masks.collect()),
        }
    }
}

impl Logic for RecordMasks {
    #[hdl_gen]
    fn update(&mut self) {
        self.masks.address.next = self.place.val().into();
        self.mask.next = self.masks.data.val();
    }
}
