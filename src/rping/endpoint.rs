//! What both roles have: a queue pair, its completions, and the buffers of messages.

use super::error::Error;
use super::message::{Info, INFO_BYTES};
use ironwarp_driver::Error::State;
use ironwarp_driver::{
    Access, Buffer, Completion, CompletionQueue, Context, MemoryRegion, Operation,
    ProtectionDomain, QpState, QueuePair, QueuePairOptions, Region, WorkRequest,
};

/// Entries of each work queue: a message and an RDMA operation are on the way at a time.
const QUEUE_ENTRIES: usize = 8;
const COMPLETION_ENTRIES: usize = 32;
const RECEIVE: u64 = 1;
const SEND: u64 = 2;

/// One end of a connection.
pub struct Endpoint {
    /// The device.
    pub context: Context,
    /// The queue pair.
    pub pair: QueuePair,
    queue: CompletionQueue,
    domain: ProtectionDomain,
    inbox: MemoryRegion,
    /// The messages that this end sends, one behind the other. They never change, so that they can
    /// be sent at any time.
    outbox: MemoryRegion,
}

impl Endpoint {
    /// An end that is not connected yet, with room for `messages` different messages.
    pub fn new(context: &Context, messages: usize) -> Result<Self, Error> {
        let domain = context.protection_domain()?;
        let queue = context.completion_queue(COMPLETION_ENTRIES)?;
        let options = QueuePairOptions {
            send_entries: QUEUE_ENTRIES,
            receive_entries: QUEUE_ENTRIES,
            ..QueuePairOptions::new(&queue)
        };
        let pair = domain.queue_pair(&options)?;
        let inbox = domain.register(&Region::new(INFO_BYTES)?, Access::LOCAL)?;
        let outbox = Region::new(messages * INFO_BYTES)?;
        let outbox = domain.register(&outbox, Access::LOCAL_READ)?;
        let end = Self { context: context.clone(), pair, queue, domain, inbox, outbox };
        end.await_message()?;
        Ok(end)
    }

    /// A buffer that the peer may read and write.
    pub fn buffer(&self, size: usize) -> Result<MemoryRegion, Error> {
        Ok(self.domain.register(&Region::new(size)?, Access::REMOTE)?)
    }

    /// Sets message number `which`.
    pub fn set_message(&self, which: usize, info: Info) -> Result<(), Error> {
        Ok(self.outbox.region().write(which * INFO_BYTES, &info.to_bytes())?)
    }

    /// Sends message number `which`.
    pub fn send_message(&self, which: usize) -> Result<(), Error> {
        let message: Buffer = self.outbox.buffer(which * INFO_BYTES, INFO_BYTES)?;
        Ok(self.pair.post_send(WorkRequest::send(SEND, message))?)
    }

    /// If the peer has closed, no other message comes.
    fn await_message(&self) -> Result<(), Error> {
        match self.pair.post_receive(RECEIVE, self.inbox.whole()) {
            Ok(()) | Err(State(QpState::Draining | QpState::Closed)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the message of a completion, and makes room for the next one.
    pub fn take_message(&self, received: &Completion) -> Result<Info, Error> {
        if received.length as usize != INFO_BYTES {
            return Err(Error::Message(received.length));
        }
        let mut octets = [0; INFO_BYTES];
        self.inbox.region().read(0, &mut octets)?;
        self.await_message()?;
        Ok(Info::from_bytes(octets))
    }

    /// The next completion that says something: not of a message that was sent, and not of what
    /// was flushed at the end.
    pub fn completion(&self) -> Result<Option<Completion>, Error> {
        while let Some(done) = self.queue.poll(1)?.pop() {
            match (done.status, done.operation) {
                (ironwarp_driver::Status::FLUSHED, _) => {}
                (status, operation) if !status.is_success() => {
                    return Err(Error::Request(operation, status));
                }
                (_, Operation::Send) => {}
                _ => return Ok(Some(done)),
            }
        }
        Ok(None)
    }
}
