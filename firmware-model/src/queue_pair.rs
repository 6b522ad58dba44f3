//! A queue pair that runs an RDMA stream, from its start on: RDMA above, a transport below.

use crate::byte_stream::{ByteStream, Carrier};
use crate::host::Host;
use crate::life::Life;
use crate::rdma::Rdma;
use crate::registers::state;
use crate::shared::Shared;
use crate::tcp::arrival::Segment;
use crate::tcp::congestion::Algorithm;
use crate::tcp::Tcp;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::{
    Register, QUERY_RECEIVE_NEXT, QUERY_SEND_NEXT, QUERY_SEND_UNACKNOWLEDGED, QUERY_SEND_WINDOW,
    QUERY_STATE,
};
use std::time::Duration;

/// What carries the octets of an RDMA stream.
#[derive(Debug)]
enum Transport {
    /// The device's own TCP.
    Frames(Box<Tcp>),
    /// The TCP of someone else.
    Stream(Carrier),
}

/// A queue pair. It keeps its numbers when it is no longer active.
#[derive(Debug)]
pub(crate) struct QueuePair {
    pub rdma: Rdma,
    transport: Transport,
    stopped: bool,
}

impl QueuePair {
    /// Starts from a context, with frames.
    pub fn over_frames(
        life: Life,
        context: QueuePairContext,
        device: &Configuration,
        algorithm: Algorithm,
    ) -> Self {
        let rdma = Rdma::new(life, context, Tcp::sizes(&context, device));
        Self {
            rdma,
            transport: Transport::Frames(Box::new(Tcp::new(&context, device, algorithm))),
            stopped: false,
        }
    }

    /// Starts from a context, with the stream that every [`service`](Self::service) names.
    pub fn over_stream(life: Life, context: QueuePairContext) -> Self {
        let rdma = Rdma::new(life, context, Carrier::sizes(&context));
        Self { rdma, transport: Transport::Stream(Carrier::new()), stopped: false }
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        self.rdma.stop();
        self.stopped = true;
    }

    /// The host has started the queue pair and not stopped it.
    pub fn is_started(&self) -> bool {
        !self.stopped
    }

    /// What a register says if it shows this queue pair.
    pub fn query(&self, register: Register) -> u32 {
        match (register, &self.transport) {
            (QUERY_SEND_NEXT, _) => self.rdma.sent().0,
            (QUERY_SEND_UNACKNOWLEDGED, _) => self.rdma.unacknowledged().0,
            (QUERY_RECEIVE_NEXT, _) => self.rdma.received().0,
            (QUERY_SEND_WINDOW, Transport::Frames(tcp)) => tcp.window(),
            (QUERY_STATE, _) => {
                let rdma = &self.rdma;
                state(rdma.life, rdma.is_active(), self.is_started(), rdma.ended())
            }
            _ => 0,
        }
    }

    /// Takes a segment of the connection, if that is the device's.
    pub fn receive(&mut self, segment: &Segment<'_>, shared: &mut Shared, host: &mut dyn Host) {
        if let (Transport::Frames(tcp), false) = (&mut self.transport, self.stopped) {
            tcp.take(segment, &mut self.rdma, shared, host);
        }
    }

    /// Sends one segment with data, if it can. True if it did.
    pub fn transmit(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        match &mut self.transport {
            Transport::Frames(tcp) => tcp.transmit(&mut self.rdma, shared, host),
            Transport::Stream(_) => false,
        }
    }

    /// When its timer expires, if one runs.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.transport {
            Transport::Frames(tcp) if self.rdma.is_active() => tcp.deadline(),
            _ => None,
        }
    }

    /// Does what is to be done if its timer has expired.
    pub fn expire(&mut self, shared: &mut Shared, host: &mut dyn Host) {
        if let (Transport::Frames(tcp), true) = (&mut self.transport, self.rdma.is_active()) {
            tcp.expire(&mut self.rdma, shared, host);
        }
    }

    /// Sends the acknowledgement that is due and that no segment with data has carried.
    pub fn acknowledge(&mut self, shared: &mut Shared) {
        if let (Transport::Frames(tcp), false) = (&mut self.transport, self.stopped) {
            tcp.acknowledge(&self.rdma, shared);
        }
    }

    /// Carries octets to and from its stream, a bounded number. True if there may be more.
    pub fn service(
        &mut self,
        stream: &mut dyn ByteStream,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> bool {
        match &mut self.transport {
            Transport::Stream(carrier) if self.rdma.is_active() => {
                carrier.service(stream, &mut self.rdma, shared, host)
            }
            _ => false,
        }
    }

    /// There are octets that the stream did not take yet.
    pub fn wants_room(&self) -> bool {
        match &self.transport {
            Transport::Stream(carrier) => self.rdma.is_active() && carrier.wants_room(),
            Transport::Frames(_) => false,
        }
    }
}
