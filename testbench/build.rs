//! Verilates the blocks that the tests drive, those of the registries and the harness's own; and
//! the RNIC with its planted mistakes.

#[cfg(feature = "blocks")]
#[path = "src/specimen.rs"]
#[allow(dead_code)]
mod specimen;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(any(feature = "blocks", feature = "large", feature = "planted"))]
    verilated::all();
}

#[cfg(any(feature = "blocks", feature = "large", feature = "planted"))]
mod verilated {
    use verilator_sys::build::Models;

    pub fn all() {
        let models = Models::new();
        #[cfg(feature = "blocks")]
        let models = blocks(models);
        #[cfg(feature = "planted")]
        let models = {
            let (core, verilog) = planted();
            models.add("planted", &core, verilog)
        };
        #[cfg(feature = "large")]
        let models = large(models);
        models.compile();
    }

    #[cfg(feature = "blocks")]
    fn blocks(models: Models) -> Models {
        use super::specimen;
        use rust_hdl::prelude::*;
        fn verilog(mut block: impl Block) -> String {
            block.connect_all();
            generate_verilog(&block)
        }
        println!("cargo:rerun-if-changed=src/specimen.rs");
        let mut models = models.add("specimen", "top", verilog(specimen::Specimen::default())).add(
            "misread",
            "top",
            verilog(specimen::Misread::default()),
        );
        for entry in ironwarp_hdl::blocks() {
            let verilog = entry.emit().unwrap_or_else(|why| refuse(&why));
            models = models.add(entry.name, &entry.core(), verilog);
        }
        for entry in ironwarp_ecpix5::blocks() {
            let verilog = entry.emit().unwrap_or_else(|why| refuse(&why));
            models = models.add(entry.name, &entry.core(), verilog + ironwarp_ecpix5::CELLS);
        }
        models
    }

    #[cfg(feature = "planted")]
    fn planted() -> (String, String) {
        let whole = ironwarp_hdl::blocks::whole();
        let Some(rnic) = whole.first() else { refuse(&"there is no whole device") };
        let verilog = rnic.emit().unwrap_or_else(|why| refuse(&why));
        let names: Vec<_> = ironwarp_hdl::mutation::MUTATIONS.iter().map(|it| it.about).collect();
        let out = std::env::var("OUT_DIR").unwrap_or_else(|why| refuse(&why));
        let text = format!(
            "/// What is wrong, from mistake 1 on.\npub const MISTAKES: &[&str] = &{names:?};\n"
        );
        std::fs::write(format!("{out}/mistakes.rs"), text).unwrap_or_else(|why| refuse(&why));
        let core = rnic.core();
        let planted = ironwarp_hdl::mutation::plant(&verilog, &core);
        (core, planted.unwrap_or_else(|why| refuse(&why)))
    }

    #[cfg(feature = "large")]
    fn large(models: Models) -> Models {
        let whole = ironwarp_hdl_large::blocks::whole();
        let Some(rnic) = whole.first() else { refuse(&"there is no whole device") };
        let verilog = rnic.emit().unwrap_or_else(|why| refuse(&why));
        models.add("large", &rnic.core(), verilog)
    }

    fn refuse(why: &dyn std::fmt::Display) -> ! {
        eprintln!("{why}");
        std::process::exit(1);
    }
}
