//! Was the frame good?
use super::fcs::Fcs;
use super::records::{ReceiveVerdict, ReceivedOctet};
use super::{LONGEST, SHORTEST};
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Checks sequence and length of each frame, and says so one clock after its end.
#[derive(LogicBlock, Ports, Default)]
pub struct ReceiveCheck {
    pub clock: Signal<In, Clock>,
    pub octet: Signal<In, ReceivedOctet>,
    pub verdict: Signal<Out, ReceiveVerdict>,
    /// The frame has become longer than a frame may be; what still comes of it is of no use.
    pub overlong: Signal<Out, Bit>,
    fcs: Fcs,
    count: DFF<Bits<14>>,
    enough: DFF<Bit>,
    too_long: DFF<Bit>,
    out: DFF<ReceiveVerdict>,
    one: Literal<14, 1>,
    shortest: Literal<14, { SHORTEST - 1 }>,
    longest: Literal<14, LONGEST>,
}

impl Logic for ReceiveCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, enough, too_long, out);
        clock!(self, clock, fcs);
        self.fcs.octet.next = self.octet.val().data;
        self.fcs.valid.next = self.octet.val().valid;
        self.fcs.restart.next = self.octet.val().end;
        self.fcs.shift.next = false;

        if self.octet.val().valid & !self.too_long.q.val() {
            self.count.d.next = self.count.q.val() + self.one.val();
            if self.count.q.val() == self.shortest.val() {
                self.enough.d.next = true;
            }
            if self.count.q.val() == self.longest.val() {
                self.too_long.d.next = true;
            }
        }
        if self.octet.val().end {
            self.count.d.next = 0.into();
            self.enough.d.next = false;
            self.too_long.d.next = false;
        }
        self.out.d.next.valid = self.octet.val().end;
        self.out.d.next.damaged = self.octet.val().damaged | !self.fcs.good.val();
        self.out.d.next.misfit = self.too_long.q.val() | !self.enough.q.val();
        self.verdict.next = self.out.q.val();
        self.overlong.next = self.too_long.q.val();
    }
}
