//! Verilates the blocks that the tests drive.

#[path = "src/specimen.rs"]
#[allow(dead_code)]
mod specimen;

use rust_hdl::prelude::*;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/specimen.rs");
    let mut specimen = specimen::Specimen::default();
    specimen.connect_all();
    verilator_sys::build::Models::new()
        .add("specimen", generate_verilog(&specimen))
        .compile();
}
