//! May what is under way still leave?
use crate::control::records::Command;
use crate::transmit::generations::Generations;
use crate::transmit::marks::Marks;
use rust_hdl::prelude::*;

/// A segment may leave while its queue pair is active, in the same life as when the segment was
/// cut, and no segment before it was lost to an error.
#[derive(LogicBlock, Default)]
pub struct LifeCheck {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub active: Signal<In, Bits<16>>,
    pub qp: Signal<In, Bits<4>>,
    /// The life that the segment belongs to.
    pub generation: Signal<In, Bits<4>>,
    /// It may leave; in the same clock.
    pub alive: Signal<Out, Bit>,
    /// A segment of `qp` was lost: nothing of it leaves until the host's next command.
    pub lost: Signal<In, Bit>,
    generations: Generations,
    halts: Marks,
    stopped: Signal<Local, Bits<16>>,
}

impl Logic for LifeCheck {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, generations, halts);
        self.generations.command.next = self.command.val();
        self.generations.qp.next = self.qp.val();
        self.halts.set.next = self.lost.val();
        self.halts.set_qp.next = self.qp.val();
        self.halts.clear.next = false;
        self.halts.clear_qp.next = self.qp.val();
        self.halts.wipe.next = self.command.val().valid;
        self.halts.wipe_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.stopped.next = self.halts.marks.val();
        self.alive.next = false;
        for i in 0..16 {
            if self.qp.val().index() == i {
                self.alive.next = self.active.val().get_bit(i)
                    & !self.stopped.val().get_bit(i)
                    & (self.generations.generation.val() == self.generation.val());
            }
        }
    }
}
