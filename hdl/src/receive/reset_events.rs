//! Tells the host that a peer has reset its connection.
use crate::control::records::{ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::receive::qp_word::{QpWord, QUEUES};
use crate::stream::*;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Looks up which completion queue is told, and keeps the event until it is taken.
#[derive(LogicBlock, Default)]
pub struct ResetEvents {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    /// The peer of `qp` has reset the connection (a pulse).
    pub seen: Signal<In, Bit>,
    pub qp: Signal<In, Bits<4>>,
    /// RCV.NXT.
    pub expected: Signal<In, Bits<32>>,
    pub event: StreamSource<QpEvent>,
    queues: QpWord<QUEUES>,
    events: StreamFifo<QpEvent, 4>,
    noted: DFF<Bit>,
    noted_qp: DFF<Bits<4>>,
    noted_sequence: DFF<Bits<32>>,
    peer_reset: Literal<8, { status::PEER_RESET as u64 }>,
}

impl Logic for ResetEvents {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, noted, noted_qp, noted_sequence);
        clock!(self, clock, queues, events);
        self.queues.context_write.next = self.context_write.val();
        self.queues.qp.next = self.qp.val();
        self.noted.d.next = self.seen.val();
        self.noted_qp.d.next = self.qp.val();
        self.noted_sequence.d.next = self.expected.val();
        self.events.sink.valid.next = self.noted.q.val();
        self.events.sink.beat.next.qp = bit_cast::<8, 4>(self.noted_qp.q.val());
        self.events.sink.beat.next.status = self.peer_reset.val();
        self.events.sink.beat.next.cq = self.queues.word.val().get_bits::<8>(24);
        self.events.sink.beat.next.sequence = self.noted_sequence.q.val();
        StreamSource::<QpEvent>::link(&mut self.event, &mut self.events.source);
    }
}
