//! Time to read a frame's type.
use super::records::{ReceiveVerdict, ReceivedOctet};
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Octets and verdicts two clocks later. [`OctetPacker`](super::OctetPacker) lets the first beat go
/// with a frame's thirteenth octet, and the type, which may make the frame the MAC's alone, ends
/// with the fourteenth.
#[derive(LogicBlock, Ports, Default)]
pub struct TypeWait {
    pub clock: Signal<In, Clock>,
    pub octet: Signal<In, ReceivedOctet>,
    pub verdict: Signal<In, ReceiveVerdict>,
    pub overlong: Signal<In, Bit>,
    pub late_octet: Signal<Out, ReceivedOctet>,
    pub late_verdict: Signal<Out, ReceiveVerdict>,
    pub late_overlong: Signal<Out, Bit>,
    octet_1: DFF<ReceivedOctet>,
    octet_2: DFF<ReceivedOctet>,
    verdict_1: DFF<ReceiveVerdict>,
    verdict_2: DFF<ReceiveVerdict>,
    overlong_1: DFF<Bit>,
    overlong_2: DFF<Bit>,
}

impl Logic for TypeWait {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, octet_1, octet_2, verdict_1, verdict_2, overlong_1, overlong_2);
        self.octet_1.d.next = self.octet.val();
        self.octet_2.d.next = self.octet_1.q.val();
        self.verdict_1.d.next = self.verdict.val();
        self.verdict_2.d.next = self.verdict_1.q.val();
        self.overlong_1.d.next = self.overlong.val();
        self.overlong_2.d.next = self.overlong_1.q.val();
        self.late_octet.next = self.octet_2.q.val();
        self.late_verdict.next = self.verdict_2.q.val();
        self.late_overlong.next = self.overlong_2.q.val();
    }
}
