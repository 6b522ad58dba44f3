//! Which life a queue pair is in.
use crate::control::records::Command;
use crate::literal::Literal;
use rust_hdl::prelude::*;

/// Counts the commands of each queue pair, modulo 16. What is under way carries the number, and is
/// dropped when it comes out in another life. Every instance gives the same numbers.
#[derive(LogicBlock, Default)]
pub struct Generations {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub qp: Signal<In, Bits<4>>,
    /// The number of `qp`, in the same clock.
    pub generation: Signal<Out, Bits<4>>,
    counts: [DFF<Bits<4>>; 16],
    one: Literal<4, 1>,
}

impl Logic for Generations {
    #[hdl_gen]
    fn update(&mut self) {
        self.generation.next = 0.into();
        for i in 0..16 {
            self.counts[i].clock.next = self.clock.val();
            self.counts[i].d.next = self.counts[i].q.val();
            if self.command.val().valid & (self.command.val().index.index() == i) {
                self.counts[i].d.next = self.counts[i].q.val() + self.one.val();
            }
            if self.qp.val().index() == i {
                self.generation.next = self.counts[i].q.val();
            }
        }
    }
}
