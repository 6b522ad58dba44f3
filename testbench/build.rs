//! Verilates the blocks that the tests drive: the registry's leaf blocks and the harness's own.

#[cfg(feature = "blocks")]
#[path = "src/specimen.rs"]
#[allow(dead_code)]
mod specimen;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "blocks")]
    blocks::verilate();
}

#[cfg(feature = "blocks")]
mod blocks {
    use super::specimen;
    use rust_hdl::prelude::*;
    use verilator_sys::build::Models;

    pub fn verilate() {
        println!("cargo:rerun-if-changed=src/specimen.rs");
        let mut models = Models::new()
            .add("specimen", verilog(specimen::Specimen::default()))
            .add("misread", verilog(specimen::Misread::default()));
        for entry in ironwarp_hdl::blocks() {
            match entry.emit() {
                Ok(verilog) => models = models.add(entry.name, verilog),
                Err(why) => {
                    eprintln!("{}: {why}", entry.name);
                    std::process::exit(1);
                }
            }
        }
        models.compile();
    }

    fn verilog(mut block: impl Block) -> String {
        block.connect_all();
        generate_verilog(&block)
    }
}
