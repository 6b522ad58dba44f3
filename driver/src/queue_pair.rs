//! Queue pairs: work requests on their way to the device, and their names on the way back.

use crate::completion::{Completion, Operation};
use crate::device::Device;
use crate::dma::DeviceMemory;
use crate::error::Error;
use crate::locked::Locked;
use crate::memory::{Buffer, RemoteBuffer};
use crate::ring::WorkRing;
use crate::state::{QpEvent, QpState};
use crate::status::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{DOORBELL_RECEIVE, DOORBELL_SEND};
use ironwarp_abi::status::CQ_OVERFLOW;
use std::collections::VecDeque;

/// Something to send, or to read from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRequest {
    id: u64,
    opcode: u8,
    buffer: Buffer,
    remote: RemoteBuffer,
    signaled: bool,
}

/// The unit of a reassembly ring's size, in octets.
const REASSEMBLY_UNIT: usize = 4096;

const NOWHERE: RemoteBuffer = RemoteBuffer { stag: 0, offset: 0 };

impl WorkRequest {
    /// A Send of `buffer` to the peer's next receive. `id` names the request in its completion.
    pub fn send(id: u64, buffer: Buffer) -> Self {
        Self { id, opcode: opcode::SEND, buffer, remote: NOWHERE, signaled: true }
    }

    /// A Send that asks the peer for a solicited event (RFC 5040 s. 5.3).
    pub fn send_solicited(id: u64, buffer: Buffer) -> Self {
        Self { opcode: opcode::SEND_SOLICITED, ..Self::send(id, buffer) }
    }

    /// An RDMA Write of `buffer` to the peer's memory.
    pub fn write(id: u64, buffer: Buffer, remote: RemoteBuffer) -> Self {
        Self { opcode: opcode::WRITE, remote, ..Self::send(id, buffer) }
    }

    /// An RDMA Read of the peer's memory into `sink`, whose region needs
    /// [`local_write`](crate::Access::local_write). It is done when all octets are there; what is
    /// posted later is done later. At most as many as agreed are outstanding
    /// ([`Agreement::reads`](crate::Agreement::reads)): the send queue waits with the next one. If
    /// none was agreed, it ends the connection with BAD_OPCODE.
    pub fn read(id: u64, sink: Buffer, remote: RemoteBuffer) -> Self {
        Self { opcode: opcode::READ, ..Self::write(id, sink, remote) }
    }

    /// No completion if the request succeeds. Its queue entry is free again when a later request
    /// completes, so ask for a completion at least once in a queue's length.
    pub fn unsignaled(self) -> Self {
        Self { signaled: false, ..self }
    }

    fn operation(&self) -> Operation {
        match self.opcode {
            opcode::WRITE => Operation::Write,
            opcode::READ => Operation::Read,
            _ => Operation::Send,
        }
    }

    fn entry(&self) -> SendRequest {
        SendRequest {
            opcode: self.opcode,
            signaled: self.signaled,
            length: self.buffer.length,
            local_offset: self.buffer.offset,
            local_stag: self.buffer.stag,
            remote_stag: self.remote.stag,
            remote_offset: self.remote.offset,
        }
    }
}

/// A work request that was posted and is not known to be done.
#[derive(Clone, Copy, Debug)]
struct Posted {
    id: u64,
    operation: Operation,
    signaled: bool,
    /// The driver's own: the application never hears of it.
    hidden: bool,
}

/// A work queue: its ring, and what is in it. The ring's last number minus the length of `posted`
/// is the number of the oldest.
struct WorkQueue {
    ring: WorkRing,
    posted: VecDeque<Posted>,
    limit: usize,
}

impl WorkQueue {
    fn new(ring: WorkRing, limit: usize) -> Self {
        let limit = limit.min(ring.entries());
        // It never grows: posting allocates nothing.
        Self { ring, posted: VecDeque::with_capacity(limit), limit }
    }

    /// How many more requests it takes.
    fn room(&self) -> usize {
        self.limit - self.posted.len()
    }

    /// Takes a request. The caller knows that there is room.
    fn push(&mut self, request: &[u8; SendRequest::BYTES], posted: Posted) -> Result<(), Error> {
        self.ring.push(request)?;
        self.posted.push_back(posted);
        Ok(())
    }

    /// Begins anew, as the device does.
    fn clear(&mut self) {
        self.posted.clear();
        self.ring.clear();
    }

    /// Takes request `number` and those before it, which are then done as well.
    fn retire(&mut self, number: u16) -> Option<Posted> {
        // Queues have at most 2^12 entries.
        let waiting = u16::try_from(self.posted.len()).unwrap_or(u16::MAX);
        let oldest = self.ring.posted().wrapping_sub(waiting);
        let ahead = usize::from(number.wrapping_sub(oldest));
        if ahead >= self.posted.len() {
            return None;
        }
        self.posted.drain(..ahead);
        self.posted.pop_front()
    }
}

/// What the hardware said of a queue pair's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HardwareEvent {
    /// What happened.
    pub status: u8,
    /// The sequence number after the last octet taken.
    pub sequence: u32,
}

/// A queue pair of the device.
pub(crate) struct QueuePairRecord {
    number: u32,
    state: QpState,
    /// The device may have something under way for it: from before its start until the fence behind
    /// its stop.
    running: bool,
    /// The generation that the device confirmed.
    generation: Option<u8>,
    /// The protection domain.
    pub pd: u16,
    /// The completion queue of the sends.
    pub send_cq: u32,
    /// The completion queue of the receives and of events.
    pub receive_cq: u32,
    send: WorkQueue,
    receive: WorkQueue,
    /// The driver has something to say before the application.
    speaks_first: bool,
    /// Where the device keeps what comes early: from before a start until the fence behind the
    /// stop.
    early: Option<DeviceMemory>,
    /// For the connection manager, oldest first.
    events: VecDeque<HardwareEvent>,
}

/// What a queue pair is made of.
pub(crate) struct Parts {
    /// The number.
    pub number: u32,
    /// The protection domain.
    pub pd: u16,
    /// The completion queue of the sends.
    pub send_cq: u32,
    /// The completion queue of the receives and of events.
    pub receive_cq: u32,
    /// The send queue's ring.
    pub send: WorkRing,
    /// The receive queue's ring.
    pub receive: WorkRing,
    /// Sends that the device can have outstanding.
    pub outstanding: usize,
}

impl QueuePairRecord {
    /// An idle queue pair.
    pub fn new(parts: Parts) -> Self {
        Self {
            number: parts.number,
            state: QpState::Idle,
            running: false,
            generation: None,
            pd: parts.pd,
            send_cq: parts.send_cq,
            receive_cq: parts.receive_cq,
            send: WorkQueue::new(parts.send, parts.outstanding),
            receive: WorkQueue::new(parts.receive, usize::MAX),
            speaks_first: false,
            early: None,
            events: VecDeque::new(),
        }
    }

    /// Where the queue pair stands.
    pub fn state(&self) -> QpState {
        self.state
    }

    /// Moves on; [`Error::State`] if the event does not belong here.
    pub fn apply(&mut self, event: QpEvent) -> Result<(), Error> {
        self.state = self.state.after(event).ok_or(Error::State(self.state))?;
        Ok(())
    }

    /// As [`QueuePairRecord::apply`], without moving.
    pub fn expect(&self, event: QpEvent) -> Result<(), Error> {
        self.state.after(event).map(|_| ()).ok_or(Error::State(self.state))
    }

    /// The device hears of it from now on. Nothing to send is left of a start that failed.
    pub fn begin(&mut self) {
        self.running = true;
        self.send.clear();
    }

    /// The device has started it.
    pub fn live(&mut self, generation: u8) {
        self.generation = Some(generation);
    }

    /// The device is done with it, and all its entries were collected.
    pub fn end(&mut self) {
        (self.running, self.generation, self.early) = (false, None, None);
    }

    /// True if the device may have something under way for it.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// A completion queue of it takes no more entries.
    pub fn overflow(&mut self) {
        if self.is_running() {
            self.events.push_back(HardwareEvent { status: CQ_OVERFLOW, sequence: 0 });
        }
    }

    /// What the device must know of it besides its connection, with memory for the reassembly ring
    /// that the connection wants. It has [begun](Self::begin).
    pub fn context(
        &mut self,
        device: &Device,
        connection: &QueuePairContext,
    ) -> Result<QueuePairContext, Error> {
        self.early = match connection.reassembly_log2 {
            0 => None,
            log2 => Some(device.allocate(REASSEMBLY_UNIT << log2)?),
        };
        let [send, receive] = [&self.send.ring, &self.receive.ring];
        Ok(QueuePairContext {
            pd: self.pd,
            send_cq: self.send_cq,
            receive_cq: self.receive_cq,
            send_queue: send.bus_address(),
            send_queue_log2: send.log2(),
            receive_queue: receive.bus_address(),
            receive_queue_log2: receive.log2(),
            reassembly: self.early.as_ref().map_or(0, DeviceMemory::bus_address),
            ..*connection
        })
    }

    /// Completion entries that the queue pair can cause at a time in its send and in its receive
    /// completion queue; events count there.
    pub fn entries_due(&self) -> [usize; 2] {
        [self.send.limit, self.receive.limit + EVENTS_MAX]
    }

    /// Posts something to send.
    #[cfg(test)]
    pub fn post_send(&mut self, device: &Device, request: WorkRequest) -> Result<(), Error> {
        fit(self.post_sends(device, &[request])?)
    }

    /// Sends an empty RDMA Write that asks after the peer; neither application hears of it.
    pub fn post_keep_alive(&mut self, device: &Device) -> Result<(), Error> {
        if self.state != QpState::Open {
            return Err(Error::State(self.state));
        }
        fit(self.post(device, &[WorkRequest::write(0, Buffer::EMPTY, NOWHERE)], true)?)
    }

    /// Posts as many of these as there is room for, and answers how many, with one doorbell.
    pub fn post_sends(
        &mut self,
        device: &Device,
        requests: &[WorkRequest],
    ) -> Result<usize, Error> {
        if self.state != QpState::Open {
            return Err(Error::State(self.state));
        }
        self.post(device, requests, false)
    }

    /// If it was said of this life that the driver speaks first, sends the empty RDMA Write that
    /// says ready-to-receive (RFC 6581 s. 9.2), ahead of what the application can post; which does
    /// not hear of it.
    pub fn speak_first(&mut self, device: &Device) -> Result<(), Error> {
        if !std::mem::take(&mut self.speaks_first) {
            return Ok(());
        }
        let request = WorkRequest::write(0, Buffer::EMPTY, NOWHERE).unsignaled();
        fit(self.post(device, &[request], true)?)
    }

    fn post(
        &mut self,
        device: &Device,
        requests: &[WorkRequest],
        hidden: bool,
    ) -> Result<usize, Error> {
        let count = requests.len().min(self.send.room());
        for request in &requests[..count] {
            let (id, operation, signaled) = (request.id, request.operation(), request.signaled);
            let posted = Posted { id, operation, signaled, hidden };
            self.send.push(&request.entry().to_bytes(), posted)?;
        }
        if count > 0 {
            device.ring_queue_pair(self.number, DOORBELL_SEND, self.send.ring.posted())?;
        }
        Ok(count)
    }

    /// Posts a buffer for the next message that has none.
    #[cfg(test)]
    pub fn post_receive(&mut self, device: &Device, id: u64, buffer: Buffer) -> Result<(), Error> {
        fit(self.post_receives(device, &[(id, buffer)])?)
    }

    /// Posts as many named buffers as there is room for, and answers how many. Before the
    /// connection is open the device is not told; it learns of all of them when it starts.
    pub fn post_receives(
        &mut self,
        device: &Device,
        buffers: &[(u64, Buffer)],
    ) -> Result<usize, Error> {
        if matches!(self.state, QpState::Closed | QpState::Error) {
            return Err(Error::State(self.state));
        }
        let count = buffers.len().min(self.receive.room());
        for (id, buffer) in &buffers[..count] {
            let entry = ReceiveRequest {
                length: buffer.length,
                local_offset: buffer.offset,
                local_stag: buffer.stag,
            };
            let operation = Operation::Receive;
            let posted = Posted { id: *id, operation, signaled: true, hidden: false };
            self.receive.push(&entry.to_bytes(), posted)?;
        }
        if count > 0 && self.state == QpState::Open {
            device.ring_queue_pair(self.number, DOORBELL_RECEIVE, self.receives())?;
        }
        Ok(count)
    }

    /// Receives posted since the queue pair's beginning, modulo 2^16.
    pub fn receives(&self) -> u16 {
        self.receive.ring.posted()
    }

    /// What a completion entry means to the application, if anything.
    pub fn complete(&mut self, entry: &CompletionEntry) -> Option<Completion> {
        if self.generation != Some(entry.generation) {
            tracing::debug!(?entry, "a completion entry of another generation");
            return None;
        }
        let event = HardwareEvent { status: entry.status, sequence: entry.sequence };
        let queue = match entry.kind {
            kind::SEND => &mut self.send,
            kind::RECEIVE => &mut self.receive,
            kind::EVENT => {
                self.events.push_back(event);
                return None;
            }
            _ => {
                tracing::warn!(?entry, "a completion entry of no kind that there is");
                return None;
            }
        };
        let Some(done) = queue.retire(entry.request) else {
            tracing::warn!(?entry, "a completion entry of no work request");
            return None;
        };
        let status = Status(entry.status);
        if !status.is_success() {
            self.events.push_back(event);
        }
        let completion = Completion {
            id: done.id,
            qp: self.number,
            operation: done.operation,
            status,
            length: entry.length,
            solicited: entry.solicited,
        };
        (!done.hidden && (done.signaled || !status.is_success())).then_some(completion)
    }

    /// True if the connection manager has something to hear.
    pub fn has_news(&self) -> bool {
        matches!(self.state, QpState::Open | QpState::Draining) && !self.events.is_empty()
    }

    /// True if a send may be on the way.
    pub fn has_sends(&self) -> bool {
        !self.send.posted.is_empty()
    }

    /// True if no send is left whose completion was asked for.
    pub fn sends_completed(&self) -> bool {
        !self.send.posted.iter().any(|posted| posted.signaled)
    }

    /// Everything that was posted and is not done, flushed: sends, then receives, oldest first.
    /// The device is stopped, and its last entries were collected.
    pub fn flush(&mut self) -> [Vec<Completion>; 2] {
        let qp = self.number;
        let flushed = |queue: &mut WorkQueue| {
            let visible = queue.posted.drain(..).filter(|posted| !posted.hidden);
            let completions = visible.map(|posted| Completion {
                id: posted.id,
                qp,
                operation: posted.operation,
                status: Status::FLUSHED,
                length: 0,
                solicited: false,
            });
            completions.collect()
        };
        [flushed(&mut self.send), flushed(&mut self.receive)]
    }

    /// Makes a queue pair that has ended usable again.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.apply(QpEvent::Reset)?;
        self.events.clear();
        self.send.clear();
        self.receive.clear();
        Ok(())
    }
}

/// An error if the one request was not posted.
pub(crate) fn fit(posted: usize) -> Result<(), Error> {
    match posted {
        0 => Err(Error::QueueFull),
        _ => Ok(()),
    }
}

/// What the connection manager does with a queue pair, each under its lock.
impl Locked<QueuePairRecord> {
    /// As [`QueuePairRecord::state`].
    pub fn state(&self) -> QpState {
        self.with(|qp, _| qp.state())
    }

    /// As [`QueuePairRecord::apply`].
    pub fn apply(&self, event: QpEvent) -> Result<(), Error> {
        self.with(|qp, _| qp.apply(event))
    }

    /// As [`QueuePairRecord::expect`].
    pub fn expect(&self, event: QpEvent) -> Result<(), Error> {
        self.with(|qp, _| qp.expect(event))
    }

    /// In the life that begins next the driver sends ready-to-receive first, or does not.
    pub fn speaks_first(&self, first: bool) {
        self.with(|qp, _| qp.speaks_first = first);
    }

    /// The oldest event that was not taken.
    pub fn next_event(&self) -> Option<HardwareEvent> {
        self.with(|qp, _| qp.events.pop_front())
    }

    /// As [`QueuePairRecord::has_sends`].
    pub fn has_sends(&self) -> bool {
        self.with(|qp, _| qp.has_sends())
    }

    /// As [`QueuePairRecord::sends_completed`].
    pub fn sends_completed(&self) -> bool {
        self.with(|qp, _| qp.sends_completed())
    }
}

/// Events that a queue pair can write before it is stopped: a close of the peer, and an error.
const EVENTS_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    fn open() -> (std::sync::Arc<Fake>, Device, QueuePairRecord) {
        let fake = Fake::alone();
        let device = Device::open(fake.clone(), [2, 0, 0, 0, 0, 1], 156).unwrap();
        let ring = || WorkRing::new(&device, 4).unwrap();
        let mut qp = QueuePairRecord::new(Parts {
            number: 5,
            pd: 1,
            send_cq: 1,
            receive_cq: 2,
            send: ring(),
            receive: ring(),
            outstanding: 128,
        });
        qp.apply(QpEvent::Start).unwrap();
        qp.apply(QpEvent::Armed).unwrap();
        qp.begin();
        qp.live(LIFE);
        (fake, device, qp)
    }

    const LIFE: u8 = 3;

    fn done(kind: u8, request: u16, status: u8) -> CompletionEntry {
        let (qp, generation, length) = (5, LIFE, 7);
        CompletionEntry { qp, generation, kind, request, status, length, ..Default::default() }
    }

    #[test]
    fn a_queue_holds_its_entries_and_no_more() {
        let (fake, device, mut qp) = open();
        for id in 0..4 {
            qp.post_send(&device, WorkRequest::send(id, Buffer::EMPTY)).unwrap();
            assert_eq!(fake.doorbell(5, DOORBELL_SEND), id as u32 + 1);
        }
        let full = qp.post_send(&device, WorkRequest::send(4, Buffer::EMPTY));
        assert!(matches!(full, Err(Error::QueueFull)));
        assert_eq!(qp.complete(&done(kind::SEND, 0, 0)).unwrap().id, 0);
        qp.post_send(&device, WorkRequest::send(4, Buffer::EMPTY)).unwrap();
    }

    /// The device has the reassembly ring until the fence behind the stop.
    #[test]
    fn the_reassembly_ring_lives_as_long_as_the_life() {
        let (fake, device, mut qp) = open();
        let connection = QueuePairContext { reassembly_log2: 2, ..Default::default() };
        let context = qp.context(&device, &connection).unwrap();
        let last = context.reassembly + 4 * 4096 - 1;
        assert_eq!((context.reassembly_log2, context.reassembly % 4096), (2, 0));
        assert!(fake.is_mapped(context.reassembly) && fake.is_mapped(last));
        qp.end();
        assert!(!fake.is_mapped(context.reassembly));
        let context = qp.context(&device, &QueuePairContext::default()).unwrap();
        assert_eq!((context.reassembly_log2, context.reassembly), (0, 0));
    }

    /// A completion says that all earlier requests are done; only those that asked are heard of.
    #[test]
    fn unsignaled_requests_retire_with_a_later_one() {
        let (_fake, device, mut qp) = open();
        for round in 0..40_000u64 {
            let silent = WorkRequest::write(round, Buffer::EMPTY, NOWHERE).unsignaled();
            qp.post_send(&device, silent).unwrap();
            assert!(qp.sends_completed(), "nobody waits for it");
            qp.post_send(&device, WorkRequest::send(round, Buffer::EMPTY)).unwrap();
            assert!(!qp.sends_completed());
            let number = (2 * round + 1) as u16;
            let completion = qp.complete(&done(kind::SEND, number, 0)).unwrap();
            assert_eq!((completion.id, completion.operation), (round, Operation::Send));
            assert_eq!(qp.complete(&done(kind::SEND, number, 0)), None, "only once");
        }
    }

    /// Numbers of requests begin anew with every life, so an entry of another one would be taken
    /// for one of this one.
    #[test]
    fn entries_of_another_generation_change_nothing() {
        let (_fake, device, mut qp) = open();
        qp.post_send(&device, WorkRequest::send(1, Buffer::EMPTY)).unwrap();
        for generation in (0..=255).filter(|generation| *generation != LIFE) {
            for kind in [kind::SEND, kind::RECEIVE, kind::EVENT] {
                let late = CompletionEntry { generation, ..done(kind, 0, 0) };
                assert_eq!(qp.complete(&late), None);
            }
        }
        assert!(qp.events.is_empty() && qp.has_sends());
        assert_eq!(qp.complete(&done(kind::SEND, 0, 0)).map(|done| done.id), Some(1));
        // Between two lives there is none.
        qp.apply(QpEvent::Fail).unwrap();
        qp.end();
        qp.reset().unwrap();
        qp.post_receive(&device, 2, Buffer::EMPTY).unwrap();
        assert_eq!(qp.complete(&done(kind::RECEIVE, 0, 0)), None);
    }

    #[test]
    fn a_queue_pair_that_runs_ends_when_a_queue_overflows() {
        let (_fake, _device, mut qp) = open();
        qp.overflow();
        assert_eq!(qp.events.pop_front().map(|event| event.status), Some(CQ_OVERFLOW));
        qp.end();
        qp.overflow();
        assert!(qp.events.is_empty(), "it is over already");
    }

    #[test]
    fn a_failed_request_is_heard_of_and_the_rest_is_flushed() {
        let (_fake, device, mut qp) = open();
        for id in 10..13 {
            qp.post_send(&device, WorkRequest::send(id, Buffer::EMPTY).unsignaled()).unwrap();
            qp.post_receive(&device, 10 * id, Buffer::EMPTY).unwrap();
        }
        let bounds = ironwarp_abi::status::LOCAL_BOUNDS;
        let failed = qp.complete(&done(kind::SEND, 1, bounds)).unwrap();
        assert_eq!((failed.id, failed.status), (11, Status(bounds)));
        assert_eq!(qp.events.front().map(|event| event.status), Some(bounds));
        let [sends, receives] = qp.flush();
        let ids = |list: &[Completion]| list.iter().map(|c| c.id).collect::<Vec<_>>();
        assert_eq!((ids(&sends), ids(&receives)), (vec![12], vec![100, 110, 120]));
        assert!(receives.iter().all(|completion| completion.status == Status::FLUSHED));
    }

    #[test]
    fn a_read_names_its_sink_and_its_source() {
        let (fake, device, mut qp) = open();
        let sink = Buffer { stag: 0x701, offset: 9, length: 4000 };
        let remote = RemoteBuffer { stag: 0x802, offset: 1 << 40 };
        let request = WorkRequest::read(77, sink, remote);
        let entry = request.entry();
        assert_eq!((entry.opcode, entry.signaled, entry.length), (opcode::READ, true, 4000));
        assert_eq!((entry.local_stag, entry.local_offset), (0x701, 9));
        assert_eq!((entry.remote_stag, entry.remote_offset), (0x802, 1 << 40));
        qp.post_send(&device, request).unwrap();
        assert_eq!(fake.doorbell(5, DOORBELL_SEND), 1);
        let done = qp.complete(&done(kind::SEND, 0, 0)).unwrap();
        assert_eq!((done.id, done.operation), (77, Operation::Read));
    }

    #[test]
    fn posting_needs_a_state_for_it() {
        let (fake, device, mut qp) = open();
        qp.apply(QpEvent::Fail).unwrap();
        assert!(qp.post_send(&device, WorkRequest::send(0, Buffer::EMPTY)).is_err());
        assert!(qp.post_receive(&device, 0, Buffer::EMPTY).is_err());
        qp.reset().unwrap();
        qp.post_receive(&device, 0, Buffer::EMPTY).unwrap();
        assert_eq!(fake.doorbell(5, DOORBELL_RECEIVE), 0, "the device is not started");
        assert!(qp.post_send(&device, WorkRequest::send(0, Buffer::EMPTY)).is_err());
    }
}
