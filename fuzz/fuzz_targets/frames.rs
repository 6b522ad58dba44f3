//! `cargo fuzz run frames testbench/corpus/frames`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::frames(data));
