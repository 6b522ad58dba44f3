//! A queue pair as the host and its peer know it.

use super::event::Segment;
use super::peer::Peer;
use ironwarp_abi::context::QueuePairContext;

/// A ring that the host fills.
#[derive(Default, Clone, Copy)]
pub struct Ring {
    /// log2 of its entries.
    pub log2: u8,
    /// Entries that the host has filled.
    pub posted: u16,
    /// Entries that the device has certainly done with.
    pub done: u16,
}

/// A queue pair as the host knows it.
#[derive(Default)]
pub struct QueuePair {
    /// What it was started with.
    pub context: Option<QueuePairContext>,
    /// Its send queue.
    pub sends: Ring,
    /// Its receive queue.
    pub receives: Ring,
    /// The other end of its connection.
    pub peer: Option<Peer>,
    /// Something was posted or asked for that may end it.
    pub doubtful: bool,
}

impl QueuePair {
    /// Send work requests may wait: for the window, for an FPDU or for an RDMA Read.
    pub fn sends_wait(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| self.sends.posted != peer.reads.finished)
    }

    /// Something to send may wait.
    pub fn waits(&self) -> bool {
        self.sends_wait() || self.peer.as_ref().is_some_and(|peer| peer.reads.is_held())
    }

    /// It sends whatever it has: no FPDU needs to come first.
    fn is_open(&self) -> bool {
        let (Some(context), Some(peer)) = (&self.context, &self.peer) else { return false };
        !context.await_first_fpdu || peer.sent != context.send_next
    }

    /// The segment as the peer sends it. What lets something go that may end the queue pair brings
    /// no octets besides: whether they were taken before the end would be a matter of time.
    pub fn tamed(&self, what: &Segment) -> Segment {
        let Some(peer) = &self.peer else { return *what };
        let alone = self.doubtful && self.waits() && self.is_open() && !peer.is_delicate();
        let length = if alone { 0 } else { what.length };
        Segment { length, ..peer.tamed(what) }
    }
}
