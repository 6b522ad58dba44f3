//! RDMA Writes of a model over the kernel's TCP.

use super::{pattern, Error, MESSAGE_BYTES};
use ironwarp_driver::{
    Access, CompletionQueue, Context, Event, MemoryRegion, Operation, Options, QueuePair,
    QueuePairOptions, Region, RemoteBuffer, StartupOptions, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Network, World, WorldOptions};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

/// RDMA Writes that are posted and not known to be done.
const POSTED_MAX: u64 = 64;
/// One of so many asks for a completion.
const SIGNALED: u64 = 16;
/// The longest sleep.
const SLICE: Duration = Duration::from_millis(100);

const WRITE: u64 = 0;
const SEND: u64 = 1;
const RECEIVE: u64 = 2;

/// One side: a device, a queue pair, and memory of one message.
struct End {
    context: Context,
    queue: CompletionQueue,
    pair: QueuePair,
    memory: MemoryRegion,
    inbox: MemoryRegion,
}

impl End {
    fn open(octets: &[u8]) -> Result<Self, Error> {
        let world = World::on_network(DeviceKind::Model, &Network::Tcp, WorldOptions::default())?;
        let options = Options { ip: Ipv4Addr::LOCALHOST, ..Options::default() };
        let context = Context::open(world.function(0)?, options)?;
        let domain = context.protection_domain()?;
        let queue = context.completion_queue(256)?;
        let options = QueuePairOptions {
            send_entries: 2 * POSTED_MAX as usize,
            receive_entries: 2,
            ..QueuePairOptions::new(&queue)
        };
        let pair = domain.queue_pair(&options)?;
        let memory = domain.register(&Region::from_slice(octets)?, Access::REMOTE_WRITE)?;
        let inbox = domain.register(&Region::new(8)?, Access::LOCAL)?;
        pair.post_receive(RECEIVE, inbox.whole())?;
        Ok(Self { context, queue, pair, memory, inbox })
    }

    /// Runs until an event comes that says something to `wanted`.
    fn event<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> Result<T, Error> {
        loop {
            for event in self.context.poll()? {
                if let Some(value) = wanted(&event) {
                    return Ok(value);
                }
                if !matches!(event, Event::Established { .. }) {
                    return Err(Error::Connection(format!("{event:?}")));
                }
            }
            self.context.wait(SLICE)?;
        }
    }

    /// Sends `messages`, and says at the end that this was all.
    fn stream(&self, messages: u64, remote: RemoteBuffer) -> Result<(), Error> {
        let (mut posted, mut done) = (0, 0);
        while done < messages {
            while posted < messages && posted - done < POSTED_MAX {
                posted += 1;
                let write = WorkRequest::write(WRITE, self.memory.whole(), remote);
                let asks = posted % SIGNALED == 0 || posted == messages;
                self.pair.post_send(if asks { write } else { write.unsignaled() })?;
            }
            let before = done;
            for completion in self.queue.poll(64)? {
                if !completion.status.is_success() {
                    return Err(Error::Connection(completion.status.to_string()));
                }
                done = (done + SIGNALED).min(messages);
            }
            if done == before {
                self.ends_early()?;
                self.context.wait(SLICE)?;
            }
        }
        Ok(self.pair.post_send(WorkRequest::send(SEND, self.inbox.whole()))?)
    }

    fn ends_early(&self) -> Result<(), Error> {
        match self.context.poll()?.pop() {
            Some(event) => Err(Error::Connection(format!("{event:?}"))),
            None => Ok(()),
        }
    }

    /// Runs until a message has come.
    fn message(&self) -> Result<(), Error> {
        loop {
            for completion in self.queue.poll(64)? {
                if !completion.status.is_success() {
                    return Err(Error::Connection(completion.status.to_string()));
                }
                if completion.operation == Operation::Receive {
                    return Ok(());
                }
            }
            self.ends_early()?;
            self.context.wait(SLICE)?;
        }
    }

    /// Runs until the connection is closed.
    fn closed(&self) -> Result<(), Error> {
        loop {
            // What is done or flushed now says nothing; left there, it would keep us from sleeping.
            self.queue.poll(64)?;
            match self.context.poll()?.pop() {
                Some(Event::Disconnected { .. }) => return Ok(()),
                Some(event) => return Err(Error::Connection(format!("{event:?}"))),
                None => self.context.wait(SLICE)?,
            }
        }
    }
}

/// Sends `messages` and answers how long it took until the receiver had them.
pub fn send(port: u16, messages: u64) -> Result<Duration, Error> {
    let end = End::open(&pattern())?;
    let receiver = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    end.context.connect(&end.pair, receiver, &StartupOptions::default())?;
    let remote = end.event(|event| match event {
        Event::Established { startup, .. } => announced(&startup.private_data),
        _ => None,
    })?;
    let start = Instant::now();
    end.stream(messages, remote)?;
    end.message()?;
    let took = start.elapsed();
    end.context.disconnect(&end.pair)?;
    end.closed()?;
    Ok(took)
}

/// Where the receiver's memory is: STag and tagged offset, in its private data.
fn announced(private_data: &[u8]) -> Option<RemoteBuffer> {
    let (stag, offset) = private_data.split_first_chunk()?;
    let offset = u64::from_be_bytes(offset.try_into().ok()?);
    Some(RemoteBuffer { stag: u32::from_be_bytes(*stag), offset })
}

/// A receiver of RDMA Writes.
pub struct Receiver(End);

impl Receiver {
    /// Listens to a port.
    pub fn listen(port: u16) -> Result<Self, Error> {
        let end = End::open(&[0; MESSAGE_BYTES])?;
        end.context.listen(port)?;
        Ok(Self(end))
    }

    /// Receives from one sender, to its end, and answers it that all is there.
    pub fn receive(self) -> Result<(), Error> {
        let Self(end) = self;
        let request = end.event(|event| match event {
            Event::ConnectRequest { request, .. } => Some(*request),
            _ => None,
        })?;
        let remote = end.memory.remote(0);
        let place = [&remote.stag.to_be_bytes()[..], &remote.offset.to_be_bytes()].concat();
        end.context.accept(request, &end.pair, &StartupOptions::with_private_data(&place))?;
        end.event(|event| matches!(event, Event::Established { .. }).then_some(()))?;
        end.message()?;
        if end.memory.region().to_vec(0, MESSAGE_BYTES)? != pattern() {
            return Err(Error::Differs);
        }
        end.pair.post_send(WorkRequest::send(SEND, end.inbox.whole()))?;
        end.closed()
    }
}
