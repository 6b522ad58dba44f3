//! What arrives on the wire.

use super::{Draw, MESSAGE_MAX};
use crate::differential::chance::Chance;
use crate::differential::event::{Ack, Compose, Event, Segment, Spoil, Stray, StrayKind, Ulpdu};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::tcp;

impl Draw {
    /// The peer sends messages, cut into segments anywhere.
    pub(super) fn messages(&mut self) {
        let qp = self.qp();
        let mut unsent = 0;
        for _ in 0..self.chance.within(1..=5) {
            let what = self.compose(qp);
            unsent += u32::from(what.length) + 40;
            if matches!(what.ulpdu, Ulpdu::Send(_)) && what.last && !self.chance.one_in(5) {
                self.receive(qp);
            }
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

    pub(super) fn compose(&mut self, qp: u32) -> Compose {
        let (source, sink) = (self.place(false), self.place(true));
        let QueuePairContext { read_in, read_out, .. } = self.contexts[qp as usize];
        let chance = &mut self.chance;
        let ulpdu = match chance.within(0..=399) {
            0 => Ulpdu::Garbage,
            1 => Ulpdu::Terminate,
            2..=100 if read_in > 0 => Ulpdu::Read(source),
            2..=160 if read_out > 0 => Ulpdu::Response,
            2..=200 => Ulpdu::Send(chance.one_in(3)),
            _ => Ulpdu::Write(sink),
        };
        let most = if chance.one_in(60) { MESSAGE_MAX } else { 700 };
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

    pub(super) fn segment(&mut self, length: u32) -> Segment {
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

    pub(super) fn acknowledgement(&mut self, qp: u32) {
        let segment = Segment { length: 0, ..self.segment(0) };
        self.push(Event::Segment(qp, segment));
    }

    pub(super) fn stray(&mut self) {
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
