//! Verilates the board: its top, and what the vendor's cells do.

use ironwarp_ecpix5::{Ecpix5, CELLS};

/// Core clocks of a bit on the simulated serial line: the fewest that the UART can do with.
const CLOCKS_PER_BIT: u32 = 4;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=CLOCKS_PER_BIT={CLOCKS_PER_BIT}");
    /// As the registry calls it.
    const TOP: &str = "ironwarp_ecpix5";
    match ironwarp_hdl_board::verilog::emit_as(&mut Ecpix5::new(CLOCKS_PER_BIT), TOP, None) {
        Ok(verilog) => {
            let verilog = format!("{verilog}\n{CELLS}");
            verilator_sys::build::Models::new().add("ecpix5", TOP, verilog).compile();
        }
        Err(why) => {
            eprintln!("the board has no Verilog: {why}");
            std::process::exit(1);
        }
    }
}
