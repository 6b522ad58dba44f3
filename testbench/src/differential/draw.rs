//! Draws the events of a programme.

use super::chance::Chance;
use super::event::{Ack, At, Compose, Event, Place, Segment, Spoil, Stray, StrayKind, Ulpdu, Work};
use super::layout::{CQS, CQ_LOG2_MAX, DATA, NOWHERE, QPS, REGIONS, RING_LOG2_MAX, VECTORS};
use super::script::PD;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::limits::RAW_QP;
use ironwarp_abi::queue::opcode;
use ironwarp_abi::registers;
use ironwarp_wire::tcp;

const NOREAD: u32 = 4;
/// Regions with all rights, inside memory.
const SOUND: u8 = 6;

/// A programme in the making.
pub struct Draw {
    /// The dice.
    pub chance: Chance,
    /// The events so far.
    pub events: Vec<Event>,
    /// The contexts that the queue pairs were last started with.
    contexts: Vec<QueuePairContext>,
    /// Queue pairs in use, queue pair 0 among them.
    qps: u8,
}

impl Draw {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let qps = chance.within(2..=QPS.into()) as u8;
        Self { chance, events: Vec::new(), contexts: vec![Default::default(); QPS.into()], qps }
    }

    fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Everything that the scenes need.
    pub fn prelude(&mut self) {
        for cq in 0..CQS {
            let log2 = if self.chance.one_in(20) { 2 } else { self.chance.within(5..=8) };
            let vector = self.chance.within(0..=u32::from(VECTORS) - 1) as u8;
            self.push(Event::StartCq(cq, (log2 as u8).min(CQ_LOG2_MAX), vector));
        }
        for index in 0..REGIONS {
            let region = self.region(index);
            self.push(Event::Register(index, region));
        }
        for qp in 0..self.qps {
            let context = self.context(qp);
            self.push(Event::Start(qp, Box::new(context)));
            if usize::from(qp) != RAW_QP {
                self.push(Event::Flow(qp, true));
            }
            for _ in 0..self.chance.within(2..=6) {
                self.receive(qp);
            }
        }
        self.push(Event::Rest);
    }

    /// A region; the first ones are sound, the others lack something.
    fn region(&mut self, index: u8) -> MemoryRegionContext {
        let room = (DATA.end - DATA.start) as u32;
        let length = 1 + self.chance.size(0x7fff).max(if index < 3 { 0x1fff } else { 0 });
        let start = self.chance.within(0..=room - length);
        let base = match self.chance.within(0..=3) {
            0 => 0,
            1 => u64::MAX - u64::from(length) + 1,
            _ => u64::from(self.chance.any()) << self.chance.within(0..=31),
        };
        let sound = MemoryRegionContext {
            base,
            length,
            key: self.chance.any() >> 8,
            bus_address: DATA.start + u64::from(start),
            pd: PD,
            local_read: true,
            local_write: true,
            remote_read: true,
            remote_write: true,
            valid: true,
        };
        if index < SOUND {
            return sound;
        }
        match index % 6 {
            0 => MemoryRegionContext { remote_write: false, local_read: false, ..sound },
            1 => MemoryRegionContext { remote_read: false, local_write: false, ..sound },
            2 => MemoryRegionContext { pd: PD ^ 1, ..sound },
            3 => MemoryRegionContext { bus_address: NOWHERE, ..sound },
            4 => MemoryRegionContext { bus_address: DATA.end - u64::from(length / 2), ..sound },
            _ => MemoryRegionContext { valid: false, ..sound },
        }
    }

    /// The context of a queue pair.
    fn context(&mut self, qp: u8) -> QueuePairContext {
        let chance = &mut self.chance;
        let log2 = |chance: &mut Chance| chance.within(3..=RING_LOG2_MAX.into()) as u8;
        let near_wrap = |chance: &mut Chance| match chance.one_in(4) {
            true => u32::MAX - chance.within(0..=3000),
            false => chance.any(),
        };
        let mulpdu = match chance.within(0..=7) {
            0 => chance.within(128..=300),
            1 => chance.within(1000..=8900),
            _ => chance.within(400..=1460),
        };
        let (read_in, read_out) = match chance.within(0..=3) + NOREAD {
            0 => (chance.within(1..=8) as u8, 0),
            1 => (0, chance.within(1..=9) as u8),
            2 => (chance.within(1..=15) as u8, chance.within(1..=8) as u8),
            _ => (0, 0),
        };
        let receive_window_shift = if chance.one_in(3) { chance.within(0..=4) as u8 } else { 0 };
        let context = QueuePairContext {
            send_markers: chance.one_in(3),
            receive_markers: chance.one_in(3),
            crc: !chance.one_in(4),
            // What a first Read Request opens would race with its own answer.
            await_first_fpdu: read_in == 0 && chance.one_in(5),
            read_in,
            read_out,
            send_window_shift: if chance.one_in(3) { chance.within(0..=14) as u8 } else { 0 },
            receive_window_shift,
            pd: PD,
            mulpdu: mulpdu as u16,
            send_cq: chance.within(0..=u32::from(CQS) - 1) as u8,
            receive_cq: chance.within(0..=u32::from(CQS) - 1) as u8,
            send_queue_log2: log2(chance),
            receive_queue_log2: log2(chance),
            send_next: near_wrap(chance),
            send_window: if chance.one_in(4) { chance.size(8000) } else { 0xffff },
            receive_next: near_wrap(chance),
            receive_window: 0xffff << receive_window_shift.min(1),
            ..QueuePairContext::default()
        };
        if usize::from(qp) == RAW_QP {
            // What is of a stream is zero, as the driver has it.
            let QueuePairContext { pd, send_cq, receive_cq, .. } = context;
            let (send_queue_log2, receive_queue_log2) = (RING_LOG2_MAX, RING_LOG2_MAX);
            let raw = QueuePairContext { pd, send_cq, receive_cq, ..QueuePairContext::default() };
            return QueuePairContext { send_queue_log2, receive_queue_log2, ..raw };
        }
        self.contexts[usize::from(qp)] = context;
        context
    }

    /// A place for so many octets. Mostly a good one.
    fn place(&mut self) -> Place {
        let chance = &mut self.chance;
        let odd = chance.one_in(60);
        let region = match chance.one_in(60) {
            true => chance.within(0..=u32::from(REGIONS)) as u8,
            false => chance.within(0..=u32::from(SOUND) - 1) as u8,
        };
        let at = match (odd, chance.within(0..=5)) {
            (true, 0) => At::End(1),
            (true, 1) => At::Start(-1),
            (true, 2) => At::Absolute(u64::MAX - u64::from(chance.size(2000))),
            (true, 3) => At::End(chance.any() as i8),
            (false, 0) => At::End(0),
            (false, 1) => At::Start(0),
            _ => At::Inside(chance.any() >> 8),
        };
        let key = if chance.one_in(200) { 0x100 << chance.within(0..=23) } else { 0 };
        Place { region, at, key }
    }

    fn work(&mut self, opcode: u8, most: u32) -> Work {
        let local = self.place();
        let chance = &mut self.chance;
        Work {
            opcode,
            signaled: !chance.one_in(5),
            length: chance.size(most),
            local,
            remote: (0, 0),
            flip: chance.one_in(150).then(|| chance.within(0..=511) as u16),
            bell: !chance.one_in(4),
        }
    }

    fn receive(&mut self, qp: u8) {
        let most = if usize::from(qp) == RAW_QP { 2047 } else { 4095 };
        let mut work = self.work(0, most);
        if usize::from(qp) == RAW_QP && !self.chance.one_in(10) {
            work.length = 1600;
            work.local.region %= 3;
        }
        self.push(Event::Receive(qp, work));
    }

    /// A queue pair with a stream.
    fn qp(&mut self) -> u8 {
        self.chance.within(1..=u32::from(self.qps) - 1) as u8
    }

    /// A few events that belong together.
    pub fn scene(&mut self) {
        match self.chance.within(0..=99) {
            0..=34 => self.messages(),
            35..=59 => self.sends(),
            60..=69 => {
                let qp = self.qp();
                self.acknowledgement(qp);
            }
            70..=77 => {
                let qp = self.chance.within(0..=u32::from(self.qps) - 1) as u8;
                (0..self.chance.within(1..=4)).for_each(|_| self.receive(qp));
            }
            78..=84 => self.completions(),
            85..=88 => self.stray(),
            89..=91 => self.raw_sends(),
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

    /// The peer sends messages, cut into segments anywhere.
    fn messages(&mut self) {
        let qp = self.qp();
        let mut unsent = 0;
        for _ in 0..self.chance.within(1..=5) {
            let what = self.compose(qp);
            unsent += u32::from(what.length) + 40;
            self.push(Event::Compose(qp, what));
        }
        let whole = self.chance.one_in(3);
        for _ in 0..12 {
            let length = if whole { 1448 } else { 1 + self.chance.size(1447) };
            let segment = self.segment(length);
            self.push(Event::Segment(qp, segment));
            if unsent <= length {
                break;
            }
            unsent -= length;
        }
        if self.chance.one_in(2) {
            // The rest, if the peer kept some.
            let segment = Segment { length: 1448, ..self.segment(1448) };
            self.push(Event::Segment(qp, segment));
        }
    }

    fn compose(&mut self, qp: u8) -> Compose {
        let place = self.place();
        let QueuePairContext { read_in, read_out, .. } = self.contexts[usize::from(qp)];
        let chance = &mut self.chance;
        let ulpdu = match chance.within(0..=399) {
            0 => Ulpdu::Garbage,
            1 if NOREAD == 0 => Ulpdu::Terminate,
            2..=100 if read_in > 0 => Ulpdu::Read(place),
            2..=160 if read_out > 0 => Ulpdu::Response,
            2..=200 => Ulpdu::Send(chance.one_in(3)),
            _ => Ulpdu::Write(place),
        };
        let most = if chance.one_in(40) { 12_000 } else { 1400 };
        Compose {
            ulpdu,
            last: !chance.one_in(4),
            length: chance.size(most) as u16,
            fill: chance.any() as u8,
            header: chance
                .one_in(100)
                .then(|| (chance.within(0..=17) as u16, 1 << chance.within(0..=7))),
            damage: chance
                .one_in(120)
                .then(|| (chance.size(2000) as u16, 1 << chance.within(0..=7))),
        }
    }

    fn segment(&mut self, length: u32) -> Segment {
        let chance = &mut self.chance;
        let skip = match chance.within(0..=39) {
            0 => -(chance.size(3000) as i32),
            1 => -(length as i32),
            2 => chance.size(2000) as i32,
            _ => 0,
        };
        let flags = match chance.within(0..=399) {
            0 => tcp::FIN,
            1 => tcp::RST,
            2 => tcp::SYN,
            3 => tcp::ACK,
            4 => tcp::URG | tcp::ECE,
            5 => tcp::RST | tcp::ACK,
            _ => 0,
        };
        Segment {
            skip,
            length: length as u16,
            ack: ack(chance),
            window: window(chance),
            flags,
            options: if chance.one_in(20) { chance.within(0..=10) as u8 } else { 0 },
            spoil: chance.one_in(60).then(|| spoiled(chance)),
        }
    }

    fn acknowledgement(&mut self, qp: u8) {
        let segment = Segment { length: 0, ..self.segment(0) };
        self.push(Event::Segment(qp, segment));
    }

    fn sends(&mut self) {
        let qp = self.qp();
        let mulpdu = u32::from(self.contexts[usize::from(qp)].mulpdu);
        for _ in 0..self.chance.within(1..=6) {
            let usual = [opcode::WRITE, opcode::SEND, opcode::SEND_SOLICITED];
            let reads = self.contexts[usize::from(qp)].read_out > 0;
            let opcode = match self.chance.within(0..=149) {
                0 => self.chance.within(0..=9) as u8,
                1..=50 if reads => opcode::READ,
                _ => *self.chance.of(&usual),
            };
            let most = if self.chance.one_in(10) { 6 * mulpdu } else { 2 * mulpdu.min(1000) };
            let mut work = self.work(opcode, most);
            if [opcode::WRITE, opcode::READ].contains(&opcode) {
                let offset = u64::from(self.chance.any()) << self.chance.within(0..=32);
                work.remote = (self.chance.any(), offset);
            }
            self.push(Event::Send(qp, work));
        }
        if self.chance.one_in(2) {
            self.push(Event::Rest);
            self.acknowledgement(qp);
        }
    }

    fn raw_sends(&mut self) {
        for _ in 0..self.chance.within(1..=3) {
            let mut work = self.work(opcode::RAW_FRAME, 1514);
            if !self.chance.one_in(40) {
                work.length = work.length.max(14);
            }
            self.push(Event::Send(RAW_QP as u8, work));
        }
    }

    fn completions(&mut self) {
        let cq = self.chance.within(0..=u32::from(CQS) - 1) as u8;
        let leave = if self.chance.one_in(3) { self.chance.within(0..=3) as u8 } else { 0 };
        self.push(Event::Consume(cq, leave));
        if self.chance.one_in(2) {
            self.push(Event::Arm(cq));
        }
    }

    fn stray(&mut self) {
        use StrayKind::{Arp, Foreign, Noise, Tcp, Udp};
        for _ in 0..self.chance.within(1..=3) {
            let chance = &mut self.chance;
            let stray = Stray {
                kind: *chance.of(&[Arp, Udp, Tcp, Tcp, Foreign, Noise]),
                length: if chance.one_in(30) {
                    chance.within(1500..=9100)
                } else {
                    chance.size(1514)
                } as u16,
                fill: chance.any() as u8,
                spoil: chance.one_in(6).then(|| spoiled(chance)),
            };
            self.push(Event::Stray(stray));
        }
    }

    fn regions(&mut self) {
        let index = self.chance.within(0..=u32::from(REGIONS) - 1) as u8;
        if self.chance.one_in(4) {
            self.push(Event::Forget(index));
        } else {
            let region = self.region(index);
            self.push(Event::Register(index, region));
        }
    }

    /// Queue pairs and completion queues end and begin.
    fn lives(&mut self) {
        let qp = self.chance.within(0..=u32::from(self.qps) - 1) as u8;
        match self.chance.within(0..=19) {
            0 => self.push(Event::Stop(qp)),
            1 => {
                let valid = self.chance.one_in(2);
                let qp = self.qp();
                self.push(Event::Flow(qp, valid));
            }
            2 => {
                let cq = self.chance.within(0..=u32::from(CQS) - 1) as u8;
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
                Event::Mask(self.chance.within(0..=u32::from(VECTORS) - 1) as u8, masked)
            }
            2 => {
                // Writes that change nothing: read-only registers and places with nothing in them.
                let places = [registers::DEVICE.address, registers::QP_ACTIVE.address, 0x18, 0x3fc];
                Event::Write(*self.chance.of(&places), self.chance.any())
            }
            _ => Event::Inspect,
        };
        self.push(event);
    }
}

fn ack(chance: &mut Chance) -> Ack {
    match chance.within(0..=29) {
        0 => Ack::Old(chance.size(3000) as u16),
        1 => Ack::Beyond(chance.size(3000) as u16),
        2..=5 => Ack::Part(chance.any() as u8),
        6..=10 => Ack::Same,
        _ => Ack::All,
    }
}

fn window(chance: &mut Chance) -> u16 {
    match chance.within(0..=19) {
        0 => 0,
        1 => chance.size(3000) as u16,
        2 => chance.any() as u16,
        _ => 0xffff,
    }
}

fn spoiled(chance: &mut Chance) -> Spoil {
    let at = if chance.one_in(2) { chance.within(0..=60) } else { chance.within(0..=1600) };
    let mask = 1 << chance.within(0..=7);
    Spoil { at: at as u16, mask, repair: chance.one_in(2) }
}
