//! `edges.rs` where the crate `loom` tries what threads do: the kernel's part of it is a model.
//! There, no time is ever up.

use super::EventFd;
use crate::error::Error;
use crate::sync::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// As the kernel's.
pub(crate) struct Edges(Arc<Ready>);

/// The names of counters that have counted.
#[derive(Debug, Default)]
struct Ready {
    names: Mutex<BTreeSet<u64>>,
    more: Condvar,
}

impl Ready {
    fn tell(&self, name: u64) {
        self.names.lock().unwrap().insert(name);
        self.more.notify_all();
    }
}

/// Who is told of a counter, by which name.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<(Arc<Ready>, u64)>>);

impl Watchers {
    /// The counter counts, and all are told of it.
    pub fn signal(&self, count: impl FnOnce()) {
        let watchers = self.0.lock().unwrap();
        count();
        watchers.iter().for_each(|(ready, name)| ready.tell(*name));
    }
}

impl Edges {
    /// As the kernel's.
    pub fn new() -> Result<Self, Error> {
        Ok(Self(Arc::default()))
    }

    /// As the kernel's.
    pub fn add(&self, event: &EventFd, name: u64) -> Result<(), Error> {
        let mut watchers = event.watchers().0.lock().unwrap();
        if watchers.iter().any(|(known, _)| Arc::ptr_eq(known, &self.0)) {
            return Ok(());
        }
        if event.is_signalled() {
            self.0.tell(name);
        }
        watchers.push((self.0.clone(), name));
        Ok(())
    }

    /// As the kernel's. A limit that is not zero is none.
    pub fn wait(&self, limit: Duration, told: impl FnMut(u64)) -> Result<(), Error> {
        let mut names = self.0.names.lock().unwrap();
        while names.is_empty() && !limit.is_zero() {
            names = self.0.more.wait(names).unwrap();
        }
        let taken = std::mem::take(&mut *names);
        drop(names);
        taken.into_iter().for_each(told);
        Ok(())
    }
}
