//! The receive engine: from Ethernet frames to octets in registered buffers.
pub mod acceptance;
pub mod announcer;
pub mod buffer_count;
pub mod checksums;
pub mod crc_check;
pub mod ddp_check;
pub mod ddp_header;
pub mod deframer;
pub mod engine;
pub mod flow_entries;
pub mod flow_hash;
pub mod flow_table;
pub mod fpdu_length;
pub mod fpdu_need;
pub mod fpdu_size;
pub mod fpdu_start;
pub mod frame_check;
pub mod frame_intake;
pub mod frame_queue;
pub mod framer;
pub mod gate_walk;
pub mod judge;
pub mod marker_remover;
pub mod message_check;
pub mod message_records;
pub mod message_states;
pub mod next_fpdu;
pub mod notes;
pub mod octet_mask;
pub mod outstanding_reads;
pub mod packet_life;
pub mod parser;
pub mod placement;
pub mod raw_ring;
pub mod read_request;
pub mod records;
pub mod reset_events;
pub mod ring_reader;
pub mod ring_sizes;
pub mod stream_ring;
pub mod stream_span;
pub mod stream_work;
pub mod tcp_receive;
pub mod window_teller;
pub mod write_gate;

pub use engine::Receive;
pub use records::{Acknowledgement, Opened, ReceiveEdge};

#[cfg(test)]
mod bench;
#[cfg(test)]
mod bench_control;
#[cfg(test)]
mod engine_fault_tests;
#[cfg(test)]
mod engine_flow_tests;
#[cfg(test)]
mod engine_life_tests;
#[cfg(test)]
mod engine_read_tests;
#[cfg(test)]
mod engine_tcp_tests;
#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod scripts;
