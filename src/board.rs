//! `ironwarp board`: the board in simulation, as a process or as a thread of one.

use clap::Args;
use ironwarp_driver::backend::SerialPort;
use ironwarp_machine::{Error, Network, Uplink};
use ironwarp_sim_ecpix5::{Bench, Fault, FramePort, Source};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Run the board ECPIX-5 in simulation, from its serial line to its Ethernet, until interrupted.
#[derive(Args, Clone, Debug)]
pub struct BoardCommand {
    /// Where its Ethernet is plugged in: dgram:LOCAL,REMOTE (UNIX sockets, a frame each) or
    /// tap:NAME
    #[arg(long, value_name = "NETWORK")]
    network: Network,
    /// Write the frames of its Ethernet to a pcapng file
    #[arg(long, value_name = "OUT.pcapng")]
    capture: Option<PathBuf>,
}

/// Frames of the board on a network.
struct Plug(Uplink);

impl FramePort for Plug {
    fn send(&mut self, frame: Vec<u8>) {
        self.0.send(frame);
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.0.flush();
        self.0.receive()
    }

    fn source(&self) -> Option<Source> {
        Some(self.0.inlet())
    }
}

/// What the board did, as the other end of its link saw it.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    /// Frames with a right frame check sequence.
    pub frames: u64,
    /// Frames that should not have been sent.
    pub faults: Vec<Fault>,
}

fn system(source: io::Error) -> Error {
    ironwarp_driver::Error::System { what: "the board's serial line", source }.into()
}

/// A board on a bench, with its Ethernet plugged in.
///
/// # Errors
/// No pseudo-terminal, or no such network.
fn bench(network: &Network, capture: Option<&Path>) -> Result<Bench, Error> {
    Bench::new(Box::new(Plug(Uplink::open(network, capture)?))).map_err(system)
}

fn run_until(bench: &mut Bench, stop: &AtomicBool) -> Result<Conduct, Error> {
    bench.run(stop).map_err(system)?;
    let link = bench.rgmii();
    Ok(Conduct { frames: link.count(), faults: link.faults().to_vec() })
}

/// Runs the board until an interrupt or a request to terminate.
///
/// # Errors
/// A network or a serial line that cannot be had.
pub fn run(command: &BoardCommand) -> Result<(), Error> {
    let stop = crate::serve::stop_flag()?;
    let mut bench = bench(&command.network, command.capture.as_deref())?;
    eprintln!("board on {}: serial:{}", command.network, bench.terminal().path().display());
    let conduct = run_until(&mut bench, &stop)?;
    eprintln!("{} frames sent, {} bad ones", conduct.frames, conduct.faults.len());
    Ok(())
}

/// A board that runs in a thread of its own.
pub struct RunningBoard {
    port: SerialPort,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Conduct, Error>>>,
}

impl RunningBoard {
    /// Switches a board on.
    ///
    /// # Errors
    /// A network or a serial line that cannot be had.
    pub fn start(network: &Network) -> Result<Self, Error> {
        let mut bench = bench(network, None)?;
        let path = bench.terminal().path().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::spawn(move || run_until(&mut bench, &told));
        let port = SerialPort { path, baud: ironwarp_abi::serial::BAUD };
        Ok(Self { port, stop, thread: Some(thread) })
    }

    /// Its serial line.
    pub fn port(&self) -> &SerialPort {
        &self.port
    }

    /// Switches it off.
    ///
    /// # Errors
    /// Its serial line failed while it ran.
    pub fn finish(mut self) -> Result<Conduct, Error> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        let died = || ironwarp_driver::Error::Bus("the simulation of the board ended early".into());
        ended.and_then(Result::ok).unwrap_or_else(|| Err(died().into()))
    }
}

impl Drop for RunningBoard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
