//! Completion queues: rings in host memory that the device fills.

use crate::host::Host;
use crate::msix::Msix;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::limits::CQ_COUNT;
use ironwarp_abi::queue::CompletionEntry;

/// A started completion queue.
#[derive(Debug)]
struct CompletionQueue {
    context: CompletionQueueContext,
    /// Entries written so far, modulo 2^16. The largest ring has 2^15.
    written: u16,
    /// Entries that the host has taken.
    consumed: u16,
    armed: bool,
}

impl CompletionQueue {
    fn waiting(&self) -> u16 {
        self.written.wrapping_sub(self.consumed)
    }

    /// Where the next entry goes, and its phase; None if the ring is full.
    fn next(&self) -> Option<(u64, bool)> {
        let entries = 1 << self.context.log2.min(15);
        if self.waiting() >= entries {
            return None;
        }
        let offset = u64::from(self.written % entries) * CompletionEntry::BYTES as u64;
        Some((self.context.ring.wrapping_add(offset), self.written / entries % 2 == 0))
    }

    /// The vector to raise if the host waits for an interrupt; it then waits no longer.
    fn disarm(&mut self) -> Option<usize> {
        let armed = std::mem::take(&mut self.armed);
        armed.then_some(self.context.vector.into())
    }
}

/// All of them, and the interrupts that they raise.
#[derive(Debug)]
pub(crate) struct CompletionQueues {
    queues: [Option<CompletionQueue>; CQ_COUNT],
    pub msix: Msix,
}

impl CompletionQueues {
    pub fn new() -> Self {
        Self { queues: [const { None }; CQ_COUNT], msix: Msix::new() }
    }

    /// Starts a queue, empty; or stops it, if there is no context.
    pub fn control(&mut self, index: usize, context: Option<CompletionQueueContext>) {
        let started = context.map(|context| CompletionQueue {
            context,
            written: 0,
            consumed: 0,
            armed: false,
        });
        if let Some(queue) = self.queues.get_mut(index) {
            *queue = started;
        }
    }

    /// Writes an entry behind everything written before it. It is lost if the queue is stopped, or
    /// if it is full, and then the answer is false.
    #[must_use]
    pub fn push(&mut self, index: u8, entry: CompletionEntry, host: &mut dyn Host) -> bool {
        let Some(queue) = self.started(index.into()) else { return true };
        let Some((address, phase)) = queue.next() else {
            tracing::warn!(cq = index, "a full completion queue loses an entry");
            return false;
        };
        host.write(address, &CompletionEntry { phase, ..entry }.to_bytes());
        queue.written = queue.written.wrapping_add(1);
        if let Some(vector) = queue.disarm() {
            self.msix.raise(vector, host);
        }
        true
    }

    /// The host has taken so many entries.
    pub fn consumed(&mut self, index: usize, consumed: u16) {
        if let Some(queue) = self.started(index) {
            queue.consumed = consumed;
        }
    }

    /// The host wants an interrupt with the next entry, or at once if entries wait.
    pub fn arm(&mut self, index: usize, host: &mut dyn Host) {
        let Some(queue) = self.started(index) else { return };
        queue.armed = true;
        if queue.waiting() != 0 {
            if let Some(vector) = queue.disarm() {
                self.msix.raise(vector, host);
            }
        }
    }

    fn started(&mut self, index: usize) -> Option<&mut CompletionQueue> {
        self.queues.get_mut(index).and_then(Option::as_mut)
    }
}
