//! `ironwarp send` and `receive`: a file crosses from one process to another by RDMA Write, from
//! where it is mapped to where it is mapped, without a copy on either side.
//!
//! ```text
//!   sender                                    receiver
//!     | ---- MPA Request: how many octets ------> | makes and maps the file
//!     | <--- MPA Reply: STag, offset ------------ |
//!     | ==== RDMA Writes ========================> |
//!     | ---- Send: the file's SHA-256 ----------> | looks at its own
//!     | <--- Send: its SHA-256 ------------------ |
//! ```

mod error;
mod receiver;
mod sender;

pub use error::Error;
pub use receiver::{receive, Receive};
pub use sender::{send, Send};

use crate::results;
use crate::station::Station;
use ironwarp_driver::{
    Access, Completion, CompletionQueue, Context, Event, MemoryRegion, Operation, ProtectionDomain,
    QueuePair, QueuePairOptions, Region, Status, WorkRequest,
};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The port, unless another is named.
const PORT: u16 = 7175;
/// How this protocol's private data begins.
const MAGIC: [u8; 4] = *b"IWfc";
const DIGEST_BYTES: usize = 32;
/// Octets that are looked at in one piece for a digest.
const PIECE: usize = 1 << 18;
/// The longest sleep between two looks at what has happened.
const SLICE: Duration = Duration::from_millis(100);
/// How long the other end may do nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file's SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileDigest([u8; DIGEST_BYTES]);

impl FileDigest {
    /// Of all of a region.
    fn of(region: &Region) -> Result<Self, ironwarp_driver::Error> {
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        for start in (0..region.len()).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min(region.len() - start)];
            region.read(start, piece)?;
            digest.update(&*piece);
        }
        Ok(Self(digest.finalize().into()))
    }
}

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// One end of the connection.
struct End {
    context: Context,
    domain: ProtectionDomain,
    queue: CompletionQueue,
    pair: QueuePair,
    /// The peer's digest comes here.
    inbox: MemoryRegion,
    outbox: MemoryRegion,
    /// When something happened last.
    moved: Instant,
}

/// Work request identifiers: RDMA Writes have this one, too.
const MESSAGE: u64 = 1;

impl End {
    fn new(context: &Context) -> Result<Self, Error> {
        let domain = context.protection_domain()?;
        let queue = context.completion_queue(256)?;
        let pair = domain.queue_pair(&QueuePairOptions::new(&queue))?;
        let inbox = domain.register(&Region::new(DIGEST_BYTES)?, Access::LOCAL)?;
        let outbox = domain.register(&Region::new(DIGEST_BYTES)?, Access::LOCAL_READ)?;
        pair.post_receive(MESSAGE, inbox.whole())?;
        let (context, moved) = (context.clone(), Instant::now());
        Ok(Self { context, domain, queue, pair, inbox, outbox, moved })
    }

    fn say(&self, digest: FileDigest) -> Result<(), Error> {
        self.outbox.region().write(0, &digest.0)?;
        Ok(self.pair.post_send(WorkRequest::send(MESSAGE, self.outbox.whole()))?)
    }

    /// What has been said, by a completion of its receive.
    fn said(&self, done: &Completion) -> Result<FileDigest, Error> {
        let mut digest = [0; DIGEST_BYTES];
        self.inbox.region().read(0, &mut digest)?;
        match done.length as usize {
            DIGEST_BYTES => Ok(FileDigest(digest)),
            length => Err(Error::Message(length)),
        }
    }

    /// What is done by now; what was flushed is not.
    fn completions(&mut self) -> Result<Vec<Completion>, Error> {
        let mut done = self.queue.poll(64)?;
        done.retain(|done| done.status != Status::FLUSHED);
        match done.iter().find(|done| !done.status.is_success()) {
            Some(bad) => Err(Error::Request(bad.operation, bad.status)),
            None => Ok(done),
        }
    }

    /// Waits until the connection is gone, in order or not: all has been said.
    fn wait_for_the_close(&mut self) -> Result<(), Error> {
        let over =
            |event: &Event| matches!(event, Event::Disconnected { .. } | Event::Error { .. });
        while !self.context.poll()?.iter().any(over) {
            self.wait(false)?;
        }
        Ok(())
    }

    /// Sleeps until something happens, unless nothing has happened for too long.
    fn wait(&mut self, moved: bool) -> Result<(), Error> {
        if moved {
            self.moved = Instant::now();
        } else if self.moved.elapsed() > PATIENCE {
            return Err(Error::Silent(PATIENCE.as_secs()));
        }
        Ok(self.context.wait(SLICE)?)
    }
}

/// A capture is not written over the file that is copied.
fn not_the_capture(file: &Path, station: &Station) -> Result<(), Error> {
    match &station.capture {
        Some(capture) if results::same(capture, file) => Err(Error::Capture(capture.clone())),
        _ => Ok(()),
    }
}

/// The receive of the peer's message is among them.
fn message(done: &[Completion]) -> Option<&Completion> {
    done.iter().find(|done| done.operation == Operation::Receive)
}

/// Octets and time as people read them.
fn rate(octets: u64, time: Duration) -> String {
    let mib = octets as f64 / f64::from(1 << 20);
    format!("{octets} octets in {:.2} s, {:.1} MiB/s", time.as_secs_f64(), mib / time.as_secs_f64())
}
