//! Completion queues: the device's entries become completions of the application's requests.

use crate::device::Device;
use crate::error::Error;
use crate::numbered::Numbered;
use crate::queue_pair::QueuePairRecord;
use crate::ring::CompletionRing;
use crate::status::Status;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{CQ_CONTROL, DOORBELL_ARM, DOORBELL_CONSUMED};
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
    pub qp: u32,
    /// What was asked for.
    pub operation: Operation,
    /// How it ended.
    pub status: Status,
    /// Octets of the message, if it succeeded.
    pub length: u32,
    /// A received message asked for a solicited event.
    pub solicited: bool,
}

/// A completion queue that the device writes to: entries as they are.
pub(crate) struct EntryQueue {
    number: u32,
    ring: CompletionRing,
}

impl EntryQueue {
    /// Starts completion queue `number` with a ring that takes so many entries.
    pub fn start(device: &Device, number: u32, entries: usize) -> Result<Self, Error> {
        let queue = Self { number, ring: CompletionRing::new(device, entries)? };
        queue.enable(device)?;
        Ok(queue)
    }

    fn enable(&self, device: &Device) -> Result<(), Error> {
        let [vector, _] = device.capabilities().vector(self.number).to_le_bytes();
        let context = CompletionQueueContext {
            ring: self.ring.bus_address(),
            log2: self.ring.log2(),
            vector,
        };
        device.commit(self.number, &context)?;
        device.control(CQ_CONTROL, self.number, true)
    }

    /// Tells the queue to stop; with the next fence it has.
    pub fn disable(&self, device: &Device) -> Result<(), Error> {
        device.control(CQ_CONTROL, self.number, false)
    }

    /// Empties the queue and starts it again, as one that overflowed needs it.
    pub fn restart(&mut self, device: &Device) -> Result<(), Error> {
        self.disable(device)?;
        device.fence()?;
        self.ring.clear()?;
        self.enable(device)
    }

    /// Takes the next entry, if there is one. Follow with [`EntryQueue::tell_consumed`].
    pub fn pop(&mut self) -> Result<Option<CompletionEntry>, Error> {
        self.ring.pop()
    }

    /// Tells the device how far the ring was read.
    pub fn tell_consumed(&self, device: &Device) -> Result<(), Error> {
        device.ring_completion_queue(self.number, DOORBELL_CONSUMED, self.ring.consumed())
    }

    /// Asks for an interrupt with the next entry, or at once if one waits.
    pub fn arm(&self, device: &Device) -> Result<(), Error> {
        device.ring_completion_queue(self.number, DOORBELL_ARM, 0)
    }
}

/// A completion queue of the application, and what was taken from it.
pub(crate) struct CompletionQueueRecord {
    /// The device's side.
    pub entries: EntryQueue,
    /// Entries that the attached queue pairs can fill before one is consumed.
    promised: usize,
    /// The device found it full: it takes nothing any more.
    overflowed: bool,
    /// Taken from the ring, not yet by the application.
    backlog: VecDeque<Completion>,
}

impl CompletionQueueRecord {
    /// Starts completion queue `number`.
    pub fn start(device: &Device, number: u32, entries: usize) -> Result<Self, Error> {
        let entries = EntryQueue::start(device, number, entries)?;
        Ok(Self { entries, promised: 0, overflowed: false, backlog: VecDeque::new() })
    }

    /// Promises room for `entries` more entries, so that the ring cannot overflow.
    pub fn promise(&mut self, entries: usize) -> Result<(), Error> {
        if self.promised + entries > self.entries.ring.capacity() {
            return Err(Error::Exhausted("room in the completion queue for these work queues"));
        }
        self.promised += entries;
        Ok(())
    }

    /// Takes back a promise.
    pub fn release(&mut self, entries: usize) {
        self.promised -= entries.min(self.promised);
    }

    /// An error if the queue takes nothing any more.
    pub fn check(&self) -> Result<(), Error> {
        match self.overflowed {
            true => Err(Error::Overflowed(self.entries.number)),
            false => Ok(()),
        }
    }

    /// Takes what the device has written and gives it to its queue pairs.
    pub fn collect(
        &mut self,
        device: &Device,
        queue_pairs: &mut Numbered<QueuePairRecord>,
    ) -> Result<(), Error> {
        let mut taken = false;
        while let Some(entry) = self.entries.pop()? {
            taken = true;
            match (entry.kind, queue_pairs.get_mut(entry.qp)) {
                (kind::OVERFLOW, _) => self.overflow(&entry, queue_pairs),
                (_, Ok(qp)) => self.backlog.extend(qp.complete(&entry)),
                _ => tracing::warn!(?entry, "a completion entry of no queue pair"),
            }
        }
        if taken {
            self.entries.tell_consumed(device)?;
        }
        Ok(())
    }

    /// An entry is lost, and all that would follow: no queue pair can go on that completes here.
    fn overflow(&mut self, entry: &CompletionEntry, queue_pairs: &mut Numbered<QueuePairRecord>) {
        tracing::warn!(?entry, number = self.entries.number, "a completion queue has overflowed");
        self.overflowed = true;
        let number = self.entries.number;
        queue_pairs.values_mut().filter(|qp| qp.completes_to(number)).for_each(|qp| qp.overflow());
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
    pub fn forget(&mut self, qp: u32) {
        self.backlog.retain(|completion| completion.qp != qp);
    }
}
