//! A device whose brain is the test: what it sends and what it got lie in the open.
#![allow(dead_code)] // every test file uses its part

use ironwarp_sim::tlp::{Completion, Request, Status, Tlp};
use ironwarp_sim::{Beat, Inputs, Options, Outputs, OwnedMemory, Pins, Simulation};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// A packet to send or one that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The clock of its first beat (received packets).
    pub first: u64,
    /// The clock of its last beat (received packets).
    pub last: u64,
    pub octets: Vec<u8>,
    pub error: bool,
}

pub type Answer = Box<dyn FnMut(&Request) -> Completion + Send>;

#[derive(Default)]
pub struct State {
    pub tlps_out: VecDeque<Packet>,
    pub frames_out: VecDeque<Packet>,
    pub tlps_in: VecDeque<Packet>,
    pub frames_in: Vec<Packet>,
    /// The clocks in which the MAC took the first beat of a frame.
    pub frame_starts: Vec<u64>,
    /// Pause for a clock before this beat of every frame: what no device may do.
    pub stumble: Option<usize>,
    /// The share of clocks in which the device does not take a TLP beat.
    pub refuse: f64,
    pub trace: u16,
    /// Answers reads of the BAR; without it, they stay in `tlps_in`.
    pub answer: Option<Answer>,
    pub max_payload: usize,
    pub max_read: usize,
    pub requester: u16,
    /// Bus mastering, MSI-X, function mask, completion timeout off.
    pub enables: [bool; 4],
}

impl State {
    pub fn send_tlp(&mut self, tlp: &Tlp) {
        let mut octets = Vec::new();
        tlp.emit(&mut octets);
        self.send_raw_tlp(octets, false);
    }

    pub fn send_raw_tlp(&mut self, octets: Vec<u8>, error: bool) {
        self.tlps_out.push_back(Packet { first: 0, last: 0, octets, error });
    }

    pub fn send_frame(&mut self, octets: Vec<u8>, error: bool) {
        self.frames_out.push_back(Packet { first: 0, last: 0, octets, error });
    }
}

/// The completion that a sound device gives to a BAR read.
pub fn answer(request: &Request, value: u32) -> Completion {
    Completion {
        completer: 0x100,
        status: Status::Success,
        remaining: 4,
        requester: request.requester,
        tag: request.tag,
        lower_address: (request.address & 0x7f) as u8,
        payload: value.to_le_bytes().to_vec(),
    }
}

#[derive(Clone, Default)]
pub struct Handle(Arc<Mutex<State>>);

impl Handle {
    pub fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

struct Device {
    state: Handle,
    random: ChaCha8Rng,
    tlp_beat: usize,
    frame_beat: usize,
    tlp: Packet,
    frame: Packet,
}

const EMPTY: Packet = Packet { first: 0, last: 0, octets: Vec::new(), error: false };

fn offer(queue: &VecDeque<Packet>, index: usize) -> Option<Beat> {
    let packet = queue.front()?;
    let mut beat = Beat::of(&packet.octets, index)?;
    beat.error = beat.last && packet.error;
    Some(beat)
}

/// Adds a beat to a packet; gives the packet when it is whole.
fn collect(packet: &mut Packet, beat: Beat, clock: u64) -> Option<Packet> {
    if packet.octets.is_empty() {
        packet.first = clock;
    }
    assert!(beat.last || beat.bytes == 8, "{beat:?}");
    packet.octets.extend_from_slice(&beat.data.to_le_bytes()[..usize::from(beat.bytes)]);
    if !beat.last {
        assert!(!beat.error, "an error before the last beat");
        return None;
    }
    (packet.last, packet.error) = (clock, beat.error);
    Some(std::mem::replace(packet, EMPTY))
}

impl Pins for Device {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        let state = &mut *self.state.lock();
        state.max_payload = 128 << inputs.max_payload;
        state.max_read = 128 << inputs.max_read;
        state.requester = inputs.requester;
        state.enables = [
            inputs.bus_master_enable,
            inputs.msix_enable,
            inputs.msix_function_mask,
            inputs.completion_timeout_disable,
        ];
        let refuse = state.refuse > 0.0 && self.random.random_bool(state.refuse);
        let stumble = state.stumble == Some(self.frame_beat) && self.frame_beat > 0;
        let outputs = Outputs {
            pcie_in_ready: !refuse,
            pcie_out: offer(&state.tlps_out, self.tlp_beat),
            mac_in_ready: true,
            mac_out: offer(&state.frames_out, self.frame_beat).filter(|_| !stumble),
            trace: std::mem::take(&mut state.trace),
        };
        if stumble {
            state.stumble = None;
        }
        if let (Some(beat), false) = (inputs.pcie_in, refuse) {
            if let Some(packet) = collect(&mut self.tlp, beat, inputs.clock) {
                match (Tlp::parse(&packet.octets), state.answer.take()) {
                    (Ok(Tlp::Read(request)), Some(mut answer)) => {
                        state.send_tlp(&Tlp::Completion(answer(&request)));
                        state.answer = Some(answer);
                    }
                    (_, answer) => {
                        state.answer = answer;
                        state.tlps_in.push_back(packet);
                    }
                }
            }
        }
        if let Some(beat) = inputs.mac_in {
            state.frames_in.extend(collect(&mut self.frame, beat, inputs.clock));
        }
        if let (Some(beat), true) = (outputs.pcie_out, inputs.pcie_out_ready) {
            self.tlp_beat += 1;
            if beat.last {
                state.tlps_out.pop_front();
                self.tlp_beat = 0;
            }
        }
        if let (Some(beat), true) = (outputs.mac_out, inputs.mac_out_ready) {
            if self.frame_beat == 0 {
                state.frame_starts.push(inputs.clock);
            }
            self.frame_beat += 1;
            if beat.last {
                state.frames_out.pop_front();
                self.frame_beat = 0;
            }
        }
        outputs
    }
}

pub fn simulation(options: Options) -> (Simulation, Vec<Handle>) {
    let handles: Vec<Handle> = (0..options.nics).map(|_| Handle::default()).collect();
    let (inside, seed) = (handles.clone(), options.seed);
    let power_on = move |nic: usize| -> Box<dyn Pins> {
        Box::new(Device {
            state: inside[nic].clone(),
            random: ChaCha8Rng::seed_from_u64(seed ^ 77),
            tlp_beat: 0,
            frame_beat: 0,
            tlp: EMPTY,
            frame: EMPTY,
        })
    };
    (Simulation::with_devices(options, Box::new(power_on)).unwrap(), handles)
}

/// Command register with memory space and bus mastering on; MSI-X on, not masked.
pub fn enable(simulation: &mut Simulation, nic: usize) {
    simulation.config_write(nic, 4, &6u16.to_le_bytes()).unwrap();
    msix(simulation, nic, 0x8000);
}

/// Writes the MSI-X control register.
pub fn msix(simulation: &mut Simulation, nic: usize, control: u16) {
    let mut at = [0];
    simulation.config_read(nic, 0x34, &mut at).unwrap();
    loop {
        let mut header = [0; 2];
        simulation.config_read(nic, at[0].into(), &mut header).unwrap();
        if header[0] == 0x11 {
            break;
        }
        at[0] = header[1];
    }
    simulation.config_write(nic, u16::from(at[0]) + 2, &control.to_le_bytes()).unwrap();
}

/// A world of one device with memory, everything enabled.
pub fn one(options: Options) -> (Simulation, Handle, OwnedMemory) {
    let (mut simulation, handles) = simulation(Options { nics: 1, ..options });
    let memory = OwnedMemory::new();
    simulation.attach_memory(0, Box::new(memory.clone())).unwrap();
    enable(&mut simulation, 0);
    simulation.step();
    (simulation, handles[0].clone(), memory)
}

/// Seeds for a random test: 0..count, or the one in `SEED`.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..count).collect(),
    }
}
