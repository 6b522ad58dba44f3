//! Send work requests that have left and are not done.

use crate::life::Life;
use ironwarp_abi::limits::OUTSTANDING_MAX;
use ironwarp_abi::queue::{kind, CompletionEntry, SendRequest};
use ironwarp_abi::status;
use std::collections::VecDeque;

#[derive(Debug)]
struct Request {
    /// The stream offset behind its last octet.
    end: u64,
    number: u16,
    length: u32,
    signaled: bool,
    /// An RDMA Read whose response is not placed whole.
    reads: bool,
}

/// In the order of posting, which is the order of completion.
#[derive(Debug, Default)]
pub(crate) struct Outstanding(VecDeque<Request>);

impl Outstanding {
    /// No further request may be begun.
    pub fn is_full(&self) -> bool {
        self.0.len() >= OUTSTANDING_MAX
    }

    /// The last octet of a request has left; `end` is the stream offset behind it.
    pub fn push(&mut self, end: u64, number: u16, request: &SendRequest, reads: bool) {
        let SendRequest { length, signaled, .. } = *request;
        self.0.push_back(Request { end, number, length, signaled, reads });
    }

    /// The response of the oldest RDMA Read is placed whole.
    pub fn read(&mut self) {
        if let Some(oldest) = self.0.iter_mut().find(|request| request.reads) {
            oldest.reads = false;
        }
    }

    /// Takes the oldest request out if it is done: `acknowledged` up to that stream offset, and
    /// read. Gives its completion if it is signaled.
    pub fn retire(&mut self, acknowledged: u64, life: Life) -> Option<Option<CompletionEntry>> {
        self.0.front().filter(|oldest| oldest.end <= acknowledged && !oldest.reads)?;
        let done = self.0.pop_front()?;
        Some(done.signaled.then(|| CompletionEntry {
            request: done.number,
            length: done.length,
            ..life.entry(kind::SEND, status::SUCCESS)
        }))
    }
}
