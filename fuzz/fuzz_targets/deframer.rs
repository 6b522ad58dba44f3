//! `cargo fuzz run deframer testbench/corpus/deframer`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::deframer(data));
