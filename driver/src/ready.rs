//! Completions as a future, for any executor.

use crate::completion::Completion;
use crate::error::Error;
use crate::verbs::CompletionQueue;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// At least one completion of a queue: see [`CompletionQueue::completions`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Completions<'a> {
    queue: &'a CompletionQueue,
    out: &'a mut [Completion],
}

impl CompletionQueue {
    /// Completions for a task: at least one, oldest first, into `out`, and how many. The task is
    /// woken by the queue's interrupt, on whatever executor it runs; a thread of the context's own
    /// sleeps for that. Nothing is lost if the future is dropped. What ends a connection comes only
    /// out of [`Context::poll`](crate::Context::poll), so somebody calls that, too.
    ///
    /// The time of a device that is simulated in this process passes only in
    /// [`Context::wait`](crate::Context::wait), and a board behind a serial line is looked after
    /// there: a thread has to wait while tasks sleep. All other devices run by themselves.
    ///
    /// # Errors
    /// [`Error::Bus`] if the device does not answer; [`Error::System`] if there is no thread.
    pub fn completions<'a>(&'a self, out: &'a mut [Completion]) -> Completions<'a> {
        Completions { queue: self, out }
    }
}

impl Future for Completions<'_> {
    type Output = Result<usize, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { queue, out } = self.get_mut();
        let taken = queue.poll_into(out)?;
        if taken > 0 || out.is_empty() {
            return Poll::Ready(Ok(taken));
        }
        queue.wake_with(cx.waker())?;
        queue.arm()?;
        // What somebody else took out of the ring before the queue was armed interrupts nobody.
        match queue.poll_into(out)? {
            0 => Poll::Pending,
            taken => Poll::Ready(Ok(taken)),
        }
    }
}
