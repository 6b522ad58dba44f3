//! The two sides of a lockstep run, under one face.

use super::pins::Pins;
use ironwarp_hdl::blocks::{BlockEntry, Specimen};
use ironwarp_hdl::pins::{PinVisitor, Words};
use rust_hdl::core::vcd_probe::{write_vcd_change, write_vcd_dump, write_vcd_header, VCDProbe};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use verilator_sys::{Port, VerilatedModel};

/// The block in RustHDL.
pub(super) struct Rust {
    block: Box<dyn Specimen>,
    waveform: Option<VCDProbe<BufWriter<File>>>,
}

impl Rust {
    pub(super) fn new(entry: &BlockEntry) -> Self {
        Self { block: (entry.make)(), waveform: None }
    }

    pub(super) fn open_waveform(&mut self, path: &Path) -> Result<(), String> {
        let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let header = write_vcd_header(BufWriter::new(file), self.block.block());
        self.waveform = Some(write_vcd_dump(header, self.block.block()));
        Ok(())
    }

    /// Drives the inputs and the clocks, and settles.
    pub(super) fn drive(&mut self, pins: &Pins) -> Result<(), String> {
        let mut drive = Drive { pins, unknown: Vec::new() };
        self.block.pins(&mut drive);
        if let Some(name) = drive.unknown.first() {
            return Err(format!("port {name} is registered but is not in the Verilog"));
        }
        match self.block.settle() {
            true => Ok(()),
            false => Err("RustHDL does not settle: a combinational loop".to_owned()),
        }
    }

    /// The value of every output, by the Verilated ports' indices.
    pub(super) fn outputs(&mut self, ports: &'static [Port]) -> Vec<Option<Words>> {
        self.read(ports).values
    }

    /// The Verilated ports' indices in the registry's order.
    pub(super) fn order(&mut self, ports: &'static [Port]) -> Vec<usize> {
        self.read(ports).order
    }

    fn read(&mut self, ports: &'static [Port]) -> Read {
        let mut read = Read { ports, values: vec![None; ports.len()], order: Vec::new() };
        self.block.pins(&mut read);
        read
    }

    /// Writes the present values, `time` in picoseconds.
    pub(super) fn dump(&mut self, time: u64) {
        if let Some(mut waveform) = self.waveform.take() {
            // A waveform is a help to a person; that it cannot be written fails no test.
            if waveform.timestamp(time).is_ok() {
                self.waveform = Some(write_vcd_change(waveform, self.block.block()));
            }
        }
    }
}

struct Drive<'a> {
    pins: &'a Pins,
    unknown: Vec<String>,
}

impl PinVisitor for Drive<'_> {
    fn input(&mut self, name: &str, _: usize) -> Option<Words> {
        match self.pins.find(name) {
            Some(port) => Some(self.pins.at(port).to_vec()),
            None => {
                self.unknown.push(name.to_owned());
                None
            }
        }
    }

    fn output(&mut self, _: &str, _: usize, _: &dyn Fn() -> Words) {}
}

struct Read {
    ports: &'static [Port],
    values: Vec<Option<Words>>,
    order: Vec<usize>,
}

impl PinVisitor for Read {
    fn input(&mut self, name: &str, _: usize) -> Option<Words> {
        self.note(name, &Vec::new);
        None
    }

    fn output(&mut self, name: &str, _: usize, value: &dyn Fn() -> Words) {
        self.note(name, value);
    }
}

impl Read {
    fn note(&mut self, name: &str, value: &dyn Fn() -> Words) {
        if let Some(port) = self.ports.iter().position(|port| port.name == name) {
            self.values[port] = Some(value());
            self.order.push(port);
        }
    }
}

/// The block's Verilog in Verilator.
pub(super) struct Verilog {
    model: Box<dyn VerilatedModel>,
}

impl Verilog {
    pub(super) fn new(name: &str) -> Result<Self, String> {
        let models = crate::verilated::all();
        let Some((_, make)) = models.iter().find(|(known, _)| *known == name) else {
            return Err("the build script did not Verilate it".to_owned());
        };
        Ok(Self { model: make() })
    }

    pub(super) fn ports(&self) -> &'static [Port] {
        self.model.ports()
    }

    pub(super) fn open_waveform(&mut self, path: &Path) -> Result<(), String> {
        self.model.open_waveform(path).map_err(|e| e.to_string())
    }

    pub(super) fn drive(&mut self, pins: &Pins) {
        for port in pins.driven() {
            self.model.set_port(port, pins.at(port));
        }
        self.model.eval();
    }

    pub(super) fn output(&self, port: usize) -> Words {
        let mut words = vec![0; self.ports()[port].words()];
        self.model.port(port, &mut words);
        words
    }

    pub(super) fn dump(&mut self, time: u64) {
        self.model.dump(time);
    }
}
