//! A bit for every queue pair.
use rust_hdl::prelude::*;

/// Sixteen flags, one a queue pair. `clear` wins over `set` in the same clock; `wipe` over both.
#[derive(LogicBlock, Default)]
pub struct Marks {
    pub clock: Signal<In, Clock>,
    pub set: Signal<In, Bit>,
    pub set_qp: Signal<In, Bits<4>>,
    pub clear: Signal<In, Bit>,
    pub clear_qp: Signal<In, Bits<4>>,
    /// Clears, too: for the commands of the host.
    pub wipe: Signal<In, Bit>,
    pub wipe_qp: Signal<In, Bits<4>>,
    pub marks: Signal<Out, Bits<16>>,
    flags: DFF<Bits<16>>,
    next_flags: Signal<Local, Bits<16>>,
}

impl Logic for Marks {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, flags);
        self.next_flags.next = self.flags.q.val();
        for i in 0..16 {
            if self.set.val() & (self.set_qp.val().index() == i) {
                self.next_flags.next = self.next_flags.val().replace_bit(i, true);
            }
            if self.clear.val() & (self.clear_qp.val().index() == i) {
                self.next_flags.next = self.next_flags.val().replace_bit(i, false);
            }
            if self.wipe.val() & (self.wipe_qp.val().index() == i) {
                self.next_flags.next = self.next_flags.val().replace_bit(i, false);
            }
        }
        self.flags.d.next = self.next_flags.val();
        self.marks.next = self.flags.q.val();
    }
}
