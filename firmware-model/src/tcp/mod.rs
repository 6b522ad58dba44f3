//! TCP over Ethernet frames: the transport that the device runs itself.

pub(crate) mod arrival;
pub(crate) mod congestion;
mod cubic;
mod departure;
mod flight;
mod reassembly;
mod receive;
mod recovery;
mod send;
pub(crate) mod timer;

use crate::fpdu;
use crate::host::Host;
use crate::rdma::{Rdma, Sizes};
use crate::sender::Due;
use crate::shared::Shared;
use crate::Status;
use arrival::Segment;
use congestion::Algorithm;
use departure::{Numbers, HEADER_BYTES};
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::{
    COUNT_FRAMES_NO_ROOM, COUNT_RETRANSMIT_TIMEOUTS, COUNT_SEGMENTS_ACCEPTED,
    COUNT_SEGMENTS_OUT_OF_ORDER, COUNT_SEGMENTS_RETRANSMITTED,
};
use ironwarp_abi::status;
use ironwarp_wire::limit::mulpdu_of_frame;
use ironwarp_wire::mpa::fpdu::MULPDU_MIN;
use ironwarp_wire::mpa::stream::Framing;
use ironwarp_wire::sack::Blocks;
use ironwarp_wire::sequence::Sequence;
use receive::{Receive, Verdict};
use recovery::{Expiry, Heard, Recovery};
use send::Send;
use std::time::Duration;

/// The state of a TCP connection, as far as [`Rdma`] does not count it.
#[derive(Debug)]
pub(crate) struct Tcp {
    send: Send,
    receive: Receive,
    /// For a connection that repeats what is lost.
    recovery: Option<Recovery>,
    /// An acknowledgement is due.
    acknowledge: bool,
}

impl Tcp {
    /// Starts from a context.
    pub fn new(context: &QueuePairContext, device: &Configuration, algorithm: Algorithm) -> Self {
        let (send, receive) = (Send::new(context), Receive::new(context));
        let framing = Framing { markers: context.send_markers, crc: context.crc };
        // An FPDU that begins with a marker has the most of them.
        let segment = fpdu::stream_bytes(framing, 0, Self::sizes(context, device).mulpdu);
        let recovery = (context.retries != 0)
            .then(|| Recovery::new(context.retries, context.sack, algorithm, segment));
        Self { send, receive, recovery, acknowledge: false }
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
            //= rfc9293#3.10.7.4  If the ACK acks something not yet sent, send an ACK, drop it.
            if number.is_after(rdma.sent()) {
                self.acknowledge = rdma.is_active();
                return;
            }
            self.hear(number, segment, rdma, shared, host);
        }
        if !rdma.is_active() {
            return;
        }
        if self.acknowledge && !shared.is_full() {
            self.acknowledge(rdma, shared);
        }
        let had_gap = self.receive.has_gap();
        match self.receive.take(segment, rdma, host) {
            Verdict::Accepted { octets, fin } => {
                shared.counters.count(COUNT_SEGMENTS_ACCEPTED);
                //= rfc9293#3.10.7.4  What is accepted is acknowledged.
                self.acknowledge = octets;
                let end = segment.sequence + segment.payload.len() as u32;
                let ended = match self.deliver(rdma, shared, host) {
                    // What came early may go on behind the FIN: then it was none.
                    Ok(()) => (fin && rdma.received() == end).then(|| rdma.closed()),
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
        // A segment with data would not count as a duplicate, and has no room for blocks.
        //= rfc5681#4.2  An immediate ACK for each segment of a gap, and for what fills it.
        if (had_gap || self.receive.has_gap()) && !shared.is_full() {
            self.acknowledge(rdma, shared);
        }
    }

    /// Takes FPDUs out of the stream, and what lies behind a gap that is filled.
    fn deliver(
        &mut self,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        rdma.take_fpdus(shared, host)?;
        while self.receive.join(rdma, host)? {
            rdma.take_fpdus(shared, host)?;
        }
        Ok(())
    }

    /// Takes a segment's acknowledgement number and window.
    fn hear(
        &mut self,
        number: Sequence,
        segment: &Segment<'_>,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) {
        let (newly, duplicate) = self.send.acknowledge(number, segment, rdma);
        let told = rdma.acknowledge(newly, shared, host);
        if let Some(recovery) = &mut self.recovery {
            let (unacknowledged, sent) = rdma.sent_offsets();
            let blocks = send::blocks(segment, rdma);
            let shut = self.send.window == 0;
            let heard = Heard { unacknowledged, sent, newly, duplicate, shut, blocks: &blocks };
            recovery.acknowledged(&heard, shared.timing);
        }
        told.unwrap_or_else(|status| rdma.end(status, shared, host));
    }

    /// When the timer expires, if it runs.
    pub fn deadline(&self) -> Option<Duration> {
        self.recovery.as_ref().and_then(Recovery::deadline)
    }

    /// Does what is to be done if the timer has expired.
    pub fn expire(&mut self, rdma: &mut Rdma, shared: &mut Shared, host: &mut dyn Host) {
        let Some(recovery) = &mut self.recovery else { return };
        let (unacknowledged, sent) = rdma.sent_offsets();
        let expiry = recovery.expired(sent - unacknowledged, sent, shared.timing);
        if matches!(expiry, Some(Expiry::Repeat | Expiry::Silent)) {
            shared.counters.count(COUNT_RETRANSMIT_TIMEOUTS);
        }
        if expiry == Some(Expiry::Silent) {
            rdma.end(status::PEER_SILENT, shared, host);
        }
    }

    /// Sends one segment with data, if there is any and peer and network take it whole; what is
    /// lost comes first. True if it did.
    pub fn transmit(&mut self, rdma: &mut Rdma, shared: &mut Shared, host: &mut dyn Host) -> bool {
        if !rdma.is_active() {
            return false;
        }
        let sent = match self.repeat(rdma, shared, host) {
            Ok(false) => self.advance(rdma, shared, host),
            other => other,
        };
        sent.unwrap_or_else(|status| {
            rdma.end(status, shared, host);
            false
        })
    }

    /// Sends a segment again, if one is lost. True if it did.
    fn repeat(
        &mut self,
        rdma: &Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<bool, Status> {
        let (unacknowledged, sent) = rdma.sent_offsets();
        let due = self.recovery.as_mut().and_then(|recovery| recovery.due(sent));
        let Some((due, oldest)) = due else { return Ok(false) };
        // A window that has shrunk since holds back all but the oldest, which probes it.
        //= rfc9293#3.8.6  The sender must be robust against window shrinking.
        if !oldest && due.end() - unacknowledged > self.send.window.into() {
            return Ok(false);
        }
        let mut frame = vec![0; HEADER_BYTES + due.bytes];
        rdma.repeat(&due, &mut frame[HEADER_BYTES..], shared, host)?;
        self.leave(frame, due.offset, rdma, shared);
        shared.counters.count(COUNT_SEGMENTS_RETRANSMITTED);
        self.recovery.iter_mut().for_each(|recovery| recovery.repeated(shared.timing));
        Ok(true)
    }

    /// Sends the next segment of the stream. True if it did.
    fn advance(
        &mut self,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<bool, Status> {
        let Some(due) = rdma.due(host)? else { return Ok(false) };
        self.recovery.iter_mut().for_each(|recovery| recovery.rested(shared.timing));
        let room = self.send.window.saturating_sub(rdma.sent().since(rdma.unacknowledged()));
        //= rfc9293#3.8.6  Never more octets in flight than the peer's window.
        let due = match due.bytes <= room as usize {
            true => Some(due),
            false => self.squeeze(&due, room, rdma, shared),
        };
        let Some(due) = due.filter(|due| {
            self.recovery.as_mut().is_none_or(|recovery| recovery.has_room(due.bytes, due.offset))
        }) else {
            return Ok(false);
        };
        let mut frame = vec![0; HEADER_BYTES + due.bytes];
        rdma.make(&due, &mut frame[HEADER_BYTES..], shared, host)?;
        self.leave(frame, due.offset, rdma, shared);
        self.recovery.iter_mut().for_each(|recovery| recovery.sent(due, shared.timing));
        Ok(true)
    }

    /// What of an FPDU the peer's window takes, if that is worth a segment, or has waited as long
    /// as it should. A window that takes nothing while nothing is under way is probed.
    fn squeeze(&mut self, due: &Due, room: u32, rdma: &Rdma, shared: &mut Shared) -> Option<Due> {
        let recovery = self.recovery.as_mut()?;
        //= rfc9293#3.8.6.2.1  Half of the largest window is worth a segment; or the time is up.
        let worth = room >= self.send.largest / 2 || recovery.probes;
        if let Some(cut) = rdma.cut(due, room as usize).filter(|_| worth) {
            return Some(cut);
        }
        if recovery.is_quiet() {
            match recovery.probes {
                false => recovery.shut_out(shared.timing),
                true => {
                    recovery.probed(shared.timing);
                    self.probe(rdma, shared);
                }
            }
        }
        None
    }

    /// Asks for the peer's window: a segment without octets from before it is answered.
    fn probe(&mut self, rdma: &Rdma, shared: &mut Shared) {
        let numbers = self.numbers(rdma, shared);
        //= rfc9293#3.8.4  SEG.SEQ = SND.NXT-1 elicits an acknowledgement, as for a keep-alive.
        let numbers = Numbers { sequence: numbers.sequence - 1, ..numbers };
        shared.send_frame(departure::acknowledgement(&rdma.context, &numbers));
    }

    /// A frame with data leaves, whose octets begin at this stream offset.
    fn leave(&mut self, mut frame: Vec<u8>, offset: u64, rdma: &Rdma, shared: &mut Shared) {
        let sequence = Sequence(rdma.context.send_next) + offset as u32;
        let numbers = Numbers { sequence, ..self.numbers(rdma, shared) };
        departure::fill(&mut frame, &rdma.context, &numbers);
        self.acknowledge = false;
        shared.send_frame(frame);
    }

    /// Sends the acknowledgement that is due and that no segment with data has carried.
    pub fn acknowledge(&mut self, rdma: &Rdma, shared: &mut Shared) {
        if std::mem::take(&mut self.acknowledge) {
            let numbers = Numbers { sack: self.receive.blocks(), ..self.numbers(rdma, shared) };
            shared.send_frame(departure::acknowledgement(&rdma.context, &numbers));
        }
    }

    fn numbers(&self, rdma: &Rdma, shared: &Shared) -> Numbers {
        Numbers {
            next_hop: shared.contexts.next_hop(rdma.life.qp),
            sequence: rdma.sent(),
            acknowledged: rdma.received(),
            window: self.receive.window_field(rdma),
            sack: Blocks::NONE,
        }
    }
}
