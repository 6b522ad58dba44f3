//! Sleeping until a file descriptor has something.

use crate::os::EventFd;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// Something that the kernel can wait for.
pub type Source = Arc<dyn AsFd + Send + Sync>;

/// A descriptor that ends a sleep.
pub struct Awaited {
    /// Whose it is.
    pub source: Source,
    /// What it must become.
    pub flags: PollFlags,
}

/// What ends a sleep.
pub struct Sleep {
    /// The time.
    pub limit: Duration,
    /// Descriptors.
    pub awaited: Vec<Awaited>,
}

impl Sleep {
    /// Sleeps; `waker` ends it, too. False if it was a signal to this process.
    pub fn sleep(&self, waker: &EventFd) -> bool {
        self.poll(Some(PollFd::new(waker, PollFlags::IN)))
    }

    /// Sleeps; nobody else ends it. False as with [`Sleep::sleep`].
    pub fn doze(&self) -> bool {
        self.poll(None)
    }

    fn poll(&self, waker: Option<PollFd<'_>>) -> bool {
        let awaited = self.awaited.iter().map(|it| PollFd::new(&it.source, it.flags));
        let mut descriptors: Vec<_> = waker.into_iter().chain(awaited).collect();
        // Limits beyond what the kernel counts are no limits.
        let limit = Timespec::try_from(self.limit).ok();
        !matches!(poll(&mut descriptors, limit.as_ref()), Err(Errno::INTR))
    }
}
