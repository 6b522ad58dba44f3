//! A queue pair in one of its lives: what everything that belongs to it is marked with.

use crate::Status;
use ironwarp_abi::queue::CompletionEntry;

/// The number of a queue pair, and which of its starts since the reset this is, modulo 2^8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub qp: u32,
    pub generation: u8,
}

impl Life {
    /// An entry of this life, without what its kind adds.
    pub fn entry(self, kind: u8, status: Status) -> CompletionEntry {
        let Self { qp, generation } = self;
        CompletionEntry { qp, generation, kind, status, ..CompletionEntry::default() }
    }
}
