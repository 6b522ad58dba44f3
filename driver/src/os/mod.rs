//! What the operating system gives: memory that a device can reach, its registers, and event
//! counters. The home of the driver's `unsafe`.

#[cfg(not(loom))]
mod edges;
#[cfg(loom)]
#[path = "edges_loom.rs"]
mod edges;
mod event;
pub(crate) mod iommu;
mod lend;
mod pages;
mod region;
mod registers;

pub(crate) use edges::Edges;
pub use event::EventFd;
pub(crate) use lend::lend;
pub use region::Region;
pub(crate) use registers::Registers;

use std::sync::atomic::{fence, Ordering};

/// The least that a backend maps, in octets.
pub const PAGE_BYTES: usize = 4096;

/// Makes everything that was written to memory visible to devices before what follows.
pub fn write_barrier() {
    fence(Ordering::SeqCst);
}
