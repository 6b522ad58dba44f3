//! Writes the device's Verilog, and checks the kernels that it comes from.

use clap::{Parser, Subcommand};
use ironwarp_hdl::blocks::{blocks, engines, whole, BlockEntry};
use ironwarp_hdl::fusesoc::core_file;
use ironwarp_hdl::verilog::page::ports_page;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The RTL of the IronWARP RNIC as Verilog.
#[derive(Parser)]
#[command(name = "ironwarp-hdl", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write `DIR/rnic.v`, the whole device, `DIR/<block>.v` for every engine and block, and
    /// `DIR/ironwarp.core` for FuseSoC.
    Verilog {
        /// The folder to write to; it is made if it does not exist.
        dir: PathBuf,
        /// Only the block of this name.
        #[arg(long)]
        block: Option<String>,
    },
    /// Print the ports of what others instantiate, as the page `docs/ports.md`.
    Ports,
    /// Check every kernel; exit status 1 if there are findings.
    Lint,
    /// List the blocks by name.
    Blocks,
}

/// A message for a person, and the exit status.
type Failure = (String, u8);

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Verilog { dir, block } => verilog(&dir, block.as_deref()),
        Command::Ports => ports_page(&everything())
            .map(|page| print!("{page}"))
            .map_err(|why| (why.to_string(), 1)),
        Command::Lint => lint(),
        Command::Blocks => {
            everything().iter().for_each(|entry| println!("{}", entry.name));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, status)) => {
            eprintln!("ironwarp-hdl: {message}");
            ExitCode::from(status)
        }
    }
}

fn everything() -> Vec<BlockEntry> {
    [whole(), engines(), blocks()].concat()
}

fn verilog(dir: &Path, only: Option<&str>) -> Result<(), Failure> {
    let mut entries = everything();
    if let Some(name) = only {
        entries.retain(|entry| entry.name == name);
        if entries.is_empty() {
            let names: Vec<_> = everything().iter().map(|entry| entry.name).collect();
            return Err((format!("no block is called {name}; there are {}", names.join(", ")), 2));
        }
    }
    let io = |path: &Path, e: std::io::Error| (format!("{}: {e}", path.display()), 2);
    std::fs::create_dir_all(dir).map_err(|e| io(dir, e))?;
    if only.is_none() {
        let path = dir.join("ironwarp.core");
        std::fs::write(&path, core_file(&entries)).map_err(|e| io(&path, e))?;
        println!("{}", path.display());
    }
    for entry in entries {
        let text = entry.emit().map_err(|e| (format!("{}: {e}", entry.name), 1))?;
        let path = dir.join(format!("{}.v", entry.name));
        std::fs::write(&path, text).map_err(|e| io(&path, e))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn lint() -> Result<(), Failure> {
    let mut findings = 0;
    for entry in everything() {
        for finding in entry.lint() {
            println!("{}: {finding}", entry.name);
            findings += 1;
        }
    }
    match findings {
        0 => Ok(()),
        n => Err((format!("{n} findings; hdl/src/lint/mod.rs says what to write instead"), 1)),
    }
}
