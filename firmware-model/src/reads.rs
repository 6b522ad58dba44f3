//! RDMA Reads of a queue pair: those that it asked for, and those that it was asked for.

use crate::Status;
use ironwarp_abi::limits::READS_MAX;
use ironwarp_abi::queue::SendRequest;
use ironwarp_abi::status;
use ironwarp_wire::ddp::{self, Untagged};
use ironwarp_wire::rdmap::queue;
use ironwarp_wire::rdmap::read_request::{ReadRequestRepr, HEADER_BYTES};
use std::collections::VecDeque;

/// A read whose response is not placed whole.
#[derive(Debug)]
struct Asked {
    sink_stag: u32,
    /// Where the next octet goes.
    sink_offset: u64,
    /// Octets to come.
    left: u32,
}

/// The Requester's side: Read Requests that have left, oldest first.
#[derive(Debug)]
pub(crate) struct AskedReads {
    /// ORD.
    limit: usize,
    reads: VecDeque<Asked>,
}

impl AskedReads {
    /// Up to `ord` at a time, but no more than the device can hold.
    pub fn new(ord: u8) -> Self {
        Self { limit: usize::from(ord).min(READS_MAX), reads: VecDeque::new() }
    }

    /// Reads are possible at all.
    pub fn are_possible(&self) -> bool {
        self.limit != 0
    }

    /// Another one must wait.
    //= rfc5040#5.2  No more RDMA Reads are outstanding than the Data Source has agreed to.
    pub fn is_full(&self) -> bool {
        self.reads.len() >= self.limit
    }

    /// The Read Request of a work request has left.
    pub fn push(&mut self, request: &SendRequest) {
        self.reads.push_back(Asked {
            sink_stag: request.local_stag,
            sink_offset: request.local_offset,
            left: request.length,
        });
    }

    /// Checks a segment of a Read Response against the oldest read.
    //= rfc5040#5.2.2  STag, Tagged Offset and length are those of the Read Request.
    pub fn check(&self, stag: u32, offset: u64, length: u32, last: bool) -> Result<(), Status> {
        let oldest = self.reads.front().ok_or(status::RDMAP_READ_RESPONSE)?;
        let fits = length <= oldest.left && last == (length == oldest.left);
        match fits && stag == oldest.sink_stag && offset == oldest.sink_offset {
            true => Ok(()),
            false => Err(status::RDMAP_READ_RESPONSE),
        }
    }

    /// So many octets of the oldest read are placed; the read ends with the last of them.
    pub fn placed(&mut self, length: u32, last: bool) {
        if last {
            self.reads.pop_front();
        } else if let Some(oldest) = self.reads.front_mut() {
            oldest.sink_offset = oldest.sink_offset.wrapping_add(length.into());
            oldest.left = oldest.left.saturating_sub(length);
        }
    }
}

/// The Responder's side: Read Requests whose response has not left whole, oldest first.
#[derive(Debug)]
pub(crate) struct HeldReads {
    /// IRD.
    limit: usize,
    /// The MSN of the next Read Request.
    message: u32,
    requests: VecDeque<ReadRequestRepr>,
}

impl HeldReads {
    /// Room for `ird`, but no more than the device can hold.
    pub fn new(ird: u8) -> Self {
        let limit = usize::from(ird).min(READS_MAX);
        Self { limit, message: ddp::FIRST_MESSAGE, requests: VecDeque::new() }
    }

    /// The request that is answered next.
    pub fn oldest(&self) -> Option<&ReadRequestRepr> {
        self.requests.front()
    }

    /// The last segment of a response was made.
    pub fn release(&mut self) {
        self.requests.pop_front();
    }

    /// Takes a Read Request.
    ///
    /// # Errors
    /// The first that applies: queue number, MSN, more of them than IRD, MO, not one segment with
    /// the header and nothing else.
    pub fn take(
        &mut self,
        header: &Untagged<'_>,
        payload: &[u8],
        last: bool,
    ) -> Result<(), Status> {
        if header.queue() != queue::READ_REQUEST {
            return Err(status::DDP_QUEUE);
        }
        if header.message() != self.message {
            return Err(status::DDP_MSN);
        }
        if self.requests.len() >= self.limit {
            return Err(status::DDP_NO_BUFFER);
        }
        if header.offset() != 0 {
            return Err(status::DDP_MO);
        }
        //= rfc5040#5.2.1  One RDMA Read Request Message MUST consume one Untagged Buffer.
        let whole = last && payload.len() == HEADER_BYTES;
        let request = ReadRequestRepr::parse(payload).ok().filter(|_| whole);
        self.requests.push_back(request.ok_or(status::RDMAP_READ_REQUEST)?);
        self.message = self.message.wrapping_add(1);
        Ok(())
    }
}

/// Both sides.
#[derive(Debug)]
pub(crate) struct Reads {
    pub asked: AskedReads,
    pub held: HeldReads,
}
