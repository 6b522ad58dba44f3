//! Verilates the RNIC: RustHDL to Verilog, Verilog to an object file and a Rust type.

use verilator_sys::build::Models;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let entry = ironwarp_hdl::blocks::whole().into_iter().find(|entry| entry.name == "rnic");
    // With RustHDL's own ports: a record is one word here, and the names around it are others' to
    // see.
    match entry.map(|entry| (entry.core(), entry.emit())) {
        Some((core, Ok(verilog))) => Models::new().add("rnic", &core, verilog).compile(),
        Some((_, Err(why))) => refuse(&format!("the RNIC has no Verilog: {why}")),
        None => refuse("the registry of blocks has no rnic"),
    }
}

fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(1);
}
