//! The TCP below MPA, as the connection manager sees it: frames with a stack in software, or
//! sockets of the kernel.
//!
//! ```text
//!   connect, opened --> startup: send, receive --> hand_over --> the hardware has it --> stop --+
//!                          |                                                                    |
//!                          +------------------> close or abort <--------------------------------+
//! ```

use super::event::Agreement;
use super::negotiation::Role;
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::mpa::fpdu::mulpdu;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

/// Names a connection of a [`Tcp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TcpId(pub u32);

impl TcpId {
    /// A name that none of the `connections` has: `next`, unless that came round to one which has
    /// lived for so long.
    pub fn vacant<T>(next: &mut u32, connections: &BTreeMap<Self, T>) -> Self {
        while connections.contains_key(&Self(*next)) {
            *next = next.wrapping_add(1);
        }
        let id = Self(*next);
        *next = next.wrapping_add(1);
        id
    }
}

/// How a connection stands that software runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TcpState {
    /// It opens.
    Opening,
    /// It is open in both directions.
    Open,
    /// The peer has closed its direction; octets that came before may still wait.
    PeerClosed,
    /// It is no more.
    Gone(Reason),
}

/// A connection that a peer has opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// The connection.
    pub id: TcpId,
    /// The port that was listened to.
    pub port: u16,
    /// The peer.
    pub peer: SocketAddrV4,
}

/// How closing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both directions were closed.
    Closed,
    /// The peer reset the connection.
    PeerReset,
    /// The peer sent data that nobody can take; it was reset.
    Data,
    /// The peer did not answer; it was reset.
    Timeout,
}

/// What hands a connection over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandOver {
    /// The queue pair that takes it.
    pub qp: u32,
    /// The side of startup that this one was.
    pub role: Role,
    /// What startup came to.
    pub agreement: Agreement,
}

impl HandOver {
    /// What a context says of the connection above TCP, whose segments hold `emss` octets. Rings,
    /// queues and protection domain are the queue pair's.
    pub fn context(&self, emss: usize) -> QueuePairContext {
        let Agreement { send_markers, receive_markers, crc, reads } = self.agreement;
        QueuePairContext {
            send_markers,
            receive_markers,
            crc,
            //= rfc5044#7.1.2  The Responder waits for one valid FPDU before it sends any.
            await_first_fpdu: self.role == Role::Responder,
            read_in: reads.inbound as u8,
            read_out: reads.outbound as u8,
            mulpdu: mulpdu(emss, send_markers) as u16,
            ..Default::default()
        }
    }
}

/// TCP connections before, below and after a queue pair.
pub(crate) trait Tcp: Send {
    /// Waits for connections to a port.
    fn listen(&mut self, port: u16) -> Result<(), Error>;

    /// No longer waits.
    fn unlisten(&mut self, port: u16) -> Result<(), Error>;

    /// Opens a connection.
    fn connect(&mut self, peer: SocketAddrV4) -> Result<TcpId, Error>;

    /// Lets everything work that goes on by itself.
    fn poll(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error>;

    /// When there is something to do by itself.
    fn timer(&mut self, now: Duration) -> Option<Duration>;

    /// Takes a connection that a peer has opened.
    fn take_opened(&mut self) -> Option<Opened>;

    /// How a connection stands, before it is handed over.
    fn state(&mut self, id: TcpId) -> TcpState;

    /// Sends a startup frame; true if it was taken whole. `last`: the hand-over follows at once,
    /// and nothing of the frame reaches the peer before it.
    fn send(&mut self, id: TcpId, frame: &[u8], last: bool) -> bool;

    /// Adds at most so many octets from the peer to `received`; true if there were any.
    fn receive(&mut self, id: TcpId, most: usize, received: &mut Vec<u8>) -> bool;

    /// The stream is quiet enough to be handed over.
    fn is_ready(&mut self, id: TcpId) -> bool;

    /// Gives a connection to a queue pair; answers RCV.NXT of its start. On an error software has
    /// it still.
    fn hand_over(
        &mut self,
        id: TcpId,
        hardware: &mut Hardware,
        to: &HandOver,
        now: Duration,
    ) -> Result<u32, Error>;

    /// Takes the connection of a queue pair back, which stops; its completions so far are
    /// collected.
    fn stop(&mut self, id: TcpId, hardware: &mut Hardware, qp: u32) -> Result<(), Error>;

    /// Closes a connection in order that was not handed over or was stopped; `peer_fin` is the
    /// number of the peer's FIN if hardware has seen it. [`Tcp::take_closed`] tells of the end.
    fn close(&mut self, id: TcpId, peer_fin: Option<u32>);

    /// Ends a connection that was not handed over or was stopped, with a reset unless the peer
    /// sent one. Nothing more is said of it.
    fn abort(&mut self, id: TcpId, hardware: &mut Hardware, how: &Abort) -> Result<(), Error>;

    /// What is in use.
    fn usage(&self) -> TcpUsage;

    /// Takes how a connection was closed.
    fn take_closed(&mut self) -> Option<(TcpId, Outcome)>;
}

/// What connections take up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpUsage {
    /// Connections in any stage, closing among them.
    pub connections: usize,
    /// Sockets that do more than listen, half open ones among them.
    pub sockets: usize,
}

/// How a connection is aborted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Abort {
    /// The peer has reset it.
    pub by_peer: bool,
    /// The number of the peer's FIN if hardware has seen it.
    pub peer_fin: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_given_twice() {
        let live = BTreeMap::from([u32::MAX, 0, 2].map(|number| (TcpId(number), ())));
        let mut next = u32::MAX - 1;
        let names = [(); 3].map(|()| TcpId::vacant(&mut next, &live));
        assert_eq!(names, [TcpId(u32::MAX - 1), TcpId(1), TcpId(3)]);
    }
}
