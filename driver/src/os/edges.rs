//! Sleeping until any of several counters counts.

use super::EventFd;
use crate::error::Error;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::Timespec;
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Tells that counters have counted: once, whoever else waits for them or sets them to zero (an
/// edge-triggered epoll instance).
pub(crate) struct Edges(OwnedFd);

impl Edges {
    /// Of no counter.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel refuses; likewise below.
    pub fn new() -> Result<Self, Error> {
        epoll::create(epoll::CreateFlags::CLOEXEC).map(Self).map_err(refused)
    }

    /// Tells of a counter by this name from now on, and that it is not zero. A second time changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn add(&self, event: &EventFd, name: u64) -> Result<(), Error> {
        let flags = EventFlags::IN | EventFlags::ET;
        match epoll::add(&self.0, event, EventData::new_u64(name), flags) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(refused(errno)),
        }
    }

    /// Sleeps until some have counted, and tells their names; or until the time is up, or a signal
    /// comes, and tells none.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn wait(&self, limit: Duration, told: impl FnMut(u64)) -> Result<(), Error> {
        let mut events = [MaybeUninit::uninit(); 16];
        // Limits beyond what the kernel counts are no limits.
        let limit = Timespec::try_from(limit).ok();
        match epoll::wait(&self.0, &mut events, limit.as_ref()) {
            Ok((events, _)) => {
                events.iter().map(|event| event.data.u64()).for_each(told);
                Ok(())
            }
            Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(refused(errno)),
        }
    }
}

fn refused(errno: Errno) -> Error {
    Error::System { what: "an epoll instance", source: errno.into() }
}
