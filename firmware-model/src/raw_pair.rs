//! Queue pair 0: whole Ethernet frames, to and from software.

use crate::host::Host;
use crate::protection::{gate, Question, Right};
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::{FRAME_BYTES_MAX, RAW_QP};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry};
use ironwarp_abi::registers::COUNT_RAW_NO_BUFFER;
use ironwarp_abi::status;
use ironwarp_wire::ethernet;

/// The raw queue pair from its start on.
#[derive(Debug)]
pub(crate) struct RawPair {
    context: QueuePairContext,
    sends: WorkQueue,
    receives: WorkQueue,
    active: bool,
}

impl RawPair {
    /// Starts from a context.
    pub fn new(context: QueuePairContext) -> Self {
        Self {
            sends: WorkQueue::new(context.send_queue, context.send_queue_log2),
            receives: WorkQueue::new(context.receive_queue, context.receive_queue_log2),
            context,
            active: true,
        }
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        self.active = false;
    }

    /// What the host has started it with.
    pub fn context(&self) -> &QueuePairContext {
        &self.context
    }

    /// The host has posted frames to send.
    pub fn post_sends(&mut self, posted: u16) {
        if self.active {
            self.sends.post(posted);
        }
    }

    /// The host has posted buffers.
    pub fn post_receives(&mut self, posted: u16) {
        if self.active {
            self.receives.post(posted);
        }
    }

    /// Gives a frame to software, if software has a buffer for it.
    pub fn receive(&mut self, frame: &[u8], shared: &mut Shared, host: &mut dyn Host) {
        if !self.active {
            return shared.counters.count(COUNT_RAW_NO_BUFFER);
        }
        match self.place(frame, shared, host) {
            Ok(Some(number)) => {
                let entry = entry(kind::RECEIVE, status::SUCCESS, number, frame.len());
                shared.complete(self.context.receive_cq, entry, host);
            }
            Ok(None) => shared.counters.count(COUNT_RAW_NO_BUFFER),
            Err(status) => self.end(status, shared, host),
        }
    }

    /// Writes a frame to the next buffer and answers its number; None if there is none or the
    /// frame does not fit it, which leaves the buffer for the next frame.
    fn place(
        &mut self,
        frame: &[u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<Option<u16>, Status> {
        let Some(number) = self.receives.head() else { return Ok(None) };
        let request = self.receives.read_receive(number, host)?;
        let length = frame.len() as u32;
        if length > request.length {
            return Ok(None);
        }
        let asked = Question {
            stag: request.local_stag,
            pd: self.context.pd,
            right: Right::LocalWrite,
            offset: request.local_offset,
            length,
        };
        let address = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        host.write(address, frame);
        self.receives.take();
        Ok(Some(number))
    }

    /// Sends the next frame. True if there was one.
    pub fn transmit(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        let Some(number) = self.sends.head().filter(|_| self.active) else {
            return false;
        };
        match self.read(number, shared, host) {
            Ok((frame, signaled)) => {
                self.sends.take();
                let entry = entry(kind::SEND, status::SUCCESS, number, frame.len());
                shared.send_frame(frame);
                if signaled {
                    shared.complete(self.context.send_cq, entry, host);
                }
                true
            }
            Err(status) => {
                self.end(status, shared, host);
                false
            }
        }
    }

    fn read(
        &self,
        number: u16,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(Vec<u8>, bool), Status> {
        let (request, reserved) = self.sends.read_send(number, host)?;
        if request.opcode != opcode::RAW_FRAME {
            return Err(status::BAD_OPCODE);
        }
        if reserved || request.remote_stag != 0 || request.remote_offset != 0 {
            return Err(status::RESERVED_FIELD);
        }
        let length = request.length as usize;
        if !(ethernet::HEADER_BYTES..=FRAME_BYTES_MAX).contains(&length) {
            return Err(status::RAW_LENGTH);
        }
        let asked = Question {
            stag: request.local_stag,
            pd: self.context.pd,
            right: Right::LocalRead,
            offset: request.local_offset,
            length: request.length,
        };
        let address = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        let mut frame = vec![0; length];
        host.read(address, &mut frame).map_err(|_| status::DMA_FAULT)?;
        Ok((frame, request.signaled))
    }

    fn end(&mut self, why: Status, shared: &mut Shared, host: &mut dyn Host) {
        self.active = false;
        tracing::debug!(qp = RAW_QP, status = why, "a queue pair ends");
        shared.complete(self.context.receive_cq, entry(kind::EVENT, why, 0, 0), host);
    }
}

fn entry(kind: u8, status: Status, request: u16, length: usize) -> CompletionEntry {
    let (qp, length) = (RAW_QP as u8, length as u32);
    CompletionEntry { qp, kind, status, request, length, ..CompletionEntry::default() }
}
