//! Chooses the queue pair that sends next.
use crate::control::records::Command;
use crate::queue::Pick;
use crate::receive::records::{Opened, ReadDone};
use crate::transmit::marks::Marks;
use crate::transmit::records::SendEdge;
use rust_hdl::prelude::*;

/// Round robin over the queue pairs that have a work request or a Read Request to answer, are
/// active, may send (RFC 5044 s. 7.1.2 rule 4), and are not stopped by the peer's window.
///
/// A queue pair that met an error is `halted` until the host's next command. One that the window
/// stopped is `blocked` until the peer moves the window or acknowledges. A message once begun is
/// finished; then work requests and Read Responses take turns, work requests first. New work
/// requests wait while there is no room for what is outstanding, or for an RDMA Read to be done;
/// Read Responses do not.
#[derive(LogicBlock, Default)]
pub struct Scheduler {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    /// Bit n: queue pair n has a work request on chip.
    pub available: Signal<In, Bits<16>>,
    /// Bit n: queue pair n has a Read Request to answer.
    pub asked: Signal<In, Bits<16>>,
    /// Bit n: queue pair n is started, and neither stopped nor in error.
    pub active: Signal<In, Bits<16>>,
    /// Bit n: queue pair n has as many work requests outstanding as can be tracked.
    pub crowded: Signal<In, Bits<16>>,
    /// The peer's FPDU that allows to send has come.
    pub opened: Signal<In, Opened>,
    /// The peer has acknowledged or moved its window.
    pub send_edge: Signal<In, SendEdge>,
    /// `open_qp` need not wait for an FPDU.
    pub open: Signal<In, Bit>,
    pub open_qp: Signal<In, Bits<4>>,
    /// An RDMA Read is done.
    pub read_done: Signal<In, ReadDone>,
    /// The queue pair that the next ones are about.
    pub qp: Signal<In, Bits<4>>,
    /// `qp` is stopped by the window.
    pub block: Signal<In, Bit>,
    /// The oldest work request of `qp` waits for an RDMA Read to be done.
    pub pause: Signal<In, Bit>,
    /// `qp` met an error.
    pub halt: Signal<In, Bit>,
    /// A segment of `qp` is handed on: of a Read Response? The message's last?
    pub commit: Signal<In, Bit>,
    pub response: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    /// Some queue pair can send.
    pub any: Signal<Out, Bit>,
    /// It is this one.
    pub choice: Signal<Out, Bits<4>>,
    /// It is the turn of a Read Response of `qp`. Ask in the clock after `qp` was the choice: what
    /// a queue pair has to send is still there then, or a command has taken everything.
    pub respond: Signal<Out, Bit>,
    pick: Pick,
    opening: Marks,
    letting: Marks,
    blocking: Marks,
    halting: Marks,
    waiting: Marks,
    /// A message is begun and not finished.
    begun: Marks,
    /// The latest message is a work request's, not a Read Response.
    posted: Marks,
    wipe: Signal<Local, Bit>,
    wipe_qp: Signal<Local, Bits<4>>,
    stopped: Signal<Local, Bits<16>>,
    going: Signal<Local, Bits<16>>,
    held: Signal<Local, Bits<16>>,
    free: Signal<Local, Bits<16>>,
    sends: Signal<Local, Bits<16>>,
    responded: Signal<Local, Bits<16>>,
    yields: Signal<Local, Bits<16>>,
    insists: Signal<Local, Bits<16>>,
    idle: Signal<Local, Bits<16>>,
    turns: Signal<Local, Bits<16>>,
}

impl Logic for Scheduler {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, opening, letting, blocking, halting, waiting, begun, posted);
        self.wipe.next = self.command.val().valid;
        self.wipe_qp.next = bit_cast::<4, 8>(self.command.val().index);

        // Two ways to open, which may come in one clock.
        self.opening.set.next = self.open.val();
        self.opening.set_qp.next = self.open_qp.val();
        self.opening.clear.next = false;
        self.opening.clear_qp.next = 0.into();
        self.letting.set.next = self.opened.val().valid;
        self.letting.set_qp.next = bit_cast::<4, 8>(self.opened.val().qp);
        self.letting.clear.next = false;
        self.letting.clear_qp.next = 0.into();

        self.blocking.set.next = self.block.val();
        self.blocking.set_qp.next = self.qp.val();
        self.blocking.clear.next = self.send_edge.val().valid;
        self.blocking.clear_qp.next = self.send_edge.val().qp;
        self.halting.set.next = self.halt.val();
        self.halting.set_qp.next = self.qp.val();
        self.halting.clear.next = false;
        self.halting.clear_qp.next = 0.into();

        self.waiting.set.next = self.pause.val();
        self.waiting.set_qp.next = self.qp.val();
        self.waiting.clear.next = self.read_done.val().valid;
        self.waiting.clear_qp.next = self.read_done.val().qp;
        self.begun.set.next = self.commit.val();
        self.begun.set_qp.next = self.qp.val();
        self.begun.clear.next = self.commit.val() & self.last.val();
        self.begun.clear_qp.next = self.qp.val();
        self.posted.set.next = self.commit.val();
        self.posted.set_qp.next = self.qp.val();
        self.posted.clear.next = self.commit.val() & self.response.val();
        self.posted.clear_qp.next = self.qp.val();

        self.opening.wipe.next = self.wipe.val();
        self.opening.wipe_qp.next = self.wipe_qp.val();
        self.letting.wipe.next = self.wipe.val();
        self.letting.wipe_qp.next = self.wipe_qp.val();
        self.blocking.wipe.next = self.wipe.val();
        self.blocking.wipe_qp.next = self.wipe_qp.val();
        self.halting.wipe.next = self.wipe.val();
        self.halting.wipe_qp.next = self.wipe_qp.val();

        self.waiting.wipe.next = self.wipe.val();
        self.waiting.wipe_qp.next = self.wipe_qp.val();
        self.begun.wipe.next = self.wipe.val();
        self.begun.wipe_qp.next = self.wipe_qp.val();
        self.posted.wipe.next = self.wipe.val();
        self.posted.wipe_qp.next = self.wipe_qp.val();

        // Whose turn it is where.
        self.held.next = self.waiting.marks.val() | self.crowded.val();
        self.free.next = !self.held.val();
        self.sends.next = self.available.val() & self.free.val();
        self.responded.next = !self.posted.marks.val();
        self.yields.next = self.sends.val() & self.responded.val();
        self.insists.next = !self.yields.val();
        self.idle.next = !self.begun.marks.val();
        self.turns.next = (self.begun.marks.val() & self.responded.val())
            | (self.idle.val() & self.asked.val() & self.insists.val());

        self.stopped.next = self.blocking.marks.val() | self.halting.marks.val();
        self.going.next = !self.stopped.val();
        self.pick.wanted.next = (self.begun.marks.val() | self.sends.val() | self.asked.val())
            & self.active.val()
            & (self.opening.marks.val() | self.letting.marks.val())
            & self.going.val();
        self.pick.last.next = self.qp.val();
        self.any.next = self.pick.any.val();
        self.choice.next = self.pick.choice.val();
        self.respond.next = self.turns.val().get_bit(self.qp.val().index());
    }
}
