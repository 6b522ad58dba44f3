//! Does a segment fit in the peer's window?
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, QpChange};
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::transmit::records::SendEdge;
use rust_hdl::prelude::*;

/// Keeps the last [`SendEdge`] of every queue pair. What is in flight and the segment may not be
/// more than the window; `beyond` is that of `octets` a clock before, and of the other inputs and
/// the edge three.
#[derive(LogicBlock, Ports, Default)]
pub struct SendWindow {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub send_edge: Signal<In, SendEdge>,
    pub qp: Signal<In, QpNumber>,
    /// Octets of the stream before the segment, a clock after `qp`.
    pub position: Signal<In, Bits<32>>,
    /// Octets of the segment.
    pub octets: Signal<In, Bits<16>>,
    pub beyond: Signal<Out, Bit>,
    /// All of the segment is acknowledged: it was sent before. As `beyond`.
    pub covered: Signal<Out, Bit>,
    /// Octets of the stream that are acknowledged, a clock after `qp`.
    pub acknowledged: Signal<Out, Bits<32>>,
    first: QpField<32, { field_number("send_window") }>,
    edges: LifeTable<SendEdge>,
    /// Octets that are sent and not acknowledged, and the window; are they more than it has?
    flight: DFF<Bits<32>>,
    window: DFF<Bits<32>>,
    closed: DFF<Bit>,
    /// The window that is left (RFC 9293 s. 3.8.6.2.1).
    usable: DFF<Bits<32>>,
    /// So many octets from `position` on are acknowledged.
    known: DFF<Bits<32>>,
    exceeds: DFF<Bit>,
    covers: DFF<Bit>,
    behind: Signal<Local, Bit>,
}

impl Logic for SendWindow {
    //= rfc9293#3.8.6  Nothing is sent beyond SND.UNA + SND.WND.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, flight, window, closed, usable, known, exceeds, covers);
        clock!(self, clock, first, edges);
        self.first.context_write.next = self.context_write.val();
        self.first.qp.next = self.qp.val();
        self.edges.change.next = self.change.val();
        self.edges.read_qp.next = self.qp.val();
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_qp.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();

        self.flight.d.next = self.position.val() - self.edges.read_record.val().acknowledged;
        self.window.d.next = self.first.value.val();
        if self.edges.read_record.val().valid {
            self.window.d.next = self.edges.read_record.val().window;
        }
        self.acknowledged.next = self.edges.read_record.val().acknowledged;
        self.behind.next = self.flight.q.val().get_bit(31);
        self.closed.d.next = self.flight.q.val() > self.window.q.val();
        self.usable.d.next = self.window.q.val() - self.flight.q.val();
        self.known.d.next = 0.into();
        if self.behind.val() {
            // What is sent again, from before SND.UNA on: the window begins there.
            self.closed.d.next = false;
            self.known.d.next = self.edges.read_record.val().acknowledged - self.position.val();
        }
        self.exceeds.d.next =
            self.closed.q.val() | (bit_cast::<32, 16>(self.octets.val()) > self.usable.q.val());
        self.beyond.next = self.exceeds.q.val();
        self.covers.d.next = self.known.q.val().any()
            & (bit_cast::<32, 16>(self.octets.val()) <= self.known.q.val());
        self.covered.next = self.covers.q.val();
    }
}
