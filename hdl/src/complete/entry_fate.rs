//! What becomes of an entry in its completion queue.
use super::records::{Completion, CqRecord};
use super::ring_place::RingPlace;
use crate::control::records::QpEvent;
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::queue::kind;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Where an entry goes, whether it is lost, and what is written then. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct EntryFate {
    /// The words of the queue's context.
    pub ring_low: Signal<In, Bits<32>>,
    pub ring_high: Signal<In, Bits<32>>,
    pub shape: Signal<In, Bits<32>>,
    /// What is kept of the queue.
    pub record: Signal<In, CqRecord>,
    /// Entries in it.
    pub used: Signal<In, Bits<16>>,
    pub entry: Signal<In, Completion>,
    /// See [`RingPlace`].
    pub address: Signal<Out, Bits<64>>,
    pub phase: Signal<Out, Bit>,
    /// The queue has no place for the entry but the ring's last, or had none for one before.
    pub lost: Signal<Out, Bit>,
    /// What is kept of the queue once something is written.
    pub after: Signal<Out, CqRecord>,
    /// What is written: the entry, or what tells that it is lost.
    pub written: Signal<Out, Completion>,
    /// The event of a queue pair that has lost the entry.
    pub loss: Signal<Out, QpEvent>,
    place: RingPlace,
    full: Signal<Local, Bit>,
    overflow_kind: Literal<8, { kind::OVERFLOW as u64 }>,
    overflow_status: Literal<8, { status::CQ_OVERFLOW as u64 }>,
    one: Literal<16, 1>,
}

impl Logic for EntryFate {
    #[hdl_gen]
    fn update(&mut self) {
        self.place.ring_low.next = self.ring_low.val();
        self.place.ring_high.next = self.ring_high.val();
        self.place.shape.next = self.shape.val();
        self.place.producer.next = self.record.val().producer;
        self.address.next = self.place.address.val();
        self.phase.next = self.place.phase.val();
        self.full.next =
            self.record.val().overflowed | (self.used.val() >= self.place.entries.val());
        self.lost.next = self.full.val();

        self.after.next = self.record.val();
        self.after.next.producer = self.record.val().producer + self.one.val();
        self.after.next.overflowed = self.full.val();
        self.written.next = self.entry.val();
        if self.full.val() {
            self.written.next.kind = self.overflow_kind.val();
            self.written.next.status = self.overflow_status.val();
            self.written.next.request = 0.into();
            self.written.next.solicited = false;
            self.written.next.length = 0.into();
            self.written.next.sequence = 0.into();
        }
        self.loss.next.qp = self.entry.val().qp;
        self.loss.next.generation = self.entry.val().generation;
        self.loss.next.status = self.overflow_status.val();
        self.loss.next.cq = 0.into();
        self.loss.next.sequence = 0.into();
    }
}
