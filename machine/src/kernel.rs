//! TCP of the kernel below a model: sockets in place of a link.

use crate::clock::Clock;
use crate::error::Error;
use crate::line::{Advance, Line};
use ironwarp_driver::sleep::{Awaited, Sleep};
use ironwarp_model::ByteStream;
use rustix::event::PollFlags;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A socket below a queue pair.
pub(crate) struct Socket {
    stream: TcpStream,
    /// It took less than it was given: room in it is worth waking for.
    full: AtomicBool,
    /// The peer's octets have ended: nothing more is to be read.
    ended: AtomicBool,
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The device's side of a socket.
struct Carried(Arc<Socket>);

impl ByteStream for Carried {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let offered: usize = parts.iter().map(|part| part.len()).sum();
        let result = (&self.0.stream).write_vectored(parts);
        let full = match &result {
            Ok(taken) => *taken < offered,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        self.0.full.store(full, Ordering::Relaxed);
        result
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let result = (&self.0.stream).read(into);
        let ended = match &result {
            Ok(taken) => *taken == 0 && !into.is_empty(),
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        };
        if ended {
            self.0.ended.store(true, Ordering::Relaxed);
        }
        result
    }
}

/// The sockets of a device, by queue pair.
#[derive(Clone, Default)]
pub(crate) struct Sockets(Arc<Mutex<BTreeMap<u32, Arc<Socket>>>>);

impl Sockets {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Socket>>> {
        // A panic elsewhere leaves a table that is as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a socket for a queue pair; what the device shall have of it.
    pub fn attach(&self, qp: u32, stream: TcpStream) -> Box<dyn ByteStream> {
        let (full, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let socket = Arc::new(Socket { stream, full, ended });
        self.lock().insert(qp, socket.clone());
        Box::new(Carried(socket))
    }

    /// Gives a queue pair's socket back. The device must have let it go.
    pub fn detach(&self, qp: u32) -> Option<TcpStream> {
        let socket = self.lock().remove(&qp)?;
        match Arc::try_unwrap(socket) {
            Ok(socket) => Some(socket.stream),
            // Somebody sleeps for it.
            Err(shared) => shared.stream.try_clone().ok(),
        }
    }

    fn awaited(&self) -> Vec<Awaited> {
        let awaited = |socket: &Arc<Socket>| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, !socket.ended.load(Ordering::Relaxed));
            flags.set(PollFlags::OUT, socket.full.load(Ordering::Relaxed));
            // With no flag, poll would still report an end that is known.
            (!flags.is_empty()).then(|| Awaited { source: socket.clone(), flags })
        };
        self.lock().values().filter_map(awaited).collect()
    }
}

/// No link, but real time.
pub(crate) struct KernelLine {
    clock: Clock,
    sockets: Sockets,
}

impl KernelLine {
    /// The time of a device whose sockets these are.
    pub fn new(sockets: Sockets) -> Self {
        Self { clock: Clock::new(), sockets }
    }
}

impl Line for KernelLine {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn send(&mut self, _: usize, frame: Vec<u8>) {
        tracing::debug!(octets = frame.len(), "there is no link to send a frame on");
    }

    fn advance(&mut self, until: Duration) -> Advance {
        let limit = until.saturating_sub(self.now());
        match limit.is_zero() {
            true => Advance::Nothing,
            false => Advance::Asleep(Sleep { limit, awaited: self.sockets.awaited() }),
        }
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        None
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
