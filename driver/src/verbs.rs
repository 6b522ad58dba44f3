//! The application's view: a context, and the objects that are made from it.
//!
//! Everything is non-blocking and polled; [`Context::wait`] lets device time pass. One thread can
//! therefore drive both ends of a simulation. Handles may be used from any thread. Posting and
//! polling lock nothing but the queue pair and the completion queue that they are called on; all
//! else takes the context's lock for its duration.

use crate::completion::Completion;
use crate::completion_queue::CompletionQueueRecord;
use crate::connection::{Event, RequestId, StartupOptions};
use crate::error::Error;
use crate::locked::Locked;
use crate::memory::{Access, Buffer, Registration, RemoteBuffer};
use crate::options::Options;
use crate::os::{EventFd, Region};
use crate::pci::PciFunction;
use crate::queue_pair::{fit, QueuePairRecord, WorkRequest};
use crate::reactor::Reactor;
use crate::state::QpState;
use crate::station::Station;
use crate::usage::Usage;
use ironwarp_abi::configuration::Configuration;
use std::net::SocketAddrV4;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

struct Shared {
    function: Arc<dyn PciFunction>,
    station: Mutex<Station>,
    reactor: Reactor,
}

impl Shared {
    fn lock(&self) -> Guard<'_> {
        // A panic in a caller's thread leaves tables that are as consistent as after any error.
        Guard(Some(self.station.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The station, locked. Tasks that have something to do now are woken behind the lock: their
/// executors may run them at once.
struct Guard<'a>(Option<MutexGuard<'a, Station>>);

impl Deref for Guard<'_> {
    type Target = Station;

    fn deref(&self) -> &Station {
        self.0.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut Station {
        self.0.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let woken = self.take_woken();
        drop(self.0.take());
        woken.into_iter().for_each(Waker::wake);
    }
}

/// An opened device. Clones name the same one.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
}

impl Context {
    /// Opens the device behind a PCI function: resets it, checks it, and starts its raw queue.
    ///
    /// # Errors
    /// [`Error::NotOurDevice`], [`Error::Version`] or [`Error::Capability`] if it is not a device
    /// that this driver knows; [`Error::Bus`] if it does not answer; [`Error::OutOfRange`] for
    /// options.
    pub fn open(function: Arc<dyn PciFunction>, options: Options) -> Result<Self, Error> {
        let station = Mutex::new(Station::open(function.clone(), options)?);
        Ok(Self { shared: Arc::new(Shared { function, station, reactor: Reactor::default() }) })
    }

    /// The PCI function.
    pub fn function(&self) -> &Arc<dyn PciFunction> {
        &self.shared.function
    }

    /// Works on everything that waits, and answers what happened to connections since.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer.
    pub fn poll(&self) -> Result<Vec<Event>, Error> {
        self.shared.lock().poll()
    }

    /// Asks for an interrupt with the next completion of any queue, raw frames included. For
    /// applications that wait by themselves, on [`Context::interrupt`] or for the other end of a
    /// simulation.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer.
    pub fn arm(&self) -> Result<(), Error> {
        self.shared.lock().arm()
    }

    /// Lets device time pass until something happens or a timer of the driver is due, at most for
    /// `limit`. Returns at once if completions wait. Follow with [`Context::poll`].
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer.
    pub fn wait(&self, limit: Duration) -> Result<(), Error> {
        let limit = {
            let mut station = self.shared.lock();
            station.arm()?;
            station.time_to_wait(limit)
        };
        // A device that works only when it is called has its turn in any case.
        self.shared.function.wait(limit).map(|_| ())
    }

    /// How much is in use.
    pub fn usage(&self) -> Usage {
        self.shared.lock().usage()
    }

    /// Device time since some moment before the device was opened.
    pub fn now(&self) -> Duration {
        self.shared.function.now()
    }

    /// How many objects the device has.
    pub fn configuration(&self) -> Configuration {
        *self.shared.lock().configuration()
    }

    /// The eventfd of an interrupt vector: [`CompletionQueue::vector`] says which one. Vector 0 is
    /// the driver's own, for frames and fences.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if there is no such vector.
    pub fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.shared.function.interrupt(vector)
    }

    /// A new protection domain.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if 65535 of them are in use.
    pub fn protection_domain(&self) -> Result<ProtectionDomain, Error> {
        let number = self.shared.lock().new_domain()?;
        Ok(ProtectionDomain { shared: self.shared.clone(), number })
    }

    /// A completion queue with room for `entries` completions.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if all are in use; [`Error::OutOfRange`] for its size.
    pub fn completion_queue(&self, entries: usize) -> Result<CompletionQueue, Error> {
        let (number, record) = self.shared.lock().new_completion_queue(entries)?;
        let inner = CompletionQueueInner { shared: self.shared.clone(), number, record };
        Ok(CompletionQueue { inner: Arc::new(inner) })
    }

    /// Waits for connections to a TCP port; they come as [`Event::ConnectRequest`].
    ///
    /// # Errors
    /// [`Error::PortInUse`]; [`Error::OutOfRange`] for port 0.
    pub fn listen(&self, port: u16) -> Result<(), Error> {
        self.shared.lock().listen(port)
    }

    /// No longer listens to a port. Connections stay.
    ///
    /// # Errors
    /// [`Error::Gone`] if it was not listened to.
    pub fn unlisten(&self, port: u16) -> Result<(), Error> {
        self.shared.lock().unlisten(port)
    }

    /// Accepts a connection request for an idle queue pair; [`Event::Established`] follows.
    ///
    /// # Errors
    /// [`Error::Gone`] if the request is no more; [`Error::State`] if the queue pair is not idle;
    /// [`Error::Startup`] for the private data.
    pub fn accept(
        &self,
        request: RequestId,
        qp: &QueuePair,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        self.own(qp)?.accept(request, qp.number, options)
    }

    /// Refuses a connection request.
    ///
    /// # Errors
    /// [`Error::Gone`] if the request is no more; [`Error::Startup`] for the private data.
    pub fn reject(&self, request: RequestId, private_data: &[u8]) -> Result<(), Error> {
        self.shared.lock().reject(request, private_data)
    }

    /// Connects an idle queue pair; [`Event::Established`], [`Event::Rejected`] or
    /// [`Event::Error`] follows.
    ///
    /// # Errors
    /// [`Error::State`] if the queue pair is not idle; [`Error::Unreachable`];
    /// [`Error::Startup`] for the private data.
    pub fn connect(
        &self,
        qp: &QueuePair,
        peer: SocketAddrV4,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        self.own(qp)?.connect(qp.number, peer, options)
    }

    /// Closes a connection in order: what was posted and asks for a completion is sent and
    /// acknowledged first. [`Event::Disconnected`] follows.
    ///
    /// Sends that asked for no completion are also waited for as long as the hardware has octets
    /// on the way, but ask for a completion of the last one to be sure of it.
    ///
    /// A connection that the peer has closed first is being closed already, and one that is closed
    /// stays so: there this changes nothing, and the one [`Event::Disconnected`] of the connection
    /// follows or has been told.
    ///
    /// # Errors
    /// [`Error::State`] if the queue pair is not connected, or was disconnected before.
    pub fn disconnect(&self, qp: &QueuePair) -> Result<(), Error> {
        self.own(qp)?.disconnect(qp.number)
    }

    fn own(&self, qp: &QueuePair) -> Result<Guard<'_>, Error> {
        match Arc::ptr_eq(&self.shared, &qp.shared) {
            true => Ok(self.shared.lock()),
            false => Err(Error::Foreign("the queue pair")),
        }
    }
}

/// Memory regions and queue pairs that may be used together. They may live longer than the handle;
/// no other domain has their number until all of them are gone.
pub struct ProtectionDomain {
    shared: Arc<Shared>,
    number: u16,
}

impl ProtectionDomain {
    /// Registers a region: the device may use it until the registration is dropped. Its tagged
    /// offsets begin at zero.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if the device has no free memory region; [`Error::OutOfRange`] if the
    /// region is empty or has 4 GiB or more.
    pub fn register(&self, region: &Region, access: Access) -> Result<MemoryRegion, Error> {
        self.register_at(region, 0, access)
    }

    /// The same, with the tagged offset of the region's first octet.
    ///
    /// # Errors
    /// As [`ProtectionDomain::register`]; [`Error::OutOfRange`] if the offsets wrap.
    pub fn register_at(
        &self,
        region: &Region,
        base: u64,
        access: Access,
    ) -> Result<MemoryRegion, Error> {
        self.register_as(region, Registration { pd: self.number, base, access, key: None })
    }

    /// The same, with the consumer's key of the STag, its low 8 bits. Without one they are drawn at
    /// random, as the rest of the STag is in any case.
    ///
    /// # Errors
    /// As [`ProtectionDomain::register_at`].
    pub fn register_with_key(
        &self,
        region: &Region,
        base: u64,
        access: Access,
        key: u8,
    ) -> Result<MemoryRegion, Error> {
        self.register_as(region, Registration { pd: self.number, base, access, key: Some(key) })
    }

    fn register_as(&self, region: &Region, what: Registration) -> Result<MemoryRegion, Error> {
        let stag = self.shared.lock().register(region, what)?;
        let shared = self.shared.clone();
        Ok(MemoryRegion { shared, region: region.clone(), base: what.base, stag })
    }

    /// An idle queue pair.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if all are in use, or a completion queue has no room for what these
    /// work queues can complete; [`Error::Overflowed`]; [`Error::OutOfRange`] for sizes;
    /// [`Error::Foreign`].
    pub fn queue_pair(&self, options: &QueuePairOptions<'_>) -> Result<QueuePair, Error> {
        for queue in [options.send_cq, options.receive_cq] {
            if !Arc::ptr_eq(&self.shared, &queue.inner.shared) {
                return Err(Error::Foreign("the completion queue"));
            }
        }
        let queues = [options.send_cq.number(), options.receive_cq.number()];
        let entries = [options.send_entries, options.receive_entries];
        let made = self.shared.lock().new_queue_pair(self.number, queues, entries);
        let (number, record) = made?;
        Ok(QueuePair {
            shared: self.shared.clone(),
            number,
            record,
            _queues: [options.send_cq.inner.clone(), options.receive_cq.inner.clone()],
        })
    }
}

impl Drop for ProtectionDomain {
    fn drop(&mut self) {
        self.shared.lock().drop_domain(self.number);
    }
}

/// What a queue pair needs.
#[derive(Clone, Copy)]
pub struct QueuePairOptions<'a> {
    /// Takes the completions of sends.
    pub send_cq: &'a CompletionQueue,
    /// Takes the completions of receives.
    pub receive_cq: &'a CompletionQueue,
    /// Room in the send queue, at most 4096; 128 of them can be outstanding.
    pub send_entries: usize,
    /// Room in the receive queue, at most 4096.
    pub receive_entries: usize,
}

impl<'a> QueuePairOptions<'a> {
    /// Both kinds of completion in one queue, 64 entries each way.
    pub fn new(queue: &'a CompletionQueue) -> Self {
        Self { send_cq: queue, receive_cq: queue, send_entries: 64, receive_entries: 64 }
    }
}

/// A registered memory region. When it was dropped its STag is invalid, and the device neither
/// reads nor writes its memory any more.
pub struct MemoryRegion {
    shared: Arc<Shared>,
    region: Region,
    base: u64,
    stag: u32,
}

impl MemoryRegion {
    /// The memory.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The STag. A peer that is given it can use the region as its access allows.
    pub fn stag(&self) -> u32 {
        self.stag
    }

    /// Octets of the region, for a work request of this side.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not inside.
    pub fn buffer(&self, offset: usize, length: usize) -> Result<Buffer, Error> {
        let region = self.region.len();
        match (offset.checked_add(length), u32::try_from(length)) {
            (Some(end), Ok(length)) if end <= region => {
                Ok(Buffer { stag: self.stag, offset: self.base + offset as u64, length })
            }
            _ => Err(Error::Bounds {
                offset: offset as u64,
                length: length as u64,
                region: region as u64,
            }),
        }
    }

    /// The whole region, for a work request of this side.
    pub fn whole(&self) -> Buffer {
        // Registration made sure that the length fits.
        Buffer { stag: self.stag, offset: self.base, length: self.region.len() as u32 }
    }

    /// What to tell a peer that may write or read the region from `offset` on.
    pub fn remote(&self, offset: u64) -> RemoteBuffer {
        RemoteBuffer { stag: self.stag, offset: self.base.wrapping_add(offset) }
    }
}

impl Drop for MemoryRegion {
    fn drop(&mut self) {
        if let Err(error) = self.shared.lock().deregister(self.stag) {
            // It stays mapped: the device may still use it.
            tracing::warn!(%error, stag = self.stag, "a memory region is lost");
        }
    }
}

struct CompletionQueueInner {
    shared: Arc<Shared>,
    number: u32,
    record: Arc<Locked<CompletionQueueRecord>>,
}

impl Drop for CompletionQueueInner {
    fn drop(&mut self) {
        self.shared.lock().drop_completion_queue(self.number);
    }
}

/// A completion queue. It lives as long as the handle or a queue pair that uses it.
pub struct CompletionQueue {
    inner: Arc<CompletionQueueInner>,
}

impl CompletionQueue {
    /// The queue's number.
    pub fn number(&self) -> u32 {
        self.inner.number
    }

    /// The vector of its interrupt. Queues share vectors if there are more of them.
    pub fn vector(&self) -> u16 {
        self.inner.record.device().capabilities().vector(self.inner.number)
    }

    /// Takes completions into `out`, oldest first, and answers how many: all, or as many as fit.
    /// Allocates nothing, and tells the device once how far the ring was read.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer. Then no completion is taken.
    pub fn poll_into(&self, out: &mut [Completion]) -> Result<usize, Error> {
        self.inner.record.with(|queue, device| queue.poll_into(device, out))
    }

    /// The same, at most `limit`, into a vector. What waits beyond them is left.
    ///
    /// # Errors
    /// As [`CompletionQueue::poll_into`].
    pub fn poll(&self, limit: usize) -> Result<Vec<Completion>, Error> {
        let mut completions = Vec::new();
        let mut some = [Completion::NONE; 16];
        while completions.len() < limit {
            let room = some.len().min(limit - completions.len());
            let taken = match self.poll_into(&mut some[..room]) {
                Err(error) if completions.is_empty() => return Err(error),
                // Those that are taken are heard of first.
                taken => taken.unwrap_or(0),
            };
            completions.extend_from_slice(&some[..taken]);
            if taken < room {
                break;
            }
        }
        Ok(completions)
    }

    pub(crate) fn wake_with(&self, waker: &Waker) -> Result<(), Error> {
        let CompletionQueueInner { shared, record, .. } = &*self.inner;
        shared.reactor.serve(&*shared.function, self.vector(), record)?;
        record.wake_with(waker);
        Ok(())
    }

    /// Asks for an interrupt with the next completion, or at once if one waits in the ring.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer.
    pub fn arm(&self) -> Result<(), Error> {
        self.inner.record.arm()
    }
}

/// A queue pair. When it is dropped its connection is reset.
pub struct QueuePair {
    shared: Arc<Shared>,
    number: u32,
    record: Arc<Locked<QueuePairRecord>>,
    _queues: [Arc<CompletionQueueInner>; 2],
}

impl QueuePair {
    /// The number by which events and completions name it.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where it stands.
    ///
    /// # Errors
    /// [`Error::Gone`] cannot happen while the handle lives, but a panic would be worse.
    pub fn state(&self) -> Result<QpState, Error> {
        Ok(self.record.state())
    }

    /// Posts something to send or to read; the connection must be open.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::QueueFull`] or [`Error::Bus`].
    pub fn post_send(&self, request: WorkRequest) -> Result<(), Error> {
        fit(self.post_send_batch(&[request])?)
    }

    /// Posts work requests in their order, and answers how many: all, or the first so many that
    /// there is room for. The device is told once.
    ///
    /// # Errors
    /// [`Error::State`] or [`Error::Bus`].
    pub fn post_send_batch(&self, requests: &[WorkRequest]) -> Result<usize, Error> {
        self.record.with(|qp, device| qp.post_sends(device, requests))
    }

    /// Posts a buffer for a message of the peer; also before there is a connection. `id` names
    /// the request in its completion.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::QueueFull`] or [`Error::Bus`].
    pub fn post_receive(&self, id: u64, buffer: Buffer) -> Result<(), Error> {
        fit(self.post_receive_batch(&[(id, buffer)])?)
    }

    /// Posts buffers, each with the request's name, in their order, and answers how many: all, or
    /// the first so many that there is room for. The device is told once.
    ///
    /// # Errors
    /// [`Error::State`] or [`Error::Bus`].
    pub fn post_receive_batch(&self, buffers: &[(u64, Buffer)]) -> Result<usize, Error> {
        self.record.with(|qp, device| qp.post_receives(device, buffers))
    }

    /// Makes a queue pair whose connection has ended idle again. The device no longer touches the
    /// buffers of its work requests.
    ///
    /// # Errors
    /// [`Error::State`] if it is in use; [`Error::NotFenced`] or [`Error::Bus`] if the device does
    /// not answer.
    pub fn reset(&self) -> Result<(), Error> {
        self.shared.lock().reset_queue_pair(self.number)
    }
}

impl Drop for QueuePair {
    fn drop(&mut self) {
        self.shared.lock().drop_queue_pair(self.number);
    }
}
