//! The behavioural model behind the pins of the RTL: what is built around the RTL can be tested
//! without it.
//!
//! The model has no clock, and reads memory while it is called. So it runs on a thread of its own,
//! which waits while a read is on the bus; in every clock it is at rest or waits for an answer, so
//! that what happens follows from the clocks alone.

use ironwarp_model::{Device, Fault, Host, Options};
use ironwarp_sim::tlp::{Completion, Request, Status, Tlp, PAGE};
use ironwarp_sim::{Beat, Inputs, Outputs, Pins};
use std::collections::VecDeque;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Duration;

/// Frames that a call may make.
const FRAMES: usize = 4;

/// What the model is asked to do.
enum Call {
    Write(u32, u32),
    Read(u32),
    Frame(Vec<u8>),
    Poll(Duration),
}

/// What the model does meanwhile.
enum Deed {
    Read(u64, usize),
    Write(u64, Vec<u8>),
    /// The call is over: frames for the wire, what a register reads, whether there is more to do.
    Over(Vec<Vec<u8>>, u32, bool),
}

/// The model's bus: the other end of two channels.
struct Bus {
    deeds: Sender<Deed>,
    answers: Receiver<Option<Vec<u8>>>,
}

impl Host for Bus {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.deeds.send(Deed::Read(address, into.len())).map_err(|_| Fault)?;
        let octets = self.answers.recv().ok().flatten().ok_or(Fault)?;
        into.copy_from_slice(&octets);
        Ok(())
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        // Nobody listens any more when the pins are gone.
        let _ = self.deeds.send(Deed::Write(address, octets.to_vec()));
    }
}

fn work(calls: Receiver<Call>, mut bus: Bus) {
    // A call makes few frames, so that control events meet those that are not made yet.
    let mut device = Device::new(Options { frames_max: FRAMES, ..Options::default() });
    while let Ok(call) = calls.recv() {
        let (mut value, mut more) = (0, true);
        match call {
            Call::Write(address, value) => device.bar_write32(address, value, &mut bus),
            Call::Read(address) => value = device.bar_read32(address),
            Call::Frame(octets) => device.receive_frame(&octets, &mut bus),
            Call::Poll(now) => more = device.poll(now, &mut bus),
        }
        let frames = device.take_frames().into_iter().collect();
        if bus.deeds.send(Deed::Over(frames, value, more)).is_err() {
            return;
        }
    }
}

/// A packet or frame on its way out.
#[derive(Default)]
struct Sending {
    packets: VecDeque<Vec<u8>>,
    at: usize,
}

impl Sending {
    fn beat(&self) -> Option<Beat> {
        Beat::of(self.packets.front()?, self.at)
    }

    fn taken(&mut self) {
        self.at += 1;
        if self.beat().is_none() {
            self.packets.pop_front();
            self.at = 0;
        }
    }
}

/// A read of the model's that is on the bus.
struct Reading {
    /// What came, by request; `None` where the bus refused.
    parts: Vec<Vec<u8>>,
    /// Octets that are due, by request.
    due: Vec<usize>,
    refused: bool,
}

/// The model, at its pins.
pub struct StandIn {
    calls: Sender<Call>,
    deeds: Receiver<Deed>,
    answers: Sender<Option<Vec<u8>>>,
    waiting: VecDeque<(Call, Option<Request>)>,
    /// The model is in a call, which answers this request.
    busy: Option<Option<Request>>,
    reading: Option<Reading>,
    /// There may be something left to do.
    more: bool,
    host: Vec<u8>,
    wire: Vec<u8>,
    bus_out: Sending,
    wire_out: Sending,
    requester: u16,
    max_payload: usize,
    max_read: usize,
    clock: u64,
}

impl Default for StandIn {
    fn default() -> Self {
        Self::new()
    }
}

impl StandIn {
    /// A device after power-on.
    pub fn new() -> Self {
        let (calls, called) = channel();
        let (done, deeds) = channel();
        let (answers, answered) = channel();
        std::thread::spawn(move || work(called, Bus { deeds: done, answers: answered }));
        Self {
            calls,
            deeds,
            answers,
            waiting: VecDeque::new(),
            busy: None,
            reading: None,
            more: false,
            host: Vec::new(),
            wire: Vec::new(),
            bus_out: Sending::default(),
            wire_out: Sending::default(),
            requester: 0,
            max_payload: 128,
            max_read: 128,
            clock: 0,
        }
    }

    /// Takes a packet of the host.
    fn packet(&mut self, octets: &[u8]) {
        match Tlp::parse(octets) {
            // The BAR is aligned to its size.
            Ok(Tlp::Write(request, payload)) => {
                let value = payload.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
                self.waiting.push_back((Call::Write(offset(&request), value), None));
            }
            Ok(Tlp::Read(request)) => {
                self.waiting.push_back((Call::Read(offset(&request)), Some(request)));
            }
            Ok(Tlp::Completion(answer)) => self.answered(answer),
            Err(_) => {}
        }
    }

    fn answered(&mut self, answer: Completion) {
        let Some(reading) = &mut self.reading else { return };
        let part = usize::from(answer.tag);
        reading.refused |= answer.status != Status::Success;
        let lead = usize::from(answer.lower_address % 4);
        let come = reading.parts[part].len();
        let new = answer.payload.iter().skip(lead).take(reading.due[part] - come);
        reading.parts[part].extend(new);
        if reading.refused || reading.parts.iter().zip(&reading.due).all(|(p, due)| p.len() == *due)
        {
            let octets = (!reading.refused).then(|| reading.parts.concat());
            self.reading = None;
            let _ = self.answers.send(octets);
            self.listen();
        }
    }

    /// Begins what is next, if the model is at rest.
    fn begin(&mut self) {
        if self.busy.is_some() {
            return;
        }
        let next = self.waiting.pop_front();
        let polls = (Call::Poll(Duration::from_nanos(self.clock)), None);
        let Some((call, request)) = next.or(self.more.then_some(polls)) else { return };
        if self.calls.send(call).is_ok() {
            self.busy = Some(request);
            self.listen();
        }
    }

    /// Takes what the model does, until it waits or is done.
    fn listen(&mut self) {
        while let Ok(deed) = self.deeds.recv() {
            match deed {
                Deed::Write(address, octets) => self.write(address, &octets),
                Deed::Read(address, length) => return self.read(address, length),
                Deed::Over(frames, value, more) => {
                    self.more = more;
                    self.wire_out.packets.extend(frames.into_iter().map(pad));
                    if let Some(request) = self.busy.take().flatten() {
                        self.answer(&request, value);
                    }
                    return;
                }
            }
        }
    }

    fn send(&mut self, packet: &Tlp) {
        let mut octets = Vec::new();
        packet.emit(&mut octets);
        self.bus_out.packets.push_back(octets);
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        for (at, part) in cut(address, octets.len(), self.max_payload) {
            let from = (at - address) as usize;
            let request = Request::of(self.requester, 0, at, part);
            let mut payload = vec![0; 4 * usize::from(request.dwords)];
            payload[(at % 4) as usize..][..part].copy_from_slice(&octets[from..from + part]);
            self.send(&Tlp::Write(request, payload));
        }
    }

    fn read(&mut self, address: u64, length: usize) {
        let parts = cut(address, length, self.max_read);
        if parts.is_empty() {
            let _ = self.answers.send(Some(Vec::new()));
            return self.listen();
        }
        let due: Vec<usize> = parts.iter().map(|(_, part)| *part).collect();
        self.reading = Some(Reading { parts: vec![Vec::new(); due.len()], due, refused: false });
        for (tag, (at, part)) in parts.into_iter().enumerate() {
            self.send(&Tlp::Read(Request::of(self.requester, tag as u8, at, part)));
        }
    }

    fn answer(&mut self, request: &Request, value: u32) {
        self.send(&Tlp::Completion(Completion {
            completer: self.requester,
            status: Status::Success,
            remaining: 4,
            requester: request.requester,
            tag: request.tag,
            lower_address: (request.address % 128) as u8,
            payload: value.to_le_bytes().to_vec(),
        }));
    }
}

/// Where in BAR 0 a request goes.
fn offset(request: &Request) -> u32 {
    request.address as u32 & (ironwarp_abi::configuration::REFERENCE.bar_bytes() - 1)
}

fn pad(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(ironwarp_wire::ethernet::FRAME_BYTES_MIN), 0);
    frame
}

/// Addresses and octets of the packets that make an access: none crosses a multiple of `most`, nor
/// so of the page.
fn cut(mut address: u64, mut length: usize, most: usize) -> Vec<(u64, usize)> {
    let most = PAGE.min(most as u64);
    let mut parts = Vec::new();
    while length > 0 {
        let part = length.min((most - address % most) as usize);
        parts.push((address, part));
        address = address.wrapping_add(part as u64);
        length -= part;
    }
    parts
}

/// Takes a beat; the packet that it ends.
fn take(into: &mut Vec<u8>, beat: Option<Beat>) -> Option<Vec<u8>> {
    let beat = beat?;
    let octets = beat.data.to_le_bytes();
    into.extend_from_slice(&octets[..usize::from(beat.bytes)]);
    beat.last.then(|| std::mem::take(into)).filter(|_| !beat.error)
}

impl Pins for StandIn {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        self.requester = inputs.requester;
        self.max_payload = 128 << inputs.max_payload;
        self.max_read = 128 << inputs.max_read;
        self.clock = inputs.clock;
        let outputs = Outputs {
            pcie_in_ready: true,
            pcie_out: self.bus_out.beat(),
            mac_in_ready: true,
            mac_out: self.wire_out.beat(),
            ..Outputs::default()
        };
        if outputs.pcie_out.is_some() && inputs.pcie_out_ready {
            self.bus_out.taken();
        }
        if outputs.mac_out.is_some() && inputs.mac_out_ready {
            self.wire_out.taken();
        }
        if let Some(octets) = take(&mut self.host, inputs.pcie_in) {
            self.packet(&octets);
        }
        if let Some(octets) = take(&mut self.wire, inputs.mac_in) {
            self.waiting.push_back((Call::Frame(octets), None));
        }
        // What a call has written and sent has left before the next one begins.
        if self.bus_out.packets.is_empty() && self.wire_out.packets.is_empty() {
            self.begin();
        }
        outputs
    }
}
