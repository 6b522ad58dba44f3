//! What the command line does, thin over the crates.
#![forbid(unsafe_code)]

pub mod bench;
pub mod board;
pub mod copy;
pub mod demo;
pub mod devices;
pub mod differential;
pub mod export;
pub mod network;
mod pair;
pub mod report;
pub mod results;
pub mod rping;
pub mod serve;
pub mod station;
pub mod transfer;
