//! The control plane: registers, contexts, doorbells, interrupts, fences, and which queue pairs
//! live.
pub mod bar_decoder;
pub mod committer;
pub mod copy_order;
pub mod counters;
pub mod fences;
mod fields;
pub mod msix_table;
pub mod plane;
pub mod qp_state;
pub mod record_masks;
pub mod records;
pub mod region_check;
pub mod register_file;
pub mod register_reader;
pub mod time_base;

pub use crate::pcie::records::BarWrite;
pub use plane::Control;
pub use records::{ContextWrite, CqDoorbell, MsixMessage, QpDoorbell, QpEvent};

#[cfg(test)]
mod bench;
#[cfg(test)]
mod commit_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod tests;
