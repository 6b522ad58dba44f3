//! Verilates the RNIC: RustHDL to Verilog, Verilog to an object file and a Rust type.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let entry = ironwarp_hdl::blocks::whole().into_iter().find(|entry| entry.name == "rnic");
    match entry.map(|entry| entry.emit()) {
        Some(Ok(verilog)) => verilator_sys::build::Models::new().add("rnic", verilog).compile(),
        Some(Err(why)) => refuse(&format!("the RNIC has no Verilog: {why}")),
        None => refuse("the registry of blocks has no rnic"),
    }
}

fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(1);
}
