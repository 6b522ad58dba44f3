//! A bench for the MAC: a line and a device, each with a clock of its own.
use super::fcs::POLYNOMIAL;
use super::records::Gmii;
use super::{Mac, GAP, PREAMBLE, START};
use crate::crc;
use crate::stream::bench::settle;
use crate::stream::Beat;
use rust_hdl::prelude::*;

/// The frame check sequence over `octets`, by the definition.
pub fn sequence(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0, |remainder, octet| crc::update(POLYNOMIAL, remainder, *octet))
}

/// A frame with its check sequence.
pub fn closed(frame: &[u8]) -> Vec<u8> {
    [frame, &sequence(frame).to_le_bytes()].concat()
}

pub fn octet(data: u64, error: bool) -> Gmii {
    Gmii { data: data.to_bits(), enable: true, error }
}

/// The line as it carries `octets`, check sequence included, behind a preamble of `lead` octets and
/// before a gap.
pub fn line(octets: &[u8], lead: usize) -> Vec<Gmii> {
    let mut line = vec![octet(PREAMBLE, false); lead];
    line.push(octet(START, false));
    line.extend(octets.iter().map(|data| octet(u64::from(*data), false)));
    line.extend([Gmii::default(); GAP as usize]);
    line
}

/// A frame as it was heard on the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Its octets behind preamble and delimiter.
    pub octets: Vec<u8>,
    /// TX_ER was set with some octet.
    pub error: bool,
    /// Clocks of silence before it.
    pub gap: usize,
}

/// The frames on the line.
pub fn heard(line: &[Gmii]) -> Vec<Heard> {
    let mut frames = vec![];
    for run in line.chunk_by(|a, b| a.enable == b.enable) {
        if !run[0].enable {
            frames.push(Heard { octets: vec![], error: false, gap: run.len() });
        } else if let Some(frame) = frames.last_mut() {
            let data: Vec<u8> = run.iter().map(|it| it.data.to_u64() as u8).collect();
            let lead = [[PREAMBLE as u8; 7].as_slice(), &[START as u8]].concat();
            assert_eq!(data[..8], lead, "the preamble");
            frame.octets = data[8..].to_vec();
            frame.error = run.iter().any(|it| it.error);
        }
    }
    frames.retain(|frame| !frame.octets.is_empty());
    frames
}

/// What the device does in a clock.
#[derive(Clone, Copy, Default)]
pub struct Device {
    pub ready: bool,
    pub offer: Option<Beat>,
}

/// What was seen of a run.
#[derive(Default)]
pub struct Seen {
    /// What the device took.
    pub received: Vec<Beat>,
    /// Every clock of the line.
    pub sent: Vec<Gmii>,
    /// Pulses of `damaged`, `misfit`, `pause` and `lost`.
    pub counts: [u64; 4],
}

/// A MAC, and picoseconds of half a clock: of the line inwards, outwards, and of the device.
pub struct Bench {
    pub mac: Mac,
    halves: [u64; 3],
    next: [u64; 3],
    level: [bool; 3],
}

impl Bench {
    pub fn new(halves: [u64; 3]) -> Self {
        let mut mac = Mac::default();
        mac.connect_all();
        settle!(mac);
        Self { mac, halves, next: [1, 2, 3], level: [false; 3] }
    }

    /// Runs for as long as `incoming` lasts and then for `more` clocks of the line. `device` is
    /// asked in each of the device's clocks, and told whether the MAC took the last offer.
    pub fn run(
        &mut self,
        incoming: &[Gmii],
        more: usize,
        mut device: impl FnMut(bool) -> Device,
    ) -> Seen {
        let mut seen = Seen::default();
        let mut incoming = incoming.iter();
        let (mut left, mut taken) = (incoming.len() + more, true);
        while left > 0 {
            let clock = (0..3).min_by_key(|n| self.next[*n]).unwrap_or(0);
            let rises = !self.level[clock];
            if rises {
                match clock {
                    0 => {
                        let idle = Gmii::default();
                        self.mac.gmii_receive.next = incoming.next().copied().unwrap_or(idle);
                        left -= 1;
                    }
                    1 => seen.sent.push(self.mac.gmii_transmit.val()),
                    _ => taken = self.exchange(device(taken), &mut seen),
                }
            }
            self.level[clock] = rises;
            self.next[clock] += self.halves[clock];
            let wire = match clock {
                0 => &mut self.mac.receive_clock,
                1 => &mut self.mac.transmit_clock,
                _ => &mut self.mac.clock,
            };
            wire.next = Clock { clk: rises };
            settle!(self.mac);
        }
        seen
    }

    /// The device's side just before its clock rises; whether its beat will be taken.
    fn exchange(&mut self, device: Device, seen: &mut Seen) -> bool {
        self.mac.to_device.ready.next = device.ready;
        self.mac.from_device.valid.next = device.offer.is_some();
        self.mac.from_device.beat.next = device.offer.unwrap_or_default();
        settle!(self.mac);
        if device.ready && self.mac.to_device.valid.val() {
            seen.received.push(self.mac.to_device.beat.val());
        }
        let now = self.mac.counts.val();
        let pulses = [now.damaged, now.misfit, now.pause, now.lost];
        seen.counts.iter_mut().zip(pulses).for_each(|(count, pulse)| *count += u64::from(pulse));
        self.mac.from_device.ready.val()
    }
}

/// A device that takes everything and offers these beats one after the other without a break.
pub fn eager(beats: Vec<Beat>) -> impl FnMut(bool) -> Device {
    let mut beats = beats.into_iter().peekable();
    let mut offered = false;
    move |taken| {
        if taken && offered {
            beats.next();
        }
        let offer = beats.peek().copied();
        offered = offer.is_some();
        Device { ready: true, offer }
    }
}
