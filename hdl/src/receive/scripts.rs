//! What the tests of the whole engine say to it.
use crate::receive::bench::*;
use ironwarp_abi::queue::ReceiveRequest;
use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::Opcode;

/// The numbers of the engine's counters.
pub const RECEIVED: usize = 0;
pub const BAD: usize = 1;
pub const FOREIGN: usize = 2;
pub const NO_ROOM: usize = 3;
pub const RAW_NO_BUFFER: usize = 4;
pub const OUT_OF_ORDER: usize = 5;
pub const ACCEPTED: usize = 6;
pub const CRC_ERRORS: usize = 7;
pub const PLACED: usize = 8;

/// Bus address of octet 0 of the bench's region.
pub const BUS: u64 = 0x5000_0123;

pub fn write(stag: u32, offset: u64, payload: &[u8]) -> Vec<u8> {
    let header = TaggedRepr { last: true, ulp_control: Opcode::Write.control(), stag, offset };
    [&header.emit()[..], payload].concat()
}

pub fn send(message: u32, offset: u32, last: bool, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::Send.control();
    let header = UntaggedRepr { last, ulp_control, ulp_word: 0, queue: 0, message, offset };
    [&header.emit()[..], payload].concat()
}

/// An untagged segment with any opcode on any queue.
pub fn untagged(opcode: Opcode, queue: u32, message: u32, offset: u32, payload: &[u8]) -> Vec<u8> {
    let ulp_control = opcode.control();
    let header = UntaggedRepr { last: true, ulp_control, ulp_word: 0, queue, message, offset };
    [&header.emit()[..], payload].concat()
}

/// A Read Response.
pub fn response(stag: u32, offset: u64, last: bool, payload: &[u8]) -> Vec<u8> {
    let ulp_control = Opcode::ReadResponse.control();
    [&TaggedRepr { last, ulp_control, stag, offset }.emit()[..], payload].concat()
}

pub fn buffer(stag: u32, local_offset: u64, length: u32) -> ReceiveRequest {
    ReceiveRequest { length, local_offset, local_stag: stag }
}

/// RFC 5044 figure 5.
pub fn figure_5() -> Vec<u8> {
    let mut stream = vec![0; 4];
    stream.extend([0x00, 0x2a, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    stream.extend([0; 24]);
    stream.extend([0x52, 0x23, 0x99, 0x83]);
    stream
}

/// A bench with queue pair 2 started at sequence number 1000, and one Write for it.
pub fn ready_for_a_write(seed: u64) -> (Bench, Vec<u8>, Vec<u8>) {
    let mut bench = Bench::new(seed);
    let stag = bench.region();
    bench.start(2, 1000, false, true);
    let payload: Vec<u8> = (0..100).map(|n| n as u8 ^ 0x5a).collect();
    let mut stream = vec![];
    let framing = Framing { markers: false, crc: true };
    Framer::new(framing).frame(&write(stag, 8, &payload), &mut stream).unwrap();
    (bench, stream, payload)
}
