//! What the host can ask of a queue pair's send side.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, QpChange};
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::transmit::records::{SendEdge, SendNext};
use rust_hdl::prelude::*;

/// Copies of SND.NXT, SND.UNA and SND.WND for the `QUERY_` registers. SND.NXT is that of the frames
/// whose header was made: when what was under way has left, that of the wire.
#[derive(LogicBlock, Ports, Default)]
pub struct SendQuery {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub left: Signal<In, SendNext>,
    pub send_edge: Signal<In, SendEdge>,
    pub qp: Signal<In, QpNumber>,
    /// Those of `qp`, a clock later.
    pub number: Signal<Out, Bits<32>>,
    pub unacknowledged: Signal<Out, Bits<32>>,
    pub window: Signal<Out, Bits<32>>,
    first: QpField<32, { field_number("send_next") }>,
    first_window: QpField<32, { field_number("send_window") }>,
    positions: LifeTable<Bits<32>>,
    edges: LifeTable<SendEdge>,
}

impl Logic for SendQuery {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, first, first_window, positions, edges);
        self.first.context_write.next = self.context_write.val();
        self.first.qp.next = self.qp.val();
        self.first_window.context_write.next = self.context_write.val();
        self.first_window.qp.next = self.qp.val();
        self.positions.change.next = self.change.val();
        self.positions.read_qp.next = self.qp.val();
        self.positions.write.next = self.left.val().valid;
        self.positions.write_qp.next = self.left.val().qp;
        self.positions.write_record.next = self.left.val().position;
        self.edges.change.next = self.change.val();
        self.edges.read_qp.next = self.qp.val();
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_qp.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();
        self.number.next = self.first.value.val() + self.positions.read_record.val();
        self.unacknowledged.next =
            self.first.value.val() + self.edges.read_record.val().acknowledged;
        self.window.next = self.first_window.value.val();
        if self.edges.read_record.val().valid {
            self.window.next = self.edges.read_record.val().window;
        }
    }
}
