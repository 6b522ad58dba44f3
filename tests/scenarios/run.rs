//! Runs scenarios between a device that is tried and a model.

use crate::list::{Scenario, Server, INSIDE, LISTENING, OUTSIDE};
use crate::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A scenario's ends have that long.
pub const LIMIT: Duration = Duration::from_secs(180);
/// The file that is sent.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testbench/files/julia.pgm");

/// A link with a socket at either end.
pub struct Link(tempfile::TempDir);

impl Link {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A path that nobody uses.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The network of the end that is tried, or of the other.
    pub fn network(&self, inside: bool) -> String {
        let (near, far) = if inside { ("inside", "outside") } else { ("outside", "inside") };
        format!("dgram:{},{}", self.path(near).display(), self.path(far).display())
    }

    /// A command of `ironwarp`'s, with its device.
    pub fn command(&self, words: &str, device: &[String]) -> Command {
        let new = self.path("new");
        // One of an earlier scenario.
        let _ = std::fs::remove_file(&new);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
        for word in words.split(' ') {
            match word {
                "FILE" => command.arg(FILE),
                "NEW" => command.arg(&new),
                word => command.arg(word),
            };
        }
        command.args(device);
        command
    }

    /// The peer's end, which is a model: a command of `ironwarp`'s.
    pub fn outside(&self, words: &str) -> Result<Process, String> {
        let mut device = vec!["--device".to_owned(), "model:".to_owned()];
        device.extend(["--network".to_owned(), self.network(false)]);
        device.extend(address(OUTSIDE, "02:49:57:00:00:02"));
        Process::start("the peer", &mut self.command(words, &device))
    }
}

/// The arguments that give a device its addresses.
pub fn address(ip: &str, mac: &str) -> Vec<String> {
    ["--ip", &format!("{ip}/24"), "--mac", mac].map(str::to_owned).to_vec()
}

/// Those of the device that is tried.
pub fn inside_address() -> Vec<String> {
    address(INSIDE, "02:49:57:00:00:01")
}

/// A process has ended, and well.
pub fn ends_well(mut process: Process) -> Result<(), String> {
    let status = process.wait(LIMIT)?;
    let name = process.name();
    let said = process.stop().join("\n");
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} ended with {status}:\n{said}"))
    }
}

/// Runs a scenario on a device that a process of this machine can have.
pub fn run(link: &Link, scenario: &Scenario, device: &[String]) -> Result<(), String> {
    let inside = || {
        let device = [device, &inside_address()].concat();
        Process::start("the device", &mut link.command(scenario.inside, &device))
    };
    let outside = || link.outside(scenario.outside);
    let (mut server, client): (_, &dyn Fn() -> Result<Process, String>) = match scenario.server {
        Server::Inside => (inside()?, &outside),
        Server::Outside => (outside()?, &inside),
    };
    server.wait_for(LISTENING, LIMIT)?;
    ends_well(client()?)?;
    ends_well(server)
}

/// The folder of what `testbench/guest` makes.
pub fn guest_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/guest")
}

/// The folder of its scripts.
pub fn guest_scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testbench/guest")
}

/// The file that is sent.
pub fn file() -> &'static Path {
    Path::new(FILE)
}
