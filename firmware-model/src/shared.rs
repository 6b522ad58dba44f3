//! What all queue pairs of a device have in common.

use crate::completion::CompletionQueues;
use crate::contexts::Contexts;
use crate::counters::Counters;
use crate::host::Host;
use ironwarp_abi::queue::CompletionEntry;
use ironwarp_abi::registers::{COUNT_CQ_OVERFLOWS, COUNT_FRAMES_SENT};
use std::collections::VecDeque;

/// Tables, counters, completion queues and the way out to the wire.
#[derive(Debug)]
pub(crate) struct Shared {
    pub contexts: Contexts,
    pub counters: Counters,
    pub completions: CompletionQueues,
    frames: VecDeque<Vec<u8>>,
    frames_max: usize,
}

impl Shared {
    pub fn new(frames_max: usize) -> Self {
        Self {
            contexts: Contexts::new(),
            counters: Counters::default(),
            completions: CompletionQueues::new(),
            frames: VecDeque::new(),
            frames_max: frames_max.max(1),
        }
    }

    /// As many frames wait for the wire as may wait.
    pub fn is_full(&self) -> bool {
        self.frames.len() >= self.frames_max
    }

    /// Writes an entry to a completion queue; counts it if the queue is full and loses it.
    pub fn complete(&mut self, cq: u8, entry: CompletionEntry, host: &mut dyn Host) {
        if !self.completions.push(cq, entry, host) {
            self.counters.count(COUNT_CQ_OVERFLOWS);
        }
    }

    /// A frame leaves, behind those that wait.
    pub fn send_frame(&mut self, frame: Vec<u8>) {
        self.counters.count(COUNT_FRAMES_SENT);
        self.frames.push_back(frame);
    }

    /// The frames that have left.
    pub fn take_frames(&mut self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.frames)
    }
}
