//! The primitives everything rests on, in lockstep with plain Rust models: not only do RustHDL and
//! Verilog agree, they are right.

use ironwarp_testbench::lockstep::{block, seeds, Lockstep, Noise, Pins, Reference, Traffic};
use std::collections::VecDeque;

const TEST: &str = "--test models";

/// Runs block `name` against a model, on legal traffic.
fn right<R: Reference>(name: &str, model: impl Fn() -> R) {
    for seed in seeds(6) {
        let run = Lockstep::new(block(name), seed, TEST).clocks(3000);
        if let Err(difference) = run.run_against(&mut Traffic::default(), &mut model()) {
            panic!("{difference}");
        }
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Result<(), String> {
    match is == should {
        true => Ok(()),
        false => Err(format!("{what} is {is:x?} and should be {should:x?}")),
    }
}

/// Records leave in the order in which they came, each once. Several sinks are each in order.
struct Order {
    sinks: &'static [&'static str],
    inside: Vec<VecDeque<Vec<u32>>>,
    moved: u64,
    /// The most records that fit.
    room: usize,
}

impl Order {
    fn new(sinks: &'static [&'static str], room: usize) -> Self {
        Self { sinks, inside: vec![VecDeque::new(); sinks.len()], moved: 0, room }
    }
}

impl Reference for Order {
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        if let Some(record) = pins.moves("source") {
            let from = self.inside.iter_mut().find(|q| q.front().is_some_and(|r| r == record));
            from.ok_or(format!("{record:x?} leaves out of order"))?.pop_front();
            self.moved += 1;
        }
        for (sink, queue) in self.sinks.iter().zip(&mut self.inside) {
            queue.extend(pins.moves(sink).map(<[u32]>::to_vec));
        }
        let inside = self.inside.iter().map(VecDeque::len).sum::<usize>();
        if inside > self.room {
            return Err(format!("{inside} records in room for {}", self.room));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        match self.moved {
            0..100 => Err(format!("only {} records passed", self.moved)),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_skid_buffer_keeps_order() {
    right("skid_buffer", || Order::new(&["sink"], 2));
}

#[test]
fn a_fifo_keeps_order_and_holds_what_it_says() {
    right("stream_fifo", || Order::new(&["sink"], 8));
}

/// Each seed has two clocks of its own, up to sixteen times apart.
#[test]
fn a_clock_crossing_keeps_order_and_holds_what_it_says() {
    for seed in seeds(12) {
        let run = Lockstep::new(block("clock_crossing"), seed, TEST).clocks(8000);
        let result = run.run_against(&mut Traffic::default(), &mut Order::new(&["sink"], 8));
        result.unwrap_or_else(|difference| panic!("{difference}"));
    }
}

#[test]
fn a_merge_keeps_the_order_of_each_side() {
    right("merge2", || Order::new(&["sink_a", "sink_b"], 1));
}

/// An array whose reads take a clock and see every write up to their own clock.
struct Array {
    records: [u64; 8],
    read: Option<u64>,
}

impl Reference for Array {
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        if let Some(read) = self.read {
            expect("read_record", pins.number("read_record"), read)?;
        }
        if pins.bit("write") {
            self.records[pins.number("write_index") as usize] = pins.number("write_record");
        }
        self.read = Some(self.records[pins.number("read_index") as usize]);
        Ok(())
    }
}

#[test]
fn a_table_is_an_array() {
    right("table", || Array { records: [0; 8], read: None });
}

/// The CRC of the octets that were taken since the last first word.
#[derive(Default)]
struct Digest {
    message: Option<Vec<u8>>,
}

impl Digest {
    fn crc(&self) -> Option<u64> {
        self.message.as_ref().map(|octets| crc32c::crc32c(octets).into())
    }
}

impl Reference for Digest {
    //= rfc5044#4.4
    //= type=test
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        if let Some(crc) = self.crc() {
            expect("crc", pins.number("crc"), crc)?;
        }
        let octets = if pins.bit("half") { 4 } else { 8 };
        let mut next = if pins.bit("first") { Some(Vec::new()) } else { self.message.clone() };
        if let Some(message) = &mut next {
            message.extend(&pins.number("data").to_le_bytes()[..octets]);
        }
        if pins.bit("valid") {
            self.message = next;
        }
        Ok(())
    }
}

#[test]
fn the_crc_is_the_crc() {
    right("crc32c", Digest::default);
}

/// Markers counted one by one.
struct Markers;

impl Reference for Markers {
    //= rfc5044#4.3
    //= type=test
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        let (start, octets) = (pins.number("position"), pins.number("octets"));
        // The contract of the block: whole 32-bit words, and no more than 16,000 octets.
        if start % 4 != 0 || octets % 4 != 0 || !(4..=16_000).contains(&octets) {
            return Ok(());
        }
        let (mut markers, mut place) = (0, start);
        for _ in 0..octets / 4 {
            if place % 512 == 0 {
                markers += 1;
                place += 4;
            }
            place += 4;
        }
        expect("count", pins.number("count"), markers)
    }
}

#[test]
fn markers_are_counted() {
    for seed in seeds(4) {
        let run = Lockstep::new(block("marker_count"), seed, TEST).clocks(20_000);
        if let Err(difference) = run.run_against(&mut Noise, &mut Markers) {
            panic!("{difference}");
        }
    }
}
