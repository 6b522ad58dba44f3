//! `cargo fuzz run startup testbench/corpus/startup`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::startup(data));
