//! TCP over Ethernet frames: the transport that the device runs itself.

pub(crate) mod arrival;
mod departure;
mod receive;
mod send;

use crate::host::Host;
use crate::rdma::{Rdma, Sizes};
use crate::shared::Shared;
use arrival::Segment;
use departure::{Numbers, HEADER_BYTES};
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::{
    COUNT_FRAMES_NO_ROOM, COUNT_SEGMENTS_ACCEPTED, COUNT_SEGMENTS_OUT_OF_ORDER,
};
use ironwarp_abi::status;
use ironwarp_wire::limit::mulpdu_of_frame;
use ironwarp_wire::mpa::fpdu::MULPDU_MIN;
use receive::{Receive, Verdict};
use send::Send;

/// The state of a TCP connection, as far as [`Rdma`] does not count it.
#[derive(Debug)]
pub(crate) struct Tcp {
    send: Send,
    receive: Receive,
    /// An acknowledgement is due.
    acknowledge: bool,
}

impl Tcp {
    /// Starts from a context.
    pub fn new(context: &QueuePairContext) -> Self {
        let (send, receive) = (Send::new(context), Receive::new(context));
        Self { send, receive, acknowledge: false }
    }

    /// What a connection over frames can carry.
    pub fn sizes(context: &QueuePairContext, device: &Configuration) -> Sizes {
        let most = mulpdu_of_frame(device.frame_bytes_max(), context.send_markers);
        //= rfc5044#3  MULPDU MUST be at least 128.
        let mulpdu = usize::from(context.mulpdu).clamp(MULPDU_MIN, most);
        Sizes { mulpdu, fpdu: device.fpdu_bytes_max(), waiting: device.stream_ring_bytes() }
    }

    /// SND.WND in octets.
    pub fn window(&self) -> u32 {
        self.send.window
    }

    /// Takes a segment of the connection.
    pub fn take(
        &mut self,
        segment: &Segment<'_>,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) {
        if let Some(number) = segment.acknowledged.filter(|_| !segment.rst && !segment.syn) {
            let newly = self.send.acknowledge(number, segment, rdma);
            let told = rdma.acknowledge(newly, shared, host);
            told.unwrap_or_else(|status| rdma.end(status, shared, host));
        }
        if !rdma.is_active() {
            return;
        }
        if self.acknowledge && !shared.is_full() {
            self.acknowledge(rdma, shared);
        }
        match self.receive.take(segment, rdma) {
            Verdict::Accepted { octets, fin } => {
                shared.counters.count(COUNT_SEGMENTS_ACCEPTED);
                //= rfc9293#3.10.7.4  What is accepted is acknowledged.
                self.acknowledge = octets;
                let ended = match rdma.take_fpdus(shared, host) {
                    Ok(()) => fin.then(|| rdma.closed()),
                    Err(status) => Some(status),
                };
                ended.into_iter().for_each(|status| rdma.end(status, shared, host));
            }
            Verdict::OutOfOrder => {
                shared.counters.count(COUNT_SEGMENTS_OUT_OF_ORDER);
                //= rfc5681#4.2  A gap is acknowledged at once, and so is what fills none.
                self.acknowledge = true;
            }
            Verdict::NoRoom => {
                shared.counters.count(COUNT_FRAMES_NO_ROOM);
                self.acknowledge = true;
            }
            Verdict::Probe | Verdict::DoubtfulReset | Verdict::Syn => self.acknowledge = true,
            Verdict::Reset => rdma.end(status::PEER_RESET, shared, host),
            Verdict::Nothing | Verdict::Ignored => {}
        }
    }

    /// Sends one segment with data, if there is any and the peer's window takes it whole. True if
    /// it did.
    pub fn transmit(&mut self, rdma: &mut Rdma, shared: &mut Shared, host: &mut dyn Host) -> bool {
        if !rdma.is_active() {
            return false;
        }
        let due = match rdma.due(host) {
            Ok(Some(due)) => due,
            Ok(None) => return false,
            Err(status) => {
                rdma.end(status, shared, host);
                return false;
            }
        };
        let in_flight = rdma.sent().since(rdma.unacknowledged());
        //= rfc9293#3.8.6  Never more octets in flight than the peer's window.
        if in_flight as usize + due.bytes > self.send.window as usize {
            return false;
        }
        let numbers = self.numbers(rdma, shared);
        let mut frame = vec![0; HEADER_BYTES + due.bytes];
        if let Err(status) = rdma.make(&due, &mut frame[HEADER_BYTES..], shared, host) {
            rdma.end(status, shared, host);
            return false;
        }
        departure::fill(&mut frame, &rdma.context, &numbers);
        self.acknowledge = false;
        shared.send_frame(frame);
        true
    }

    /// Sends the acknowledgement that is due and that no segment with data has carried.
    pub fn acknowledge(&mut self, rdma: &Rdma, shared: &mut Shared) {
        if std::mem::take(&mut self.acknowledge) {
            let numbers = self.numbers(rdma, shared);
            shared.send_frame(departure::acknowledgement(&rdma.context, &numbers));
        }
    }

    fn numbers(&self, rdma: &Rdma, shared: &Shared) -> Numbers {
        Numbers {
            next_hop: shared.contexts.next_hop(rdma.life.qp),
            sequence: rdma.sent(),
            acknowledged: rdma.received(),
            window: self.receive.window_field(rdma),
        }
    }
}
