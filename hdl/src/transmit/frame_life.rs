//! May what is under way still leave, and with which sequence number?
use crate::configuration::{Generation, QpNumber};
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::transmit::records::SendNext;
use rust_hdl::prelude::*;

/// A segment leaves while its queue pair is active in the life that it belongs to, and no segment
/// before it was lost. An acknowledgement belongs to any life.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameLife {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// What follows is about `look_qp`: it is `qp` from the next clock on.
    pub look: Signal<In, Bit>,
    pub look_qp: Signal<In, QpNumber>,
    pub qp: Signal<In, QpNumber>,
    /// It is an acknowledgement; or else a segment of this life.
    pub bare: Signal<In, Bit>,
    pub generation: Signal<In, Generation>,
    /// Two clocks after `look`: it may leave.
    pub alive: Signal<Out, Bit>,
    /// A command or an end has met its queue pair since `look`, or does so now: the contexts may be
    /// another life's.
    pub disturbed: Signal<Out, Bit>,
    /// Two clocks after `look`, too: the sequence number of the life's first octet, and that of
    /// the next.
    pub first: Signal<Out, Bits<32>>,
    pub next_number: Signal<Out, Bits<32>>,
    /// It has left; octets of the stream up to its last one. What was lost may leave again: SND.NXT
    /// never goes back.
    pub leave: Signal<In, Bit>,
    pub position: Signal<In, Bits<32>>,
    /// It is lost.
    pub lose: Signal<In, Bit>,
    /// Told with `leave`: SND.NXT as the peer will see it.
    pub left: Signal<Out, SendNext>,
    watch: LifeWatch,
    firsts: QpField<32, { field_number("send_next") }>,
    positions: LifeTable<Bits<32>>,
    losses: LifeTable<Bit>,
    belongs: Signal<Local, Bit>,
    /// How far it goes beyond what has left before.
    ahead: Signal<Local, Bits<32>>,
    furthest: Signal<Local, Bit>,
}

impl Logic for FrameLife {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, watch, firsts, positions, losses);
        self.firsts.context_write.next = self.context_write.val();
        self.watch.change.next = self.change.val();
        self.positions.change.next = self.change.val();
        self.losses.change.next = self.change.val();
        self.watch.look.next = self.look.val();
        self.watch.qp.next = self.look_qp.val();
        self.firsts.qp.next = self.qp.val();
        self.positions.read_qp.next = self.qp.val();
        self.losses.read_qp.next = self.qp.val();

        self.belongs.next = self.watch.life.val().generation == self.generation.val();
        self.alive.next = self.watch.life.val().active
            & !self.losses.read_record.val()
            & (self.bare.val() | self.belongs.val());
        self.disturbed.next = self.watch.disturbed_now.val();
        self.first.next = self.firsts.value.val();
        self.next_number.next = self.firsts.value.val() + self.positions.read_record.val();

        // A life that begins in this clock wins.
        self.ahead.next = self.position.val() - self.positions.read_record.val();
        self.furthest.next = !self.ahead.val().get_bit(31);
        self.positions.write.next =
            self.leave.val() & self.belongs.val() & self.furthest.val();
        self.positions.write_qp.next = self.qp.val();
        self.positions.write_record.next = self.position.val();
        self.left.next.valid = self.leave.val() & self.belongs.val() & self.furthest.val();
        self.left.next.qp = self.qp.val();
        self.left.next.position = self.position.val();
        self.losses.write.next = self.lose.val() & self.belongs.val();
        self.losses.write_qp.next = self.qp.val();
        self.losses.write_record.next = true;
    }
}
