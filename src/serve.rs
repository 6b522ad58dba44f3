//! `ironwarp serve`: a device with its driver as a process on a network.

use crate::rping::{self, Notice, Outcome, Server};
use crate::station::Station;
use clap::Args;
use ironwarp_driver::{Context, Options, StartupOptions};
use ironwarp_machine::World;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// The longest sleep between two looks at whether the end was asked for. A signal ends it at once.
pub(crate) const SLICE: Duration = Duration::from_millis(200);

/// Serve the clients of rping on a network, answer ARP and ping, until interrupted.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    #[command(flatten)]
    station: Station,
    /// The port to listen to
    #[arg(long, short = 'p', default_value_t = 7174)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Do not ask for CRCs
    #[arg(long)]
    no_crc: bool,
    /// Ask for MPA markers, where the peer may choose
    #[arg(long)]
    markers: bool,
    /// Ask after clients that say nothing for so long, and let those go that do not answer, or
    /// never used their connection; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    keep_alive: u32,
}

/// What was done until the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    clients: u64,
    failed: u64,
    pings: u64,
}

impl Summary {
    fn count(&mut self, notice: &Notice) {
        match notice {
            Notice::Served(Outcome { pings, error }) => {
                self.clients += 1;
                self.pings += pings;
                self.failed += u64::from(error.is_some());
            }
            Notice::Turned { .. } | Notice::Stranger(_) => self.failed += 1,
            _ => {}
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, failed, pings } = self;
        write!(f, "{pings} pings of {clients} clients, {failed} connections failed")
    }
}

/// Serves until an interrupt or a request to terminate.
///
/// # Errors
/// A network that cannot be had, a device that does not answer, or a capture that could not be
/// written. What clients do wrong is told and no error.
pub fn run(serve: &Serve) -> Result<(), rping::Error> {
    let stop = stop_flag()?;
    let (world, context) = serve.station.open(serve.options())?;
    let summary = serve.until(&stop, &context)?;
    // What there is to say to clients leaves now, ahead of the end of the capture.
    drop(context);
    eprintln!("served {summary}");
    if let Some(world) = world {
        world.finish()?;
        tell_conduct(&world);
    }
    Ok(())
}

/// Is set when the end is asked for.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>, ironwarp_driver::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone()).map_err(|source| {
            ironwarp_driver::Error::System { what: "a signal handler", source }
        })?;
    }
    Ok(stop)
}

impl Serve {
    fn options(&self) -> Options {
        let keep_alive = Duration::from_secs(self.keep_alive.into());
        let keep_alive = (!keep_alive.is_zero()).then_some(keep_alive);
        Options { keep_alive, ..self.station.options() }
    }

    fn until(&self, stop: &AtomicBool, context: &Context) -> Result<Summary, rping::Error> {
        let startup = StartupOptions {
            crc: !self.no_crc,
            markers: self.markers,
            ..StartupOptions::default()
        };
        let mut server = Server::listen(context, self.port, &startup)?;
        let (ip, prefix) = (self.station.options().ip, self.station.options().prefix);
        let (device, link) = (&self.station.device, self.station.link());
        eprintln!("{device} on {link}, {ip}/{prefix}: listening on port {}", self.port);
        let mut summary = Summary::default();
        while !stop.load(Ordering::Relaxed) {
            for notice in server.step()? {
                tell(&notice);
                summary.count(&notice);
            }
            context.wait(SLICE)?;
        }
        Ok(summary)
    }
}

fn tell(notice: &Notice) {
    match notice {
        Notice::Connected { peer, agreement } => {
            let crc = if agreement.crc { "with" } else { "without" };
            eprintln!("connection from {peer}, {crc} CRCs");
        }
        Notice::Served(Outcome { pings, error: None }) => eprintln!("closed after {pings} pings"),
        Notice::Served(Outcome { pings, error: Some(error) }) => {
            eprintln!("ended after {pings} pings: {error}");
        }
        Notice::Turned { peer, error } => eprintln!("{peer} was turned away: {error}"),
        Notice::Stranger(reason) => eprintln!("a connection that came to nothing: {reason}"),
        Notice::Pinged { .. } | Notice::Closed { .. } => {}
    }
}

/// Whether a device in RTL broke a rule at its pins.
fn tell_conduct(world: &World) {
    let violations = world.simulation().map_or(Vec::new(), |simulation| simulation.violations());
    if let Some(first) = violations.first() {
        eprintln!("the device broke {} rules at its pins, first: {first}", violations.len());
    }
}
