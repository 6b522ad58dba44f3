//! `ironwarp`: the command line.

use clap::{Parser, Subcommand};
use ironwarp::demo::{self, Demo};
use std::process::ExitCode;

/// An iWARP RNIC in the open: hardware in simulation, and the driver for it.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Move a file from one RNIC to another by RDMA, and say how long it took.
    Demo(Demo),
}

/// Bad arguments, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ironwarp: {error}");
            ExitCode::from(if error.is_usage() { USAGE } else { 1 })
        }
    }
}
