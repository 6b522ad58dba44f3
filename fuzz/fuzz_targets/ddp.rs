//! `cargo fuzz run ddp testbench/corpus/ddp`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironwarp_fuzz::ddp(data));
