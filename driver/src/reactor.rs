//! Who wakes tasks: a thread that sleeps until an interrupt comes.
//!
//! It begins with the first task that waits for a completion queue, takes no part in polling, and
//! ends with the context. Wakers lie with their completion queue, since completions also come
//! without an interrupt: when a connection ends, or when [`Context::poll`](crate::Context::poll)
//! was quicker than the task.

use crate::completion_queue::CompletionQueueRecord;
use crate::error::Error;
use crate::locked::Locked;
use crate::os::{Edges, EventFd};
use crate::pci::PciFunction;
use crate::sync::{Builder, Mutex};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// A number that no vector has: the reactor is to end.
const STOP: u64 = u64::MAX;

type Queue = Locked<CompletionQueueRecord>;

/// The thread, from its first task on.
#[derive(Default)]
pub(crate) struct Reactor(Mutex<Option<Started>>);

struct Started {
    interrupts: Arc<Interrupts>,
    stop: EventFd,
}

/// What both sides know.
struct Interrupts {
    edges: Edges,
    /// The queues that tasks have waited for, with their vectors.
    queues: Mutex<Vec<(u16, Weak<Queue>)>>,
}

impl Reactor {
    /// Interrupts of `vector` wake the tasks that wait for this queue.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel gives no thread or no epoll instance.
    pub fn serve(
        &self,
        function: &dyn PciFunction,
        vector: u16,
        queue: &Arc<Queue>,
    ) -> Result<(), Error> {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupts = match &*started {
            Some(started) => &started.interrupts,
            None => &started.insert(Started::new()?).interrupts,
        };
        let mut queues = interrupts.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|(_, queue)| queue.strong_count() > 0);
        if queues.iter().any(|(_, known)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(queue))) {
            return Ok(());
        }
        interrupts.edges.add(&*function.interrupt(vector)?, vector.into())?;
        queues.push((vector, Arc::downgrade(queue)));
        Ok(())
    }
}

impl Started {
    fn new() -> Result<Self, Error> {
        let (edges, stop) = (Edges::new()?, EventFd::new()?);
        edges.add(&stop, STOP)?;
        let interrupts = Arc::new(Interrupts { edges, queues: Mutex::default() });
        let thread = Builder::new().name("ironwarp-reactor".into());
        let told = interrupts.clone();
        let spawned = thread.spawn(move || told.run());
        spawned.map_err(|source| Error::System { what: "a thread", source })?;
        Ok(Self { interrupts, stop })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Nobody waits for its end: it may be the thread whose task held the context last.
        self.stop.signal();
    }
}

impl Interrupts {
    fn run(&self) {
        let mut ended = false;
        while !ended {
            let told = self.edges.wait(Duration::MAX, |name| match name {
                STOP => ended = true,
                vector => self.wake(vector),
            });
            if let Err(error) = told {
                tracing::error!(%error, "interrupts wake nobody any more");
                return;
            }
        }
    }

    fn wake(&self, vector: u64) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for queue in queues.iter().filter(|(of, _)| u64::from(*of) == vector) {
            if let Some(queue) = queue.1.upgrade() {
                queue.wake();
            }
        }
    }
}
