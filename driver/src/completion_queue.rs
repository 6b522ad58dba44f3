//! Completion queues: the device's entries become completions of the application's requests.

use crate::completion::Completion;
use crate::device::Device;
use crate::error::Error;
use crate::locked::Locked;
use crate::queue_pair::QueuePairRecord;
use crate::ring::CompletionRing;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{CQ_CONTROL, DOORBELL_ARM, DOORBELL_CONSUMED};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

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
    /// The queue pairs that complete here, by number.
    attached: BTreeMap<u32, Arc<Locked<QueuePairRecord>>>,
    /// Taken from the ring, or flushed, and not yet taken by the application.
    backlog: VecDeque<Completion>,
    /// Tasks that wait for a completion.
    wakers: Vec<Waker>,
}

impl CompletionQueueRecord {
    /// Starts completion queue `number`.
    pub fn start(device: &Device, number: u32, entries: usize) -> Result<Self, Error> {
        let entries = EntryQueue::start(device, number, entries)?;
        Ok(Self {
            entries,
            promised: 0,
            overflowed: false,
            attached: BTreeMap::new(),
            backlog: VecDeque::new(),
            wakers: Vec::new(),
        })
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

    /// Entries of this queue pair are its own from now on.
    pub fn attach(&mut self, number: u32, qp: &Arc<Locked<QueuePairRecord>>) {
        self.attached.insert(number, qp.clone());
    }

    /// Forgets a queue pair that is gone, and its completions.
    pub fn detach(&mut self, number: u32) {
        self.attached.remove(&number);
        self.backlog.retain(|completion| completion.qp != number);
    }

    /// Takes what the device has written, for later.
    pub fn collect(&mut self, device: &Device) -> Result<(), Error> {
        let before = self.entries.ring.consumed();
        while let Some(completion) = self.next()? {
            self.backlog.push_back(completion);
        }
        self.tell_consumed(device, before)
    }

    /// Takes the oldest completions, as many as there are and fit, and answers how many.
    pub fn poll_into(&mut self, device: &Device, out: &mut [Completion]) -> Result<usize, Error> {
        let before = self.entries.ring.consumed();
        let mut taken = 0;
        for place in &mut *out {
            let next = match self.backlog.pop_front() {
                Some(completion) => Some(completion),
                None => self.next()?,
            };
            let Some(completion) = next else { break };
            *place = completion;
            taken += 1;
        }
        if let Err(error) = self.tell_consumed(device, before) {
            // The device does not answer; what it had done before is still to be heard.
            out[..taken].iter().rev().for_each(|it| self.backlog.push_front(*it));
            return Err(error);
        }
        Ok(taken)
    }

    fn tell_consumed(&self, device: &Device, before: u16) -> Result<(), Error> {
        match self.entries.ring.consumed() == before {
            true => Ok(()),
            false => self.entries.tell_consumed(device),
        }
    }

    /// The next completion in the ring. What says nothing to the application is taken on the way.
    fn next(&mut self) -> Result<Option<Completion>, Error> {
        while let Some(entry) = self.entries.pop()? {
            let completion = match (entry.kind, self.attached.get(&entry.qp)) {
                (kind::OVERFLOW, _) => {
                    self.overflow(&entry);
                    None
                }
                (_, Some(qp)) => qp.with(|qp, _| qp.complete(&entry)),
                _ => {
                    tracing::warn!(?entry, "a completion entry of no queue pair");
                    None
                }
            };
            if completion.is_some() {
                return Ok(completion);
            }
        }
        Ok(None)
    }

    /// An entry is lost, and all that would follow: no queue pair can go on that completes here.
    fn overflow(&mut self, entry: &CompletionEntry) {
        tracing::warn!(?entry, number = self.entries.number, "a completion queue has overflowed");
        self.overflowed = true;
        self.attached.values().for_each(|qp| qp.with(|qp, _| qp.overflow()));
    }

    /// True if completions wait for the application.
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }
}

impl Locked<CompletionQueueRecord> {
    /// Asks for an interrupt with the next entry, or at once if one waits in the ring.
    pub fn arm(&self) -> Result<(), Error> {
        self.with(|queue, device| queue.entries.arm(device))
    }

    /// As [`CompletionQueueRecord::collect`]; who waits for what was collected is woken when the
    /// station's lock, which the caller holds, is free.
    pub fn collect(&self) -> Result<(), Error> {
        let (collected, news) = self.with(|queue, device| {
            let collected = queue.collect(device);
            (collected, queue.has_backlog() && !queue.wakers.is_empty())
        });
        if news {
            self.wake_later();
        }
        collected
    }

    /// Adds completions that the driver made; who waits for them is woken as above.
    pub fn extend(&self, completions: Vec<Completion>) {
        self.with(|queue, _| queue.backlog.extend(completions));
        self.wake_later();
    }

    fn wake_later(&self) {
        self.with(|queue, device| device.wake_later(std::mem::take(&mut queue.wakers)));
    }

    /// The task is woken when there is something to poll, once.
    pub fn wake_with(&self, waker: &Waker) {
        self.with(|queue, _| {
            if !queue.wakers.iter().any(|known| known.will_wake(waker)) {
                queue.wakers.push(waker.clone());
            }
        });
    }

    /// Wakes the tasks that wait. Without the queue's lock: their executor may poll it at once.
    pub fn wake(&self) {
        let wakers = self.with(|queue, _| std::mem::take(&mut queue.wakers));
        wakers.into_iter().for_each(Waker::wake);
    }
}
