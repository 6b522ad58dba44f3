//! What host and device agree on: registers, doorbells, ring entries, contexts, limits and codes.
//!
//! Hardware, behavioural model and driver import this crate and nothing else of each other. All
//! multi-byte values are little-endian and naturally aligned. `docs/registers.md` is rendered from
//! here by [`markdown::page`]; `docs/contract.md` says what the device does with all of it.
#![forbid(unsafe_code)]

mod codes;
pub mod configuration;
pub mod context;
pub mod limits;
pub mod markdown;
pub mod pci;
pub mod queue;
pub mod record;
pub mod registers;
pub mod reserved;
pub mod serial;
pub mod status;
pub mod trace;
