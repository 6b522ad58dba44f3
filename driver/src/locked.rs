//! Locks: who takes which, and in which order.
//!
//! ```text
//!   the station              control: create and destroy, connect and close, register, fence
//!     completion queue       its ring and its backlog; one lock each
//!       queue pair           its rings, what was posted, its state and life; one lock each
//!         window, fences     registers that take more than one access
//!           PCI function     what a backend locks for itself
//! ```
//!
//! Whoever has a lock takes only such that stand below it, and never two of one row. Posting takes
//! the queue pair's alone; polling takes the completion queue's, and below it, entry by entry, that
//! of the queue pair that the entry is of. So threads with queues of their own never meet.
//!
//! What must not come apart happens under one lock:
//!
//! - A request and its doorbell, so that doorbells only count up and none is rung in a later life.
//! - An entry's way out of the ring and into its queue pair's requests, so that whoever has waited
//!   for the completion queue's lock finds all entries of before with their queue pairs.
//! - A start, from the count of the receives that it announces to the state `Open`: the first
//!   entries of the new life wait for its generation, and no receive stays unannounced.
//!
//! A life ends in steps, each under its own lock: the device stops and is fenced, every completion
//! queue is emptied, the generation ends, the state changes, what is left is flushed. Behind the
//! second there are no entries of that life, and behind the fourth no more posts.

use crate::device::Device;
use crate::sync::Mutex;
use std::sync::{Arc, PoisonError};

/// A thing of the device's with a lock of its own.
pub(crate) struct Locked<T> {
    device: Arc<Device>,
    inner: Mutex<T>,
}

impl<T> Locked<T> {
    /// A thing of this device.
    pub fn new(device: &Arc<Device>, inner: T) -> Arc<Self> {
        Arc::new(Self { device: device.clone(), inner: Mutex::new(inner) })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Does something with it and the device under its lock. A closure, since a guard would live
    /// as long as a scrutinee or a scope does, and the next lock would be its own.
    pub fn with<R>(&self, act: impl FnOnce(&mut T, &Device) -> R) -> R {
        // A panic in another thread leaves tables that are as consistent as after any error.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut inner, &self.device)
    }
}
