//! Chooses between data and acknowledgements.
use crate::queue::Pick;
use crate::transmit::records::SendJob;
use rust_hdl::prelude::*;

/// What leaves next: the oldest stored segment, or an acknowledgement without data.
///
/// An acknowledgement goes first, but not twice in a row while segments wait, and not if the
/// segment carries what its queue pair owes. Combinational.
#[derive(LogicBlock, Default)]
pub struct FrameChoice {
    /// Bit n: queue pair n owes an acknowledgement.
    pub owed: Signal<In, Bits<16>>,
    pub active: Signal<In, Bits<16>>,
    /// The queue pair of the last frame, and whether it was a bare acknowledgement.
    pub last: Signal<In, Bits<4>>,
    pub last_bare: Signal<In, Bit>,
    /// A segment waits: `job`.
    pub segment: Signal<In, Bit>,
    pub job: Signal<In, SendJob>,
    /// Send a bare acknowledgement of `qp`.
    pub bare: Signal<Out, Bit>,
    pub qp: Signal<Out, Bits<4>>,
    /// If not `bare`: send the segment.
    pub data: Signal<Out, Bit>,
    pick: Pick,
    carries: Signal<Local, Bit>,
}

impl Logic for FrameChoice {
    #[hdl_gen]
    fn update(&mut self) {
        self.pick.wanted.next = self.owed.val() & self.active.val();
        self.pick.last.next = self.last.val();
        self.carries.next = false;
        for i in 0..16 {
            if (self.job.val().qp.index() == i) & self.owed.val().get_bit(i) {
                self.carries.next = !self.job.val().raw;
            }
        }
        self.qp.next = self.pick.choice.val();
        self.bare.next = self.pick.any.val()
            & (!self.segment.val() | (!self.last_bare.val() & !self.carries.val()));
        self.data.next = self.segment.val();
    }
}
