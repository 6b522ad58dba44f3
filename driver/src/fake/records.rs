//! The stand-in's context window and tables.

use crate::connection::Flow;
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::context::{
    flow_hash, table, CompletionQueueContext, FlowBucketContext, FlowContext, MemoryRegionContext,
    NextHopContext, QueuePairContext,
};
use ironwarp_abi::limits::KEY_BITS;
use ironwarp_abi::registers::CONTEXT_WINDOW_WORDS;
use std::collections::BTreeMap;

type Window = [u32; CONTEXT_WINDOW_WORDS];

/// What was committed.
pub(super) struct Records {
    /// The sizes of the tables.
    pub configuration: Configuration,
    window: Window,
    committed: BTreeMap<(u8, u32), Window>,
}

impl Default for Records {
    fn default() -> Self {
        Self::new(REFERENCE)
    }
}

impl Records {
    pub fn new(configuration: Configuration) -> Self {
        Self { configuration, window: [0; CONTEXT_WINDOW_WORDS], committed: BTreeMap::new() }
    }

    /// Writes a word of the window.
    pub fn write(&mut self, word: u32, value: u32) {
        self.window[word as usize] = value;
    }

    /// Takes the window for an object; says what is wrong with it.
    pub fn commit(&mut self, table: u8, index: u32) -> Result<(), String> {
        let Configuration { qp_bits, cq_bits, mr_bits, bucket_bits, .. } = self.configuration;
        let (words, bits) = match table {
            table::QUEUE_PAIR => (QueuePairContext::WORDS, qp_bits),
            table::COMPLETION_QUEUE => (CompletionQueueContext::WORDS, cq_bits),
            table::MEMORY_REGION => (MemoryRegionContext::WORDS, mr_bits),
            table::FLOW => (FlowContext::WORDS, qp_bits),
            table::FLOW_BUCKET => (FlowBucketContext::WORDS, bucket_bits),
            table::NEXT_HOP => (NextHopContext::WORDS, qp_bits),
            _ => return Err(format!("there is no table {table}")),
        };
        let record = std::mem::take(&mut self.window);
        if index >> bits != 0 {
            return Err(format!("table {table} has no record {index}"));
        }
        if record[words..].iter().any(|word| *word != 0) {
            return Err(format!("words behind record {index} of table {table}"));
        }
        self.committed.insert((table, index), record);
        Ok(())
    }

    /// A record, as far as it was committed.
    pub fn words<const N: usize>(&self, table: u8, index: u32) -> [u32; N] {
        let record =
            self.committed.get(&(table, index)).copied().unwrap_or([0; CONTEXT_WINDOW_WORDS]);
        std::array::from_fn(|word| record[word])
    }

    pub fn queue_pair(&self, qp: u32) -> QueuePairContext {
        QueuePairContext::from_words(&self.words(table::QUEUE_PAIR, qp))
    }

    pub fn completion_queue(&self, cq: u32) -> CompletionQueueContext {
        CompletionQueueContext::from_words(&self.words(table::COMPLETION_QUEUE, cq))
    }

    pub fn region(&self, number: usize) -> MemoryRegionContext {
        MemoryRegionContext::from_words(&self.words(table::MEMORY_REGION, number as u32))
    }

    pub fn next_hop(&self, qp: u32) -> Option<NextHopContext> {
        self.committed
            .contains_key(&(table::NEXT_HOP, qp))
            .then(|| NextHopContext::from_words(&self.words(table::NEXT_HOP, qp)))
    }

    fn flow(&self, qp: u32) -> FlowContext {
        FlowContext::from_words(&self.words(table::FLOW, qp))
    }

    pub fn valid_flows(&self) -> Vec<FlowContext> {
        let entries = (0..1 << self.configuration.qp_bits).map(|qp| self.flow(qp));
        entries.filter(|entry| entry.valid).collect()
    }

    /// The queue pair of a flow, as the look-up goes.
    pub fn find_flow(&self, key: [u32; 3], flow: &Flow) -> Option<u32> {
        let remote_ip: u32 = flow.remote_ip.into();
        let bits = self.configuration.bucket_bits;
        let bucket = flow_hash(key, bits, remote_ip, flow.remote_port, flow.local_port) as u32;
        let words = self.words(table::FLOW_BUCKET, bucket);
        let mut next = FlowBucketContext::from_words(&words).first;
        for _ in 0..self.configuration.qp_count() {
            let entry = self.flow(next);
            let same = entry.remote_ip == remote_ip
                && entry.local_ip == u32::from(flow.local_ip)
                && (entry.local_port, entry.remote_port) == (flow.local_port, flow.remote_port);
            if next == 0 || entry.valid && same {
                break;
            }
            next = entry.next;
        }
        (next != 0).then_some(next)
    }

    /// Where octets of a memory region are, as the gate would say.
    pub fn translate(&self, stag: u32, offset: u64, length: u32, pd: u16) -> Option<u64> {
        let number = stag >> KEY_BITS & ((1 << self.configuration.mr_bits) - 1);
        let region = self.region(number as usize);
        let inside = offset.checked_sub(region.base)?;
        let fits = inside + u64::from(length) <= region.length;
        let ours = region.valid && !region.paged && region.stag == stag && region.pd == pd;
        (fits && ours).then_some(region.bus_address + inside)
    }
}
