//! `cargo fuzz run octets testbench/corpus/octets`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::octets(data));
