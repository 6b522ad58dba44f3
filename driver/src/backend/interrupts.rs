//! The counters of a function's interrupts.

use crate::error::Error;
use crate::os::{Edges, EventFd};
use crate::sync::{Condvar, Mutex, MutexGuard};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// An eventfd for each vector, and a way to sleep until any of them counts.
///
/// Of several threads that wait one sleeps in the kernel, and the others until that one is back:
/// so an interrupt ends the waits of all, whosever it is.
pub(crate) struct Interrupts {
    events: Vec<Arc<EventFd>>,
    edges: Edges,
    waits: Mutex<Waits>,
    /// The one in the kernel is back.
    back: Condvar,
}

#[derive(Default)]
struct Waits {
    /// How often interrupts have ended a sleep in the kernel.
    heard: u64,
    /// A thread sleeps there.
    asleep: bool,
}

impl Interrupts {
    /// Of vectors from 0 on.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel refuses.
    pub fn new(events: Vec<Arc<EventFd>>) -> Result<Self, Error> {
        let edges = Edges::new()?;
        for (event, vector) in events.iter().zip(0..) {
            edges.add(event, vector)?;
        }
        Ok(Self { events, edges, waits: Mutex::default(), back: Condvar::default() })
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

    /// How often somebody has heard of some: for [`Interrupts::wait`].
    pub fn heard(&self) -> u64 {
        self.lock().heard
    }

    /// Sleeps until somebody hears of others than `known`, or the time is up, or a signal comes.
    /// Answers what was heard then.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel does not let it sleep.
    pub fn wait(&self, known: u64, limit: Duration) -> Result<u64, Error> {
        let start = Instant::now();
        let mut waits = self.lock();
        while waits.heard == known {
            let left = limit.saturating_sub(start.elapsed());
            if !waits.asleep {
                return self.sleep(waits, left);
            }
            let (again, end) =
                self.back.wait_timeout(waits, left).unwrap_or_else(PoisonError::into_inner);
            waits = again;
            if end.timed_out() {
                break;
            }
        }
        Ok(waits.heard)
    }

    /// Sleeps in the kernel, for everybody.
    fn sleep(&self, mut waits: MutexGuard<'_, Waits>, limit: Duration) -> Result<u64, Error> {
        waits.asleep = true;
        drop(waits);
        let mut came = false;
        let slept = self.edges.wait(limit, |_| came = true);
        let mut waits = self.lock();
        waits.asleep = false;
        waits.heard += u64::from(came);
        // If nothing came, another one sleeps there from now on.
        self.back.notify_all();
        slept.map(|()| waits.heard)
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        // Nothing in here panics with the lock.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn interrupts() -> Interrupts {
        let events = [(); 3].map(|()| Arc::new(EventFd::new().unwrap())).to_vec();
        Interrupts::new(events).unwrap()
    }

    #[test]
    fn an_interrupt_is_told_once() {
        let interrupts = interrupts();
        assert_eq!(interrupts.wait(0, Duration::ZERO).unwrap(), 0);
        interrupts.of(2).unwrap().signal();
        assert_eq!(interrupts.wait(0, Duration::MAX).unwrap(), 1);
        let again = interrupts.wait(1, Duration::ZERO).unwrap();
        assert_eq!(again, 1, "nobody has looked at the counter, though");
        assert_eq!(interrupts.wait(0, Duration::MAX).unwrap(), 1, "to who has not heard of it");
        assert!(interrupts.of(2).unwrap().take());
        assert!(interrupts.of(3).is_err() && interrupts.first(4).is_err());
        assert_eq!(interrupts.first(2).unwrap().len(), 2);
    }

    /// Whoever sleeps in the kernel, all others hear of it; and when its time is up, one of them
    /// goes on for it.
    #[test]
    fn an_interrupt_ends_all_waits() {
        let interrupts = interrupts();
        std::thread::scope(|scope| {
            let waits = [(); 4].map(|()| scope.spawn(|| interrupts.wait(0, Duration::MAX)));
            interrupts.wait(0, Duration::from_millis(1)).unwrap();
            interrupts.of(1).unwrap().signal();
            for wait in waits {
                assert_eq!(wait.join().unwrap().unwrap(), 1);
            }
        });
    }
}
