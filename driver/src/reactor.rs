//! Who wakes tasks: a thread that sleeps until an interrupt comes.
//!
//! It begins with the first task that waits for a completion queue, takes no part in polling, and
//! ends with the context. Wakers lie with their completion queue, since completions also come
//! without an interrupt: when a connection ends, or when [`Context::poll`](crate::Context::poll)
//! was quicker than the task.

use crate::completion_queue::CompletionQueueRecord;
use crate::error::Error;
use crate::locked::Locked;
use crate::os::EventFd;
use crate::pci::PciFunction;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
    epoll: OwnedFd,
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
        // Each count wakes once, whoever else waits for the counter or sets it to zero.
        let flags = EventFlags::IN | EventFlags::ET;
        let event = function.interrupt(vector)?;
        match epoll::add(&interrupts.epoll, &event, EventData::new_u64(vector.into()), flags) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(refused(errno)),
        }
        queues.push((vector, Arc::downgrade(queue)));
        Ok(())
    }
}

impl Started {
    fn new() -> Result<Self, Error> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(refused)?;
        let stop = EventFd::new()?;
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN).map_err(refused)?;
        let interrupts = Arc::new(Interrupts { epoll, queues: Mutex::default() });
        let thread = std::thread::Builder::new().name("ironwarp-reactor".into());
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
        let mut events = [MaybeUninit::uninit(); 16];
        loop {
            let told = match epoll::wait(&self.epoll, &mut events, None) {
                Ok((told, _)) => told,
                Err(Errno::INTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "interrupts wake nobody any more");
                    return;
                }
            };
            for event in told {
                match event.data.u64() {
                    STOP => return,
                    vector => self.wake(vector),
                }
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

fn refused(errno: Errno) -> Error {
    Error::System { what: "an epoll instance", source: errno.into() }
}
