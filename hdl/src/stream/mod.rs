//! Streams: the beat, and the blocks that buffer, merge and pack streams.
pub mod beat;
pub mod byte_packer;
pub mod fifo;
pub mod merge;
pub mod packet_store;
pub mod skid_buffer;
pub mod word_packer;

pub use beat::{Beat, StreamSink, StreamSource};
pub use byte_packer::BytePacker;
pub use fifo::StreamFifo;
pub use merge::Merge2;
pub use packet_store::PacketStore;
pub use skid_buffer::SkidBuffer;
pub use word_packer::WordPacker;

#[cfg(test)]
pub(crate) mod bench;
