//! A queue pair that runs an RDMA stream: sender, receiver and placement around one connection.

use crate::arrival::Segment;
use crate::departure::{self, Numbers};
use crate::host::Host;
use crate::placement::Placement;
use crate::receiver::{Receiver, Verdict};
use crate::sender::Sender;
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{
    COUNT_FPDUS_PLACED, COUNT_FPDU_CRC_ERRORS, COUNT_FRAMES_NO_ROOM, COUNT_SEGMENTS_ACCEPTED,
    COUNT_SEGMENTS_OUT_OF_ORDER,
};
use ironwarp_abi::status;

/// A queue pair from its start on. It keeps its numbers when it is no longer active.
#[derive(Debug)]
pub(crate) struct StreamPair {
    qp: u8,
    context: QueuePairContext,
    sender: Sender,
    receiver: Receiver,
    placement: Placement,
    active: bool,
    stopped: bool,
    /// An acknowledgement is due.
    acknowledge: bool,
}

impl StreamPair {
    /// Starts from a context.
    pub fn new(qp: u8, context: QueuePairContext) -> Self {
        let receives = WorkQueue::new(context.receive_queue, context.receive_queue_log2);
        Self {
            qp,
            sender: Sender::new(qp, &context),
            receiver: Receiver::new(&context),
            placement: Placement::new(qp, context.pd, receives),
            context,
            active: true,
            stopped: false,
            acknowledge: false,
        }
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        (self.active, self.stopped, self.acknowledge) = (false, true, false);
    }

    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The host has posted send work requests. Those of a queue pair at rest are not looked at.
    pub fn post_sends(&mut self, posted: u16) {
        if self.active {
            self.sender.queue.post(posted);
        }
    }

    /// The host has posted receive work requests.
    pub fn post_receives(&mut self, posted: u16) {
        if self.active {
            self.placement.queue.post(posted);
        }
    }

    /// Takes a segment of the connection.
    pub fn receive(&mut self, segment: &Segment<'_>, shared: &mut Shared, host: &mut dyn Host) {
        if self.stopped {
            return;
        }
        self.take_acknowledgement(segment, shared, host);
        if !self.active {
            return;
        }
        if self.acknowledge && !shared.is_full() {
            self.send_acknowledgement(shared);
        }
        match self.receiver.take(segment) {
            Verdict::Accepted { octets, fin } => {
                shared.counters.count(COUNT_SEGMENTS_ACCEPTED);
                //= rfc9293#3.10.7.4  What is accepted is acknowledged.
                self.acknowledge = octets;
                self.take_fpdus(fin, shared, host);
            }
            Verdict::OutOfOrder => {
                shared.counters.count(COUNT_SEGMENTS_OUT_OF_ORDER);
                //= rfc5681#4.2  A gap is acknowledged at once, and so is what fills none.
                self.acknowledge = true;
            }
            Verdict::NoRoom => shared.counters.count(COUNT_FRAMES_NO_ROOM),
            Verdict::Probe | Verdict::DoubtfulReset => self.acknowledge = true,
            Verdict::Reset => self.end(status::PEER_RESET, shared, host),
            Verdict::Nothing | Verdict::Ignored => {}
        }
    }

    fn take_acknowledgement(
        &mut self,
        segment: &Segment<'_>,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) {
        let Some(number) = segment.acknowledged.filter(|_| !segment.rst) else { return };
        self.sender.acknowledge(number, segment.window, segment.sequence);
        if self.active {
            let cq = self.context.send_cq;
            self.sender.retire(|entry| shared.complete(cq, entry, host));
        }
    }

    /// Takes whole FPDUs out of the stream, and then its end if it has come.
    fn take_fpdus(&mut self, fin: bool, shared: &mut Shared, host: &mut dyn Host) {
        loop {
            match self.take_fpdu(shared, host) {
                Ok(true) => {}
                Ok(false) => break,
                Err(status) => return self.end(status, shared, host),
            }
        }
        if fin {
            let between = self.receiver.stream.is_between();
            let closed = if between { status::PEER_CLOSED } else { status::PEER_CLOSED_EARLY };
            self.end(closed, shared, host);
        }
    }

    /// True if there was an FPDU.
    fn take_fpdu(&mut self, shared: &mut Shared, host: &mut dyn Host) -> Result<bool, Status> {
        let ulpdu = self.receiver.stream.next_ulpdu().inspect_err(|status| {
            if *status == status::MPA_CRC {
                shared.counters.count(COUNT_FPDU_CRC_ERRORS);
            }
        })?;
        let Some(ulpdu) = ulpdu else { return Ok(false) };
        let completion = self.placement.place(&ulpdu, shared, host)?;
        shared.counters.count(COUNT_FPDUS_PLACED);
        self.sender.open();
        if let Some(entry) = completion {
            shared.complete(self.context.receive_cq, entry, host);
        }
        Ok(true)
    }

    /// Sends one segment with data, if it can. True if it did.
    pub fn transmit(&mut self, shared: &mut Shared, host: &mut dyn Host) -> bool {
        if !self.active {
            return false;
        }
        match self.sender.segment(shared, host) {
            Ok(Some((mut frame, sequence))) => {
                departure::fill(&mut frame, &self.context, &self.numbers(sequence));
                self.acknowledge = false;
                shared.send_frame(frame);
                true
            }
            Ok(None) => false,
            Err(status) => {
                self.end(status, shared, host);
                false
            }
        }
    }

    /// Sends the acknowledgement that is due and that no segment with data has carried.
    pub fn acknowledge(&mut self, shared: &mut Shared) {
        if self.acknowledge {
            self.send_acknowledgement(shared);
        }
    }

    fn send_acknowledgement(&mut self, shared: &mut Shared) {
        self.acknowledge = false;
        let numbers = self.numbers(self.sender.next());
        shared.send_frame(departure::acknowledgement(&self.context, &numbers));
    }

    fn numbers(&self, sequence: ironwarp_wire::sequence::Sequence) -> Numbers {
        let (acknowledged, window) = (self.receiver.next(), self.receiver.window_field());
        Numbers { sequence, acknowledged, window }
    }

    /// The queue pair ends: it is active no longer, and the host is told why.
    fn end(&mut self, why: Status, shared: &mut Shared, host: &mut dyn Host) {
        self.active = false;
        let of_tcp =
            matches!(why, status::PEER_CLOSED | status::PEER_CLOSED_EARLY | status::PEER_RESET);
        let entry = CompletionEntry {
            qp: self.qp,
            kind: kind::EVENT,
            status: why,
            sequence: if of_tcp { self.receiver.next().0 } else { 0 },
            ..CompletionEntry::default()
        };
        tracing::debug!(qp = self.qp, status = why, "a queue pair ends");
        shared.complete(self.context.receive_cq, entry, host);
    }
}
