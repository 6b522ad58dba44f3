//! Draws the events of a programme.

mod host;
mod regions;
mod wire;

use super::chance::Chance;
use super::event::Event;
use super::layout::{CQS, CQ_LOG2_MAX, QPS, RAW, REGIONS, VECTORS};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers;

/// Octets of the longest message.
const MESSAGE_MAX: u32 = 0x2000;

/// A programme in the making.
pub struct Draw {
    /// The dice.
    pub chance: Chance,
    /// The events so far.
    pub events: Vec<Event>,
    /// The contexts that the queue pairs were last started with.
    contexts: Vec<QueuePairContext>,
    /// Queue pairs in use, queue pair 0 among them.
    qps: u32,
}

impl Draw {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let qps = chance.within(2..=QPS);
        Self { chance, events: Vec::new(), contexts: vec![Default::default(); QPS as usize], qps }
    }

    fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Everything that the scenes need.
    pub fn prelude(&mut self) {
        for cq in 0..CQS {
            let range = if self.chance.one_in(8) { 1..=2 } else { 4..=8 };
            let log2 = self.chance.within(range);
            let vector = self.vector();
            self.push(Event::StartCq(cq, (log2 as u8).min(CQ_LOG2_MAX), vector));
        }
        for index in 0..REGIONS {
            self.register(index);
        }
        for qp in 0..self.qps {
            let context = self.context(qp);
            self.push(Event::Start(qp, Box::new(context)));
            if qp != RAW {
                self.push(Event::Flow(qp, true));
            }
            for _ in 0..self.chance.within(2..=6) {
                self.receive(qp);
            }
        }
        self.push(Event::Rest);
    }

    /// A queue pair with a stream.
    fn qp(&mut self) -> u32 {
        self.chance.within(1..=self.qps - 1)
    }

    fn vector(&mut self) -> u8 {
        self.chance.within(0..=u32::from(VECTORS) - 1) as u8
    }

    /// A few events that belong together.
    pub fn scene(&mut self) {
        match self.chance.within(0..=99) {
            0..=34 => self.messages(),
            35..=57 => self.sends(),
            58..=65 => {
                let qp = self.qp();
                self.acknowledgement(qp);
            }
            66..=75 => {
                let qp = self.chance.within(0..=self.qps - 1);
                (0..self.chance.within(1..=4)).for_each(|_| self.receive(qp));
            }
            76..=84 => self.completions(),
            85..=87 => self.stray(),
            88..=90 => self.raw_sends(),
            91 => self.fence(),
            92..=93 => self.regions(),
            94..=96 => self.lives(),
            _ => self.registers(),
        }
        match self.chance.within(0..=9) {
            0..=4 => self.push(Event::Rest),
            5 => {
                let clocks = self.chance.size(300) as u16;
                self.push(Event::Pause(clocks));
            }
            _ => {}
        }
    }

    fn completions(&mut self) {
        let cq = self.chance.within(0..=CQS - 1);
        let leave = if self.chance.one_in(3) { self.chance.within(0..=3) as u8 } else { 0 };
        self.push(Event::Consume(cq, leave));
        if self.chance.one_in(2) {
            self.push(Event::Arm(cq));
        }
    }

    /// Queue pairs and completion queues end and begin.
    fn lives(&mut self) {
        let qp = self.chance.within(0..=self.qps - 1);
        match self.chance.within(0..=19) {
            0 => self.push(Event::Stop(qp)),
            1 => {
                let valid = self.chance.one_in(2);
                let qp = self.qp();
                self.push(Event::Flow(qp, valid));
            }
            3 => {
                let (qp, octet) = (self.qp(), self.chance.any() as u8);
                self.push(Event::Hop(qp, octet));
            }
            4 | 5 => self.refused(),
            2 => {
                let cq = self.chance.within(0..=CQS - 1);
                if self.chance.one_in(3) {
                    self.push(Event::StopCq(cq));
                }
                self.push(Event::StartCq(cq, 6, 1));
            }
            _ => {
                for qp in 0..self.qps {
                    let context = self.context(qp);
                    self.push(Event::Revive(qp, Box::new(context)));
                    self.receive(qp);
                }
            }
        }
    }

    fn fence(&mut self) {
        let number = self.chance.any() as u16;
        self.push(Event::Fence(number));
    }

    fn registers(&mut self) {
        let event = match self.chance.within(0..=9) {
            0 => {
                let register = self.chance.of(registers::ALL);
                match *register {
                    registers::TIME | registers::COUNT_FRAMES_SENT => Event::Inspect,
                    register => Event::Read(register.address),
                }
            }
            1 => {
                let masked = self.chance.one_in(2);
                Event::Mask(self.vector(), masked)
            }
            2 => {
                // Writes that change nothing: read-only registers and places with nothing in them.
                let places =
                    [registers::DEVICE.address, registers::QUERY_STATE.address, 0x18, 0x3fc];
                Event::Write(*self.chance.of(&places), self.chance.any())
            }
            _ => Event::Inspect,
        };
        self.push(event);
    }
}
