//! The completion writer against a host that consumes, arms and waits.
use super::{Completion, CompletionWriter};
use crate::control::records::*;
use crate::pcie::bench::{Feeder, Taker};
use crate::pcie::records::WriteRequest;
use crate::stream::bench::{edge, rng, seeds, settle};
use crate::stream::Beat;
use ironwarp_abi::context::{table, CompletionQueueContext};
use ironwarp_abi::queue::CompletionEntry;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::{HashMap, VecDeque};

/// A completion queue as the host sees it.
#[derive(Default)]
struct Queue {
    context: CompletionQueueContext,
    consumed: u64,
    got: Vec<CompletionEntry>,
    interrupts: usize,
}

/// The block, the memory behind it, and what it said.
struct Bench {
    uut: CompletionWriter,
    rng: ChaCha8Rng,
    inputs: [Feeder<Completion>; 3],
    requests: Taker<WriteRequest>,
    data: Taker<Beat>,
    vectors: Taker<Bits<8>>,
    messages: Feeder<MsixMessage>,
    /// Writes in order: address and octets.
    writes: Vec<(u64, Vec<u8>)>,
    partial: Vec<u8>,
    queues: HashMap<u64, Queue>,
    doorbells: VecDeque<Doorbell>,
    overflows: usize,
    written: usize,
    interrupted: usize,
    clocks: usize,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let mut uut = CompletionWriter::default();
        uut.connect_all();
        let mut eagerness = || rng.random_range(0.3..=1.0);
        Self {
            uut,
            inputs: std::array::from_fn(|_| Feeder::new(eagerness())),
            requests: Taker::new(eagerness()),
            data: Taker::new(eagerness()),
            vectors: Taker::new(1.0),
            messages: Feeder::new(eagerness()),
            rng,
            writes: vec![],
            partial: vec![],
            queues: HashMap::new(),
            doorbells: VecDeque::new(),
            overflows: 0,
            written: 0,
            interrupted: 0,
            clocks: 0,
        }
    }

    fn clock(&mut self) {
        let (uut, rng) = (&mut self.uut, &mut self.rng);
        let [a, b, c] = &mut self.inputs;
        a.offer(&mut uut.send, rng);
        b.offer(&mut uut.receive, rng);
        c.offer(&mut uut.event, rng);
        self.messages.offer(&mut uut.message, rng);
        self.requests.ready(&mut uut.write, rng);
        // The write engine takes data only after its request.
        let asked = self.requests.got.len() > self.writes.len();
        self.data.ready(&mut uut.write_data, rng);
        uut.write_data.ready.next = asked && rng.random_bool(self.data.eagerness);
        self.vectors.ready(&mut uut.interrupt, rng);
        uut.doorbell.next = self.doorbells.pop_front().unwrap_or_default();
        settle!(self.uut);
        self.observe();
        edge!(self.uut);
        self.uut.cq_command.next = Default::default();
        self.uut.context_write.next = Default::default();
        self.clocks += 1;
    }

    fn observe(&mut self) {
        let uut = &self.uut;
        self.inputs[0].moved(&uut.send);
        self.inputs[1].moved(&uut.receive);
        self.inputs[2].moved(&uut.event);
        self.messages.moved(&uut.message);
        self.requests.moved(&uut.write);
        let mut arrived = false;
        if let Some(beat) = self.data.moved(&uut.write_data) {
            let bytes = beat.bytes.to_u64() as usize;
            self.partial.extend(&beat.data.to_u64().to_le_bytes()[..bytes]);
            if beat.last {
                let request = self.requests.got[self.writes.len()];
                let octets = std::mem::take(&mut self.partial);
                assert_eq!(request.bytes.to_u64(), octets.len() as u64);
                self.writes.push((request.address.to_u64(), octets));
                arrived = true;
            }
        }
        if let Some(vector) = self.vectors.moved(&uut.interrupt) {
            let vector = vector.to_u64();
            let queue = self.queues.values_mut().find(|q| u64::from(q.context.vector) == vector);
            queue.expect("a vector of some queue").interrupts += 1;
        }
        self.overflows += usize::from(uut.overflow.val());
        self.written += usize::from(uut.written.val());
        self.interrupted += usize::from(uut.interrupted.val());
        if arrived {
            self.arrived();
        }
    }

    /// The last write, if it is an entry: the next of its queue, in its place, with its phase.
    fn arrived(&mut self) {
        let (address, octets) = self.writes.last().unwrap();
        let Ok(octets) = <&[u8; 32]>::try_from(&octets[..]) else { return };
        let entry = CompletionEntry::from_bytes(octets);
        let queue = self.queues.get_mut(&(u64::from(entry.qp) % 16)).unwrap();
        let (number, entries) = (queue.got.len() as u64, 1 << queue.context.log2);
        assert_eq!(*address, queue.context.ring + 32 * (number % entries));
        assert_eq!(entry.phase, number / entries % 2 == 0);
        assert!(number - queue.consumed < entries, "an entry was overwritten");
        queue.got.push(entry);
    }

    fn run(&mut self, clocks: usize) {
        (0..clocks).for_each(|_| self.clock());
    }

    fn start(&mut self, cq: u64, log2: u8) {
        let ring = self.rng.random::<u64>() << 12 >> self.rng.random_range(0..30) & !0xfff;
        let context = CompletionQueueContext { ring, log2, vector: 100 + cq as u8 };
        for (word, data) in context.to_words().into_iter().enumerate() {
            self.uut.context_write.next = ContextWrite {
                valid: true,
                table: table::COMPLETION_QUEUE.to_bits(),
                index: cq.to_bits(),
                word: word.to_bits(),
                data: data.to_bits(),
            };
            self.clock();
        }
        self.command(cq, true);
        self.queues.insert(cq, Queue { context, ..Default::default() });
    }

    fn command(&mut self, cq: u64, enable: bool) {
        self.uut.cq_command.next = Command { valid: true, index: cq.to_bits(), enable };
        self.clock();
    }

    fn ring(&mut self, kind: u64, cq: u64, value: u64) {
        self.doorbells.push_back(Doorbell {
            valid: true,
            kind: kind.to_bits(),
            index: cq.to_bits(),
            value: (value & 0xffff).to_bits(),
        });
    }

    fn consume(&mut self, cq: u64) {
        let queue = self.queues.get_mut(&cq).unwrap();
        queue.consumed = queue.got.len() as u64;
        let consumed = queue.consumed;
        self.ring(doorbell_kind::CONSUMED, cq, consumed);
    }

    /// Something that is done; `qp` modulo 16 is the queue.
    fn complete(&mut self, input: usize, cq: u64) {
        let rng = &mut self.rng;
        let completion = Completion {
            cq: cq.to_bits(),
            qp: (cq + 16 * rng.random_range(0..16u64)).to_bits(),
            kind: u8::to_bits(rng.random()),
            status: u8::to_bits(rng.random()),
            request: u16::to_bits(rng.random()),
            solicited: rng.random(),
            length: u32::to_bits(rng.random()),
            sequence: u32::to_bits(rng.random()),
        };
        self.inputs[input].queue.push_back(completion);
    }
}

fn entry(completion: &Completion, phase: bool) -> CompletionEntry {
    CompletionEntry {
        qp: completion.qp.to_u64() as u8,
        kind: completion.kind.to_u64() as u8,
        status: completion.status.to_u64() as u8,
        request: completion.request.to_u64() as u16,
        solicited: completion.solicited,
        length: completion.length.to_u64() as u32,
        sequence: completion.sequence.to_u64() as u32,
        phase,
    }
}

#[test]
fn entries_land_in_their_place_with_their_phase() {
    for seed in seeds().into_iter().take(10) {
        let mut bench = Bench::new(seed);
        let queues: Vec<u64> = (0..16).filter(|_| bench.rng.random()).chain([5]).collect();
        for &cq in &queues {
            let log2 = bench.rng.random_range(0..5);
            bench.start(cq, log2);
        }
        let mut sent = vec![];
        for _ in 0..60 {
            let input = bench.rng.random_range(0..3);
            let cq = queues[bench.rng.random_range(0..queues.len())];
            bench.complete(input, cq);
            sent.push(*bench.inputs[input].queue.back().unwrap());
            // One at a time, so that no queue overflows.
            let before = bench.written;
            while bench.written == before {
                bench.clock();
                assert!(bench.clocks < 20_000, "SEED={seed}: stuck");
            }
            bench.consume(cq);
        }
        assert_eq!((bench.overflows, bench.interrupted), (0, 0), "SEED={seed}");
        for (cq, queue) in &bench.queues {
            let expected = sent.iter().filter(|completion| completion.cq.to_u64() == *cq);
            let expected: Vec<_> = expected
                .enumerate()
                .map(|(n, completion)| entry(completion, n >> queue.context.log2 & 1 == 0))
                .collect();
            assert_eq!(queue.got, expected, "SEED={seed}");
        }
    }
}

/// Entries come while the host consumes late: the ring never overflows silently, order holds.
#[test]
fn a_full_queue_drops_and_says_so() {
    for seed in seeds().into_iter().take(6) {
        let mut bench = Bench::new(seed);
        bench.start(3, 2);
        let mut sent = 0;
        for _ in 0..40 {
            for _ in 0..bench.rng.random_range(0..8) {
                bench.complete(0, 3);
                sent += 1;
            }
            bench.run(200);
            if bench.rng.random() {
                bench.consume(3);
            }
        }
        bench.run(400);
        assert_eq!(bench.queues[&3].got.len() + bench.overflows, sent, "SEED={seed}");
        assert!(bench.overflows > 0, "SEED={seed}");
        assert_eq!(bench.written, bench.queues[&3].got.len(), "SEED={seed}");
    }
}

#[test]
fn stopped_queues_take_nothing_and_start_empty() {
    let mut bench = Bench::new(2);
    bench.complete(1, 7);
    bench.run(100);
    assert!(bench.writes.is_empty());
    bench.start(7, 1);
    for _ in 0..3 {
        bench.complete(1, 7);
    }
    bench.run(200);
    assert_eq!((bench.queues[&7].got.len(), bench.overflows), (2, 1));
    bench.command(7, false);
    bench.complete(1, 7);
    bench.run(100);
    assert_eq!((bench.queues[&7].got.len(), bench.overflows), (2, 1));
    bench.start(7, 1);
    for _ in 0..2 {
        bench.complete(1, 7);
    }
    bench.run(200);
    assert_eq!((bench.queues[&7].got.len(), bench.overflows), (2, 1));
}

#[test]
fn an_armed_queue_interrupts_once_behind_its_entry() {
    let mut bench = Bench::new(3);
    bench.start(2, 4);
    bench.start(9, 4);
    bench.complete(0, 2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 0, "not armed");
    bench.ring(doorbell_kind::ARM, 2, 0);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "an entry waits");
    bench.complete(0, 2);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "armed no more");
    bench.consume(2);
    bench.ring(doorbell_kind::ARM, 2, 0);
    bench.run(100);
    assert_eq!(bench.queues[&2].interrupts, 1, "nothing waits");
    for _ in 0..3 {
        bench.complete(1, 2);
        bench.complete(1, 9);
    }
    // The interrupt comes when the entry was taken, not before.
    while bench.queues[&2].interrupts == 1 {
        let taken = bench.queues[&2].got.len();
        bench.clock();
        assert!(bench.queues[&2].interrupts == 1 || taken == 3);
    }
    bench.run(300);
    assert_eq!((bench.queues[&2].interrupts, bench.queues[&9].interrupts), (2, 0));
    // Starting a queue disarms it.
    bench.ring(doorbell_kind::ARM, 9, 0);
    bench.run(1);
    bench.queues.get_mut(&9).unwrap().interrupts = 0;
    bench.start(9, 4);
    bench.complete(1, 9);
    bench.run(100);
    assert_eq!(bench.queues[&9].interrupts, 0);
}

/// The host sleeps only when it has armed and consumed all, and is always woken.
#[test]
fn no_wake_up_is_lost() {
    for seed in seeds().into_iter().take(6) {
        let mut bench = Bench::new(seed);
        bench.start(6, 7);
        let (mut sent, mut seen) = (0, 0);
        while seen < 80 {
            let before = bench.queues[&6].interrupts;
            bench.consume(6);
            seen = bench.queues[&6].consumed;
            bench.ring(doorbell_kind::ARM, 6, 0);
            let mut waited = 0;
            while bench.queues[&6].interrupts == before && sent < 80 || waited < 3 {
                if sent < 80 && bench.rng.random_bool(0.05) {
                    bench.complete(sent % 3, 6);
                    sent += 1;
                }
                bench.clock();
                waited += 1;
                assert!(waited < 3000, "SEED={seed}: the host sleeps for ever");
            }
            if sent == 80 {
                bench.run(400);
                assert!(seen == 80 || bench.queues[&6].interrupts > before, "SEED={seed}");
            }
        }
    }
}

#[test]
fn messages_are_writes_of_one_double_word() {
    let mut bench = Bench::new(4);
    bench.start(1, 3);
    for n in 0..5u64 {
        bench.complete(0, 1);
        bench.messages.queue.push_back(MsixMessage {
            address: (0xfee0_0000 + 4 * n).to_bits(),
            data: (0x4000 + n).to_bits(),
        });
    }
    bench.run(500);
    assert_eq!((bench.interrupted, bench.written), (5, 5));
    let messages = bench.writes.iter().filter(|(_, octets)| octets.len() == 4);
    for (n, (address, octets)) in messages.enumerate() {
        assert_eq!(*address, 0xfee0_0000 + 4 * n as u64);
        assert_eq!(octets[..], (0x4000 + n as u32).to_le_bytes());
    }
}

#[test]
fn an_entry_takes_less_than_twenty_clocks() {
    let mut bench = Bench::new(5);
    bench.requests.eagerness = 1.0;
    bench.data.eagerness = 1.0;
    bench.start(1, 8);
    (0..100).for_each(|_| bench.complete(0, 1));
    bench.inputs[0].eagerness = 1.0;
    let start = bench.clocks;
    while bench.written < 100 {
        bench.clock();
    }
    assert!(bench.clocks - start < 1200, "{}", bench.clocks - start);
}

#[test]
fn the_verilog_is_sound() {
    let mut uut = CompletionWriter::default();
    uut.connect_all();
    yosys_validate("ironwarp_complete", &generate_verilog(&uut)).unwrap();
}
