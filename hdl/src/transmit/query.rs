//! What the host can ask of a queue pair's send side.
use crate::memory::Table;
use crate::transmit::records::{SendEdge, SendNext};
use ironwarp_abi::limits::QP_BITS;
use rust_hdl::prelude::*;

/// Copies of SND.NXT, SND.UNA and SND.WND for the `QUERY_` registers.
#[derive(LogicBlock, Default)]
pub struct SendQuery {
    pub clock: Signal<In, Clock>,
    pub sent: Signal<In, SendNext>,
    pub send_edge: Signal<In, SendEdge>,
    pub qp: Signal<In, Bits<8>>,
    /// Those of `qp`, a clock later.
    pub number: Signal<Out, Bits<32>>,
    pub unacknowledged: Signal<Out, Bits<32>>,
    pub window: Signal<Out, Bits<32>>,
    numbers: Table<Bits<32>, QP_BITS>,
    edges: Table<SendEdge, QP_BITS>,
}

impl Logic for SendQuery {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, numbers, edges);
        self.numbers.read_index.next = bit_cast::<4, 8>(self.qp.val());
        self.numbers.write.next = self.sent.val().valid;
        self.numbers.write_index.next = self.sent.val().qp;
        self.numbers.write_record.next = self.sent.val().number;
        self.edges.read_index.next = bit_cast::<4, 8>(self.qp.val());
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_index.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();
        self.number.next = self.numbers.read_record.val();
        self.unacknowledged.next = self.edges.read_record.val().unacknowledged;
        self.window.next = self.edges.read_record.val().window;
    }
}
