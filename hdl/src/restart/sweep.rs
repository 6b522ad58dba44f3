//! Clears the context tables after a reset.
use crate::configuration::OBJECT_BITS;
use crate::control::records::Wipe;
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// After a reset, wipes context 0, 1, ... of every table, one a clock, to the last one of the
/// largest table, and then waits until the device may go on. After power-on there is nothing to
/// wipe.
#[derive(LogicBlock, Ports, Default)]
pub struct Sweep {
    pub clock: Signal<In, Clock>,
    /// The device is reset at the end of this clock.
    pub reset_asked: Signal<In, Bit>,
    /// Something else is not yet as it must be.
    pub hold: Signal<In, Bit>,
    pub wipe: Signal<Out, Wipe>,
    /// The device must not be given anything.
    pub busy: Signal<Out, Bit>,
    wiping: DFF<Bit>,
    index: DFF<Bits<OBJECT_BITS>>,
    one: Literal<OBJECT_BITS, 1>,
    last: Literal<OBJECT_BITS, { (1 << OBJECT_BITS) - 1 }>,
}

impl Logic for Sweep {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wiping, index);
        self.wipe.next.valid = self.wiping.q.val();
        self.wipe.next.index = self.index.q.val();
        self.busy.next = self.wiping.q.val() | self.reset_asked.val();
        if self.wiping.q.val() {
            if self.index.q.val() != self.last.val() {
                self.index.d.next = self.index.q.val() + self.one.val();
            } else if !self.hold.val() {
                self.wiping.d.next = false;
            }
        }
        if self.reset_asked.val() {
            self.wiping.d.next = true;
            self.index.d.next = 0.into();
        }
    }
}
