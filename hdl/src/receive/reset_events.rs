//! Tells the host that a peer has reset its connection.
use crate::configuration::CQ_BITS;
use crate::control::records::{ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::notes::PeerReset;
use crate::stream::*;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Looks up which completion queue is told, and keeps the event until it is taken.
#[derive(LogicBlock, Ports, Default)]
pub struct ResetEvents {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub seen: Signal<In, PeerReset>,
    pub event: StreamSource<QpEvent>,
    queues: QpField<CQ_BITS, { field_number("receive_cq") }>,
    events: StreamFifo<QpEvent, 4>,
    noted: DFF<PeerReset>,
    peer_reset: Literal<8, { status::PEER_RESET as u64 }>,
}

impl Logic for ResetEvents {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, noted);
        clock!(self, clock, queues, events);
        self.queues.context_write.next = self.context_write.val();
        self.queues.qp.next = self.seen.val().qp;
        self.noted.d.next = self.seen.val();
        self.events.sink.valid.next = self.noted.q.val().valid;
        self.events.sink.beat.next.qp = self.noted.q.val().qp;
        self.events.sink.beat.next.generation = self.noted.q.val().generation;
        self.events.sink.beat.next.status = self.peer_reset.val();
        self.events.sink.beat.next.cq = self.queues.value.val();
        self.events.sink.beat.next.sequence = self.noted.q.val().expected;
        StreamSource::<QpEvent>::link(&mut self.event, &mut self.events.source);
    }
}
