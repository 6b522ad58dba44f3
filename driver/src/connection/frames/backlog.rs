//! Connections to a port that are in the TCP handshake.
//!
//! Anyone can send SYNs, from addresses that are not theirs. So each takes little, and when there
//! are too many, one that has not answered takes its leave without a word for the next: who is
//! there answers within a round trip, and has its place by then. A SYN that finds no place is
//! dropped, and comes again by itself.

use super::super::crowd::one_too_many;
use super::network::Network;
use crate::error::Error;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Connections to one port that can be half open at a time.
const HALF_OPEN_MAX: usize = 256;
/// Nobody loses its place so soon, so that many who are there may come at once.
const GRACE: Duration = Duration::from_millis(10);

/// A connection in the handshake.
#[derive(Clone, Copy)]
struct HalfOpen {
    socket: SocketHandle,
    source: Ipv4Addr,
    since: Duration,
}

/// A port that is listened to.
pub(super) struct Backlog {
    port: u16,
    /// Takes the next SYN.
    listening: SocketHandle,
    /// Oldest first.
    half_open: Vec<HalfOpen>,
}

impl Backlog {
    /// Listens to a port; nobody has come.
    pub fn new(port: u16, network: &mut Network) -> Result<Self, Error> {
        Ok(Self { port, listening: network.listen(port)?, half_open: Vec::new() })
    }

    /// Makes room for a SYN; false if it must be dropped.
    pub fn make_room(&mut self, network: &mut Network, now: Duration) -> bool {
        if self.half_open.len() < HALF_OPEN_MAX {
            return true;
        }
        let old = self.half_open.iter().enumerate().filter(|(_, it)| now >= it.since + GRACE);
        let Some(place) = one_too_many(old.map(|(place, it)| (place, it.source))) else {
            return false;
        };
        network.remove(self.half_open.remove(place).socket);
        true
    }

    /// Takes the sockets whose connections have opened.
    pub fn take_opened(&mut self, network: &mut Network, now: Duration) -> Vec<SocketHandle> {
        if network.socket(self.listening).state() != State::Listen {
            // Listening to a port that is listened to does not fail.
            if let Ok(fresh) = network.listen(self.port) {
                let socket = std::mem::replace(&mut self.listening, fresh);
                let source = network.flow(socket).map(|flow| flow.remote_ip);
                let source = source.unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.half_open.push(HalfOpen { socket, source, since: now });
            }
        }
        let mut opened = Vec::new();
        self.half_open.retain(|half_open| {
            match network.socket(half_open.socket).state() {
                State::SynReceived => return true,
                // Given up, or reset: then smoltcp listens with it again.
                State::Closed | State::Listen => network.remove(half_open.socket),
                _ => opened.push(half_open.socket),
            }
            false
        });
        opened
    }

    /// No longer listens.
    pub fn close(self, network: &mut Network) {
        network.forget_port(self.port);
        network.remove(self.listening);
        self.half_open.iter().for_each(|half_open| network.remove(half_open.socket));
    }
}
