//! `cargo fuzz run terminate testbench/corpus/terminate`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::terminate(data));
