//! `ironwarp bench`: how fast it is.

mod driver;
mod meter;
mod plain;
mod rdma;
mod tcp;

pub use driver::{Driver, Row};
pub use tcp::{KernelTcp, Report};

use clap::{Args, Subcommand};

/// What is measured.
#[derive(Args, Clone, Debug)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// RDMA Writes of 64 KiB over the kernel's TCP, beside plain TCP, on loopback between two
    /// processes.
    KernelTcp(KernelTcp),
    /// What posting and polling cost the driver, the device's own work apart: time, doorbells and
    /// system calls.
    Driver(Driver),
}

/// What a measurement can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver or the device.
    #[error(transparent)]
    Driver(#[from] ironwarp_driver::Error),
    /// The simulated machine.
    #[error(transparent)]
    Machine(#[from] ironwarp_machine::Error),
    /// A socket, or the process at the other side.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection ended too early.
    #[error("the connection ended: {0}")]
    Connection(String),
    /// The other side did not say what it should.
    #[error("the receiving process failed; it said '{0}'")]
    Receiver(String),
    /// What arrived is not what was sent.
    #[error("the receiver's memory is not what was sent")]
    Differs,
}

/// Names what was tried, for an error.
fn system(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// Octets of a message, and of a write to plain TCP.
const MESSAGE_BYTES: usize = 64 * 1024;

/// What is sent: every octet of a message has its place.
fn pattern() -> Vec<u8> {
    (0..MESSAGE_BYTES).map(|n| (n ^ n >> 8) as u8).collect()
}

/// Runs a measurement and prints it.
///
/// # Errors
/// Whatever keeps it from its end.
pub fn run(bench: &Bench) -> Result<(), Error> {
    match &bench.what {
        What::KernelTcp(kernel_tcp) => tcp::run(kernel_tcp),
        What::Driver(driver) => driver::run(driver),
    }
}
