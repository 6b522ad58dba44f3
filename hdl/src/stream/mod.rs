//! Streams: the beat, and the blocks that buffer, join and pack streams.
pub mod beat;
