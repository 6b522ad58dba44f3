//! Completion queues: rings in host memory that the device fills.

use crate::host::Host;
use crate::msix::Msix;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::status;

/// A started completion queue.
#[derive(Debug)]
struct CompletionQueue {
    context: CompletionQueueContext,
    /// Entries written so far, modulo 2^16. The largest ring has 2^15.
    written: u16,
    /// Entries that the host has taken.
    consumed: u16,
    armed: bool,
    /// It was full, and takes nothing more.
    overflowed: bool,
}

impl CompletionQueue {
    fn waiting(&self) -> u16 {
        self.written.wrapping_sub(self.consumed)
    }

    /// The places of the ring.
    fn entries(&self) -> u16 {
        1 << self.context.log2.min(15)
    }

    /// All places are taken but the one that is kept for the entry of the overflow.
    fn is_full(&self) -> bool {
        self.waiting() >= self.entries() - 1
    }

    fn write(&mut self, entry: CompletionEntry, host: &mut dyn Host) {
        let place = u64::from(self.written % self.entries()) * CompletionEntry::BYTES as u64;
        let phase = self.written / self.entries() % 2 == 0;
        let address = self.context.ring.wrapping_add(place);
        host.write(address, &CompletionEntry { phase, ..entry }.to_bytes());
        self.written = self.written.wrapping_add(1);
    }

    /// The vector to raise if the host waits for an interrupt; it then waits no longer.
    fn disarm(&mut self) -> Option<usize> {
        let armed = std::mem::take(&mut self.armed);
        armed.then_some(self.context.vector.into())
    }
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is in the ring, or nobody was there to read it.
    Done,
    /// It found the ring full, and is lost.
    Overflow,
    /// Its queue had overflowed before.
    Refused,
}

/// All of them, and the interrupts that they raise.
#[derive(Debug)]
pub(crate) struct CompletionQueues {
    queues: Vec<Option<CompletionQueue>>,
    pub msix: Msix,
}

impl CompletionQueues {
    /// So many queues, none of them started.
    pub fn new(count: usize) -> Self {
        let queues = std::iter::repeat_with(|| None).take(count).collect();
        Self { queues, msix: Msix::new() }
    }

    /// The host has started the queue and not stopped it.
    pub fn is_started(&self, index: u32) -> bool {
        self.queues.get(index as usize).is_some_and(Option::is_some)
    }

    /// Starts a queue, empty; or stops it, if there is no context.
    pub fn control(&mut self, index: u32, context: Option<CompletionQueueContext>) {
        let started = context.map(|context| CompletionQueue {
            context,
            written: 0,
            consumed: 0,
            armed: false,
            overflowed: false,
        });
        if let Some(queue) = self.queues.get_mut(index as usize) {
            *queue = started;
        }
    }

    /// Writes an entry behind everything written before it. If the queue is full, its last place
    /// gets the entry that tells of that in place of this one.
    pub fn push(&mut self, index: u32, entry: CompletionEntry, host: &mut dyn Host) -> Written {
        let Some(queue) = self.started(index) else { return Written::Done };
        if queue.overflowed {
            return Written::Refused;
        }
        queue.overflowed = queue.is_full();
        let written = match queue.overflowed {
            false => {
                queue.write(entry, host);
                Written::Done
            }
            true => {
                tracing::warn!(cq = index, qp = entry.qp, "a completion queue overflows");
                queue.write(overflow(&entry), host);
                Written::Overflow
            }
        };
        if let Some(vector) = queue.disarm() {
            self.msix.raise(vector, host);
        }
        written
    }

    /// The host has taken so many entries.
    pub fn consumed(&mut self, index: u32, consumed: u16) {
        if let Some(queue) = self.started(index) {
            queue.consumed = consumed;
        }
    }

    /// The host wants an interrupt with the next entry, or at once if entries wait.
    pub fn arm(&mut self, index: u32, host: &mut dyn Host) {
        let Some(queue) = self.started(index) else { return };
        queue.armed = true;
        if queue.waiting() != 0 {
            if let Some(vector) = queue.disarm() {
                self.msix.raise(vector, host);
            }
        }
    }

    fn started(&mut self, index: u32) -> Option<&mut CompletionQueue> {
        self.queues.get_mut(index as usize).and_then(Option::as_mut)
    }
}

/// What stands in the ring for the entry that is lost.
fn overflow(lost: &CompletionEntry) -> CompletionEntry {
    let CompletionEntry { qp, generation, .. } = *lost;
    let (kind, status) = (kind::OVERFLOW, status::CQ_OVERFLOW);
    CompletionEntry { qp, generation, kind, status, ..CompletionEntry::default() }
}
