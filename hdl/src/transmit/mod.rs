//! The transmit engine: from work request to Ethernet frame.
pub mod ack_processor;
pub mod checkpoints;
pub mod crc_inserter;
pub mod fpdu_framer;
pub mod frame_assembler;
pub mod frame_choice;
pub mod frame_life;
pub mod frame_reports;
pub mod header_builder;
pub mod header_maker;
pub mod header_sums;
pub mod header_words;
pub mod job_fork;
pub mod loss_detector;
pub mod marker_inserter;
pub mod message_log;
pub mod next_hops;
pub mod payload_read;
pub mod query;
pub mod read_limit;
pub mod receive_mirror;
pub mod records;
pub mod request_check;
pub mod response_queue;
pub mod scheduler;
pub mod segment_parts;
pub mod segment_path;
pub mod segment_planner;
pub mod segment_sizer;
pub mod segment_store;
pub mod segmenter;
pub mod send_completions;
pub mod send_states;
pub mod send_window;
pub mod stream_writer;
mod transmit_block;

#[cfg(test)]
mod ack_tests;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod loss_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;

pub use transmit_block::Transmit;
