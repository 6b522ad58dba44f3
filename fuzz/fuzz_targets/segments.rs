//! `cargo fuzz run segments testbench/corpus/segments`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::segments(data));
