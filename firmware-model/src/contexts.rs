//! The context tables: what the host has told of its objects.
//!
//! A record lies in the window until it is committed, and is taken whole or refused. Queue pairs
//! and completion queues are read when they are started; memory regions, flows and next hops at
//! every use.

use crate::flows::Flows;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::{
    region_of, table, CompletionQueueContext, FlowBucketContext, FlowContext, MemoryRegionContext,
    NextHopContext, QueuePairContext,
};
use ironwarp_abi::limits::{QUEUE_BITS_MAX, VECTOR_COUNT};
use ironwarp_abi::registers::CONTEXT_WINDOW_WORDS;

/// The words of a record that is not yet committed.
type Window = [u32; CONTEXT_WINDOW_WORDS];

/// The tables, and the window before them.
#[derive(Debug)]
pub(crate) struct Contexts {
    configuration: Configuration,
    window: Window,
    queue_pairs: Vec<QueuePairContext>,
    completion_queues: Vec<CompletionQueueContext>,
    regions: Vec<MemoryRegionContext>,
    next_hops: Vec<NextHopContext>,
    pub flows: Flows,
}

impl Contexts {
    pub fn new(configuration: Configuration) -> Self {
        let (qps, cqs) = (configuration.qp_count(), configuration.cq_count());
        Self {
            window: Window::default(),
            queue_pairs: vec![QueuePairContext::default(); qps],
            completion_queues: vec![CompletionQueueContext::default(); cqs],
            regions: vec![MemoryRegionContext::default(); configuration.mr_count()],
            next_hops: vec![NextHopContext::default(); qps],
            flows: Flows::new(&configuration),
            configuration,
        }
    }

    /// The host writes a word of the window.
    pub fn write(&mut self, word: usize, value: u32) {
        if let Some(place) = self.window.get_mut(word) {
            *place = value;
        }
    }

    /// Takes what lies in the window for an object, which is `at_work` if the host has started it
    /// and not stopped it. None if it is refused. The window is empty then, one way or the other.
    #[must_use]
    pub fn commit(&mut self, of: u8, index: u32, at_work: bool) -> Option<()> {
        let window = std::mem::take(&mut self.window);
        let place = index as usize;
        let Self { flows, .. } = self;
        match of {
            table::QUEUE_PAIR if !at_work => return self.commit_queue_pair(place, &window),
            table::COMPLETION_QUEUE if !at_work => {
                let record =
                    decode(&window, CompletionQueueContext::from_words, |it| it.to_words())?;
                let has_vector = usize::from(record.vector) < VECTOR_COUNT;
                *self.completion_queues.get_mut(place).filter(|_| has_vector)? = record;
            }
            table::MEMORY_REGION => {
                let record = decode(&window, MemoryRegionContext::from_words, |it| it.to_words())?;
                *self.regions.get_mut(place).filter(|_| record.in_range())? = record;
            }
            table::FLOW => {
                let record = decode(&window, FlowContext::from_words, |it| it.to_words())?;
                let next = self.configuration.qp_count() > record.next as usize;
                *flows.entries.get_mut(place).filter(|_| next)? = record;
            }
            table::FLOW_BUCKET => {
                let record = decode(&window, FlowBucketContext::from_words, |it| it.to_words())?;
                let first = self.configuration.qp_count() > record.first as usize;
                *flows.buckets.get_mut(place).filter(|_| first)? = record;
            }
            table::NEXT_HOP => {
                let record = decode(&window, NextHopContext::from_words, |it| it.to_words())?;
                *self.next_hops.get_mut(place)? = record;
            }
            _ => return None,
        }
        Some(())
    }

    fn commit_queue_pair(&mut self, place: usize, window: &Window) -> Option<()> {
        let record = decode(window, QueuePairContext::from_words, |it| it.to_words())?;
        let cqs = self.configuration.cq_count();
        let queues = [record.send_cq, record.receive_cq];
        let sizes = [record.send_queue_log2, record.receive_queue_log2];
        let fits = queues.iter().all(|cq| (*cq as usize) < cqs)
            && sizes.iter().all(|log2| usize::from(*log2) <= QUEUE_BITS_MAX);
        *self.queue_pairs.get_mut(place).filter(|_| fits)? = record;
        *self.next_hops.get_mut(place)? = NextHopContext { remote_mac: record.remote_mac };
        Some(())
    }

    pub fn queue_pair(&self, index: u32) -> Option<&QueuePairContext> {
        self.queue_pairs.get(index as usize)
    }

    pub fn completion_queue(&self, index: u32) -> Option<&CompletionQueueContext> {
        self.completion_queues.get(index as usize)
    }

    /// The valid region that an STag names with all of its 32 bits.
    pub fn region(&self, stag: u32) -> Option<&MemoryRegionContext> {
        let region = self.regions.get(region_of(stag, self.configuration.mr_bits))?;
        (region.valid && region.stag == stag).then_some(region)
    }

    /// Where the frames of a queue pair go.
    pub fn next_hop(&self, qp: u32) -> u64 {
        self.next_hops.get(qp as usize).map_or(0, |hop| hop.remote_mac)
    }
}

/// The record at the front of the window. None if a bit outside its fields is set, in the words
/// behind it too.
fn decode<T, const WORDS: usize>(
    window: &Window,
    from_words: fn(&[u32; WORDS]) -> T,
    to_words: fn(&T) -> [u32; WORDS],
) -> Option<T> {
    let (words, rest) = window.split_first_chunk()?;
    let record = from_words(words);
    (to_words(&record) == *words && rest.iter().all(|word| *word == 0)).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::BOARD;
    use ironwarp_abi::record::Field;

    fn contexts() -> Contexts {
        Contexts::new(BOARD)
    }

    fn commit(contexts: &mut Contexts, of: u8, index: u32, words: &[u32]) -> bool {
        words.iter().enumerate().for_each(|(word, value)| contexts.write(word, *value));
        contexts.commit(of, index, false).is_some()
    }

    /// Every table: its number, how many records it has, and their fields.
    const TABLES: [(u8, u32, &[Field]); 6] = [
        (table::QUEUE_PAIR, 16, QueuePairContext::FIELDS),
        (table::COMPLETION_QUEUE, 16, CompletionQueueContext::FIELDS),
        (table::MEMORY_REGION, 256, MemoryRegionContext::FIELDS),
        (table::FLOW, 16, FlowContext::FIELDS),
        (table::FLOW_BUCKET, 64, FlowBucketContext::FIELDS),
        (table::NEXT_HOP, 16, NextHopContext::FIELDS),
    ];

    #[test]
    fn every_table_has_its_records_and_no_more() {
        let mut contexts = contexts();
        for (of, count, _) in TABLES {
            assert!(commit(&mut contexts, of, count - 1, &[]), "table {of}");
            for index in [count, 1 << 23, (1 << 24) - 1] {
                assert!(!commit(&mut contexts, of, index, &[]), "table {of}, {index}");
            }
        }
        for of in (0..16).filter(|of| TABLES.iter().all(|table| table.0 != *of)) {
            assert!(!commit(&mut contexts, of, 0, &[]), "table {of}");
        }
    }

    #[test]
    fn every_reserved_bit_of_the_window_is_checked() {
        for (of, _, fields) in TABLES {
            for bit in 0..32 * CONTEXT_WINDOW_WORDS {
                let inside =
                    |field: &Field| (field.offset..field.offset + field.width).contains(&bit);
                if !fields.iter().any(inside) {
                    let mut words = Window::default();
                    words[bit / 32] = 1 << (bit % 32);
                    assert!(!commit(&mut contexts(), of, 1, &words), "table {of}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_commit_takes_the_window_whole_and_leaves_it_empty() {
        let mut contexts = contexts();
        let region = MemoryRegionContext {
            base: u64::MAX,
            length: u64::MAX,
            stag: 0xabcd_0312,
            valid: true,
            ..MemoryRegionContext::default()
        };
        region.to_words().into_iter().enumerate().for_each(|(word, value)| {
            assert_eq!(contexts.region(region.stag), None, "word {word}");
            contexts.write(word, value);
        });
        contexts.write(CONTEXT_WINDOW_WORDS, 1);
        assert_eq!(contexts.commit(table::MEMORY_REGION, 3, false), Some(()));
        assert_eq!(contexts.region(region.stag), Some(&region));
        // A refused commit empties the window, too.
        assert!(!commit(&mut contexts, table::MEMORY_REGION, 256, &region.to_words()));
        assert!(commit(&mut contexts, table::MEMORY_REGION, 3, &[]));
        assert_eq!(contexts.region(region.stag), None);
    }

    #[test]
    fn an_object_at_work_is_left_alone() {
        for (of, _, _) in TABLES {
            let takes = !matches!(of, table::QUEUE_PAIR | table::COMPLETION_QUEUE);
            assert_eq!(contexts().commit(of, 1, true).is_some(), takes, "table {of}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_and_never_cut() {
        let pair = QueuePairContext::default();
        let queue = CompletionQueueContext::default();
        let flow = FlowContext::default();
        let takes = |of, words: &[u32]| commit(&mut contexts(), of, 1, words);
        for (number, fits) in [(15, true), (16, false), (33, false), (1 << 23, false)] {
            let send = QueuePairContext { send_cq: number, ..pair };
            assert_eq!(takes(table::QUEUE_PAIR, &send.to_words()), fits);
            let receive = QueuePairContext { receive_cq: number, ..pair };
            assert_eq!(takes(table::QUEUE_PAIR, &receive.to_words()), fits);
            let next = FlowContext { next: number, ..flow };
            assert_eq!(takes(table::FLOW, &next.to_words()), fits);
            let first = FlowBucketContext { first: number };
            assert_eq!(takes(table::FLOW_BUCKET, &first.to_words()), fits);
        }
        for (log2, fits) in [(12, true), (13, false), (15, false)] {
            let send = QueuePairContext { send_queue_log2: log2, ..pair };
            assert_eq!(takes(table::QUEUE_PAIR, &send.to_words()), fits);
            let receive = QueuePairContext { receive_queue_log2: log2, ..pair };
            assert_eq!(takes(table::QUEUE_PAIR, &receive.to_words()), fits);
        }
        for (vector, fits) in [(15, true), (16, false), (255, false)] {
            let queue = CompletionQueueContext { vector, ..queue };
            assert_eq!(takes(table::COMPLETION_QUEUE, &queue.to_words()), fits);
        }
    }

    #[test]
    fn a_page_list_that_means_nothing_is_refused() {
        let list = MemoryRegionContext {
            bus_address: 0x1_0040,
            length: (1 << 44) - 1,
            paged: true,
            page_log2: 31,
            first_offset: (1 << 31) - 1,
            ..MemoryRegionContext::default()
        };
        let takes = |region: MemoryRegionContext| {
            commit(&mut contexts(), table::MEMORY_REGION, 1, &region.to_words())
        };
        assert!(takes(list));
        for refused in [
            MemoryRegionContext { bus_address: 0x1_0060, ..list },
            MemoryRegionContext { length: 1 << 44, ..list },
            MemoryRegionContext { page_log2: 30, ..list },
            MemoryRegionContext { first_offset: 1 << 31, ..list },
            MemoryRegionContext { page_log2: 11, first_offset: 0, ..list },
            MemoryRegionContext { page_log2: 0, first_offset: 0, ..list },
            MemoryRegionContext { paged: false, first_offset: 0, ..list },
            MemoryRegionContext { paged: false, page_log2: 0, ..list },
        ] {
            assert!(!takes(refused), "{refused:?}");
        }
        assert!(takes(MemoryRegionContext { page_log2: 12, first_offset: 4095, ..list }));
        let run = MemoryRegionContext { paged: false, page_log2: 0, first_offset: 0, ..list };
        assert!(takes(MemoryRegionContext { bus_address: 1, length: u64::MAX, ..run }));
    }

    #[test]
    fn a_region_is_found_by_all_of_its_stag() {
        let mut contexts = contexts();
        let region = MemoryRegionContext { stag: 0xabcd_ef07, valid: true, ..Default::default() };
        assert!(commit(&mut contexts, table::MEMORY_REGION, 0xef, &region.to_words()));
        assert_eq!(contexts.region(region.stag), Some(&region));
        for bit in 0..32 {
            assert_eq!(contexts.region(region.stag ^ 1 << bit), None, "bit {bit}");
        }
        // At another number than that in its STag it is never found.
        assert!(commit(&mut contexts, table::MEMORY_REGION, 0xef, &[]));
        assert!(commit(&mut contexts, table::MEMORY_REGION, 0xee, &region.to_words()));
        assert_eq!(contexts.region(region.stag), None);
    }

    #[test]
    fn the_last_who_names_a_next_hop_is_obeyed() {
        let mut contexts = contexts();
        let pair = QueuePairContext { remote_mac: 1 << 47 | 1, ..Default::default() };
        assert!(commit(&mut contexts, table::QUEUE_PAIR, 5, &pair.to_words()));
        assert_eq!(contexts.next_hop(5), 1 << 47 | 1);
        let hop = NextHopContext { remote_mac: 2 };
        for (word, value) in hop.to_words().into_iter().enumerate() {
            contexts.write(word, value);
        }
        assert_eq!(contexts.commit(table::NEXT_HOP, 5, true), Some(()));
        assert_eq!(contexts.next_hop(5), 2);
        assert!(commit(&mut contexts, table::QUEUE_PAIR, 5, &pair.to_words()));
        assert_eq!(contexts.next_hop(5), 1 << 47 | 1);
    }
}
