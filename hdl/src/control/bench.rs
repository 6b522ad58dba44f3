//! The control plane and what it said.
use super::records::*;
use super::Control;
use crate::complete::records::Completion;
use crate::configuration::*;
use crate::life::QpChange;
use crate::pcie::bench::{Feeder, Taker};
use crate::pcie::records::BarWrite;
use crate::stream::bench::{edge, rng, settle};
use ironwarp_abi::registers::{self, Register, CONTEXT_WINDOW};
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;

/// A broadcast, in the order of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    Context(ContextWrite),
    Change(QpChange),
    QpBell(QpDoorbell),
    CqBell(CqDoorbell),
    Cq(CqCommand),
    Fence,
}

pub struct Bench {
    pub uut: Control,
    pub rng: ChaCha8Rng,
    pub writes: Feeder<BarWrite>,
    pub reads: Feeder<Bits<BAR_BITS>>,
    pub answers: Taker<Bits<32>>,
    /// Of transmit, receive, and the completion writer.
    pub events: [Feeder<QpEvent>; 3],
    pub completions: Taker<Completion>,
    pub fences: Taker<Completion>,
    pub interrupts: Feeder<Bits<8>>,
    pub messages: Taker<MsixMessage>,
    /// What was told, and in which clock.
    pub told: Vec<(u64, Told)>,
    pub clocks: u64,
}

impl Bench {
    pub fn new(seed: u64) -> Self {
        let mut uut = Control::default();
        uut.connect_all();
        uut.messages_enabled.next = true;
        Self {
            uut,
            rng: rng(seed),
            writes: Feeder::new(0.7),
            reads: Feeder::new(1.0),
            answers: Taker::new(0.5),
            events: [Feeder::new(0.8), Feeder::new(0.8), Feeder::new(0.8)],
            completions: Taker::new(0.3),
            fences: Taker::new(0.3),
            interrupts: Feeder::new(0.8),
            messages: Taker::new(0.4),
            told: vec![],
            clocks: 0,
        }
    }

    pub fn clock(&mut self) {
        let (uut, rng) = (&mut self.uut, &mut self.rng);
        self.writes.offer(&mut uut.bar_write, rng);
        self.reads.offer(&mut uut.bar_read, rng);
        self.answers.ready(&mut uut.bar_answer, rng);
        self.events[0].offer(&mut uut.event_send, rng);
        self.events[1].offer(&mut uut.event_receive, rng);
        self.events[2].offer(&mut uut.event_overflow, rng);
        self.completions.ready(&mut uut.event_completion, rng);
        self.fences.ready(&mut uut.fence_completion, rng);
        self.interrupts.offer(&mut uut.interrupt, rng);
        self.messages.ready(&mut uut.interrupt_write, rng);
        settle!(self.uut);
        let uut = &self.uut;
        self.writes.moved(&uut.bar_write);
        self.reads.moved(&uut.bar_read);
        self.answers.moved(&uut.bar_answer);
        self.events[0].moved(&uut.event_send);
        self.events[1].moved(&uut.event_receive);
        self.events[2].moved(&uut.event_overflow);
        self.completions.moved(&uut.event_completion);
        self.fences.moved(&uut.fence_completion);
        self.interrupts.moved(&uut.interrupt);
        self.messages.moved(&uut.interrupt_write);
        let now = [
            Some(Told::Context(uut.context_write.val())).filter(|_| uut.context_write.val().valid),
            Some(Told::Change(uut.change.val())).filter(|_| uut.change.val().valid),
            Some(Told::QpBell(uut.qp_doorbell.val())).filter(|_| uut.qp_doorbell.val().valid),
            Some(Told::CqBell(uut.cq_doorbell.val())).filter(|_| uut.cq_doorbell.val().valid),
            Some(Told::Cq(uut.cq_command.val())).filter(|_| uut.cq_command.val().valid),
            Some(Told::Fence).filter(|_| uut.fence.val()),
        ];
        self.told.extend(now.into_iter().flatten().map(|told| (self.clocks, told)));
        edge!(self.uut);
        self.clocks += 1;
    }

    pub fn run(&mut self, clocks: usize) {
        (0..clocks).for_each(|_| self.clock());
    }

    /// Posts a write, which waits for those before it.
    pub fn post(&mut self, address: u32, data: u32) {
        let (address, data) = (u64::from(address).to_bits(), u64::from(data).to_bits());
        self.writes.queue.push_back(BarWrite { address, data });
    }

    /// Writes, and waits until what it began is told.
    pub fn write(&mut self, address: u32, data: u32) {
        self.post(address, data);
        while !self.writes.queue.is_empty() {
            self.clock();
        }
        self.run(100);
    }

    pub fn read(&mut self, address: u32) -> u32 {
        let before = self.answers.got.len();
        self.reads.queue.push_back(u64::from(address).to_bits());
        while self.answers.got.len() == before {
            self.clock();
        }
        self.answers.got[before].to_u64() as u32
    }

    pub fn register(&mut self, register: &Register) -> u32 {
        self.read(register.address)
    }

    /// Posts a record for the window, and its commit.
    pub fn commit(&mut self, table: u8, index: u32, words: &[u32]) {
        for (word, data) in words.iter().enumerate() {
            self.post(CONTEXT_WINDOW + 4 * word as u32, *data);
        }
        let commit = &registers::COMMIT;
        let data = field(commit, "index", index) | field(commit, "table", table.into());
        self.post(commit.address, data);
    }

    /// Waits until all that was posted is done.
    pub fn settle(&mut self) {
        while !self.writes.queue.is_empty() {
            self.clock();
        }
        self.run(100);
    }

    pub fn post_start(&mut self, qp: u32, enable: bool) {
        let control = &registers::QP_CONTROL;
        let data = field(control, "index", qp) | field(control, "enable", u32::from(enable));
        self.post(control.address, data);
    }

    pub fn start(&mut self, qp: u32, enable: bool) {
        self.post_start(qp, enable);
        self.settle();
    }

    /// What `QUERY_STATE` says of a queue pair: generation, active, started, status.
    pub fn state(&mut self, qp: u32) -> (u32, bool, bool, u32) {
        self.post(registers::QUERY_QP.address, qp);
        self.settle();
        let state = self.register(&registers::QUERY_STATE);
        (state & 0xff, state >> 8 & 1 == 1, state >> 9 & 1 == 1, state >> 16)
    }

    pub fn refused(&mut self) -> u32 {
        self.register(&registers::COUNT_REFUSED)
    }

    pub fn contexts(&self) -> Vec<ContextWrite> {
        let told = self.told.iter();
        told.filter_map(|(_, told)| match told {
            Told::Context(context) => Some(*context),
            _ => None,
        })
        .collect()
    }

    pub fn changes(&self) -> Vec<QpChange> {
        let told = self.told.iter();
        told.filter_map(|(_, told)| match told {
            Told::Change(change) => Some(*change),
            _ => None,
        })
        .collect()
    }
}

/// A value of one field of a register.
pub fn field(register: &Register, name: &str, value: u32) -> u32 {
    let bits = register.fields.iter().find(|bits| bits.name == name).expect(name);
    let width = bits.high - bits.low + 1;
    assert!(u64::from(value) < 1 << width);
    value << bits.low
}

pub fn event(qp: u64, generation: u64, status: u8, cq: u64, sequence: u64) -> QpEvent {
    QpEvent {
        qp: qp.to_bits(),
        generation: generation.to_bits(),
        status: u64::from(status).to_bits(),
        cq: cq.to_bits(),
        sequence: sequence.to_bits(),
    }
}

/// A change of a queue pair's life.
pub fn change(qp: u64, generation: u64, begins: bool, started: bool, active: bool) -> QpChange {
    QpChange {
        valid: true,
        wipe: false,
        qp: qp.to_bits(),
        generation: generation.to_bits(),
        begins,
        started,
        active,
    }
}
