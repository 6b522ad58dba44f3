//! All queue pairs of a device, and the streams that the host has attached to them.

use crate::byte_stream::ByteStream;
use crate::host::Host;
use crate::queue_pair::QueuePair;
use crate::raw_pair::RawPair;
use crate::shared::Shared;
use crate::tcp::arrival::Segment;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::{QP_COUNT, RAW_QP};
use ironwarp_abi::registers::{
    Register, COUNT_RAW_NO_BUFFER, QUERY_RECEIVE_NEXT, QUERY_SEND_NEXT, QUERY_SEND_UNACKNOWLEDGED,
    QUERY_SEND_WINDOW,
};
use std::fmt;

/// Why a stream was not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The device has no such queue pair, or it is the one of raw frames.
    #[error("queue pair {0} takes no stream")]
    NoStreams(usize),
    /// The queue pair is active.
    #[error("queue pair {0} is active")]
    Active(usize),
}

/// A stream of the host's.
struct Attached(Box<dyn ByteStream>);

impl fmt::Debug for Attached {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Attached")
    }
}

/// A queue pair that carries a connection, if it was ever started, and its stream.
#[derive(Debug, Default)]
struct Slot {
    pair: Option<Box<QueuePair>>,
    stream: Option<Attached>,
}

impl Slot {
    fn is_active(&self) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.rdma.is_active())
    }
}

/// Queue pairs by number.
#[derive(Debug, Default)]
pub(crate) struct QueuePairs {
    raw: Option<RawPair>,
    /// That of [`RAW_QP`] stays empty.
    slots: [Slot; QP_COUNT],
    /// The queue pair whose turn it is to send.
    turn: usize,
}

impl QueuePairs {
    /// Starts a queue pair from its context.
    pub fn start(&mut self, qp: usize, context: QueuePairContext) {
        if qp == RAW_QP {
            self.raw = Some(RawPair::new(context));
        } else if let Some(slot) = self.slots.get_mut(qp) {
            let pair = match slot.stream {
                Some(_) => QueuePair::over_stream(qp as u8, context),
                None => QueuePair::over_frames(qp as u8, context),
            };
            slot.pair = Some(Box::new(pair));
        }
    }

    /// Stops a queue pair.
    pub fn stop(&mut self, qp: usize) {
        match qp {
            RAW_QP => self.raw.iter_mut().for_each(RawPair::stop),
            _ => self.pair(qp).into_iter().for_each(QueuePair::stop),
        }
    }

    /// The host has posted send work requests.
    pub fn post_sends(&mut self, qp: usize, posted: u16) {
        match qp {
            RAW_QP => self.raw.iter_mut().for_each(|raw| raw.post_sends(posted)),
            _ => self.pair(qp).into_iter().for_each(|pair| pair.rdma.post_sends(posted)),
        }
    }

    /// The host has posted receive work requests.
    pub fn post_receives(&mut self, qp: usize, posted: u16) {
        match qp {
            RAW_QP => self.raw.iter_mut().for_each(|raw| raw.post_receives(posted)),
            _ => self.pair(qp).into_iter().for_each(|pair| pair.rdma.post_receives(posted)),
        }
    }

    /// The host's stream carries the connection from the next start on.
    pub fn attach(&mut self, qp: usize, stream: Box<dyn ByteStream>) -> Result<(), AttachError> {
        let slot = self.slots.get_mut(qp).filter(|_| qp != RAW_QP);
        let slot = slot.ok_or(AttachError::NoStreams(qp))?;
        if slot.is_active() {
            return Err(AttachError::Active(qp));
        }
        slot.stream = Some(Attached(stream));
        Ok(())
    }

    /// The stream of a queue pair that is not active.
    pub fn detach(&mut self, qp: usize) -> Option<Box<dyn ByteStream>> {
        let slot = self.slots.get_mut(qp).filter(|slot| !slot.is_active())?;
        slot.stream.take().map(|Attached(stream)| stream)
    }

    /// The stream of a queue pair did not take all that it was given.
    pub fn wants_room(&self, qp: usize) -> bool {
        let pair = self.slots.get(qp).and_then(|slot| slot.pair.as_ref());
        pair.is_some_and(|pair| pair.wants_room())
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
        qp: usize,
        segment: &Segment<'_>,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) {
        self.pair(qp).into_iter().for_each(|pair| pair.receive(segment, shared, host));
    }

    /// Sends in turns, acknowledges, and serves the streams. True if there is more to do.
    pub fn poll(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        let mut idle = 0;
        while idle < QP_COUNT && !shared.is_full() {
            let sent = self.transmit(self.turn, shared, host);
            idle = if sent { 0 } else { idle + 1 };
            self.turn = (self.turn + 1) % QP_COUNT;
        }
        let mut more = idle < QP_COUNT;
        for slot in &mut self.slots {
            let Some(pair) = &mut slot.pair else { continue };
            pair.acknowledge(shared);
            if let Some(Attached(stream)) = &mut slot.stream {
                more |= pair.service(stream.as_mut(), shared, host);
            }
        }
        more
    }

    /// Bit n: queue pair n is active.
    pub fn active(&self) -> u32 {
        let raw = self.raw.as_ref().is_some_and(RawPair::is_active);
        let active = self.slots.iter().map(Slot::is_active);
        active.zip(0..).fold(u32::from(raw), |bits, (on, qp)| bits | u32::from(on) << qp)
    }

    /// What a register says if it shows this queue pair.
    pub fn query(&self, qp: usize, register: Register) -> u32 {
        if qp != RAW_QP {
            let pair = self.slots.get(qp).and_then(|slot| slot.pair.as_ref());
            return pair.map_or(0, |pair| pair.query(register));
        }
        self.raw.as_ref().map(RawPair::context).map_or(0, |context| match register {
            QUERY_SEND_NEXT | QUERY_SEND_UNACKNOWLEDGED => context.send_next,
            QUERY_RECEIVE_NEXT => context.receive_next,
            QUERY_SEND_WINDOW => context.send_window,
            _ => 0,
        })
    }

    fn transmit(&mut self, qp: usize, shared: &mut Shared, host: &mut dyn Host) -> bool {
        match (qp, &mut self.raw) {
            (RAW_QP, Some(raw)) => raw.transmit(shared, host),
            _ => self.pair(qp).is_some_and(|pair| pair.transmit(shared, host)),
        }
    }

    fn pair(&mut self, qp: usize) -> Option<&mut QueuePair> {
        self.slots.get_mut(qp).and_then(|slot| slot.pair.as_deref_mut())
    }
}
