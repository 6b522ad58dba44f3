//! Locks, atoms and threads: what the threads of one context meet at is made of these.
//!
//! They are the standard library's. Built with `--cfg loom` they are those of the crate `loom`,
//! which tries the orders in which threads can meet: see `interleavings.rs`.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    sync::{Condvar, Mutex, MutexGuard},
    thread::Builder,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    sync::{Condvar, Mutex, MutexGuard},
    thread::Builder,
};
