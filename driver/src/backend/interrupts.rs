//! The counters of a function's interrupts.

use crate::error::Error;
use crate::os::EventFd;
use crate::sleep::Source;
use rustix::event::{epoll, Timespec};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// An eventfd for each vector, and a way to sleep until any of them counts.
pub(super) struct Interrupts {
    events: Vec<Arc<EventFd>>,
    /// Of each interrupt it tells once, whoever else waits for the counter itself.
    edges: Arc<OwnedFd>,
}

impl Interrupts {
    /// Of vectors from 0 on.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel refuses.
    pub fn new(events: Vec<Arc<EventFd>>) -> Result<Self, Error> {
        let make = || {
            let edges = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            for (event, vector) in events.iter().zip(0..) {
                let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
                epoll::add(&edges, event, epoll::EventData::new_u64(vector), flags)?;
            }
            Ok(edges)
        };
        let refused = |errno: rustix::io::Errno| Error::System {
            what: "an epoll instance",
            source: errno.into(),
        };
        let edges = Arc::new(make().map_err(refused)?);
        Ok(Self { events, edges })
    }

    /// The first `count` of them.
    ///
    /// # Errors
    /// [`Error::Capability`] if there are fewer.
    pub fn first(&self, count: u16) -> Result<&[Arc<EventFd>], Error> {
        self.events.get(..usize::from(count)).ok_or(Error::Capability("interrupt vectors"))
    }

    /// That of a vector.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if there is no such vector.
    pub fn of(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        let range = "below the number of vectors in the MSI-X table";
        let wrong = Error::OutOfRange { what: "the vector", value: vector.into(), range };
        self.events.get(usize::from(vector)).cloned().ok_or(wrong)
    }

    /// Ends the sleep of somebody, as an interrupt does.
    pub fn rouse(&self) {
        if let Some(event) = self.events.first() {
            event.signal();
        }
    }

    /// Is readable when [`Interrupts::wait`] would not sleep.
    pub fn source(&self) -> Source {
        self.edges.clone()
    }

    /// Sleeps until one comes, or the time is up. True for an interrupt.
    pub fn wait(&self, limit: Duration) -> bool {
        let mut events = [MaybeUninit::uninit(); 16];
        // Limits beyond what the kernel counts are no limits; a signal ends the wait.
        let limit = Timespec::try_from(limit).ok();
        let told = epoll::wait(&*self.edges, &mut events, limit.as_ref());
        told.is_ok_and(|(told, _)| !told.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_is_told_once() {
        let events = [(); 3].map(|()| Arc::new(EventFd::new().unwrap())).to_vec();
        let interrupts = Interrupts::new(events).unwrap();
        assert!(!interrupts.wait(Duration::ZERO));
        interrupts.of(2).unwrap().signal();
        assert!(interrupts.wait(Duration::MAX));
        assert!(!interrupts.wait(Duration::ZERO), "nobody has looked at the counter, though");
        assert!(interrupts.of(2).unwrap().take());
        assert!(interrupts.of(3).is_err() && interrupts.first(4).is_err());
        assert_eq!(interrupts.first(2).unwrap().len(), 2);
    }
}
