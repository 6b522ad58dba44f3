//! `cargo fuzz run read_request testbench/corpus/read_request`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::read_request(data));
