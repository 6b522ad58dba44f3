//! Fences: how the host knows that the device is done with what was taken from it.

use crate::completion_queue::EntryQueue;
use crate::device::{Device, Fence};
use crate::error::Error;
use ironwarp_abi::queue::kind;
use ironwarp_abi::registers::{FENCE, FENCE_QUEUE};
use std::time::Duration;

/// The longest sleep between two looks.
const SLICE: Duration = Duration::from_millis(1);
/// How long a fence may take, in device time: longer than a device waits for its host's memory
/// (PCI Express base specification s. 2.8: at most 50 ms by default), with room for a simulation
/// whose time is the computer's.
const LIMIT: Duration = Duration::from_secs(5);
/// Room for the entries of fences that were given up.
const ENTRIES: usize = 7;

/// The completion queue that is told of fences. Nothing else is.
pub(crate) struct FenceQueue {
    queue: EntryQueue,
    /// The number of the last fence that was asked for.
    last: u16,
    /// The last fence was given up.
    silent: bool,
}

impl FenceQueue {
    /// Starts the queue and names it to the device.
    pub fn start(device: &Device) -> Result<Self, Error> {
        let number = device.capabilities().fence_queue();
        let queue = EntryQueue::start(device, number, ENTRIES)?;
        device.write(FENCE_QUEUE, FENCE_QUEUE.put(0, "cq", number))?;
        Ok(Self { queue, last: 0, silent: false })
    }

    /// Takes what has come; true if the fence `number` was there, or any fence for None.
    fn take(&mut self, device: &Device, number: Option<u16>) -> Result<bool, Error> {
        let (mut taken, mut found) = (false, false);
        while let Some(entry) = self.queue.pop()? {
            taken = true;
            match entry.kind == kind::FENCE {
                true => found |= number.is_none_or(|number| number == entry.request),
                false => tracing::warn!(?entry, "an entry of the fences' queue that is no fence"),
            }
        }
        if taken {
            self.queue.tell_consumed(device)?;
        }
        Ok(found)
    }
}

impl Fence for FenceQueue {
    fn pass(&mut self, device: &Device) -> Result<(), Error> {
        // A device that left a fence unanswered is waited for again once it has answered that.
        let answers = self.take(device, None)? || !self.silent;
        self.silent = true;
        self.last = self.last.wrapping_add(1);
        device.write(FENCE, FENCE.put(0, "number", self.last.into()))?;
        let function = device.function();
        let deadline = function.now() + if answers { LIMIT } else { Duration::ZERO };
        let mut slept = false;
        while !self.take(device, Some(self.last))? {
            let left = deadline.saturating_sub(function.now());
            if left.is_zero() {
                return Err(Error::NotFenced);
            }
            // An entry that came meanwhile interrupts at once; but another thread that waits may
            // have taken the interrupt for its own.
            self.queue.arm(device)?;
            function.wait(left.min(SLICE))?;
            slept = true;
        }
        if slept {
            // And here somebody else's may have been taken.
            function.rouse();
        }
        self.silent = false;
        Ok(())
    }
}
