//! The device: BAR 0 in front, the wire behind.

use crate::byte_stream::ByteStream;
use crate::fences::Fences;
use crate::host::Host;
use crate::place::{place, Doorbell, Place};
use crate::queue_pairs::{AttachError, QueuePairs};
use crate::registers::{compose, index, number, Registers};
use crate::shared::Shared;
use crate::tcp::arrival::{judge, Arrival};
use crate::tcp::congestion::Algorithm;
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::context::table;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{
    Register, ALL, COMMIT, COUNT_FRAMES_BAD, COUNT_FRAMES_FOREIGN, COUNT_FRAMES_NO_ROOM,
    COUNT_FRAMES_RECEIVED, COUNT_REFUSED, CQ_CONTROL, FENCE, FENCED, FLOW_KEY_0, FLOW_KEY_1,
    FLOW_KEY_2, QP_CONTROL,
};
use std::collections::VecDeque;
use std::time::Duration;

/// What a read gives that no aligned word of BAR 0 answers, as on PCI.
const NOBODY: u32 = u32::MAX;

/// How a device is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many objects it has, and what follows from that.
    pub configuration: Configuration,
    /// How many frames may wait to be taken before no more segments with data are made. At least
    /// one; acknowledgements are not held back, but merged.
    pub frames_max: usize,
    /// How its connections control congestion.
    pub congestion: Algorithm,
}

impl Default for Options {
    fn default() -> Self {
        Self { configuration: REFERENCE, frames_max: 256, congestion: Algorithm::default() }
    }
}

/// Frames that wait while the device may not write to memory. Later ones are lost.
const HELD_FRAMES_MAX: usize = 64;

/// The RNIC without a clock.
///
/// Nothing happens between calls. Registers answer at once; a frame is dealt with when it is
/// received, up to the completions and interrupts that it causes; what is to be sent is made by
/// [`Device::poll`].
#[derive(Debug)]
pub struct Device {
    registers: Registers,
    shared: Shared,
    pairs: QueuePairs,
    fences: Fences,
    /// The device may read and write memory.
    bus_master: bool,
    /// Frames that came while it may not.
    held: VecDeque<Vec<u8>>,
}

impl Device {
    /// A device after power-on: nothing is started, every vector is masked.
    pub fn new(options: Options) -> Self {
        let Options { configuration, frames_max, congestion } = options;
        Self {
            registers: Registers::new(configuration),
            shared: Shared::new(configuration, frames_max),
            pairs: QueuePairs::new(configuration, congestion),
            fences: Fences::default(),
            bus_master: true,
            held: VecDeque::new(),
        }
    }

    /// How many objects the device has.
    pub fn configuration(&self) -> Configuration {
        self.shared.configuration
    }

    /// What configuration space allows the function: to read and write memory (Bus Master Enable),
    /// and with it to send interrupt messages (MSI-X Enable without Function Mask). A new device
    /// may do both. What is forbidden waits, and frames with it; interrupts are pending.
    pub fn allow(&mut self, bus_master: bool, messages: bool, host: &mut dyn Host) {
        self.bus_master = bus_master;
        self.shared.completions.msix.allow(bus_master && messages, host);
    }

    /// Reads the word at a byte offset in BAR 0.
    pub fn bar_read32(&self, address: u32) -> u32 {
        match place(address, &self.shared.configuration) {
            Some(Place::Register(address)) => self.read_register(address),
            Some(Place::MsixTable { vector, word }) => {
                self.shared.completions.msix.read(vector, word)
            }
            Some(Place::MsixPending) => self.shared.completions.msix.pending(),
            Some(Place::Window(_) | Place::Doorbell(_) | Place::Nothing) => 0,
            None => NOBODY,
        }
    }

    /// Writes the word at a byte offset in BAR 0. Interrupts that this sets free are sent at once,
    /// and a fence behind which nothing waits is done at once; what else it sets in motion begins
    /// with the next [`Device::poll`].
    pub fn bar_write32(&mut self, address: u32, value: u32, host: &mut dyn Host) {
        match place(address, &self.shared.configuration) {
            Some(Place::Register(address)) => self.write_register(address, value, host),
            Some(Place::MsixTable { vector, word }) => {
                self.shared.completions.msix.write(vector, word, value, host);
            }
            Some(Place::Window(word)) => self.shared.contexts.write(word, value),
            Some(Place::Doorbell(doorbell)) => self.ring(doorbell, value as u16, host),
            Some(Place::MsixPending | Place::Nothing) | None => {}
        }
    }

    /// Takes a frame from the wire, without frame check sequence.
    pub fn receive_frame(&mut self, frame: &[u8], host: &mut dyn Host) {
        let shared = &mut self.shared;
        if !self.bus_master {
            match self.held.len() < HELD_FRAMES_MAX {
                true => self.held.push_back(frame.to_vec()),
                false => shared.counters.count(COUNT_FRAMES_NO_ROOM),
            }
            return;
        }
        shared.counters.count(COUNT_FRAMES_RECEIVED);
        let segment =
            match judge(frame, self.registers.station(), shared.configuration.frame_bytes_max()) {
                Arrival::Bad => return shared.counters.count(COUNT_FRAMES_BAD),
                Arrival::Foreign => return shared.counters.count(COUNT_FRAMES_FOREIGN),
                Arrival::Raw => return self.pairs.receive_raw(frame, shared, host),
                Arrival::Tcp(segment) => segment,
            };
        match shared.contexts.flows.owner(&segment.ends) {
            None => self.pairs.receive_raw(frame, shared, host),
            Some(qp) => self.pairs.receive(qp, &segment, shared, host),
        }
    }

    /// Does what there is to do at a moment of the host's choosing: sends what was posted, in
    /// turns of one segment for each queue pair, acknowledges, and carries octets to and from
    /// attached streams, a bounded number for each. Fences whose frames have been taken are done.
    /// True if there is more to do, for frames and fences once those that wait are taken.
    pub fn poll(&mut self, now: Duration, host: &mut dyn Host) -> bool {
        self.registers.advance(now);
        self.shared.timing = self.registers.timing();
        if !self.bus_master {
            return false;
        }
        for frame in std::mem::take(&mut self.held) {
            self.receive_frame(&frame, host);
        }
        self.settle_fences(host);
        let more = self.pairs.poll(&mut self.shared, host);
        more || self.fences.is_busy()
    }

    /// When the device wants to be polled though nothing else has happened: the first of its timers
    /// expires. In the time that [`Device::poll`] is told; None if no timer runs.
    pub fn next_timer(&self) -> Option<Duration> {
        self.pairs.next_timer().filter(|_| self.bus_master)
    }

    /// The next start of queue pair `qp` runs over this stream; addresses, ports, sequence numbers
    /// and windows of its context are not used then. A stream that was attached before is dropped.
    ///
    /// # Errors
    /// The queue pair is active, or one that takes no stream.
    pub fn attach_stream(
        &mut self,
        qp: u32,
        stream: Box<dyn ByteStream>,
    ) -> Result<(), AttachError> {
        self.pairs.attach(qp, stream)
    }

    /// Gives the stream back, once the queue pair is stopped or has ended; from the next start on
    /// it is a connection over frames again. None if it is active or has no stream.
    pub fn detach_stream(&mut self, qp: u32) -> Option<Box<dyn ByteStream>> {
        self.pairs.detach(qp)
    }

    /// True if the queue pair has octets that the stream did not take yet, so that the caller waits
    /// for room as well as for octets.
    pub fn stream_wants_room(&self, qp: u32) -> bool {
        self.pairs.wants_room(qp)
    }

    /// The frames for the wire, oldest first, without padding and frame check sequence.
    pub fn take_frames(&mut self) -> VecDeque<Vec<u8>> {
        self.shared.take_frames()
    }

    fn read_register(&self, address: u32) -> u32 {
        let Some(register) = ALL.iter().find(|register| register.address == address) else {
            return 0;
        };
        let own = self.registers.read(*register);
        own.or_else(|| self.shared.counters.read(address)).unwrap_or_else(|| self.state(*register))
    }

    /// The registers that show queue pairs and fences.
    fn state(&self, register: Register) -> u32 {
        match register {
            FENCED => {
                let (number, busy) = (self.fences.done(), self.fences.is_busy());
                compose(FENCED, &[("number", number.into()), ("busy", busy.into())])
            }
            register => self.pairs.query(self.registers.query(), register),
        }
    }

    fn write_register(&mut self, address: u32, value: u32, host: &mut dyn Host) {
        let Some(register) = ALL.iter().find(|register| register.address == address) else {
            return;
        };
        let taken = match *register {
            QP_CONTROL => self.control_queue_pair(value),
            CQ_CONTROL => self.control_completion_queue(value),
            COMMIT => self.commit(value),
            FENCE => {
                self.fence(value as u16, host);
                Some(())
            }
            FLOW_KEY_0 | FLOW_KEY_1 | FLOW_KEY_2 => {
                let word = (address - FLOW_KEY_0.address) / 4;
                self.shared.contexts.flows.key[word as usize] = value;
                Some(())
            }
            register => self.registers.write(register, value),
        };
        if taken.is_none() {
            tracing::debug!(register = register.name, value, "a write is refused");
            self.shared.counters.count(COUNT_REFUSED);
        }
    }

    fn control_queue_pair(&mut self, value: u32) -> Option<()> {
        let index = number(value, self.shared.configuration.qp_count())?;
        let context = *self.shared.contexts.queue_pair(index)?;
        match is_enable(value) {
            true => self.pairs.start(index, context),
            false => self.pairs.stop(index),
        }
        Some(())
    }

    fn control_completion_queue(&mut self, value: u32) -> Option<()> {
        let index = number(value, self.shared.configuration.cq_count())?;
        let context = *self.shared.contexts.completion_queue(index)?;
        self.shared.completions.control(index, is_enable(value).then_some(context));
        Some(())
    }

    fn commit(&mut self, value: u32) -> Option<()> {
        let (index, of) = (index(value), (value >> 24 & 0xf) as u8);
        let at_work = match of {
            table::QUEUE_PAIR => self.pairs.is_started(index),
            table::COMPLETION_QUEUE => self.shared.completions.is_started(index),
            _ => false,
        };
        self.shared.contexts.commit(of, index, at_work)
    }

    fn fence(&mut self, number: u16, host: &mut dyn Host) {
        let (made, _) = self.shared.frames();
        self.fences.ask(number, made);
        self.settle_fences(host);
    }

    /// Tells of the fences that are done, if the bus may be used.
    fn settle_fences(&mut self, host: &mut dyn Host) {
        if !self.bus_master {
            return;
        }
        let (made, taken) = self.shared.frames();
        while let Some(request) = self.fences.settle(made, taken) {
            let entry = CompletionEntry { kind: kind::FENCE, request, ..Default::default() };
            // If there is no room for it, the register says it alone.
            let _ = self.shared.complete(self.registers.fence_queue(), entry, host);
        }
    }

    fn ring(&mut self, doorbell: Doorbell, value: u16, host: &mut dyn Host) {
        match doorbell {
            Doorbell::Send(qp) => self.pairs.post_sends(qp, value),
            Doorbell::Receive(qp) => self.pairs.post_receives(qp, value),
            Doorbell::Consumed(cq) => self.shared.completions.consumed(cq, value),
            Doorbell::Arm(cq) => self.shared.completions.arm(cq, host),
        }
    }
}

/// In the words of `QP_CONTROL` and `CQ_CONTROL`: start it.
fn is_enable(value: u32) -> bool {
    value >> 24 & 1 != 0
}
