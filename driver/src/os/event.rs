//! Counters of the kernel's that a process can sleep on.

use crate::error::Error;
use rustix::event::{eventfd, EventfdFlags};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A counter that the kernel keeps and that `poll` and `epoll` can wait for (Linux eventfd).
#[derive(Debug)]
pub struct EventFd {
    descriptor: OwnedFd,
    #[cfg(loom)]
    watchers: super::edges::Watchers,
}

impl EventFd {
    /// A counter that is zero.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel refuses.
    pub fn new() -> Result<Self, Error> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        eventfd(0, flags)
            .map(Self::from)
            .map_err(|errno| Error::System { what: "an eventfd", source: errno.into() })
    }

    /// Counts one more.
    pub fn signal(&self) {
        #[cfg(loom)]
        self.watchers.signal(|| self.count());
        #[cfg(not(loom))]
        self.count();
    }

    fn count(&self) {
        // The only error is a counter at its limit, and then it is signalled already.
        let _ = rustix::io::write(&self.descriptor, &1u64.to_ne_bytes());
    }

    /// Sets the counter to zero; true if it was not.
    pub fn take(&self) -> bool {
        matches!(rustix::io::read(&self.descriptor, &mut [0; 8]), Ok(8))
    }

    /// Who is told when it counts.
    #[cfg(loom)]
    pub(super) fn watchers(&self) -> &super::edges::Watchers {
        &self.watchers
    }

    /// True if it is not zero.
    #[cfg(loom)]
    pub(super) fn is_signalled(&self) -> bool {
        use rustix::event::{poll, PollFd, PollFlags, Timespec};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(poll(&mut [PollFd::new(self, PollFlags::IN)], Some(&now)), Ok(1))
    }
}

impl From<OwnedFd> for EventFd {
    /// The descriptor is one of an eventfd that does not block.
    fn from(descriptor: OwnedFd) -> Self {
        Self {
            descriptor,
            #[cfg(loom)]
            watchers: Default::default(),
        }
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eventfd_counts_and_forgets() {
        let event = EventFd::new().unwrap();
        assert!(!event.take());
        event.signal();
        event.signal();
        assert!(event.take());
        assert!(!event.take());
    }
}
