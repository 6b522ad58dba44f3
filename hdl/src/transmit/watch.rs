//! What happens to the queue pair at work.
use crate::control::records::Command;
use crate::transmit::records::SendEdge;
use rust_hdl::prelude::*;

/// Notes, from the clock of a choice on, a command to the chosen queue pair and a move of its
/// window. `qp` is the choice in the clock after `choosing`; a command of the very clock of the
/// choice is noticed then. What moved the window in that clock was there when `qp` was looked up.
#[derive(LogicBlock, Default)]
pub struct Watch {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub send_edge: Signal<In, SendEdge>,
    /// A queue pair is chosen: nothing has happened to it.
    pub choosing: Signal<In, Bit>,
    pub qp: Signal<In, Bits<4>>,
    /// The queue pair was started or stopped, before this clock ...
    pub stale: Signal<Out, Bit>,
    /// ... or in it.
    pub stale_now: Signal<Out, Bit>,
    /// Its window moved, before this clock or in it.
    pub moved_now: Signal<Out, Bit>,
    commanded: DFF<Command>,
    changed: DFF<Bit>,
    moved: DFF<Bit>,
    hit: Signal<Local, Bit>,
    hit_before: Signal<Local, Bit>,
    shifted: Signal<Local, Bit>,
}

impl Logic for Watch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, commanded, changed, moved);
        self.commanded.d.next = self.command.val();
        self.hit.next = self.command.val().valid
            & (bit_cast::<4, 8>(self.command.val().index) == self.qp.val());
        self.hit_before.next = self.commanded.q.val().valid
            & (bit_cast::<4, 8>(self.commanded.q.val().index) == self.qp.val());
        self.shifted.next = self.send_edge.val().valid & (self.send_edge.val().qp == self.qp.val());
        self.stale.next = self.changed.q.val();
        self.stale_now.next = self.changed.q.val() | self.hit.val() | self.hit_before.val();
        self.moved_now.next = self.moved.q.val() | self.shifted.val();
        self.changed.d.next = self.stale_now.val() & !self.choosing.val();
        self.moved.d.next = self.moved_now.val() & !self.choosing.val();
    }
}
