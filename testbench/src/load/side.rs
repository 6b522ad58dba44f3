//! The device at work: the Verilated RTL or the model, driven and seen alike.

use super::fact::Fact;
use super::memory::Memory;
use super::tap::{Line, Tap};
use crate::differential::Make;
use ironwarp_abi::registers::DEVICE;
use ironwarp_model::{Device, Fault, Host};
use ironwarp_sim::root_complex::INTERRUPT_ADDRESSES;
use ironwarp_sim::{Options, Simulation};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A device with its host's memory.
pub trait Side {
    /// The host's memory.
    fn memory(&self) -> &Memory;
    /// Writes a word of BAR 0; posted.
    fn write(&mut self, address: u32, value: u32);
    /// Hands over a frame.
    fn frame(&mut self, octets: &[u8]);
    /// Gives it so many clocks, or about as much work.
    fn run(&mut self, clocks: u64);
    /// The bus refuses for so many clocks, and the wire for so many.
    fn refuse(&mut self, bus: u32, wire: u32);
    /// Clocks so far.
    fn clock(&self) -> u64;
    /// Words of BAR 0 that have been written, and that a read behind them has come back for.
    fn known(&self) -> u64;
    /// What it has done since the last time.
    ///
    /// # Errors
    /// It has broken a rule of PCI Express or of the MAC.
    fn facts(&mut self) -> Result<Vec<Fact>, String>;
}

/// Configuration space: the command register.
const COMMAND: u16 = 4;

/// The Verilated RTL.
pub struct Hardware {
    simulation: Simulation,
    memory: Memory,
    line: Line,
    /// Words written; those behind which a read is under way; those behind which one came back.
    written: u64,
    asked: Option<u64>,
    known: u64,
}

impl Hardware {
    /// A device after power-on, with bus mastering on.
    ///
    /// # Errors
    /// Options that mean nothing, or a waveform that cannot be written.
    pub fn new(make: &Make, options: Options, wave: Option<&Path>) -> Result<Self, String> {
        let (line, memory) = (Line::default(), Memory::default());
        let tapped = line.clone();
        let simulation =
            Simulation::with_devices(options, |_| Box::new(Tap::new(make(), tapped.clone())));
        let mut simulation = simulation.map_err(|why| why.to_string())?;
        let set_up = |simulation: &mut Simulation| {
            simulation.attach_memory(0, Box::new(memory.clone()))?;
            simulation.config_write(0, COMMAND, &6_u16.to_le_bytes())?;
            wave.map_or(Ok(()), |wave| simulation.open_waveform(0, wave))
        };
        set_up(&mut simulation).map_err(|why| why.to_string())?;
        Ok(Self { simulation, memory, line, written: 0, asked: None, known: 0 })
    }
}

impl Side for Hardware {
    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn write(&mut self, address: u32, value: u32) {
        self.written += 1;
        // The addresses are those of the contract: they are there.
        let _ = self.simulation.bar_write32(0, address, value);
    }

    fn frame(&mut self, octets: &[u8]) {
        let _ = self.simulation.send_frame(octets);
    }

    fn run(&mut self, clocks: u64) {
        self.simulation.run(clocks);
        if self.asked.is_some() && self.simulation.bar_answer(0).is_some() {
            self.known = self.asked.take().unwrap_or(self.known);
        }
        let news = self.known < self.written && self.asked.is_none();
        if news && self.simulation.begin_bar_read(0, DEVICE.address).is_ok() {
            self.asked = Some(self.written);
        }
    }

    fn refuse(&mut self, bus: u32, wire: u32) {
        self.line.bus.fetch_max(bus, Ordering::Relaxed);
        self.line.wire.fetch_max(wire, Ordering::Relaxed);
    }

    fn clock(&self) -> u64 {
        self.simulation.clock()
    }

    fn known(&self) -> u64 {
        self.known
    }

    fn facts(&mut self) -> Result<Vec<Fact>, String> {
        self.simulation.take_frames();
        match self.simulation.violations().first() {
            Some(first) => Err(first.to_string()),
            None => Ok(self.line.take()),
        }
    }
}

/// The model's bus: memory, and what was done to it.
struct Bus {
    memory: Memory,
    facts: Vec<Fact>,
}

impl Host for Bus {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.facts.push(Fact::Read { tag: 0, address, length: into.len() });
        self.facts.push(Fact::Answered { tag: 0 });
        self.memory.get(address, into).map_err(|_| Fault)
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        if !INTERRUPT_ADDRESSES.contains(&address) {
            self.facts.push(Fact::Write { address, octets: octets.to_vec() });
            let _ = self.memory.put(address, octets);
        }
    }
}

/// Frames that a turn of the model may make.
const FRAMES: usize = 4;
/// Clocks that a turn of the model stands for.
const TURN: u64 = 100;

/// The behavioural model.
pub struct Modelled {
    device: Device,
    bus: Bus,
    clock: u64,
    written: u64,
    /// The wire takes no frame before this clock.
    refuses_until: u64,
    late: VecDeque<Vec<u8>>,
}

impl Modelled {
    /// A device after power-on.
    pub fn new() -> Self {
        // A turn makes few frames, so that control events meet those that are not made yet.
        let options = ironwarp_model::Options { frames_max: FRAMES, ..Default::default() };
        let device = Device::new(options);
        let bus = Bus { memory: Memory::default(), facts: Vec::new() };
        Self { device, bus, clock: 0, written: 0, refuses_until: 0, late: VecDeque::new() }
    }
}

impl Default for Modelled {
    fn default() -> Self {
        Self::new()
    }
}

impl Side for Modelled {
    fn memory(&self) -> &Memory {
        &self.bus.memory
    }

    fn write(&mut self, address: u32, value: u32) {
        self.written += 1;
        self.device.bar_write32(address, value, &mut self.bus);
    }

    fn frame(&mut self, octets: &[u8]) {
        self.late.push_back(octets.to_vec());
    }

    fn run(&mut self, clocks: u64) {
        let end = self.clock + clocks;
        while self.clock < end {
            self.clock += TURN;
            if let Some(frame) = self.late.pop_front() {
                self.device.receive_frame(&frame, &mut self.bus);
            }
            self.device.poll(Duration::from_nanos(self.clock), &mut self.bus);
            if self.clock >= self.refuses_until {
                self.bus.facts.extend(self.device.take_frames().into_iter().map(Fact::Frame));
            }
        }
    }

    fn refuse(&mut self, _: u32, wire: u32) {
        self.refuses_until = self.refuses_until.max(self.clock + u64::from(wire));
    }

    fn clock(&self) -> u64 {
        self.clock
    }

    fn known(&self) -> u64 {
        self.written
    }

    fn facts(&mut self) -> Result<Vec<Fact>, String> {
        Ok(std::mem::take(&mut self.bus.facts))
    }
}
