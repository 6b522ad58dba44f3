//! The transmit engine: from work request to Ethernet frame.
pub mod crc_inserter;
pub mod fpdu_framer;
pub mod marker_inserter;
pub mod payload_read;
pub mod records;
pub mod segment_store;
pub mod stream_writer;
pub mod swap;
