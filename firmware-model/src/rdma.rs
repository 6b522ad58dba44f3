//! What MPA, DDP and RDMAP do for a connection, whatever carries its octets.

use crate::fpdu_stream::FpduStream;
use crate::host::Host;
use crate::life::Life;
use crate::placement::{Placed, Placement};
use crate::reads::{AskedReads, HeldReads, Reads};
use crate::sender::{Due, Sender};
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers::{COUNT_FPDUS_PLACED, COUNT_FPDU_CRC_ERRORS};
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::Framing;
use ironwarp_wire::sequence::Sequence;

/// What the transport allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The longest ULPDU to send: enough for any header and some payload.
    pub mulpdu: usize,
    /// The largest FPDU to take, in octets of stream.
    pub fpdu: usize,
    /// Received octets that wait for the rest of their FPDU, or to be looked at.
    pub waiting: usize,
}

/// Both directions of an RDMA stream. It keeps its numbers when it is no longer active.
#[derive(Debug)]
pub(crate) struct Rdma {
    pub life: Life,
    pub context: QueuePairContext,
    sender: Sender,
    /// What has arrived.
    pub stream: FpduStream,
    placement: Placement,
    reads: Reads,
    /// How much of what was sent the peer, or whoever cares for that, has.
    acknowledged: u64,
    active: bool,
    /// Why it has ended, if it has.
    ended: Status,
}

impl Rdma {
    /// Starts from a context.
    pub fn new(life: Life, context: QueuePairContext, sizes: Sizes) -> Self {
        let receives = WorkQueue::new(context.receive_queue, context.receive_queue_log2);
        let framing = Framing { markers: context.receive_markers, crc: context.crc };
        let asked = AskedReads::new(context.read_out);
        Self {
            life,
            sender: Sender::new(&context, sizes.mulpdu),
            stream: FpduStream::new(framing, sizes.fpdu, sizes.waiting),
            placement: Placement::new(life, context.pd, receives),
            reads: Reads { asked, held: HeldReads::new(context.read_in) },
            acknowledged: 0,
            context,
            active: true,
            ended: status::SUCCESS,
        }
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Why the queue pair has ended; success if it has not.
    pub fn ended(&self) -> Status {
        self.ended
    }

    /// The host stops the queue pair.
    pub fn stop(&mut self) {
        self.active = false;
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

    /// SND.NXT: the number of the next octet to be made.
    pub fn sent(&self) -> Sequence {
        Sequence(self.context.send_next) + self.sender.offset() as u32
    }

    /// SND.UNA.
    pub fn unacknowledged(&self) -> Sequence {
        Sequence(self.context.send_next) + self.acknowledged as u32
    }

    /// RCV.NXT: the number of the next octet to arrive. The peer's FIN is not counted.
    pub fn received(&self) -> Sequence {
        Sequence(self.context.receive_next) + self.stream.received() as u32
    }

    /// The FPDU that is due, if there is anything to send.
    pub fn due(&mut self, host: &mut dyn Host) -> Result<Option<Due>, Status> {
        self.sender.due(&self.reads, host)
    }

    /// Makes the FPDU that is due.
    pub fn make(
        &mut self,
        due: &Due,
        into: &mut [u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        self.sender.make(due, into, &mut self.reads, shared, host)
    }

    /// Makes an FPDU once more.
    pub fn repeat(
        &self,
        due: &Due,
        into: &mut [u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        self.sender.repeat(due, into, shared, host)
    }

    /// What is due, cut to so many octets of stream.
    pub fn cut(&self, due: &Due, room: usize) -> Option<Due> {
        self.sender.cut(due, room)
    }

    /// The stream offsets of SND.UNA and SND.NXT.
    pub fn sent_offsets(&self) -> (u64, u64) {
        (self.acknowledged, self.sender.offset())
    }

    /// So many more octets of what was sent are acknowledged.
    ///
    /// # Errors
    /// The completion queue has no room for what is done with that.
    pub fn acknowledge(
        &mut self,
        octets: u32,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        self.acknowledged += u64::from(octets);
        self.retire(shared, host)
    }

    /// Completes the requests that are done. Unsignaled ones end without a word.
    fn retire(&mut self, shared: &mut Shared, host: &mut dyn Host) -> Result<(), Status> {
        if !self.active {
            return Ok(());
        }
        while let Some(done) = self.sender.outstanding.retire(self.acknowledged, self.life) {
            if let Some(entry) = done {
                shared.complete(self.context.send_cq, entry, host)?;
            }
        }
        Ok(())
    }

    /// Takes whole FPDUs out of the stream.
    pub fn take_fpdus(&mut self, shared: &mut Shared, host: &mut dyn Host) -> Result<(), Status> {
        while self.take_fpdu(shared, host)? {}
        Ok(())
    }

    /// True if there was an FPDU.
    fn take_fpdu(&mut self, shared: &mut Shared, host: &mut dyn Host) -> Result<bool, Status> {
        let ulpdu = self.stream.next_ulpdu().inspect_err(|status| {
            if *status == status::MPA_CRC {
                shared.counters.count(COUNT_FPDU_CRC_ERRORS);
            }
        })?;
        let Some(ulpdu) = ulpdu else { return Ok(false) };
        let placed = self.placement.place(ulpdu, &mut self.reads, shared, host)?;
        shared.counters.count(COUNT_FPDUS_PLACED);
        self.sender.open();
        match placed {
            Placed::Part => {}
            Placed::Message(entry) => shared.complete(self.context.receive_cq, entry, host)?,
            Placed::Read => {
                self.sender.outstanding.read();
                self.retire(shared, host)?;
            }
        }
        Ok(true)
    }

    /// The peer has closed its direction of the stream: what that means here.
    pub fn closed(&self) -> Status {
        match self.stream.is_between() {
            true => status::PEER_CLOSED,
            false => status::PEER_CLOSED_EARLY,
        }
    }

    /// The queue pair ends, unless it is at rest already: it is active no longer, and the host is
    /// told why, as the last that it is told of this life.
    pub fn end(&mut self, why: Status, shared: &mut Shared, host: &mut dyn Host) {
        if !std::mem::take(&mut self.active) {
            return;
        }
        self.ended = why;
        let of_tcp = [
            status::PEER_CLOSED,
            status::PEER_CLOSED_EARLY,
            status::PEER_RESET,
            status::PEER_SILENT,
        ];
        let entry = CompletionEntry {
            sequence: if of_tcp.contains(&why) { self.received().0 } else { 0 },
            ..self.life.entry(kind::EVENT, why)
        };
        tracing::debug!(qp = self.life.qp, status = why, "a queue pair ends");
        // Who has overflowed tells nothing more; the register still says why this ended.
        let _ = shared.complete(self.context.receive_cq, entry, host);
    }
}
