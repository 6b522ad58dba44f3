//! `ironwarp`: the command line.

use clap::{Parser, Subcommand};
use ironwarp::bench::{self, Bench};
use ironwarp::board::{self, BoardCommand};
use ironwarp::copy::{self, Receive, Send};
use ironwarp::demo::{self, Demo};
use ironwarp::devices::{self, Devices, Function};
use ironwarp::differential::{self, Differential};
use ironwarp::export::{self, ExportCommand};
use ironwarp::rping::command::{self as rping, Rping};
use ironwarp::serve::{self, Serve};
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
    /// Run random programmes on the hardware and on the model, and say where they differ.
    Differential(Differential),
    /// Measure throughput.
    Bench(Bench),
    /// Run the board in simulation: a serial line for a driver at one end, Ethernet at the other.
    Board(BoardCommand),
    /// Be a PCI device for others: QEMU, or a driver in another process, over a vfio-user socket.
    Export(ExportCommand),
    /// List the RNICs of this machine.
    Devices(Devices),
    /// Give a PCI function to processes: bind it to vfio-pci.
    Bind(Function),
    /// Give a PCI function back to the kernel.
    Unbind(Function),
    /// Send a file to another process, by RDMA Write from where it is mapped.
    Send(Send),
    /// Receive a file of `ironwarp send`.
    Receive(Receive),
    /// Play ping-pong with data that is checked, as rdma-core's rping does.
    Rping(Rping),
    /// Serve rping's clients on a network, and answer ARP and ping, until interrupted.
    Serve(Serve),
}

/// Bad arguments, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let failure = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options).map_err(demo_failed),
        Command::Differential(options) => differential::execute(&options)
            .map_err(|error| (error.to_string(), if error.is_usage() { USAGE } else { 1 })),
        Command::Bench(options) => bench::run(&options).map_err(failed),
        Command::Board(options) => board::run(&options).map_err(failed),
        Command::Export(options) => export::run(&options).map_err(failed),
        Command::Devices(options) => devices::list(&options).map_err(failed),
        Command::Bind(function) => devices::bind(&function).map_err(failed),
        Command::Unbind(function) => devices::unbind(&function).map_err(failed),
        Command::Send(command) => copy::send(&command).map_err(failed),
        Command::Receive(command) => copy::receive(&command).map_err(failed),
        Command::Rping(options) => rping::run(&options).map_err(failed),
        Command::Serve(options) => serve::run(&options).map_err(failed),
    };
    match failure {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, status)) => {
            eprintln!("ironwarp: {message}");
            ExitCode::from(status)
        }
    }
}

/// A message, and the exit status of a failure that is not the command line's.
fn failed(error: impl std::fmt::Display) -> (String, u8) {
    (error.to_string(), 1)
}

fn demo_failed(error: demo::Error) -> (String, u8) {
    (error.to_string(), if error.is_usage() { USAGE } else { 1 })
}
