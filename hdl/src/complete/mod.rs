//! The completion writer: entries of completion queues, and interrupts.
pub mod cq_state;
pub mod entry_fate;
pub mod entry_life;
pub mod entry_octets;
pub mod entry_order;
pub mod entry_writer;
pub mod records;
pub mod ring_place;
pub mod writer;

pub use records::Completion;
pub use writer::CompletionWriter;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod tests;
