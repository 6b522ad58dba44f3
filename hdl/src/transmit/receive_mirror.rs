//! What the receive side has told: the acknowledgement number and the window of every queue pair.
use crate::control::records::{Command, ContextWrite};
use crate::memory::{ContextTable, Table};
use crate::receive::records::ReceiveEdge;
use crate::transmit::marks::Marks;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use rust_hdl::prelude::*;

/// Keeps the last [`ReceiveEdge`] of every queue pair, and who owes an acknowledgement.
///
/// A start takes the numbers from the context: RCV.NXT, and the receive window, scaled.
#[derive(LogicBlock)]
pub struct ReceiveMirror {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub receive_edge: Signal<In, ReceiveEdge>,
    pub qp: Signal<In, Bits<4>>,
    /// The last edge of `qp`, one clock later; its `valid` and `acknowledge` mean nothing.
    pub record: Signal<Out, ReceiveEdge>,
    /// Bit n: queue pair n owes the peer an acknowledgement.
    pub owed: Signal<Out, Bits<16>>,
    /// `qp`'s acknowledgement is on its way, with the `record` of this clock: an edge that comes in
    /// it is owed still.
    pub pay: Signal<In, Bit>,
    flags: ContextTable<QP_BITS, 1>,
    starts: ContextTable<QP_BITS, 2>,
    edges: Table<ReceiveEdge, QP_BITS>,
    owing: Marks,
    later: Signal<Local, Bit>,
    starting: DFF<Bit>,
    starting_qp: DFF<Bits<4>>,
    start_qp: Signal<Local, Bits<4>>,
    start_word: Signal<Local, Bits<32>>,
    scale: Signal<Local, Bits<4>>,
    scaled: Signal<Local, Bits<32>>,
    first: Signal<Local, ReceiveEdge>,
}

impl Default for ReceiveMirror {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            receive_edge: Default::default(),
            qp: Default::default(),
            record: Default::default(),
            owed: Default::default(),
            pay: Default::default(),
            flags: ContextTable::new(table::QUEUE_PAIR, 0),
            starts: ContextTable::new(table::QUEUE_PAIR, 15),
            edges: Default::default(),
            owing: Default::default(),
            later: Default::default(),
            starting: Default::default(),
            starting_qp: Default::default(),
            start_qp: Default::default(),
            start_word: Default::default(),
            scale: Default::default(),
            scaled: Default::default(),
            first: Default::default(),
        }
    }
}

impl Logic for ReceiveMirror {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, starting, starting_qp);
        clock!(self, clock, flags, starts, edges, owing);
        self.flags.context_write.next = self.context_write.val();
        self.starts.context_write.next = self.context_write.val();
        self.start_qp.next = self.starting_qp.q.val();
        if self.command.val().valid {
            self.start_qp.next = bit_cast::<4, 8>(self.command.val().index);
        }
        self.flags.index.next = self.start_qp.val();
        self.starts.index.next = self.start_qp.val();
        self.edges.read_index.next = self.qp.val();
        self.record.next = self.edges.read_record.val();

        // A start waits for a clock without an edge.
        if !self.receive_edge.val().valid {
            self.starting.d.next = false;
        }
        if self.command.val().valid & self.command.val().enable {
            self.starting.d.next = true;
            self.starting_qp.d.next = bit_cast::<4, 8>(self.command.val().index);
        }
        self.start_word.next = self.flags.words[0].val();
        self.scale.next = self.start_word.val().get_bits::<4>(12);
        self.scaled.next = self.starts.words[1].val() >> self.scale.val();
        self.first.next.valid = true;
        self.first.next.qp = 0.into();
        self.first.next.expected = self.starts.words[0].val();
        self.first.next.window = bit_cast::<16, 32>(self.scaled.val());
        if self.scaled.val() > 65535 {
            self.first.next.window = 65535.into();
        }
        self.first.next.acknowledge = false;

        self.edges.write.next = self.receive_edge.val().valid | self.starting.q.val();
        self.edges.write_index.next = self.starting_qp.q.val();
        self.edges.write_record.next = self.first.val();
        if self.receive_edge.val().valid {
            self.edges.write_index.next = bit_cast::<4, 8>(self.receive_edge.val().qp);
            self.edges.write_record.next = self.receive_edge.val();
        }

        self.owing.set.next = self.receive_edge.val().valid & self.receive_edge.val().acknowledge;
        self.owing.set_qp.next = bit_cast::<4, 8>(self.receive_edge.val().qp);
        self.later.next = self.receive_edge.val().valid
            & (bit_cast::<4, 8>(self.receive_edge.val().qp) == self.qp.val());
        self.owing.clear.next = self.pay.val() & !self.later.val();
        self.owing.clear_qp.next = self.qp.val();
        self.owing.wipe.next = self.command.val().valid;
        self.owing.wipe_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.owed.next = self.owing.marks.val();
    }
}
