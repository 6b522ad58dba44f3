//! Queue pair 0: whole Ethernet frames, to and from software.

use crate::host::Host;
use crate::life::Life;
use crate::protection::{gate, Question, Right};
use crate::registers::state;
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry};
use ironwarp_abi::registers::{
    Register, COUNT_RAW_NO_BUFFER, QUERY_RECEIVE_NEXT, QUERY_SEND_NEXT, QUERY_SEND_UNACKNOWLEDGED,
    QUERY_SEND_WINDOW, QUERY_STATE,
};
use ironwarp_abi::status;
use ironwarp_wire::ethernet;

/// The raw queue pair from its start on.
#[derive(Debug)]
pub(crate) struct RawPair {
    life: Life,
    context: QueuePairContext,
    sends: WorkQueue,
    receives: WorkQueue,
    active: bool,
    /// Why it has ended, if it has.
    ended: Status,
    stopped: bool,
}

impl RawPair {
    /// Starts from a context.
    pub fn new(life: Life, context: QueuePairContext) -> Self {
        Self {
            life,
            sends: WorkQueue::new(context.send_queue, context.send_queue_log2),
            receives: WorkQueue::new(context.receive_queue, context.receive_queue_log2),
            context,
            active: true,
            ended: status::SUCCESS,
            stopped: false,
        }
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        (self.active, self.stopped) = (false, true);
    }

    /// What a register says if it shows this queue pair.
    pub fn query(&self, register: Register) -> u32 {
        match register {
            QUERY_SEND_NEXT | QUERY_SEND_UNACKNOWLEDGED => self.context.send_next,
            QUERY_RECEIVE_NEXT => self.context.receive_next,
            QUERY_SEND_WINDOW => self.context.send_window,
            QUERY_STATE => state(self.life, self.active, !self.stopped, self.ended),
            _ => 0,
        }
    }

    /// The host has started it and not stopped it.
    pub fn is_started(&self) -> bool {
        !self.stopped
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
                let entry = self.entry(kind::RECEIVE, number, frame.len());
                let told = shared.complete(self.context.receive_cq, entry, host);
                told.unwrap_or_else(|status| self.end(status, shared, host));
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
        let place = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        place.write(frame, host).map_err(|_| status::DMA_FAULT)?;
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
                let entry = self.entry(kind::SEND, number, frame.len());
                shared.send_frame(frame);
                if signaled {
                    let told = shared.complete(self.context.send_cq, entry, host);
                    told.unwrap_or_else(|status| self.end(status, shared, host));
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
        let longest = shared.configuration.frame_bytes_max();
        if !(ethernet::HEADER_BYTES..=longest).contains(&length) {
            return Err(status::RAW_LENGTH);
        }
        let asked = Question {
            stag: request.local_stag,
            pd: self.context.pd,
            right: Right::LocalRead,
            offset: request.local_offset,
            length: request.length,
        };
        let place = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        let mut frame = vec![0; length];
        place.read(&mut frame, host).map_err(|_| status::DMA_FAULT)?;
        Ok((frame, request.signaled))
    }

    fn end(&mut self, why: Status, shared: &mut Shared, host: &mut dyn Host) {
        (self.active, self.ended) = (false, why);
        tracing::debug!(qp = self.life.qp, status = why, "a queue pair ends");
        // Who has overflowed tells nothing more; the register still says why this ended.
        let _ = shared.complete(self.context.receive_cq, self.life.entry(kind::EVENT, why), host);
    }

    fn entry(&self, kind: u8, request: u16, length: usize) -> CompletionEntry {
        let length = length as u32;
        CompletionEntry { request, length, ..self.life.entry(kind, status::SUCCESS) }
    }
}
