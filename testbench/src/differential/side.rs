//! The two devices, seen alike.

use super::arena::Arena;
use ironwarp_abi::registers::{Register, QUERY_QP};
use ironwarp_model::Device;
use ironwarp_sim::{Error, Inputs, Options, Outputs, Pins, RootComplexOptions, Simulation};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// What a device has shown since it was last looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// The frames that it sent, padded as the MAC does.
    pub frames: Vec<Vec<u8>>,
    /// The data of its interrupt messages.
    pub interrupts: Vec<u32>,
}

/// The shortest frame on the wire, without frame check sequence.
const FRAME_MIN: usize = ironwarp_wire::ethernet::FRAME_BYTES_MIN;

/// The behavioural model with its host.
pub struct Model {
    device: Device,
    /// The host's memory.
    pub memory: Arena,
    frames: Vec<Vec<u8>>,
    now: Duration,
}

impl Model {
    /// A device after power-on.
    pub fn new(memory: Arena) -> Self {
        let device = Device::new(ironwarp_model::Options::default());
        Self { device, memory, frames: Vec::new(), now: Duration::ZERO }
    }

    /// Writes a word of BAR 0, and lets the device do what there is to do.
    pub fn write(&mut self, address: u32, value: u32) {
        self.device.bar_write32(address, value, &mut self.memory);
        self.work();
    }

    /// Reads a word of BAR 0.
    pub fn read(&self, address: u32) -> u32 {
        self.device.bar_read32(address)
    }

    /// Reads a register that shows one queue pair.
    pub fn query(&mut self, qp: u32, register: Register) -> u32 {
        let before = self.read(QUERY_QP.address);
        self.write(QUERY_QP.address, qp);
        let shown = self.read(register.address);
        self.write(QUERY_QP.address, before);
        shown
    }

    /// Hands over a frame, and lets the device do what there is to do.
    pub fn receive(&mut self, frame: &[u8]) {
        self.device.receive_frame(frame, &mut self.memory);
        self.work();
    }

    fn work(&mut self) {
        loop {
            self.now += Duration::from_nanos(1);
            let more = self.device.poll(self.now, &mut self.memory);
            self.frames.extend(self.device.take_frames().into_iter().map(|mut frame| {
                frame.resize(frame.len().max(FRAME_MIN), 0);
                frame
            }));
            if !more {
                return;
            }
        }
    }

    /// What it has shown.
    pub fn seen(&mut self) -> Seen {
        Seen {
            frames: std::mem::take(&mut self.frames),
            interrupts: std::mem::take(&mut self.memory.interrupts),
        }
    }
}

/// What was seen at a device's pins.
#[derive(Default)]
struct Movement {
    /// The last clock in which anything moved.
    last: AtomicU64,
    /// Beats from the bus, less those of frames: segments may be made of them.
    fetched: AtomicU64,
    /// Beats of frames, less those to the bus: FPDUs may be in them.
    received: AtomicU64,
}

impl Movement {
    fn note(&self, inputs: &Inputs, outputs: &Outputs) {
        let came = (inputs.pcie_in.is_some(), inputs.mac_in.is_some());
        let went = (outputs.mac_out.is_some(), outputs.pcie_out.is_some());
        if !(came.0 || came.1 || went.0 || went.1) {
            return;
        }
        self.last.store(inputs.clock, Ordering::Relaxed);
        for (count, came, went) in
            [(&self.fetched, came.0, went.0), (&self.received, came.1, went.1)]
        {
            let before = count.load(Ordering::Relaxed) + u64::from(came);
            count.store(before.saturating_sub(went.into()), Ordering::Relaxed);
        }
    }

    /// Beats that the device may be busy with, though nothing moves at its pins.
    fn backlog(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed) + self.received.load(Ordering::Relaxed)
    }
}

/// A device whose pins are watched.
struct Watched {
    pins: Box<dyn Pins>,
    movement: Arc<Movement>,
}

impl Pins for Watched {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        let outputs = self.pins.clock(inputs);
        self.movement.note(inputs, &outputs);
        outputs
    }

    fn open_waveform(&mut self, path: &Path) -> Result<(), Error> {
        self.pins.open_waveform(path)
    }

    fn close_waveform(&mut self) -> Result<(), Error> {
        self.pins.close_waveform()
    }
}

/// The longest that a device may be busy with one step, in clocks.
const BUSY_MAX: u64 = 400_000;
/// Configuration space: command register, and message control of the MSI-X capability.
const COMMAND: u16 = 4;
const MSIX_CONTROL: u16 = 0x82;

/// The Verilated RTL with its host and the other end of its link.
pub struct Rtl {
    /// The world around it.
    pub simulation: Simulation,
    /// The host's memory.
    pub memory: Arena,
    movement: Arc<Movement>,
}

impl Rtl {
    /// A device after power-on, with bus mastering and MSI-X on.
    ///
    /// # Errors
    /// Options that mean nothing, or a capture that cannot be written.
    pub fn new(memory: Arena, make: &Make, options: Options) -> Result<Self, Error> {
        let movement = Arc::new(Movement::default());
        let power_on =
            |_| -> Box<dyn Pins> { Box::new(Watched { pins: make(), movement: movement.clone() }) };
        let mut simulation = Simulation::with_devices(options, power_on)?;
        simulation.attach_memory(0, Box::new(memory.clone()))?;
        simulation.config_write(0, COMMAND, &6_u16.to_le_bytes())?;
        simulation.config_write(0, MSIX_CONTROL, &0x8000_u16.to_le_bytes())?;
        Ok(Self { simulation, memory, movement })
    }

    /// Steps until there was no beat at any pin for `quiet` clocks.
    ///
    /// # Errors
    /// It does not come to rest, or it has broken a rule of PCI Express or of the MAC.
    pub fn rest(&mut self, quiet: u64) -> Result<Seen, String> {
        let first = self.simulation.clock();
        self.movement.last.fetch_max(first, Ordering::Relaxed);
        loop {
            let still = self.simulation.clock() - self.movement.last.load(Ordering::Relaxed);
            let quiet = quiet + self.movement.backlog() * 5 / 4;
            if still >= quiet && self.simulation.link_idle() {
                break;
            }
            if self.simulation.clock() - first > BUSY_MAX {
                return Err(format!("still busy after {BUSY_MAX} clocks"));
            }
            self.simulation.run((quiet.saturating_sub(still)).max(1));
        }
        self.movement.fetched.store(0, Ordering::Relaxed);
        self.movement.received.store(0, Ordering::Relaxed);
        let violations = self.simulation.violations();
        if let Some(first) = violations.first() {
            return Err(first.to_string());
        }
        Ok(Seen {
            frames: self.simulation.take_frames().into_iter().map(|f| f.octets).collect(),
            interrupts: self.simulation.take_interrupts(0).unwrap_or_default(),
        })
    }
}

/// Makes a device as it is after power-on.
pub type Make = dyn Fn() -> Box<dyn Pins> + Send + Sync;

/// The RTL of the real device.
pub fn rnic() -> Box<dyn Pins> {
    Box::new(ironwarp_sim::Rnic::new())
}

/// A bus that answers quickly, so that programmes are short in clocks.
pub fn quick_bus() -> RootComplexOptions {
    RootComplexOptions { read_latency_ns: 130, write_latency_ns: 40, ..Default::default() }
}
