//! The RDMA Reads that are done before their turn to complete.
use crate::control::records::Command;
use crate::receive::records::ReadDone;
use crate::transmit::marks::Marks;
use crate::transmit::tally::Tally;
use rust_hdl::prelude::*;

/// Counts, for every queue pair, the RDMA Reads whose response is placed and that have not
/// completed, and says where there is news. A command forgets both.
#[derive(LogicBlock, Default)]
pub struct DoneReads {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub read_done: Signal<In, ReadDone>,
    /// Bit n: a read of queue pair n was done since it was `seen`.
    pub news: Signal<Out, Bits<16>>,
    /// The queue pair that the next three are about.
    pub qp: Signal<In, Bits<4>>,
    /// It is looked at: its news are none, but for one of this clock.
    pub seen: Signal<In, Bit>,
    /// Some read is done; in the same clock.
    pub some: Signal<Out, Bit>,
    /// One of them completes.
    pub complete: Signal<In, Bit>,
    placed: Marks,
    count: Tally,
    command_qp: Signal<Local, Bits<4>>,
}

impl Logic for DoneReads {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, placed, count);
        self.command_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.placed.set.next = self.read_done.val().valid;
        self.placed.set_qp.next = self.read_done.val().qp;
        self.placed.clear.next = self.seen.val() & !self.read_done.val().valid;
        self.placed.clear_qp.next = self.qp.val();
        self.placed.wipe.next = self.command.val().valid;
        self.placed.wipe_qp.next = self.command_qp.val();
        self.news.next = self.placed.marks.val();
        self.count.up.next = self.read_done.val().valid;
        self.count.up_qp.next = self.read_done.val().qp;
        self.count.down.next = self.complete.val();
        self.count.down_qp.next = self.qp.val();
        self.count.load.next = self.command.val().valid;
        self.count.load_qp.next = self.command_qp.val();
        self.count.value.next = 0.into();
        self.some.next = self.count.any.val().get_bit(self.qp.val().index());
    }
}
