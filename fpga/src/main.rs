//! `ironwarp fpga`: from the RTL to a bitstream, and numbers per block.

mod command;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::run(&command::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ironwarp fpga: {error}");
            ExitCode::FAILURE
        }
    }
}
