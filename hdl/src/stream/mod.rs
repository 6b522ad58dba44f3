//! Streams: the beat, and the blocks that buffer, merge and pack streams, or take them from one
//! clock to another.
pub mod beat;
pub mod byte_packer;
pub mod clock_crossing;
pub mod fifo;
pub mod half_buffer;
pub mod merge;
pub mod merge3;
pub mod packet_store;
pub mod pulse_crossing;
pub mod skid_buffer;
pub mod swap;
pub mod synchroniser;
pub mod word_packer;

pub use beat::{Beat, StreamSink, StreamSource};
pub use byte_packer::BytePacker;
pub use clock_crossing::ClockCrossing;
pub use fifo::StreamFifo;
pub use half_buffer::HalfBuffer;
pub use merge::Merge2;
pub use merge3::Merge3;
pub use packet_store::PacketStore;
pub use pulse_crossing::PulseCrossing;
pub use skid_buffer::SkidBuffer;
pub use swap::Swap;
pub use synchroniser::Synchroniser;
pub use word_packer::WordPacker;

#[cfg(test)]
pub(crate) mod bench;
