//! The behavioural model of the device in this process.
//!
//! A [`World`] holds one or two models, the link between them, and their time. The model has no
//! clock: time passes when a driver reads a register or waits, and then for both.

mod config;
mod link;
mod socket;

pub use link::Conduct;

use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::os::{EventFd, Region, PAGE_BYTES};
use crate::pci::{Mapping, PciFunction};
use ironwarp_abi::limits::VECTOR_COUNT;
use link::Link;
use socket::Socket;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a register read takes, about as long as on PCI Express.
const READ: Duration = Duration::from_micros(1);

/// One or two models, and what is between them.
pub struct World {
    inner: Mutex<Inner>,
}

struct Inner {
    sockets: Vec<Socket>,
    link: Link,
    now: Duration,
    /// Frames that arrived at the end of the link that has no model.
    outside: VecDeque<Vec<u8>>,
}

impl Inner {
    /// Lets everything happen until a moment, or until a model interrupts if that is asked for.
    /// True for an interrupt.
    fn run(&mut self, until: Duration, to_interrupt: bool) -> bool {
        loop {
            self.work();
            if to_interrupt && self.take_interrupt() {
                return true;
            }
            match self.link.next().filter(|arrival| *arrival <= until) {
                Some(arrival) => self.now = self.now.max(arrival),
                None => break,
            }
            while let Some((end, frame)) = self.link.arrived(self.now) {
                match self.sockets.get_mut(end) {
                    Some(socket) => socket.device.receive_frame(&frame, &mut socket.bus),
                    None => self.outside.push_back(frame),
                }
            }
        }
        self.now = self.now.max(until);
        false
    }

    /// What the models can do in no time.
    fn work(&mut self) {
        for (end, socket) in self.sockets.iter_mut().enumerate() {
            loop {
                let (frames, more) = socket.poll(self.now);
                frames.for_each(|frame| self.link.send(end, frame, self.now));
                if !more {
                    break;
                }
            }
        }
    }

    fn take_interrupt(&mut self) -> bool {
        let flags = self.sockets.iter_mut().map(|socket| &mut socket.bus.interrupted);
        flags.filter_map(|flag| std::mem::take(flag).then_some(())).count() != 0
    }
}

impl World {
    /// Two models at the two ends of a perfect link.
    ///
    /// # Errors
    /// [`Error::System`] if there are no eventfds.
    pub fn new() -> Result<Arc<Self>, Error> {
        Self::with_models(2, Placement::default())
    }

    /// One model, with the caller at the other end of the link, or two; and where their memory is.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for another number; [`Error::System`] if there are no eventfds.
    pub fn with_models(models: usize, placement: Placement) -> Result<Arc<Self>, Error> {
        if !(1..=2).contains(&models) {
            let (what, value) = ("the number of models", models as u64);
            return Err(Error::OutOfRange { what, value, range: "1 or 2" });
        }
        let socket = |_| {
            let vectors = (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new));
            Ok(Socket::new(IovaTable::new(placement), vectors.collect::<Result<_, Error>>()?))
        };
        let inner = Inner {
            sockets: (0..models).map(socket).collect::<Result<_, Error>>()?,
            link: Link::default(),
            now: Duration::from_secs(1),
            outside: VecDeque::new(),
        };
        Ok(Arc::new(Self { inner: Mutex::new(inner) }))
    }

    /// Makes the link do other than carry every frame as it is: lose, delay, change or watch them.
    pub fn set_conduct(&self, conduct: Conduct) {
        self.lock().link.conduct = Some(conduct);
    }

    /// A frame from the end of the link that has no model.
    pub fn send(&self, frame: Vec<u8>) {
        let mut inner = self.lock();
        let (end, now) = (inner.sockets.len(), inner.now);
        inner.link.send(end, frame, now);
    }

    /// The frames that arrived at the end of the link that has no model.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.lock().outside.drain(..).collect()
    }

    /// Model `number` as a PCI function.
    ///
    /// # Errors
    /// [`Error::Bus`] if there is no such model.
    pub fn function(self: &Arc<Self>, number: usize) -> Result<Arc<ModelFunction>, Error> {
        let inner = self.lock();
        let socket = inner.sockets.get(number);
        let bus = &socket.ok_or_else(|| Error::Bus(format!("there is no model {number}")))?.bus;
        let (iova, interrupts) = (bus.iova.clone(), bus.interrupts.clone());
        Ok(Arc::new(ModelFunction { world: self.clone(), number, iova, interrupts }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves a world between two calls, which is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One model of a [`World`].
pub struct ModelFunction {
    world: Arc<World>,
    number: usize,
    iova: IovaTable,
    interrupts: Vec<Arc<EventFd>>,
}

impl ModelFunction {
    /// The world that the model is in.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Does something with the model's socket. A function's model is there as long as its world.
    fn with<T>(&self, act: impl FnOnce(&mut Socket) -> T) -> Result<T, Error> {
        let mut inner = self.world.lock();
        let socket = inner.sockets.get_mut(self.number);
        socket.map(act).ok_or_else(|| Error::Bus(format!("there is no model {}", self.number)))
    }
}

/// The function does not answer at its BAR.
fn silent() -> Error {
    Error::Bus("memory space is off".into())
}

impl PciFunction for ModelFunction {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.with(|socket| socket.bus.config.read(offset))
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.with(|socket| socket.bus.config_write(offset, value))
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        let mut inner = self.world.lock();
        let until = inner.now + READ;
        inner.run(until, false);
        drop(inner);
        self.with(|socket| match socket.bus.config.has_memory_space() {
            true => Ok(socket.device.bar_read32(offset)),
            false => Err(silent()),
        })?
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.with(|Socket { device, bus }| {
            if !bus.config.has_memory_space() {
                return Err(silent());
            }
            device.bar_write32(offset, value, bus);
            Ok(())
        })?
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.iova.map(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.iova.map(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        crate::msix::enable(self, vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        let range = "below the number of vectors in the MSI-X table";
        let wrong = Error::OutOfRange { what: "the vector", value: vector.into(), range };
        self.interrupts.get(usize::from(vector)).cloned().ok_or(wrong)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        let mut inner = self.world.lock();
        let until = inner.now.saturating_add(limit);
        Ok(inner.run(until, true))
    }

    fn now(&self) -> Duration {
        self.world.lock().now
    }

    fn reset(&self) -> Result<(), Error> {
        self.with(Socket::reset)
    }
}
