//! The MAC's Verilog on whole frames, both ways, with three clocks of any rates.

use ironwarp_hdl::crc;
use ironwarp_hdl::mac::fcs::POLYNOMIAL;
use ironwarp_testbench::lockstep::{block, seeds, Choice, Lockstep, Pins, Reference, Stimulus};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

const TEST: &str = "--test mac";
/// Bits of a `Gmii`, above the octet.
const ENABLE: u32 = 1 << 8;
const ERROR: u32 = 1 << 9;

/// A frame with its frame check sequence.
fn closed(frame: &[u8]) -> Vec<u8> {
    let octets = frame.iter();
    let sequence = !octets.fold(!0, |sum, octet| crc::update(POLYNOMIAL, sum, *octet));
    [frame, &sequence.to_le_bytes()].concat()
}

/// Frame `number`: no two are alike.
fn frame(number: u32, octets: usize) -> Vec<u8> {
    let mut frame = number.to_be_bytes().repeat(octets.div_ceil(4));
    frame.truncate(octets);
    frame
}

/// Sends frames from the line and from the device.
#[derive(Default)]
struct Frames {
    line: VecDeque<u32>,
    device: VecDeque<Vec<u32>>,
    number: u32,
}

impl Frames {
    fn next(&mut self, chance: &mut ChaCha8Rng) -> Vec<u8> {
        self.number += 1;
        frame(self.number, chance.random_range(60..120))
    }

    fn line(&mut self, chance: &mut ChaCha8Rng) -> u32 {
        if self.line.is_empty() {
            let frame = closed(&self.next(chance));
            self.line.extend([ENABLE | 0x55; 7]);
            self.line.push_back(ENABLE | 0xd5);
            self.line.extend(frame.iter().map(|octet| ENABLE | u32::from(*octet)));
            self.line.extend([0; 12]);
        }
        self.line.pop_front().unwrap_or(0)
    }

    fn device(&mut self, chance: &mut ChaCha8Rng) -> Vec<u32> {
        if self.device.is_empty() {
            let frame = self.next(chance);
            let beats = frame.len().div_ceil(8);
            for (n, octets) in frame.chunks(8).enumerate() {
                let mut data = [0; 8];
                data[..octets.len()].copy_from_slice(octets);
                let data = u64::from_le_bytes(data);
                let last = u32::from(n + 1 == beats);
                let (low, high) = (data as u32, (data >> 32) as u32);
                self.device.push_back(vec![low, high, octets.len() as u32 | last << 4]);
            }
        }
        self.device.front().cloned().unwrap_or_default()
    }
}

impl Stimulus for Frames {
    fn choose(&mut self, pins: &Pins, chance: &mut ChaCha8Rng) -> Choice {
        let port = |name| pins.find(name).unwrap_or_else(|| panic!("no port is called {name}"));
        if pins.on_edge("gmii_receive") {
            return vec![(port("gmii_receive"), vec![self.line(chance)])];
        }
        if !pins.on_edge("from_device$valid") {
            return vec![];
        }
        if pins.moves("from_device").is_some() {
            self.device.pop_front();
        }
        vec![
            (port("to_device$ready"), vec![1]),
            (port("from_device$valid"), vec![1]),
            (port("from_device$beat"), self.device(chance)),
        ]
    }
}

/// What comes out without `error` is one of the frames, whole, and none comes twice. Where a clock
/// is too slow for the others, frames are lost; the rest must be right.
#[derive(Default)]
struct Whole {
    inward: Vec<u8>,
    outward: Vec<u8>,
    damaged: bool,
    /// The numbers of the last good frames, in and out, and how many there were.
    last: [u32; 2],
    good: [u32; 2],
}

impl Whole {
    fn count(&mut self, way: usize, octets: &[u8]) -> Result<(), String> {
        let number = octets.first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
        if octets != frame(number, octets.len()) || octets.len() < 60 {
            return Err(format!("a good frame is {octets:02x?}"));
        }
        if number <= self.last[way] {
            return Err(format!("frame {number} comes after {}", self.last[way]));
        }
        self.last[way] = number;
        self.good[way] += 1;
        Ok(())
    }

    fn inward(&mut self, beat: &[u32]) -> Result<(), String> {
        let data = u64::from(beat[0]) | u64::from(beat[1]) << 32;
        let (bytes, last, error) = (beat[2] & 15, beat[2] >> 4 & 1, beat[2] >> 5);
        self.inward.extend(&data.to_le_bytes()[..bytes as usize]);
        if last == 0 {
            return Ok(());
        }
        let octets = std::mem::take(&mut self.inward);
        if error == 1 {
            return Ok(());
        }
        self.count(0, &octets)
    }

    fn outward(&mut self, gmii: u32) -> Result<(), String> {
        if gmii & ENABLE != 0 {
            self.outward.push(gmii as u8);
            self.damaged |= gmii & ERROR != 0;
            return Ok(());
        }
        let octets = std::mem::take(&mut self.outward);
        if octets.is_empty() || std::mem::take(&mut self.damaged) {
            return Ok(());
        }
        let (lead, octets) = octets.split_at(8);
        if lead != [0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5] {
            return Err(format!("the preamble is {lead:02x?}"));
        }
        let body = &octets[..octets.len() - 4];
        if closed(body) != octets {
            return Err(format!("the check sequence is wrong: {octets:02x?}"));
        }
        self.count(1, body)
    }
}

impl Reference for Whole {
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        if let Some(beat) = pins.moves("to_device") {
            self.inward(beat)?;
        }
        if pins.on_edge("gmii_transmit") {
            self.outward(pins.number("gmii_transmit") as u32)?;
        }
        Ok(())
    }
}

#[test]
fn frames_pass_both_ways_at_any_rates() {
    let mut good = [0; 2];
    for seed in seeds(8) {
        let mut seen = Whole::default();
        let run = Lockstep::new(block("mac"), seed, TEST).clocks(3000);
        let result = run.run_against(&mut Frames::default(), &mut seen);
        result.unwrap_or_else(|difference| panic!("{difference}"));
        good.iter_mut().zip(seen.good).for_each(|(sum, good)| *sum += good);
    }
    assert!(good.iter().all(|good| *good > 10), "{good:?}");
}
