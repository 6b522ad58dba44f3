//! Completion queues: the device's entries become completions of the application's requests.

use crate::device::Device;
use crate::error::Error;
use crate::queue_pair::QueuePairRecord;
use crate::ring::CompletionRing;
use crate::status::Status;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::registers::{
    CQ_CONTEXTS, CQ_CONTROL, CQ_DOORBELLS, DOORBELL_ARM, DOORBELL_CONSUMED,
};
use std::collections::VecDeque;

/// What a work request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A Send, with or without a solicited event.
    Send,
    /// An RDMA Write.
    Write,
    /// An RDMA Read.
    Read,
    /// A receive.
    Receive,
}

/// A work request that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The application's name of the work request.
    pub id: u64,
    /// The number of the queue pair.
    pub qp: u8,
    /// What was asked for.
    pub operation: Operation,
    /// How it ended.
    pub status: Status,
    /// Octets of the message, if it succeeded.
    pub length: u32,
    /// A received message asked for a solicited event.
    pub solicited: bool,
}

/// A completion queue of the device and what was taken from it.
pub(crate) struct CompletionQueueRecord {
    number: u8,
    ring: CompletionRing,
    /// Entries that the attached queue pairs can fill before one is consumed.
    promised: usize,
    /// Taken from the ring, not yet by the application.
    backlog: VecDeque<Completion>,
}

impl CompletionQueueRecord {
    /// Starts completion queue `number` with its own interrupt vector of the same number.
    pub fn start(device: &Device, number: u8, entries: usize) -> Result<Self, Error> {
        let ring = CompletionRing::new(&**device.function(), entries)?;
        let context =
            CompletionQueueContext { ring: ring.bus_address(), log2: ring.log2(), vector: number };
        device.write_context(CQ_CONTEXTS, number.into(), 0, &context.to_words())?;
        device.control(CQ_CONTROL, number, true)?;
        Ok(Self { number, ring, promised: 0, backlog: VecDeque::new() })
    }

    /// Stops the queue; when this returns the device writes no more entries.
    pub fn stop(&self, device: &Device) -> Result<(), Error> {
        device.control(CQ_CONTROL, self.number, false)?;
        device.read(ironwarp_abi::registers::DEVICE).map(|_| ())
    }

    /// Promises room for `entries` more entries, so that the ring cannot overflow.
    pub fn promise(&mut self, entries: usize) -> Result<(), Error> {
        if self.promised + entries > self.ring.entries() {
            return Err(Error::Exhausted("room in the completion queue for these work queues"));
        }
        self.promised += entries;
        Ok(())
    }

    /// Takes back a promise.
    pub fn release(&mut self, entries: usize) {
        self.promised -= entries.min(self.promised);
    }

    /// Takes what the device has written and gives it to its queue pairs.
    pub fn collect(
        &mut self,
        device: &Device,
        queue_pairs: &mut [Option<QueuePairRecord>],
    ) -> Result<(), Error> {
        let before = self.ring.consumed();
        while let Some(entry) = self.ring.pop()? {
            match queue_pairs.get_mut(usize::from(entry.qp)) {
                Some(Some(qp)) => self.backlog.extend(qp.complete(&entry)),
                _ => tracing::warn!(?entry, "a completion entry of no queue pair"),
            }
        }
        if self.ring.consumed() != before {
            self.tell_consumed(device)?;
        }
        Ok(())
    }

    /// Takes one entry as the device wrote it, for the raw queue.
    pub fn pop_entry(&mut self) -> Result<Option<ironwarp_abi::queue::CompletionEntry>, Error> {
        self.ring.pop()
    }

    /// Tells the device how far the ring was read.
    pub fn tell_consumed(&self, device: &Device) -> Result<(), Error> {
        device.ring(CQ_DOORBELLS, self.number, DOORBELL_CONSUMED, self.ring.consumed())
    }

    /// Asks for an interrupt with the next entry, or at once if one waits.
    pub fn arm(&self, device: &Device) -> Result<(), Error> {
        device.ring(CQ_DOORBELLS, self.number, DOORBELL_ARM, 0)
    }

    /// Adds a completion that the driver made.
    pub fn push(&mut self, completion: Completion) {
        self.backlog.push_back(completion);
    }

    /// True if completions wait for the application.
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// The next completions, at most `limit`.
    pub fn take(&mut self, limit: usize) -> Vec<Completion> {
        let count = limit.min(self.backlog.len());
        self.backlog.drain(..count).collect()
    }

    /// Forgets completions of a queue pair that is gone.
    pub fn forget(&mut self, qp: u8) {
        self.backlog.retain(|completion| completion.qp != qp);
    }
}
