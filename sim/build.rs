//! Verilates the RNIC: RustHDL to Verilog, Verilog to an object file and a Rust type.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(rtl)");
    // The whole device, once the registry has it.
    let Some(entry) = ironwarp_hdl::blocks::whole().into_iter().find(|e| e.name == "rnic") else {
        return;
    };
    match entry.emit() {
        Ok(verilog) => verilator_sys::build::Models::new().add("rnic", verilog).compile(),
        Err(why) => {
            eprintln!("the RNIC has no Verilog: {why}");
            std::process::exit(1);
        }
    }
    println!("cargo:rustc-cfg=rtl");
}
