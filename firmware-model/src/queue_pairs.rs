//! All queue pairs of a device, and the streams that the host has attached to them.

use crate::byte_stream::ByteStream;
use crate::host::Host;
use crate::life::Life;
use crate::queue_pair::QueuePair;
use crate::raw_pair::RawPair;
use crate::shared::Shared;
use crate::tcp::arrival::Segment;
use crate::tcp::congestion::Algorithm;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::RAW_QP;
use ironwarp_abi::registers::{Register, COUNT_RAW_NO_BUFFER};
use std::fmt;
use std::time::Duration;

/// Why a stream was not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The device has no such queue pair, or it is the one of raw frames.
    #[error("queue pair {0} takes no stream")]
    NoStreams(u32),
    /// The queue pair is active.
    #[error("queue pair {0} is active")]
    Active(u32),
}

/// A stream of the host's.
struct Attached(Box<dyn ByteStream>);

impl fmt::Debug for Attached {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Attached")
    }
}

/// The queue pair of raw frames.
const RAW: u32 = RAW_QP as u32;

/// A queue pair that carries a connection, if it was ever started, and its stream.
#[derive(Debug, Default)]
struct Slot {
    /// Starts since the reset, modulo 2^8.
    generation: u8,
    pair: Option<Box<QueuePair>>,
    stream: Option<Attached>,
}

impl Slot {
    fn is_active(&self) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.rdma.is_active())
    }
}

/// Queue pairs by number.
#[derive(Debug)]
pub(crate) struct QueuePairs {
    device: Configuration,
    /// Of every connection over frames.
    algorithm: Algorithm,
    raw: Option<RawPair>,
    /// That of [`RAW`] has nothing but its generation.
    slots: Vec<Slot>,
    /// The queue pair whose turn it is to send.
    turn: u32,
}

impl QueuePairs {
    /// None of them was ever started.
    pub fn new(device: Configuration, algorithm: Algorithm) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(device.qp_count()).collect();
        Self { device, algorithm, raw: None, slots, turn: RAW }
    }

    /// Starts a queue pair from its context, in a new generation.
    pub fn start(&mut self, qp: u32, context: QueuePairContext) {
        let Some(slot) = self.slots.get_mut(qp as usize) else { return };
        slot.generation = slot.generation.wrapping_add(1);
        let life = Life { qp, generation: slot.generation };
        if qp == RAW {
            self.raw = Some(RawPair::new(life, context));
            return;
        }
        let pair = match slot.stream {
            Some(_) => QueuePair::over_stream(life, context),
            None => QueuePair::over_frames(life, context, &self.device, self.algorithm),
        };
        slot.pair = Some(Box::new(pair));
    }

    /// Stops a queue pair.
    pub fn stop(&mut self, qp: u32) {
        match qp {
            RAW => self.raw.iter_mut().for_each(RawPair::stop),
            _ => self.pair(qp).into_iter().for_each(QueuePair::stop),
        }
    }

    /// The host has started the queue pair and not stopped it.
    pub fn is_started(&self, qp: u32) -> bool {
        match qp {
            RAW => self.raw.as_ref().is_some_and(RawPair::is_started),
            _ => self.known(qp).is_some_and(QueuePair::is_started),
        }
    }

    /// The host has posted send work requests.
    pub fn post_sends(&mut self, qp: u32, posted: u16) {
        match qp {
            RAW => self.raw.iter_mut().for_each(|raw| raw.post_sends(posted)),
            _ => self.pair(qp).into_iter().for_each(|pair| pair.rdma.post_sends(posted)),
        }
    }

    /// The host has posted receive work requests.
    pub fn post_receives(&mut self, qp: u32, posted: u16) {
        match qp {
            RAW => self.raw.iter_mut().for_each(|raw| raw.post_receives(posted)),
            _ => self.pair(qp).into_iter().for_each(|pair| pair.rdma.post_receives(posted)),
        }
    }

    /// The host's stream carries the connection from the next start on.
    pub fn attach(&mut self, qp: u32, stream: Box<dyn ByteStream>) -> Result<(), AttachError> {
        let slot = self.slots.get_mut(qp as usize).filter(|_| qp != RAW);
        let slot = slot.ok_or(AttachError::NoStreams(qp))?;
        if slot.is_active() {
            return Err(AttachError::Active(qp));
        }
        slot.stream = Some(Attached(stream));
        Ok(())
    }

    /// The stream of a queue pair that is not active.
    pub fn detach(&mut self, qp: u32) -> Option<Box<dyn ByteStream>> {
        let slot = self.slots.get_mut(qp as usize).filter(|slot| !slot.is_active())?;
        slot.stream.take().map(|Attached(stream)| stream)
    }

    /// The stream of a queue pair did not take all that it was given.
    pub fn wants_room(&self, qp: u32) -> bool {
        self.known(qp).is_some_and(QueuePair::wants_room)
    }

    /// Gives a frame to software.
    pub fn receive_raw(&mut self, frame: &[u8], shared: &mut Shared, host: &mut dyn Host) {
        match &mut self.raw {
            Some(raw) => raw.receive(frame, shared, host),
            None => shared.counters.count(COUNT_RAW_NO_BUFFER),
        }
    }

    /// Takes a segment of the connection that a queue pair owns. While it is at rest, nobody does.
    pub fn receive(
        &mut self,
        qp: u32,
        segment: &Segment<'_>,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) {
        self.pair(qp).into_iter().for_each(|pair| pair.receive(segment, shared, host));
    }

    /// Sends in turns, acknowledges, and serves the streams. True if there is more to do.
    pub fn poll(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        for pair in self.slots.iter_mut().filter_map(|slot| slot.pair.as_mut()) {
            pair.expire(shared, host);
        }
        let (mut idle, count) = (0, self.slots.len());
        while idle < count && !shared.is_full() {
            let sent = self.transmit(self.turn, shared, host);
            idle = if sent { 0 } else { idle + 1 };
            let next = self.turn + 1;
            self.turn = if next as usize == count { RAW } else { next };
        }
        let mut more = idle < count;
        for slot in &mut self.slots {
            let Some(pair) = &mut slot.pair else { continue };
            pair.acknowledge(shared);
            if let Some(Attached(stream)) = &mut slot.stream {
                more |= pair.service(stream.as_mut(), shared, host);
            }
        }
        more
    }

    /// When the first timer expires, if one runs.
    pub fn next_timer(&self) -> Option<Duration> {
        let pairs = self.slots.iter().filter_map(|slot| slot.pair.as_ref());
        pairs.filter_map(|pair| pair.deadline()).min()
    }

    /// What a register says if it shows this queue pair; zero before its first start.
    pub fn query(&self, qp: u32, register: Register) -> u32 {
        match qp {
            RAW => self.raw.as_ref().map_or(0, |raw| raw.query(register)),
            _ => self.known(qp).map_or(0, |pair| pair.query(register)),
        }
    }

    fn transmit(&mut self, qp: u32, shared: &mut Shared, host: &mut dyn Host) -> bool {
        match (qp, &mut self.raw) {
            (RAW, Some(raw)) => raw.transmit(shared, host),
            _ => self.pair(qp).is_some_and(|pair| pair.transmit(shared, host)),
        }
    }

    fn pair(&mut self, qp: u32) -> Option<&mut QueuePair> {
        self.slots.get_mut(qp as usize).and_then(|slot| slot.pair.as_deref_mut())
    }

    fn known(&self, qp: u32) -> Option<&QueuePair> {
        self.slots.get(qp as usize).and_then(|slot| slot.pair.as_deref())
    }
}
