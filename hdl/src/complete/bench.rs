//! The completion writer, the memory behind it, and what it said.
use super::{Completion, CompletionWriter};
use crate::configuration::QP_COUNT;
use crate::control::records::*;
use crate::life::QpChange;
use crate::pcie::bench::{Feeder, Taker};
use crate::pcie::records::WriteRequest;
use crate::stream::bench::{edge, rng, settle};
use crate::stream::Beat;
use ironwarp_abi::context::{table, CompletionQueueContext};
use ironwarp_abi::queue::{kind, CompletionEntry};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::{HashMap, VecDeque};

/// A completion queue as the host sees it.
#[derive(Default)]
pub struct Queue {
    pub context: CompletionQueueContext,
    pub consumed: u64,
    pub got: Vec<CompletionEntry>,
    pub interrupts: usize,
}

pub struct Bench {
    pub uut: CompletionWriter,
    pub rng: ChaCha8Rng,
    /// From transmit and receive, of events, of fences.
    pub inputs: [Feeder<Completion>; 4],
    pub requests: Taker<WriteRequest>,
    pub data: Taker<Beat>,
    vectors: Taker<Bits<8>>,
    pub messages: Feeder<MsixMessage>,
    pub events: Taker<QpEvent>,
    /// Writes in order: address and octets.
    pub writes: Vec<(u64, Vec<u8>)>,
    partial: Vec<u8>,
    pub queues: HashMap<u64, Queue>,
    doorbells: VecDeque<CqDoorbell>,
    pub overflows: usize,
    pub written: usize,
    pub interrupted: usize,
    /// Writes that were done when a fence was told.
    pub fences: Vec<usize>,
    pub clocks: usize,
}

impl Bench {
    /// Every queue pair is in its first life.
    pub fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let mut uut = CompletionWriter::default();
        uut.connect_all();
        let mut eagerness = || rng.random_range(0.3..=1.0);
        let mut bench = Self {
            uut,
            inputs: std::array::from_fn(|_| Feeder::new(eagerness())),
            requests: Taker::new(eagerness()),
            data: Taker::new(eagerness()),
            vectors: Taker::new(1.0),
            messages: Feeder::new(eagerness()),
            events: Taker::new(1.0),
            rng,
            writes: vec![],
            partial: vec![],
            queues: HashMap::new(),
            doorbells: VecDeque::new(),
            overflows: 0,
            written: 0,
            interrupted: 0,
            fences: vec![],
            clocks: 0,
        };
        (0..QP_COUNT as u64).for_each(|qp| bench.begin(qp, 1));
        bench
    }

    pub fn clock(&mut self) {
        let (uut, rng) = (&mut self.uut, &mut self.rng);
        let [a, b, c, d] = &mut self.inputs;
        a.offer(&mut uut.send, rng);
        b.offer(&mut uut.receive, rng);
        c.offer(&mut uut.event, rng);
        d.offer(&mut uut.fence, rng);
        self.messages.offer(&mut uut.message, rng);
        self.requests.ready(&mut uut.write, rng);
        // The write engine takes data only after its request.
        let asked = self.requests.got.len() > self.writes.len();
        uut.write_data.ready.next = asked && rng.random_bool(self.data.eagerness);
        self.vectors.ready(&mut uut.interrupt, rng);
        self.events.ready(&mut uut.overflow_event, rng);
        uut.doorbell.next = self.doorbells.pop_front().unwrap_or_default();
        settle!(self.uut);
        self.observe();
        edge!(self.uut);
        self.uut.cq_command.next = Default::default();
        self.uut.context_write.next = Default::default();
        self.uut.change.next = Default::default();
        self.clocks += 1;
    }

    fn observe(&mut self) {
        let uut = &self.uut;
        self.inputs[0].moved(&uut.send);
        self.inputs[1].moved(&uut.receive);
        self.inputs[2].moved(&uut.event);
        self.inputs[3].moved(&uut.fence);
        self.messages.moved(&uut.message);
        self.requests.moved(&uut.write);
        self.events.moved(&uut.overflow_event);
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
        if uut.fence_told.val() {
            assert!(self.partial.is_empty(), "an entry is half written");
            assert_eq!(self.requests.got.len(), self.writes.len(), "an entry is half written");
            self.fences.push(self.writes.len());
        }
        if arrived {
            self.arrived();
        }
    }

    /// The last write, if it is an entry: the next of its queue, in its place, with its phase.
    fn arrived(&mut self) {
        let (address, octets) = self.writes.last().unwrap();
        let Ok(octets) = <&[u8; 32]>::try_from(&octets[..]) else { return };
        let entry = CompletionEntry::from_bytes(octets);
        assert_eq!(entry.to_bytes(), *octets, "only fields are written");
        let queue = self.queues.values_mut().find(|queue| {
            let ring = queue.context.ring;
            (ring..ring + (32 << queue.context.log2)).contains(address)
        });
        let queue = queue.expect("the ring of some queue");
        let (number, entries) = (queue.got.len() as u64, 1 << queue.context.log2);
        assert_eq!(*address, queue.context.ring + 32 * (number % entries));
        assert_eq!(entry.phase, number / entries % 2 == 0);
        assert!(number - queue.consumed < entries, "an entry was overwritten");
        let last = number - queue.consumed == entries - 1;
        assert!(!last || entry.kind == kind::OVERFLOW, "the last place is kept");
        queue.got.push(entry);
    }

    pub fn run(&mut self, clocks: usize) {
        (0..clocks).for_each(|_| self.clock());
    }

    pub fn start(&mut self, cq: u64, log2: u8) {
        let ring = self.rng.random::<u64>() << 12 >> self.rng.random_range(0..30) & !0xfff_ffff;
        let ring = ring | cq << 20;
        let context = CompletionQueueContext { ring, log2, vector: u8::try_from(cq).unwrap() };
        for (word, data) in context.to_words().into_iter().enumerate() {
            self.uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::COMPLETION_QUEUE).to_bits(),
                index: cq.to_bits(),
                word: (word as u64).to_bits(),
                data: u64::from(data).to_bits(),
            };
            self.clock();
        }
        self.command(cq, true);
        self.queues.insert(cq, Queue { context, ..Default::default() });
    }

    pub fn command(&mut self, cq: u64, enable: bool) {
        self.uut.cq_command.next = CqCommand { valid: true, cq: cq.to_bits(), enable };
        self.clock();
    }

    pub fn change(&mut self, qp: u64, generation: u64, begins: bool, started: bool) {
        self.uut.change.next = QpChange {
            valid: true,
            qp: qp.to_bits(),
            generation: generation.to_bits(),
            begins,
            started,
            active: begins,
            ..Default::default()
        };
        self.clock();
    }

    /// The host starts a queue pair.
    pub fn begin(&mut self, qp: u64, generation: u64) {
        self.change(qp, generation, true, true);
    }

    fn ring(&mut self, arm: bool, cq: u64, consumed: u64) {
        let (cq, consumed) = (cq.to_bits(), (consumed & 0xffff).to_bits());
        self.doorbells.push_back(CqDoorbell { valid: true, arm, cq, consumed });
    }

    pub fn arm(&mut self, cq: u64) {
        self.ring(true, cq, 0);
    }

    pub fn consume(&mut self, cq: u64) {
        let queue = self.queues.get_mut(&cq).unwrap();
        queue.consumed = queue.got.len() as u64;
        let consumed = queue.consumed;
        self.ring(false, cq, consumed);
    }

    /// Something that is done, in the first life of a queue pair of the bench's choice.
    pub fn complete(&mut self, input: usize, cq: u64) -> Completion {
        let qp = self.rng.random_range(0..QP_COUNT as u64);
        self.complete_of(input, cq, qp, 1, kind::SEND)
    }

    pub fn complete_of(
        &mut self,
        input: usize,
        cq: u64,
        qp: u64,
        generation: u64,
        kind: u8,
    ) -> Completion {
        let rng = &mut self.rng;
        let completion = Completion {
            cq: cq.to_bits(),
            qp: qp.to_bits(),
            generation: generation.to_bits(),
            kind: u64::from(kind).to_bits(),
            status: u64::from(rng.random::<u8>()).to_bits(),
            request: u64::from(rng.random::<u16>()).to_bits(),
            solicited: rng.random(),
            length: u64::from(rng.random::<u32>()).to_bits(),
            sequence: u64::from(rng.random::<u32>()).to_bits(),
        };
        self.inputs[input].queue.push_back(completion);
        completion
    }

    /// A fence's entry.
    pub fn fence(&mut self, cq: u64, request: u64) {
        self.inputs[3].queue.push_back(Completion {
            cq: cq.to_bits(),
            kind: u64::from(kind::FENCE).to_bits(),
            request: request.to_bits(),
            ..Default::default()
        });
    }
}

/// The entry that the host sees of a completion.
pub fn entry(completion: &Completion, phase: bool) -> CompletionEntry {
    CompletionEntry {
        qp: completion.qp.to_u64() as u32,
        generation: completion.generation.to_u64() as u8,
        kind: completion.kind.to_u64() as u8,
        status: completion.status.to_u64() as u8,
        request: completion.request.to_u64() as u16,
        solicited: completion.solicited,
        length: completion.length.to_u64() as u32,
        sequence: completion.sequence.to_u64() as u32,
        phase,
    }
}
