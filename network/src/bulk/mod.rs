//! How much a TCP in software gets through a network: smoltcp at both ends, in simulated time.
//!
//! ```text
//!   Host (sends) ==== Link ==== Host (receives)
//! ```
//!
//! It is what a device's own TCP is compared with, over the same [`Impairment`] and with the same
//! seed. Everything follows from the [`Transfer`]: two runs agree in every frame.

mod host;

use crate::{duration, Impairment, Link, Picoseconds, Report};
use host::Host;
use std::time::Duration;

/// What decides how much a sender may have under way besides the receiver's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// Nothing.
    None,
    /// Reno (RFC 5681).
    Reno,
    /// CUBIC (RFC 9438).
    #[default]
    Cubic,
}

/// What to send through what.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Octets of the stream, at least one.
    pub octets: u64,
    /// The network between the two. One that takes no time at all takes a microsecond.
    pub impairment: Impairment,
    /// The largest IP packet, in octets: what any link has, 576, or more.
    pub mtu: usize,
    /// Octets that a socket holds, at either end: the largest window.
    pub window: usize,
    /// The sender's congestion control.
    pub congestion: Congestion,
    /// Simulated time after which it is given up.
    pub limit: Duration,
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            octets: 16 << 20,
            impairment: Impairment::default(),
            mtu: 1500,
            window: 256 << 10,
            congestion: Congestion::default(),
            limit: Duration::from_secs(3600),
        }
    }
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// From the moment when the sender could send to the receiver's last octet.
    pub time: Duration,
    /// Octets of the stream a second.
    pub goodput: f64,
    /// What the network did. The segments that the sender sent again are `resent` of direction 0.
    pub report: Report,
}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// A socket does not take the options.
    #[error("TCP does not take a window of {0} octets")]
    Window(usize),
    /// It took too long.
    #[error("{0} octets had arrived when the time was up")]
    TimeUp(u64),
    /// The connection ended.
    #[error("the connection ended after {0} octets")]
    Ended(u64),
    /// What arrived is not what was sent.
    #[error("octet {0} is not what was sent")]
    Differs(u64),
}

/// The largest window that TCP can tell (RFC 7323 s. 2.3).
const WINDOW_MAX: usize = 1 << 30;
/// smoltcp's time comes in steps of a microsecond.
const MICROSECOND: Picoseconds = 1_000_000;

/// Two hosts, the network between them, and what time it is.
struct World<'a> {
    transfer: &'a Transfer,
    link: Link,
    hosts: [Host; 2],
    now: Picoseconds,
    sent: u64,
    received: u64,
}

/// Sends the octets through the network.
///
/// # Errors
/// The connection or the time came to an end, or TCP let an error pass.
pub fn run(transfer: &Transfer) -> Result<Outcome, TransferError> {
    if !(1..=WINDOW_MAX).contains(&transfer.window) {
        return Err(TransferError::Window(transfer.window));
    }
    let link = Link::new(&transfer.impairment);
    let hosts = [0, 1].map(|end| Host::new(end, transfer));
    let mut world = World { transfer, link, hosts, now: 0, sent: 0, received: 0 };
    let mut open = None;
    loop {
        while world.exchange()? {}
        if open.is_none() && world.hosts[0].is_open() {
            open = Some(world.now);
        }
        if world.received >= transfer.octets {
            break;
        }
        world.advance()?;
    }
    let time = duration(world.now - open.unwrap_or(0));
    let goodput = transfer.octets as f64 / time.as_secs_f64();
    Ok(Outcome { time, goodput, report: world.link.report() })
}

impl World<'_> {
    /// Lets both hosts do some of what they can in no time. True if anything moved.
    fn exchange(&mut self) -> Result<bool, TransferError> {
        let mut moved = false;
        for (end, host) in self.hosts.iter_mut().enumerate() {
            for frame in host.poll(self.now / MICROSECOND) {
                self.link.send(self.now, end, frame);
                moved = true;
            }
        }
        let taken = self.hosts[0].write(self.sent, self.transfer.octets);
        self.sent += taken;
        let given = self.hosts[1].read(self.received);
        let given = given.map_err(|at| TransferError::Differs(self.received + at))?;
        self.received += given;
        moved |= taken + given > 0;
        Ok(moved)
    }

    /// Goes on to the next moment in which something can happen, and lets frames arrive.
    fn advance(&mut self) -> Result<(), TransferError> {
        let timers = self.hosts.iter_mut().filter_map(|host| host.timer(self.now / MICROSECOND));
        let timers = timers.map(|micros| micros.saturating_mul(MICROSECOND));
        let next = timers.chain(self.link.due()).min();
        let next = next.ok_or(TransferError::Ended(self.received))?;
        // What wants to happen at once, and has not, waits for the hosts' clock to go on.
        let tick = (self.now / MICROSECOND + 1) * MICROSECOND;
        self.now = if next > self.now { next } else { tick };
        if duration(self.now) > self.transfer.limit {
            return Err(TransferError::TimeUp(self.received));
        }
        while let Some((to, frame)) = self.link.receive(self.now) {
            self.hosts[to].arrive(frame);
        }
        Ok(())
    }
}
