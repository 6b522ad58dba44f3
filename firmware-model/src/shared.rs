//! What all queue pairs of a device have in common.

use crate::completion::{CompletionQueues, Written};
use crate::contexts::Contexts;
use crate::counters::Counters;
use crate::host::Host;
use crate::tcp::timer::Timing;
use crate::Status;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::queue::CompletionEntry;
use ironwarp_abi::registers::{COUNT_CQ_OVERFLOWS, COUNT_FRAMES_SENT};
use ironwarp_abi::status;
use std::collections::VecDeque;

/// Tables, counters, completion queues and the way out to the wire.
#[derive(Debug)]
pub(crate) struct Shared {
    pub configuration: Configuration,
    pub contexts: Contexts,
    pub counters: Counters,
    pub completions: CompletionQueues,
    /// What timers go by.
    pub timing: Timing,
    frames: VecDeque<Vec<u8>>,
    frames_max: usize,
    /// Frames that have been taken since the device was made.
    taken: u64,
}

impl Shared {
    pub fn new(configuration: Configuration, frames_max: usize) -> Self {
        Self {
            configuration,
            contexts: Contexts::new(configuration),
            counters: Counters::default(),
            completions: CompletionQueues::new(configuration.cq_count()),
            timing: Timing::default(),
            frames: VecDeque::new(),
            frames_max: frames_max.max(1),
            taken: 0,
        }
    }

    /// As many frames wait for the wire as may wait.
    pub fn is_full(&self) -> bool {
        self.frames.len() >= self.frames_max
    }

    /// Writes an entry to a completion queue.
    ///
    /// # Errors
    /// The queue is full, or has overflowed before: the entry is lost, and its queue pair ends.
    pub fn complete(
        &mut self,
        cq: u32,
        entry: CompletionEntry,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        match self.completions.push(cq, entry, host) {
            Written::Done => Ok(()),
            Written::Refused => Err(status::CQ_OVERFLOW),
            Written::Overflow => {
                self.counters.count(COUNT_CQ_OVERFLOWS);
                Err(status::CQ_OVERFLOW)
            }
        }
    }

    /// A frame leaves, behind those that wait.
    pub fn send_frame(&mut self, frame: Vec<u8>) {
        self.counters.count(COUNT_FRAMES_SENT);
        self.frames.push_back(frame);
    }

    /// The frames that have left.
    pub fn take_frames(&mut self) -> VecDeque<Vec<u8>> {
        self.taken += self.frames.len() as u64;
        std::mem::take(&mut self.frames)
    }

    /// Frames made since the device was, and how many of them have been taken.
    pub fn frames(&self) -> (u64, u64) {
        (self.taken + self.frames.len() as u64, self.taken)
    }
}
