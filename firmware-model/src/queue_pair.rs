//! A queue pair that runs an RDMA stream, from its start on: RDMA above, a transport below.

use crate::host::Host;
use crate::rdma::Rdma;
use crate::shared::Shared;
use crate::tcp::arrival::Segment;
use crate::tcp::Tcp;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::{
    Register, QUERY_RECEIVE_NEXT, QUERY_SEND_NEXT, QUERY_SEND_UNACKNOWLEDGED, QUERY_SEND_WINDOW,
};

/// A queue pair. It keeps its numbers when it is no longer active.
#[derive(Debug)]
pub(crate) struct QueuePair {
    pub rdma: Rdma,
    tcp: Tcp,
    stopped: bool,
}

impl QueuePair {
    /// Starts from a context.
    pub fn new(qp: u8, context: QueuePairContext) -> Self {
        let rdma = Rdma::new(qp, context, Tcp::sizes(&context));
        Self { rdma, tcp: Tcp::new(&context), stopped: false }
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        self.rdma.stop();
        self.tcp.stop();
        self.stopped = true;
    }

    /// What a register says if it shows this queue pair.
    pub fn query(&self, register: Register) -> u32 {
        match register {
            QUERY_SEND_NEXT => self.rdma.sent().0,
            QUERY_SEND_UNACKNOWLEDGED => self.rdma.unacknowledged().0,
            QUERY_RECEIVE_NEXT => self.rdma.received().0,
            QUERY_SEND_WINDOW => self.tcp.window(),
            _ => 0,
        }
    }

    /// Takes a segment of the connection.
    pub fn receive(&mut self, segment: &Segment<'_>, shared: &mut Shared, host: &mut dyn Host) {
        if !self.stopped {
            self.tcp.take(segment, &mut self.rdma, shared, host);
        }
    }

    /// Sends one segment with data, if it can. True if it did.
    pub fn transmit(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        self.tcp.transmit(&mut self.rdma, shared, host)
    }

    /// Sends the acknowledgement that is due and that no segment with data has carried.
    pub fn acknowledge(&mut self, shared: &mut Shared) {
        self.tcp.acknowledge(&self.rdma, shared);
    }
}
