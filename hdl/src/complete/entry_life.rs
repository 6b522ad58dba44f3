//! Whether an entry may still be written.
use super::records::Completion;
use crate::life::{Life, LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::queue::kind;
use rust_hdl::prelude::*;

/// Says of an entry whether its queue pair is still in the life that it is of.
///
/// ```text
/// clock   0      `look`
///         1 ..   `alive`: with a change of this clock, too
/// ```
/// An entry of another life is to be dropped, and so is one of a queue pair that the host has
/// stopped. A queue pair that has ended is not stopped: its entries come until it is `closed` here,
/// with its event, or with the first entry that a full queue has lost. After that its event alone
/// may come, and nothing more. A fence belongs to no queue pair.
#[derive(LogicBlock, Ports, Default)]
pub struct EntryLife {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// What follows, from the next clock on, is about `entry`, which must stay.
    pub look: Signal<In, Bit>,
    pub entry: Signal<In, Completion>,
    /// The entry may be written.
    pub alive: Signal<Out, Bit>,
    /// No entry follows of this queue pair's life, but for its event.
    pub close: Signal<In, Bit>,
    watch: LifeWatch,
    closed: LifeTable<Bit>,
    life: Signal<Local, Life>,
    same: Signal<Local, Bit>,
    fence_kind: Literal<8, { kind::FENCE as u64 }>,
    event_kind: Literal<8, { kind::EVENT as u64 }>,
}

impl Logic for EntryLife {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, watch, closed);
        self.watch.change.next = self.change.val();
        self.watch.look.next = self.look.val();
        self.watch.qp.next = self.entry.val().qp;
        self.life.next = self.watch.life_now.val();
        self.same.next =
            self.life.val().started & (self.life.val().generation == self.entry.val().generation);
        self.closed.change.next = self.change.val();
        self.closed.read_qp.next = self.entry.val().qp;
        self.closed.write.next = self.close.val();
        self.closed.write_qp.next = self.entry.val().qp;
        self.closed.write_record.next = true;
        self.alive.next = (self.entry.val().kind == self.fence_kind.val())
            | (self.same.val()
                & (!self.closed.read_record.val()
                    | (self.entry.val().kind == self.event_kind.val())));
    }
}
