//! Writes the Verilog of every block, and the lists of it for `sources.rs`.

use std::fmt::Write;
use std::path::PathBuf;

/// Blocks that grow with the number of objects: the whole device, and the engines with records.
const GROWING: &[&str] =
    &["rnic", "pcie", "control", "transmit", "receive", "completion_writer", "gate"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Err(why) = write() {
        eprintln!("{why}");
        std::process::exit(1);
    }
}

/// A block as text.
struct Emitted {
    name: &'static str,
    top: String,
    verilog: String,
}

/// Emits the blocks of a registry; each crate of RTL has a type of its own for them.
macro_rules! emitted {
    ($entries:expr) => {
        $entries
            .into_iter()
            .map(|entry| {
                let verilog = entry.emit().map_err(|why| format!("{}: {why}", entry.name))?;
                Ok(Emitted { name: entry.name, top: entry.core().to_string(), verilog })
            })
            .collect::<Result<Vec<_>, String>>()
    };
}

fn of_the_board() -> Result<Vec<Emitted>, String> {
    use ironwarp_hdl_board::blocks::{blocks, engines, whole};
    let board = [ironwarp_ecpix5::whole(), ironwarp_ecpix5::blocks()].concat();
    emitted!([board, whole(), engines(), blocks()].concat())
}

fn of_the_reference() -> Result<Vec<Emitted>, String> {
    use ironwarp_hdl::blocks::{blocks, engines, whole};
    let grows = |name: &str| GROWING.contains(&name);
    emitted!([whole(), engines(), blocks()].concat().into_iter().filter(|entry| grows(entry.name)))
}

/// Writes the text of a block; answers the expression that makes its `Source`.
fn source(it: &Emitted, suffix: &str) -> Result<String, String> {
    let Emitted { name, top, verilog } = it;
    let file = format!("{name}{suffix}.v");
    put(&file, verilog)?;
    let text = format!("include_str!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))");
    Ok(format!("Source {{ name: \"{name}\", top: \"{top}\", verilog: {text} }}"))
}

fn put(file: &str, text: &str) -> Result<(), String> {
    let out = std::env::var("OUT_DIR").map_err(|why| why.to_string())?;
    let file = PathBuf::from(out).join(file);
    std::fs::write(&file, text).map_err(|why| format!("{}: {why}", file.display()))
}

fn write() -> Result<(), String> {
    let (board, reference) = (of_the_board()?, of_the_reference()?);
    let mut all = String::from("[\n");
    for block in &board {
        let _ = writeln!(all, "{},", source(block, "")?);
    }
    put("sources.rs", &(all + "]"))?;
    let mut growth = String::from("[\n");
    for name in GROWING {
        let kinds = [("board", &board, ""), ("reference", &reference, "-reference")];
        for (configuration, blocks, suffix) in kinds {
            let block = blocks.iter().find(|block| block.name == *name);
            let block = block.ok_or_else(|| format!("{configuration} has no block {name}"))?;
            let _ = writeln!(growth, "(\"{configuration}\", {}),", source(block, suffix)?);
        }
    }
    put("growth.rs", &(growth + "]"))
}
