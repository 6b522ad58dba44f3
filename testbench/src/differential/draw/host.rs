//! What the host does: contexts and work requests.

use super::regions::SOUND;
use super::{Draw, MESSAGE_MAX};
use crate::differential::chance::Chance;
use crate::differential::event::{At, Event, Place, Work};
use crate::differential::layout::{CQS, QPS, RAW, REGIONS, RING_LOG2_MAX};
use crate::differential::regions::PD;
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::queue::opcode;

impl Draw {
    /// What the device must refuse: a table or an object that it does not have, a completion queue
    /// that it does not have in a queue pair's record.
    pub(super) fn refused(&mut self) {
        let words =
            |chance: &mut Chance| (0..chance.within(0..=20)).map(|_| chance.any()).collect();
        let event = match self.chance.within(0..=4) {
            0 => {
                let table = *self.chance.of(&[0, 7, 8, 15]);
                Event::Commit(table, self.chance.within(0..=9), words(&mut self.chance))
            }
            1 => {
                let past = REFERENCE.qp_count() as u32 + self.chance.size(0xffff);
                let table = *self.chance.of(&[table::QUEUE_PAIR, table::FLOW, table::NEXT_HOP]);
                Event::Commit(table, past, words(&mut self.chance))
            }
            2 => {
                let past = REFERENCE.cq_count() as u32 + self.chance.size(0xffff);
                Event::Commit(table::COMPLETION_QUEUE, past, words(&mut self.chance))
            }
            3 => {
                let past = REFERENCE.mr_count() as u32 + self.chance.size(0xffff);
                Event::Commit(table::MEMORY_REGION, past, words(&mut self.chance))
            }
            _ => {
                let past = (REFERENCE.cq_count() as u32) << self.chance.within(0..=17);
                // A queue pair that programmes do not use, and that stays without a context.
                let (send_cq, receive_cq) =
                    if self.chance.one_in(2) { (past, 0) } else { (0, past) };
                let context = QueuePairContext { send_cq, receive_cq, ..Default::default() };
                Event::Commit(table::QUEUE_PAIR, QPS, context.to_words().to_vec())
            }
        };
        self.push(event);
    }

    /// The context of a queue pair.
    pub(super) fn context(&mut self, qp: u32) -> QueuePairContext {
        let chance = &mut self.chance;
        let log2 = |chance: &mut Chance| chance.within(2..=RING_LOG2_MAX.into()) as u8;
        let near_wrap = |chance: &mut Chance| match chance.one_in(4) {
            true => u32::MAX - chance.within(0..=3000),
            false => chance.any(),
        };
        let mulpdu = match chance.within(0..=7) {
            0 => chance.within(128..=300),
            1 => chance.within(1000..=8900),
            _ => chance.within(400..=1460),
        };
        let (read_in, read_out) = match chance.within(0..=3) {
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
            send_cq: chance.within(0..=CQS - 1),
            receive_cq: chance.within(0..=CQS - 1),
            send_queue_log2: log2(chance),
            receive_queue_log2: log2(chance),
            send_next: near_wrap(chance),
            send_window: if chance.one_in(4) { chance.size(8000) } else { 0xffff },
            receive_next: near_wrap(chance),
            receive_window: match chance.one_in(4) {
                true => REFERENCE.receive_window_max() / 2,
                false => REFERENCE.receive_window_max(),
            },
            ..QueuePairContext::default()
        };
        if qp == RAW {
            // What is of a stream is zero, as the driver has it.
            let QueuePairContext { pd, send_cq, receive_cq, .. } = context;
            let (send_queue_log2, receive_queue_log2) = (RING_LOG2_MAX, RING_LOG2_MAX);
            let raw = QueuePairContext { pd, send_cq, receive_cq, ..QueuePairContext::default() };
            return QueuePairContext { send_queue_log2, receive_queue_log2, ..raw };
        }
        self.contexts[qp as usize] = context;
        context
    }

    /// A place to read from, or to write to. Mostly a good one.
    pub(super) fn place(&mut self, sink: bool) -> Place {
        let chance = &mut self.chance;
        let odd = chance.one_in(60);
        let region = match chance.one_in(60) {
            true => chance.within(0..=REGIONS),
            false => chance.within(0..=SOUND - 1),
        };
        let region = region & !1 | u32::from(sink);
        let at = match (odd, chance.within(0..=5)) {
            (true, 0) => At::End(1),
            (true, 1) => At::Start(-1),
            (true, 2) => At::Absolute(u64::MAX - u64::from(chance.size(2000))),
            (true, 3) => At::End(chance.any() as i8),
            (false, 0) => At::End(0),
            (false, 1) => At::Start(0),
            _ => At::Inside(chance.any() >> 8),
        };
        let key = if chance.one_in(200) { 1 << chance.within(0..=31) } else { 0 };
        Place { region, at, key }
    }

    pub(super) fn work(&mut self, opcode: u8, most: u32) -> Work {
        let sink = [0, opcode::READ].contains(&opcode);
        let local = self.place(sink);
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

    pub(super) fn receive(&mut self, qp: u32) {
        let mut work = self.work(0, MESSAGE_MAX);
        if !self.chance.one_in(20) {
            let least = if qp == RAW { 1514 } else { 1400 };
            work.length = least + self.chance.size(MESSAGE_MAX - least);
        }
        self.push(Event::Receive(qp, work));
    }

    pub(super) fn sends(&mut self) {
        let qp = self.qp();
        let mulpdu = u32::from(self.contexts[qp as usize].mulpdu);
        for _ in 0..self.chance.within(1..=6) {
            let usual = [opcode::WRITE, opcode::SEND, opcode::SEND_SOLICITED];
            let reads = self.contexts[qp as usize].read_out > 0;
            let opcode = match self.chance.within(0..=149) {
                0 => self.chance.within(0..=9) as u8,
                1..=50 if reads => opcode::READ,
                _ => *self.chance.of(&usual),
            };
            let most = if self.chance.one_in(10) { 6 * mulpdu } else { 2 * mulpdu.min(1000) };
            let most = most.min(MESSAGE_MAX);
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

    pub(super) fn raw_sends(&mut self) {
        for _ in 0..self.chance.within(1..=3) {
            let mut work = self.work(opcode::RAW_FRAME, 1514);
            if !self.chance.one_in(40) {
                work.length = work.length.max(14);
            }
            self.push(Event::Send(RAW, work));
        }
    }
}
