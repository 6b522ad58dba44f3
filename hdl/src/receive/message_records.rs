//! What is known of an arrived packet's queue pair.
use crate::configuration::{CqNumber, CQ_BITS};
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::message_states::MessageStates;
use crate::receive::notes::Arrival;
use crate::receive::outstanding_reads::OutstandingReads;
use crate::transmit::records::ReadSent;
use rust_hdl::prelude::*;

/// Looks up what a packet is compared with: from the third clock on it is there.
#[derive(LogicBlock, Ports, Default)]
pub struct MessageRecords {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// This side's Read Requests.
    pub read_sent: Signal<In, ReadSent>,
    /// The packet; the same until after `follows` and `answers`.
    pub packet: Signal<In, Arrival>,
    /// What is expected of an untagged segment: see [`MessageStates`].
    pub expected: Signal<Out, Bits<64>>,
    /// A Read Response is the next piece: see [`OutstandingReads`].
    pub fits: Signal<Out, Bit>,
    /// The queue pair's protection domain and receive completion queue.
    pub pd: Signal<Out, Bits<16>>,
    pub cq: Signal<Out, CqNumber>,
    /// The untagged segment counts: `following` is expected from now on.
    pub follows: Signal<In, Bit>,
    pub following: Signal<In, Bits<64>>,
    /// The Read Response counts.
    pub answers: Signal<In, Bit>,
    messages: MessageStates,
    reads: OutstandingReads,
    domains: QpField<16, { field_number("pd") }>,
    queues: QpField<CQ_BITS, { field_number("receive_cq") }>,
    next_one: DFF<Bits<64>>,
}

impl Logic for MessageRecords {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next_one);
        clock!(self, clock, messages, reads, domains, queues);
        self.messages.change.next = self.change.val();
        self.messages.qp.next = self.packet.val().qp;
        self.messages.request.next = self.packet.val().request;
        self.messages.write.next = self.follows.val();
        self.messages.following.next = self.following.val();
        self.next_one.d.next = self.messages.expected.val();
        self.expected.next = self.next_one.q.val();
        self.reads.change.next = self.change.val();
        self.reads.read_sent.next = self.read_sent.val();
        self.reads.packet.next = self.packet.val();
        self.reads.take.next = self.answers.val();
        self.fits.next = self.reads.fits.val();
        self.domains.context_write.next = self.context_write.val();
        self.domains.qp.next = self.packet.val().qp;
        self.pd.next = self.domains.value.val();
        self.queues.context_write.next = self.context_write.val();
        self.queues.qp.next = self.packet.val().qp;
        self.cq.next = self.queues.value.val();
    }
}
