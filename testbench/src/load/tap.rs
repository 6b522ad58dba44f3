//! Listens at a device's pins, and can make bus and wire refuse for a while.

use super::fact::Fact;
use ironwarp_sim::tlp::{Request, Tlp};
use ironwarp_sim::{Beat, Error, Inputs, Outputs, Pins};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a tap has heard, and for how many clocks bus and wire still refuse. Clones are the same.
#[derive(Clone, Default)]
pub struct Line {
    facts: Arc<Mutex<Vec<Fact>>>,
    /// The bus takes nothing for so many clocks.
    pub bus: Arc<AtomicU32>,
    /// The wire takes nothing for so many clocks, from the end of a frame on.
    pub wire: Arc<AtomicU32>,
}

impl Line {
    fn push(&self, fact: Fact) {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).push(fact);
    }

    /// Takes what was heard.
    pub fn take(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A packet that is not whole yet.
#[derive(Default)]
struct Packet {
    octets: Vec<u8>,
    /// A beat was offered and not taken.
    offered: bool,
}

impl Packet {
    /// A beat, if there was one, and whether it was taken; the octets of the packet that it ends.
    fn clock(&mut self, beat: Option<Beat>, taken: bool) -> Option<Vec<u8>> {
        self.offered = beat.is_some() && !taken;
        let beat = beat.filter(|_| taken)?;
        let octets = beat.data.to_le_bytes();
        self.octets.extend_from_slice(&octets[..usize::from(beat.bytes).min(octets.len())]);
        let whole = beat.last.then(|| std::mem::take(&mut self.octets));
        whole.filter(|_| !beat.error)
    }
}

/// A device that is listened to.
pub struct Tap {
    pins: Box<dyn Pins>,
    line: Line,
    host: Packet,
    bus: Packet,
    wire: Packet,
}

impl Tap {
    /// Listens to a device.
    pub fn new(pins: Box<dyn Pins>, line: Line) -> Self {
        let [host, bus, wire] = [(); 3].map(|()| Packet::default());
        Self { pins, line, host, bus, wire }
    }

    fn device_says(&self, octets: &[u8]) {
        match Tlp::parse(octets) {
            Ok(Tlp::Read(request)) => {
                let (address, length) = request.span();
                self.line.push(Fact::Read { tag: request.tag, address, length });
            }
            Ok(Tlp::Write(request, payload)) => {
                let (address, octets) = meant(&request, &payload);
                self.line.push(Fact::Write { address, octets });
            }
            // The root complex reports what it cannot read.
            Ok(Tlp::Completion(_)) | Err(_) => {}
        }
    }

    fn host_says(&self, octets: &[u8]) {
        if let Ok(Tlp::Completion(answer)) = Tlp::parse(octets) {
            let lead = usize::from(answer.lower_address % 4);
            let rest = usize::from(answer.remaining) + lead;
            // What is not a success is the last of its answer.
            if answer.payload.is_empty() || rest <= answer.payload.len() {
                self.line.push(Fact::Answered { tag: answer.tag });
            }
        }
    }
}

/// Where the octets of a write begin that count, and these.
fn meant(request: &Request, payload: &[u8]) -> (u64, Vec<u8>) {
    let (address, length) = request.span();
    let lead = (address - request.address) as usize;
    let octets = payload.iter().skip(lead).take(length).copied().collect();
    (address, octets)
}

/// One clock of refusal, if there is one left and it may begin now.
fn refuses(clocks: &AtomicU32, may: bool) -> bool {
    let left = clocks.load(Ordering::Relaxed);
    if left > 0 && may {
        clocks.store(left - 1, Ordering::Relaxed);
    }
    left > 0 && may
}

impl Pins for Tap {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        // A beat that was offered stays offered.
        let bus_refuses = refuses(&self.line.bus, !self.bus.offered);
        let wire_refuses =
            refuses(&self.line.wire, !self.wire.offered && self.wire.octets.is_empty());
        let inputs = Inputs {
            pcie_out_ready: inputs.pcie_out_ready && !bus_refuses,
            mac_out_ready: inputs.mac_out_ready && !wire_refuses,
            ..*inputs
        };
        let mut outputs = self.pins.clock(&inputs);
        outputs.pcie_out = outputs.pcie_out.filter(|_| !bus_refuses);
        outputs.mac_out = outputs.mac_out.filter(|_| !wire_refuses);
        // What reached the device in this clock came before what it does now.
        if let Some(octets) = self.host.clock(inputs.pcie_in, outputs.pcie_in_ready) {
            self.host_says(&octets);
        }
        if let Some(octets) = self.bus.clock(outputs.pcie_out, inputs.pcie_out_ready) {
            self.device_says(&octets);
        }
        if let Some(octets) = self.wire.clock(outputs.mac_out, inputs.mac_out_ready) {
            self.line.push(Fact::Frame(octets));
        }
        outputs
    }

    fn open_waveform(&mut self, path: &Path) -> Result<(), Error> {
        self.pins.open_waveform(path)
    }

    fn close_waveform(&mut self) -> Result<(), Error> {
        self.pins.close_waveform()
    }
}
