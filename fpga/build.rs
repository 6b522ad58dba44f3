//! Writes the Verilog of every block, and the list of it for `sources.rs`.

use ironwarp_hdl_board::blocks::{blocks, engines, whole, BlockEntry};
use std::fmt::Write;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Err(why) = write() {
        eprintln!("{why}");
        std::process::exit(1);
    }
}

fn everything() -> Vec<BlockEntry> {
    let board = [ironwarp_ecpix5::whole(), ironwarp_ecpix5::blocks()].concat();
    [board, whole(), engines(), blocks()].concat()
}

fn write() -> Result<(), String> {
    let out = std::env::var("OUT_DIR").map_err(|why| why.to_string())?;
    let mut list = String::from("[\n");
    for entry in everything() {
        let (name, top) = (entry.name, entry.core());
        let verilog = entry.emit().map_err(|why| format!("{name}: {why}"))?;
        let file = format!("{out}/{name}.v");
        std::fs::write(&file, verilog).map_err(|why| format!("{file}: {why}"))?;
        let text = format!("include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}.v\"))");
        let _ = writeln!(list, "Source {{ name: \"{name}\", top: \"{top}\", verilog: {text} }},");
    }
    list.push(']');
    let file = format!("{out}/sources.rs");
    std::fs::write(&file, list).map_err(|why| format!("{file}: {why}"))
}
