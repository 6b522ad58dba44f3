//! The context tables: what the host has told of its objects.
//!
//! Queue pairs and completion queues are read when they are started; what is written later counts
//! with the next start. Memory regions and flow entries are read at every use: each word takes
//! effect when it is written.

use ironwarp_abi::context::{
    flow_hash, table, CompletionQueueContext, FlowContext, MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::limits::{CQ_COUNT, FLOW_COUNT, FLOW_PROBES, MR_COUNT, QP_COUNT};

/// The words of a table's contexts, with what they say.
#[derive(Debug)]
struct Table<T, const WORDS: usize> {
    words: Vec<[u32; WORDS]>,
    records: Vec<T>,
    decode: fn(&[u32; WORDS]) -> T,
}

impl<T, const WORDS: usize> Table<T, WORDS> {
    fn new(count: usize, decode: fn(&[u32; WORDS]) -> T) -> Self {
        let words = vec![[0; WORDS]; count];
        let records = words.iter().map(decode).collect();
        Self { words, records, decode }
    }

    /// Words that the table does not have are ignored.
    fn write(&mut self, index: usize, word: usize, value: u32) {
        let Some(words) = self.words.get_mut(index) else { return };
        let Some(place) = words.get_mut(word) else { return };
        *place = value;
        if let Some(record) = self.records.get_mut(index) {
            *record = (self.decode)(words);
        }
    }
}

/// All four tables.
#[derive(Debug)]
pub(crate) struct Contexts {
    queue_pairs: Table<QueuePairContext, { QueuePairContext::WORDS }>,
    completion_queues: Table<CompletionQueueContext, { CompletionQueueContext::WORDS }>,
    regions: Table<MemoryRegionContext, { MemoryRegionContext::WORDS }>,
    flows: Table<FlowContext, { FlowContext::WORDS }>,
}

/// The two ends of a TCP connection, as this station sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub remote_ip: u32,
    pub local_ip: u32,
    pub remote_port: u16,
    pub local_port: u16,
}

impl Contexts {
    pub fn new() -> Self {
        Self {
            queue_pairs: Table::new(QP_COUNT, QueuePairContext::from_words),
            completion_queues: Table::new(CQ_COUNT, CompletionQueueContext::from_words),
            regions: Table::new(MR_COUNT, MemoryRegionContext::from_words),
            flows: Table::new(FLOW_COUNT, FlowContext::from_words),
        }
    }

    /// The host writes a word.
    pub fn write(&mut self, of: u8, index: usize, word: usize, value: u32) {
        match of {
            table::QUEUE_PAIR => self.queue_pairs.write(index, word, value),
            table::COMPLETION_QUEUE => self.completion_queues.write(index, word, value),
            table::MEMORY_REGION => self.regions.write(index, word, value),
            table::FLOW => self.flows.write(index, word, value),
            _ => {}
        }
    }

    pub fn queue_pair(&self, index: usize) -> Option<&QueuePairContext> {
        self.queue_pairs.records.get(index)
    }

    pub fn completion_queue(&self, index: usize) -> Option<&CompletionQueueContext> {
        self.completion_queues.records.get(index)
    }

    pub fn region(&self, index: usize) -> Option<&MemoryRegionContext> {
        self.regions.records.get(index)
    }

    /// The queue pair that owns a connection: that of the first valid entry with these ends among
    /// the [`FLOW_PROBES`] from the hash on.
    pub fn owner(&self, ends: &Ends) -> Option<usize> {
        let hash = flow_hash(ends.remote_ip, ends.remote_port, ends.local_port);
        let mut entries = (hash..hash + FLOW_PROBES)
            .filter_map(|place| self.flows.records.get(place % FLOW_COUNT));
        let entry = entries.find(|entry| {
            let of_entry = Ends {
                remote_ip: entry.remote_ip,
                local_ip: entry.local_ip,
                remote_port: entry.remote_port,
                local_port: entry.local_port,
            };
            entry.valid && of_entry == *ends
        });
        entry.map(|entry| usize::from(entry.qp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends =
        Ends { remote_ip: 0x0a00_0002, local_ip: 0x0a00_0001, remote_port: 60, local_port: 50 };

    fn write_flow(contexts: &mut Contexts, place: usize, qp: u8) {
        let entry = FlowContext {
            remote_ip: ENDS.remote_ip,
            local_ip: ENDS.local_ip,
            remote_port: ENDS.remote_port,
            local_port: ENDS.local_port,
            qp,
            valid: true,
        };
        for (word, value) in entry.to_words().into_iter().enumerate() {
            contexts.write(table::FLOW, place % FLOW_COUNT, word, value);
        }
    }

    #[test]
    fn a_flow_is_found_at_any_of_its_places_and_no_other() {
        let hash = flow_hash(ENDS.remote_ip, ENDS.remote_port, ENDS.local_port);
        for probe in 0..FLOW_PROBES {
            let mut contexts = Contexts::new();
            assert_eq!(contexts.owner(&ENDS), None);
            write_flow(&mut contexts, hash + probe, 7);
            assert_eq!(contexts.owner(&ENDS), Some(7));
            assert_eq!(contexts.owner(&Ends { local_ip: 1, ..ENDS }), None);
            contexts.write(table::FLOW, (hash + probe) % FLOW_COUNT, 3, 7);
            assert_eq!(contexts.owner(&ENDS), None, "no longer valid");
        }
        let mut contexts = Contexts::new();
        write_flow(&mut contexts, hash + FLOW_PROBES, 7);
        assert_eq!(contexts.owner(&ENDS), None, "too far");
    }

    #[test]
    fn words_that_are_not_there_are_ignored() {
        let mut contexts = Contexts::new();
        contexts.write(9, 0, 0, 1);
        contexts.write(table::QUEUE_PAIR, QP_COUNT, 0, 1);
        contexts.write(table::QUEUE_PAIR, 0, QueuePairContext::WORDS, 1);
        assert_eq!(contexts.queue_pair(0), Some(&QueuePairContext::default()));
    }
}
