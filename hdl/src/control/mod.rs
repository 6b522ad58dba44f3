//! The control plane: registers, contexts, doorbells, interrupts, and which queue pairs run.
pub mod bar_decoder;
pub mod counters;
pub mod msix_table;
pub mod plane;
pub mod qp_state;
pub mod records;
pub mod register_file;
pub mod register_reader;
pub mod time_base;

pub use crate::pcie::records::BarWrite;
pub use plane::Control;
pub use records::{Command, ContextWrite, Doorbell, MsixMessage, QpEvent};

#[cfg(test)]
mod tests;
