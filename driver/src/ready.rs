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

impl<'a> Completions<'a> {
    pub(crate) fn new(queue: &'a CompletionQueue, out: &'a mut [Completion]) -> Self {
        Self { queue, out }
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
