//! Records through the window into the tables.
use super::bench::{Bench, Told};
use super::records::ContextWrite;
use crate::configuration::*;
use crate::stream::bench::seeds;
use ironwarp_abi::context::*;
use ironwarp_abi::record::Field;
use ironwarp_abi::registers::{CONTEXT_WINDOW, CONTEXT_WINDOW_WORDS, CQ_CONTROL};
use rand::Rng;
use rust_hdl::prelude::*;

/// Every table: its number, how many records it has, words, and fields.
fn tables() -> [(u8, usize, usize, &'static [Field]); 6] {
    let of = &CONFIGURATION;
    [
        (table::QUEUE_PAIR, of.qp_count(), QueuePairContext::WORDS, QueuePairContext::FIELDS),
        (
            table::COMPLETION_QUEUE,
            of.cq_count(),
            CompletionQueueContext::WORDS,
            CompletionQueueContext::FIELDS,
        ),
        (
            table::MEMORY_REGION,
            of.mr_count(),
            MemoryRegionContext::WORDS,
            MemoryRegionContext::FIELDS,
        ),
        (table::FLOW, of.qp_count(), FlowContext::WORDS, FlowContext::FIELDS),
        (
            table::FLOW_BUCKET,
            of.bucket_count(),
            FlowBucketContext::WORDS,
            FlowBucketContext::FIELDS,
        ),
        (table::NEXT_HOP, of.qp_count(), NextHopContext::WORDS, NextHopContext::FIELDS),
    ]
}

/// A random record whose numbers exist.
fn record(bench: &mut Bench, words: usize, fields: &[Field]) -> Vec<u32> {
    let mut record = vec![0; words];
    for field in fields {
        let value = match field.name {
            "send_cq" | "receive_cq" => bench.rng.random_range(0..CQ_COUNT as u64),
            "next" | "first" => bench.rng.random_range(0..QP_COUNT as u64),
            "vector" => bench.rng.random_range(0..16),
            "send_queue_log2" | "receive_queue_log2" => bench.rng.random_range(0..13),
            _ => bench.rng.random(),
        };
        field.set(&mut record, value);
    }
    in_range(bench, record, fields)
}

/// A record that a device takes as it is: of a region, a page list's numbers fit together.
fn in_range(bench: &mut Bench, mut record: Vec<u32>, fields: &[Field]) -> Vec<u32> {
    if fields != MemoryRegionContext::FIELDS {
        return record;
    }
    if let Some(words) = record.first_chunk() {
        let region = MemoryRegionContext::from_words(words);
        let page_log2 = bench.rng.random_range(12..=31);
        let first_offset = bench.rng.random_range(0..1 << page_log2);
        let (bus_address, length) = (region.bus_address & !63, region.length & ((1 << 44) - 1));
        let list = MemoryRegionContext { page_log2, first_offset, bus_address, length, ..region };
        let run = MemoryRegionContext { page_log2: 0, first_offset: 0, ..region };
        let region = if region.paged { list } else { run };
        assert!(region.in_range());
        record.copy_from_slice(&region.to_words());
    }
    record
}

/// What is written to the tables for a record, in order.
fn expected(table: u8, index: u32, words: &[u32]) -> Vec<ContextWrite> {
    let write = |word: usize, data: u32| ContextWrite {
        valid: true,
        table: u64::from(table).to_bits(),
        index: u64::from(index).to_bits(),
        word: (word as u64).to_bits(),
        data: u64::from(data).to_bits(),
    };
    let valid = match table {
        table::MEMORY_REGION => Some(7),
        table::FLOW => Some(3),
        _ => None,
    };
    let early = valid.map(|word| write(word, words[word] & !(1 << 31)));
    let late = valid.map(|word| write(word, words[word]));
    let others = words.iter().enumerate().filter(|(n, _)| Some(*n) != valid);
    let others = others.map(|(n, data)| write(n, *data));
    early.into_iter().chain(others).chain(late).collect()
}

/// Records of every table, words in any order, some written twice, some not at all: what was
/// written since the last commit is taken whole, a word a clock, and the rest is zero.
#[test]
fn records_are_taken_whole() {
    for seed in seeds().into_iter().take(8) {
        let mut bench = Bench::new(seed);
        for _ in 0..40 {
            let (table, count, words, fields) = tables()[bench.rng.random_range(0..6)];
            let index = bench.rng.random_range(0..count as u32);
            let mut record = record(&mut bench, words, fields);
            for word in record.iter_mut() {
                if bench.rng.random_bool(0.2) {
                    *word = 0;
                }
            }
            let record = in_range(&mut bench, record, fields);
            let mut order: Vec<usize> = (0..words).collect();
            for n in 0..words {
                let other = bench.rng.random_range(0..words);
                order.swap(n, other);
            }
            for word in order {
                let address = CONTEXT_WINDOW + 4 * word as u32;
                if bench.rng.random_bool(0.2) {
                    let data = bench.rng.random();
                    bench.post(address, data);
                    bench.post(address, record[word]);
                } else if record[word] != 0 {
                    bench.post(address, record[word]);
                }
            }
            let before = bench.told.len();
            bench.commit(table, index, &[]);
            bench.settle();
            let told = bench.told[before..].to_vec();
            let got: Vec<_> = told
                .iter()
                .map(|(_, told)| match told {
                    Told::Context(context) => *context,
                    other => panic!("SEED={seed}: {other:?}"),
                })
                .collect();
            assert_eq!(got, expected(table, index, &record), "SEED={seed}");
            let clocks = told.last().unwrap().0 - told[0].0;
            assert_eq!(clocks as usize, told.len() - 1, "SEED={seed}: a gap between two words");
        }
        assert_eq!(bench.refused(), 0, "SEED={seed}");
    }
}

/// What the device does not have is refused and counted, and the window is empty afterwards.
#[test]
fn records_out_of_range_are_refused() {
    let mut bench = Bench::new(1);
    let mut refused = 0;
    for (table, count, words, fields) in tables() {
        let count = count as u32;
        for index in [count, count + 1, 1 << 23, (1 << 24) - 1] {
            let record = record(&mut bench, words, fields);
            bench.commit(table, index, &record);
            bench.settle();
            refused += 1;
            assert_eq!(bench.refused(), refused, "table {table}, {index}");
        }
        assert!(bench.told.is_empty());
        bench.commit(table, count - 1, &[]);
        bench.settle();
        let zeros = vec![0; words];
        assert_eq!(bench.contexts(), expected(table, count - 1, &zeros), "table {table}");
        bench.told.clear();
    }
    for table in (0..16).filter(|table| tables().iter().all(|known| known.0 != *table)) {
        bench.commit(table, 0, &[1]);
        bench.settle();
        refused += 1;
        assert_eq!((bench.refused(), bench.told.len()), (refused, 0), "table {table}");
    }
}

/// Every bit outside the fields, in the words behind the record too.
#[test]
fn every_reserved_bit_is_checked() {
    let mut bench = Bench::new(2);
    let mut refused = 0;
    for (table, _, _, fields) in tables() {
        for bit in 0..32 * CONTEXT_WINDOW_WORDS {
            let inside = |field: &Field| (field.offset..field.offset + field.width).contains(&bit);
            let behind = bit >= 32 * 18 && bit % 7 != 0;
            if fields.iter().any(inside) || behind {
                continue;
            }
            bench.post(CONTEXT_WINDOW + bit as u32 / 32 * 4, 1 << (bit % 32));
            bench.commit(table, 1, &[]);
            refused += 1;
        }
        bench.settle();
        assert_eq!((bench.refused(), bench.told.len()), (refused, 0), "table {table}");
    }
    assert!(refused > 500);
}

/// Numbers inside a record: of completion queues, of flows, of vectors, and the size of a ring
/// (field input B10: `receive_cq` 16 meant queue 0, 33 queue 1).
#[test]
fn numbers_in_a_record_are_refused_and_never_cut() {
    let mut bench = Bench::new(3);
    let limits = [
        (table::QUEUE_PAIR, "send_cq", CQ_COUNT as u64),
        (table::QUEUE_PAIR, "receive_cq", CQ_COUNT as u64),
        (table::QUEUE_PAIR, "send_queue_log2", 13),
        (table::QUEUE_PAIR, "receive_queue_log2", 13),
        (table::COMPLETION_QUEUE, "vector", 16),
        (table::FLOW, "next", QP_COUNT as u64),
        (table::FLOW_BUCKET, "first", QP_COUNT as u64),
    ];
    let mut refused = 0;
    for (table, name, count) in limits {
        let (_, _, words, fields) = *tables().iter().find(|known| known.0 == table).unwrap();
        let field = fields.iter().find(|field| field.name == name).unwrap();
        let top = (1 << field.width) - 1;
        for value in [count - 1, count, count + 1, 2 * count + 1, top / 2 + 1, top] {
            if value > top {
                continue;
            }
            let mut record = record(&mut bench, words, fields);
            field.set(&mut record, value);
            bench.told.clear();
            bench.commit(table, 3, &record);
            bench.settle();
            refused += u32::from(value >= count);
            assert_eq!(bench.refused(), refused, "{name} {value}");
            assert_eq!(bench.told.is_empty(), value >= count, "{name} {value}");
        }
    }
}

/// A page list's numbers, each at both sides of its limits; and what has no list has none of them.
#[test]
fn a_page_list_that_means_nothing_is_refused() {
    let mut bench = Bench::new(8);
    let list = MemoryRegionContext {
        bus_address: 0x7_0000_0040,
        length: (1 << 44) - 1,
        paged: true,
        page_log2: 20,
        first_offset: (1 << 20) - 1,
        stag: 0x1234_5603,
        ..MemoryRegionContext::default()
    };
    let run = MemoryRegionContext { paged: false, page_log2: 0, first_offset: 0, ..list };
    let (mut taken, mut refused) = (0, 0);
    let mut tries = vec![list, run];
    for bit in 0..44 {
        tries.push(MemoryRegionContext { bus_address: list.bus_address ^ 1 << bit, ..list });
        tries.push(MemoryRegionContext { bus_address: run.bus_address ^ 1 << bit, ..run });
    }
    for bit in 40..64 {
        tries.push(MemoryRegionContext { length: 1 << bit, ..list });
        tries.push(MemoryRegionContext { length: 1 << bit, ..run });
    }
    for page_log2 in 0..32 {
        tries.push(MemoryRegionContext { page_log2, ..list });
        tries.push(MemoryRegionContext { page_log2, first_offset: 0, ..list });
        tries.push(MemoryRegionContext { page_log2, ..run });
        tries.push(MemoryRegionContext { first_offset: 1 << page_log2, ..list });
        tries.push(MemoryRegionContext { first_offset: 1 << page_log2, ..run });
    }
    for region in tries {
        bench.told.clear();
        bench.commit(table::MEMORY_REGION, 3, &region.to_words());
        bench.settle();
        *(if region.in_range() { &mut taken } else { &mut refused }) += 1;
        assert_eq!(bench.refused(), refused, "{region:?}");
        assert_eq!(bench.told.is_empty(), !region.in_range(), "{region:?}");
    }
    assert!(taken > 100 && refused > 90, "{taken} {refused}");
}

/// The record of an object at work is left alone, whatever is written (field input B9); a stopped
/// one takes it again, and one that has ended is not stopped.
#[test]
fn an_object_at_work_is_left_alone() {
    let mut bench = Bench::new(4);
    for (table, count, words, fields) in tables() {
        let record = record(&mut bench, words, fields);
        let qp = table == table::QUEUE_PAIR;
        let guarded = qp || table == table::COMPLETION_QUEUE;
        let index = count as u32 - 2;
        for runs in [true, false] {
            let control = index | u32::from(runs) << 24;
            match qp {
                true => bench.start(index, runs),
                false => {
                    bench.write(CQ_CONTROL.address, control & (0xff00_0000 | (CQ_COUNT as u32 - 1)))
                }
            }
            if qp && runs {
                bench.events[0].queue.push_back(super::bench::event(index.into(), 1, 1, 0, 0));
                bench.run(60);
                assert_eq!(bench.state(index), (1, false, true, 1), "it has ended");
            }
            bench.told.clear();
            let before = bench.refused();
            bench.commit(table, index, &record);
            bench.settle();
            let refused = guarded && runs;
            let on_a_cq = !qp && index as usize >= CQ_COUNT;
            assert_eq!(bench.refused() - before, u32::from(refused && !on_a_cq), "table {table}");
            let wanted = if refused { vec![] } else { expected(table, index, &record) };
            assert_eq!(bench.contexts(), wanted, "table {table}");
        }
        // Another object of the table is free.
        bench.told.clear();
        bench.commit(table, index - 1, &record);
        bench.settle();
        assert_eq!(bench.contexts(), expected(table, index - 1, &record), "table {table}");
    }
}

/// A doorbell, a command, a fence and a read behind a commit do not overtake it.
#[test]
fn nothing_overtakes_a_commit() {
    use ironwarp_abi::registers::{FENCE, QUERY_QP};
    let mut bench = Bench::new(5);
    bench.writes.eagerness = 1.0;
    let record = record(&mut bench, MemoryRegionContext::WORDS, MemoryRegionContext::FIELDS);
    bench.commit(table::MEMORY_REGION, 7, &record);
    bench.post(CONFIGURATION.qp_doorbell(2, 0), 5);
    bench.commit(table::MEMORY_REGION, 7, &[]);
    bench.post_start(2, false);
    bench.commit(table::MEMORY_REGION, 8, &record);
    bench.post(FENCE.address, 9);
    bench.commit(table::MEMORY_REGION, 9, &record);
    bench.post(QUERY_QP.address, 2);
    bench.settle();
    let kinds: Vec<char> = bench
        .told
        .iter()
        .map(|(_, told)| match told {
            Told::Context(context) => char::from(b'0' + context.index.to_u64() as u8),
            Told::QpBell(_) => 'd',
            Told::Change(_) => 'c',
            Told::Fence => 'f',
            _ => '?',
        })
        .collect();
    let nine = |n: &str| n.repeat(MemoryRegionContext::WORDS + 1);
    let wanted = [&nine("7"), "d", &nine("7"), "c", &nine("8"), "f", &nine("9")].concat();
    assert_eq!(kinds.into_iter().collect::<String>(), wanted);
}

/// A read at every clock around a commit and a start: it shows what was written before it.
#[test]
fn a_read_comes_behind_the_writes_before_it() {
    use ironwarp_abi::registers::{COUNT_REFUSED, QUERY_QP, QUERY_STATE};
    for wait in 0..4 {
        let mut bench = Bench::new(6);
        (bench.writes.eagerness, bench.answers.eagerness) = (1.0, 1.0);
        bench.write(QUERY_QP.address, 2);
        bench.commit(table::NEXT_HOP, QP_COUNT as u32, &[1, 2]);
        while !bench.writes.queue.is_empty() {
            bench.clock();
        }
        bench.run(wait);
        assert_eq!(bench.register(&COUNT_REFUSED), 1, "{wait}");
        bench.post_start(2, true);
        while !bench.writes.queue.is_empty() {
            bench.clock();
        }
        bench.run(wait);
        assert_eq!(bench.register(&QUERY_STATE), 0x301, "{wait}");
    }
}

/// After a reset every table is cleared, and the window.
#[test]
fn a_wipe_clears_a_number_in_every_table() {
    let mut bench = Bench::new(7);
    bench.start(5, true);
    bench.told.clear();
    for index in 0..40_u64 {
        bench.uut.wipe.next = super::records::Wipe { valid: true, index: index.to_bits() };
        bench.clock();
    }
    bench.uut.wipe.next = Default::default();
    bench.run(5);
    for (n, context) in bench.contexts().iter().enumerate() {
        assert_eq!((context.table.to_u64(), context.index.to_u64()), (15, n as u64));
        assert_eq!(context.data.to_u64(), 0);
    }
    assert_eq!(bench.contexts().len(), 40);
    for (n, change) in bench.changes().iter().enumerate() {
        assert_eq!(change.qp.to_u64(), n as u64 % QP_COUNT as u64);
        assert!(change.wipe && change.begins && !change.started && !change.active);
        assert_eq!(change.generation.to_u64(), 0);
    }
    assert_eq!(bench.changes().len(), 40);
    let stops = bench.told.iter().filter(|(_, told)| matches!(told, Told::Cq(it) if !it.enable));
    assert_eq!(stops.count(), 40);
    assert_eq!(bench.state(5), (0, false, false, 0));
}
