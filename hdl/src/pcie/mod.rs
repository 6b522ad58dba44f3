//! The PCI Express side: transaction-layer packets in and out, reads with many tags, writes in
//! order.
//!
//! Layouts are those of the PCI Express Base Specification, section 2.2.
pub mod answer_tlp;
pub mod bar_reader;
pub mod byte_enables;
pub mod byte_shift;
pub mod completion_check;
pub mod completion_store;
pub mod completion_timer;
pub mod endpoint;
pub mod header_fields;
pub mod posted_data;
pub mod posted_select;
pub mod read_channel;
pub mod read_issuer;
pub mod read_out;
pub mod read_splitter;
pub mod read_tlp;
pub mod records;
pub mod request_header;
pub mod slot_states;
pub mod tlp;
pub mod tlp_builder;
pub mod tlp_kind;
pub mod tlp_merge;
pub mod tlp_receiver;
pub mod write_splitter;

pub use endpoint::Pcie;
pub use records::{BarWrite, ReadRequest, WriteRequest};

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod conduct;
#[cfg(test)]
pub(crate) mod root_complex;
#[cfg(test)]
mod tests;
