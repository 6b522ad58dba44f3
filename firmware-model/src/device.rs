//! The device: BAR 0 in front, the wire behind.

use crate::host::Host;
use crate::place::{place, Doorbell, Place};
use crate::queue_pair::QueuePair;
use crate::raw_pair::RawPair;
use crate::registers::Registers;
use crate::shared::Shared;
use crate::tcp::arrival::{judge, Arrival};
use ironwarp_abi::limits::{QP_COUNT, RAW_QP};
use ironwarp_abi::registers::{
    Register, ALL, COUNT_FRAMES_BAD, COUNT_FRAMES_FOREIGN, COUNT_FRAMES_RECEIVED,
    COUNT_RAW_NO_BUFFER, CQ_CONTROL, QP_ACTIVE, QP_CONTROL, QUERY_RECEIVE_NEXT, QUERY_SEND_NEXT,
    QUERY_SEND_UNACKNOWLEDGED, QUERY_SEND_WINDOW,
};
use std::collections::VecDeque;
use std::time::Duration;

/// What a read gives that no aligned word of BAR 0 answers, as on PCI.
const NOBODY: u32 = u32::MAX;

/// How a device is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many frames may wait to be taken before no more segments with data are made. At least
    /// one; acknowledgements are not held back, but merged.
    pub frames_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { frames_max: 256 }
    }
}

/// The RNIC without a clock.
///
/// Nothing happens between calls. Registers answer at once; a frame is dealt with when it is
/// received, up to the completions and interrupts that it causes; what is to be sent is made by
/// [`Device::poll`].
#[derive(Debug)]
pub struct Device {
    registers: Registers,
    shared: Shared,
    raw: Option<RawPair>,
    /// The queue pairs that were ever started, by number; [`RAW_QP`] is not among them.
    streams: [Option<Box<QueuePair>>; QP_COUNT],
    /// The queue pair whose turn it is to send.
    turn: usize,
}

impl Device {
    /// A device after power-on: nothing is started, every vector is masked.
    pub fn new(options: Options) -> Self {
        Self {
            registers: Registers::new(),
            shared: Shared::new(options.frames_max),
            raw: None,
            streams: [const { None }; QP_COUNT],
            turn: 0,
        }
    }

    /// Reads the word at a byte offset in BAR 0.
    pub fn bar_read32(&self, address: u32) -> u32 {
        match place(address) {
            Some(Place::Register(address)) => self.read_register(address),
            Some(Place::MsixTable { vector, word }) => {
                self.shared.completions.msix.read(vector, word)
            }
            Some(Place::MsixPending) => self.shared.completions.msix.pending(),
            Some(Place::Context { .. } | Place::Doorbell(_) | Place::Nothing) => 0,
            None => NOBODY,
        }
    }

    /// Writes the word at a byte offset in BAR 0. Interrupts that this sets free are sent at once;
    /// what else it sets in motion begins with the next [`Device::poll`].
    pub fn bar_write32(&mut self, address: u32, value: u32, host: &mut dyn Host) {
        match place(address) {
            Some(Place::Register(address)) => self.write_register(address, value),
            Some(Place::MsixTable { vector, word }) => {
                self.shared.completions.msix.write(vector, word, value, host);
            }
            Some(Place::Context { table, index, word }) => {
                self.shared.contexts.write(table, index, word, value);
            }
            Some(Place::Doorbell(doorbell)) => self.ring(doorbell, value as u16, host),
            Some(Place::MsixPending | Place::Nothing) | None => {}
        }
    }

    /// Takes a frame from the wire, without frame check sequence.
    pub fn receive_frame(&mut self, frame: &[u8], host: &mut dyn Host) {
        let shared = &mut self.shared;
        shared.counters.count(COUNT_FRAMES_RECEIVED);
        let segment = match judge(frame, self.registers.station()) {
            Arrival::Bad => return shared.counters.count(COUNT_FRAMES_BAD),
            Arrival::Foreign => return shared.counters.count(COUNT_FRAMES_FOREIGN),
            Arrival::Raw => return self.receive_raw(frame, host),
            Arrival::Tcp(segment) => segment,
        };
        match shared.contexts.owner(&segment.ends) {
            None => self.receive_raw(frame, host),
            Some(qp) => {
                // The flow is owned: while its queue pair is at rest, nobody takes its segments.
                if let Some(Some(stream)) = self.streams.get_mut(qp) {
                    stream.receive(&segment, shared, host);
                }
            }
        }
    }

    /// Does what there is to do at a moment of the host's choosing: sends what was posted, in
    /// turns of one segment for each queue pair, and acknowledges. True if more could be sent once
    /// the frames are taken.
    pub fn poll(&mut self, now: Duration, host: &mut dyn Host) -> bool {
        self.registers.advance(now);
        let mut idle = 0;
        while idle < QP_COUNT && !self.shared.is_full() {
            let sent = self.transmit(self.turn, host);
            idle = if sent { 0 } else { idle + 1 };
            self.turn = (self.turn + 1) % QP_COUNT;
        }
        for stream in self.streams.iter_mut().flatten() {
            stream.acknowledge(&mut self.shared);
        }
        idle < QP_COUNT
    }

    /// The frames for the wire, oldest first, without padding and frame check sequence.
    pub fn take_frames(&mut self) -> VecDeque<Vec<u8>> {
        self.shared.take_frames()
    }

    fn receive_raw(&mut self, frame: &[u8], host: &mut dyn Host) {
        match &mut self.raw {
            Some(raw) => raw.receive(frame, &mut self.shared, host),
            None => self.shared.counters.count(COUNT_RAW_NO_BUFFER),
        }
    }

    fn transmit(&mut self, qp: usize, host: &mut dyn Host) -> bool {
        match (qp, &mut self.raw, self.streams.get_mut(qp)) {
            (RAW_QP, Some(raw), _) => raw.transmit(&mut self.shared, host),
            (_, _, Some(Some(stream))) => stream.transmit(&mut self.shared, host),
            _ => false,
        }
    }

    fn read_register(&self, address: u32) -> u32 {
        let Some(register) = ALL.iter().find(|register| register.address == address) else {
            return 0;
        };
        let own = self.registers.read(*register);
        own.or_else(|| self.shared.counters.read(address)).unwrap_or_else(|| self.state(*register))
    }

    /// The registers that show queue pairs.
    fn state(&self, register: Register) -> u32 {
        if register == QP_ACTIVE {
            let raw = self.raw.as_ref().is_some_and(RawPair::is_active);
            let active = self
                .streams
                .iter()
                .map(|stream| stream.as_ref().is_some_and(|stream| stream.rdma.is_active()));
            return active
                .zip(0..)
                .fold(u32::from(raw), |bits, (on, qp)| bits | u32::from(on) << qp);
        }
        if self.registers.query() == RAW_QP {
            let context = self.raw.as_ref().map(RawPair::context);
            return context.map_or(0, |context| match register {
                QUERY_SEND_NEXT | QUERY_SEND_UNACKNOWLEDGED => context.send_next,
                QUERY_RECEIVE_NEXT => context.receive_next,
                QUERY_SEND_WINDOW => context.send_window,
                _ => 0,
            });
        }
        let stream = self.streams.get(self.registers.query()).and_then(Option::as_ref);
        stream.map_or(0, |stream| stream.query(register))
    }

    fn write_register(&mut self, address: u32, value: u32) {
        let Some(register) = ALL.iter().find(|register| register.address == address) else {
            return;
        };
        let (index, enable) = ((value & 0xff) as usize, value >> 8 & 1 != 0);
        match *register {
            QP_CONTROL => self.control_queue_pair(index, enable),
            CQ_CONTROL => {
                let context = self.shared.contexts.completion_queue(index).copied();
                self.shared.completions.control(index, context.filter(|_| enable));
            }
            register => self.registers.write(register, value),
        }
    }

    fn control_queue_pair(&mut self, index: usize, enable: bool) {
        let Some(context) = self.shared.contexts.queue_pair(index).copied() else { return };
        if enable && index == RAW_QP {
            self.raw = Some(RawPair::new(context));
        } else if index == RAW_QP {
            self.raw.iter_mut().for_each(RawPair::stop);
        } else if let Some(slot) = self.streams.get_mut(index) {
            match enable {
                true => *slot = Some(Box::new(QueuePair::new(index as u8, context))),
                false => slot.iter_mut().for_each(|stream| stream.stop()),
            }
        }
    }

    fn ring(&mut self, doorbell: Doorbell, value: u16, host: &mut dyn Host) {
        match doorbell {
            Doorbell::Send(RAW_QP) => self.raw.iter_mut().for_each(|raw| raw.post_sends(value)),
            Doorbell::Receive(RAW_QP) => {
                self.raw.iter_mut().for_each(|raw| raw.post_receives(value));
            }
            Doorbell::Send(qp) => {
                self.stream(qp).into_iter().for_each(|stream| stream.rdma.post_sends(value));
            }
            Doorbell::Receive(qp) => {
                self.stream(qp).into_iter().for_each(|stream| stream.rdma.post_receives(value));
            }
            Doorbell::Consumed(cq) => self.shared.completions.consumed(cq, value),
            Doorbell::Arm(cq) => self.shared.completions.arm(cq, host),
        }
    }

    fn stream(&mut self, qp: usize) -> Option<&mut QueuePair> {
        self.streams.get_mut(qp).and_then(Option::as_mut).map(Box::as_mut)
    }
}
