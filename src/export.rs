//! `ironwarp export`: an RNIC as a PCI device of another process.

use crate::serve::{stop_flag, SLICE};
use clap::Args;
use ironwarp_machine::{DeviceKind, Error, Export, Network, World, WorldOptions};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Serve a device to whoever connects, one after another, until interrupted.
#[derive(Args, Clone, Debug)]
pub struct ExportCommand {
    /// The socket to listen at; nothing may be there
    #[arg(long, value_name = "SOCKET")]
    vfio_user: PathBuf,
    /// What stands for the RNIC: model: or sim:
    #[arg(long, value_name = "DEVICE", default_value = "model:")]
    device: DeviceKind,
    /// Where it is plugged in: dgram:LOCAL,REMOTE (UNIX sockets, a frame each), or tap:NAME
    #[arg(long, value_name = "NETWORK")]
    network: Network,
    /// Write the frames of the link to a pcapng file
    #[arg(long, value_name = "OUT.pcapng")]
    capture: Option<PathBuf>,
}

/// Removes the socket when all is over: who connects later is told that nobody is there.
struct Socket<'a>(&'a PathBuf);

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        // If somebody else has removed it, it is gone as well.
        let _ = std::fs::remove_file(self.0);
    }
}

/// Exports a device until an interrupt or a request to terminate.
///
/// # Errors
/// A network or a socket that cannot be had, or a capture that could not be written.
pub fn run(command: &ExportCommand) -> Result<(), Error> {
    let ExportCommand { vfio_user, device, network, capture } = command;
    if *network == Network::Tcp {
        let reason = "a device that is exported has frames, and no sockets of the kernel";
        return Err(Error::Network { network: network.to_string(), reason });
    }
    let stop = stop_flag()?;
    let options = WorldOptions { capture: capture.clone(), ..WorldOptions::default() };
    let configuration = options.configuration;
    let world = World::on_network(*device, network, options)?;
    let export = Export::new(world.function(0)?, &configuration, vfio_user)?;
    let socket = Socket(vfio_user);
    eprintln!("{device} on {network}: vfio-user socket {}", vfio_user.display());
    while !stop.load(Ordering::Relaxed) {
        export.pump(SLICE)?;
    }
    drop(socket);
    world.finish()
}
