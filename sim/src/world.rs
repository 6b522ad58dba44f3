//! RNICs, hosts and link on one clock.
#![allow(unused_variables, missing_docs, dead_code, clippy::todo)] // the bodies follow

use crate::{Error, HostMemory, Options, Pins, Stages};
use std::path::Path;

/// A frame that reached the test's end of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The clock in which its last octet arrived.
    pub clock: u64,
    /// The frame without preamble and frame check sequence, padded to 60 octets.
    pub octets: Vec<u8>,
}

/// What has happened so far; for progress bars and reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Core clocks.
    pub clock: u64,
    /// Octets that RNIC n's DMA has written to host memory.
    pub octets_written: [u64; 2],
    /// Octets that RNIC n's DMA has read from host memory.
    pub octets_read: [u64; 2],
    /// Frames that RNIC n has sent.
    pub frames_sent: [u64; 2],
}

/// The world.
pub struct Simulation {
    options: Options,
}

impl Simulation {
    /// A world of Verilated RNICs, powered on and set up as firmware would: bus number, BAR
    /// address, largest payload and read request. Bus mastering and memory space are off.
    pub fn new(options: Options) -> Result<Self, Error> {
        todo!()
    }

    /// The same with other devices: `power_on(n)` makes RNIC n anew at every reset.
    pub fn with_devices(
        options: Options,
        power_on: Box<dyn FnMut(usize) -> Box<dyn Pins> + Send>,
    ) -> Result<Self, Error> {
        todo!()
    }

    /// Gives RNIC `nic` its host memory; before, every DMA access is unmapped.
    pub fn attach_memory(&mut self, nic: usize, memory: Box<dyn HostMemory>) -> Result<(), Error> {
        todo!()
    }

    /// One core clock for everything.
    pub fn step(&mut self) {
        todo!()
    }

    /// `clocks` core clocks.
    pub fn run(&mut self, clocks: u64) {
        todo!()
    }

    /// Core clocks since power-on.
    pub fn clock(&self) -> u64 {
        todo!()
    }

    /// Nanoseconds since power-on, rounded down.
    pub fn nanoseconds(&self) -> u64 {
        todo!()
    }

    /// How many RNICs there are.
    pub fn nics(&self) -> usize {
        self.options.nics
    }

    /// Reads a register of BAR 0. Time passes until the answer is there.
    pub fn bar_read32(&mut self, nic: usize, address: u32) -> Result<u32, Error> {
        todo!()
    }

    /// Writes a register of BAR 0. Posted: the write is under way when this returns, and takes
    /// effect as the clock is stepped; a read that follows does not pass it.
    pub fn bar_write32(&mut self, nic: usize, address: u32, value: u32) -> Result<(), Error> {
        todo!()
    }

    /// Reads configuration space.
    pub fn config_read(&self, nic: usize, offset: u16, bytes: &mut [u8]) -> Result<(), Error> {
        todo!()
    }

    /// Writes configuration space. A function-level reset does what [`Simulation::reset`] does.
    pub fn config_write(&mut self, nic: usize, offset: u16, bytes: &[u8]) -> Result<(), Error> {
        todo!()
    }

    /// Power-cycles an RNIC: a new device, empty queues, configuration space as after `new`.
    pub fn reset(&mut self, nic: usize) -> Result<(), Error> {
        todo!()
    }

    /// Steps until RNIC `nic` has interrupted, at most `limit` clocks; takes the oldest
    /// interrupt's vector (the message's data).
    pub fn run_until_interrupt(&mut self, nic: usize, limit: u64) -> Result<Option<u32>, Error> {
        todo!()
    }

    /// Takes the vectors of all interrupts that RNIC `nic` has sent, oldest first.
    pub fn take_interrupts(&mut self, nic: usize) -> Result<Vec<u32>, Error> {
        todo!()
    }

    /// What has happened so far.
    pub fn progress(&self) -> Progress {
        todo!()
    }

    /// Sends a frame from the test's end of the link (worlds of one RNIC).
    pub fn send_frame(&mut self, octets: &[u8]) -> Result<(), Error> {
        todo!()
    }

    /// Takes the frames that reached the test's end of the link.
    pub fn take_frames(&mut self) -> Vec<Frame> {
        todo!()
    }

    /// Begins to watch the stations of RNIC `nic` anew.
    pub fn watch(&mut self, nic: usize) -> Result<(), Error> {
        todo!()
    }

    /// The stations passed since [`Simulation::watch`].
    pub fn stages(&self, nic: usize) -> Result<&Stages, Error> {
        todo!()
    }

    /// Writes a waveform of RNIC `nic` from now on.
    pub fn open_waveform(&mut self, nic: usize, path: &Path) -> Result<(), Error> {
        todo!()
    }

    /// Finishes waveforms and capture; the errors that writing them met come out here.
    pub fn finish(&mut self) -> Result<(), Error> {
        todo!()
    }
}
