//! Chooses between data and acknowledgements.
use crate::configuration::QpNumber;
use crate::pins::Ports;
use crate::transmit::records::SendJob;
use rust_hdl::prelude::*;

/// What leaves next: the oldest stored segment or a fence, or an acknowledgement without data.
///
/// An acknowledgement goes first, but not twice in a row while segments wait, and not if the
/// segment carries it. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameChoice {
    /// A queue pair that may owe an acknowledgement.
    pub owing: Signal<In, Bit>,
    pub owing_qp: Signal<In, QpNumber>,
    /// What is next in the order of segments; it waits for its octets unless it is a fence.
    pub job: Signal<In, SendJob>,
    pub job_valid: Signal<In, Bit>,
    pub stored: Signal<In, Bit>,
    /// The last frame was an acknowledgement.
    pub last_bare: Signal<In, Bit>,
    /// Send an acknowledgement; or else the segment, or the fence.
    pub bare: Signal<Out, Bit>,
    pub segment: Signal<Out, Bit>,
    pub fence: Signal<Out, Bit>,
    /// The queue pair of what is sent.
    pub qp: Signal<Out, QpNumber>,
    waits: Signal<Local, Bit>,
    carries: Signal<Local, Bit>,
}

impl Logic for FrameChoice {
    #[hdl_gen]
    fn update(&mut self) {
        self.waits.next = self.job_valid.val() & (self.job.val().fence | self.stored.val());
        self.carries.next = !self.job.val().fence
            & !self.job.val().raw
            & (self.job.val().qp == self.owing_qp.val());
        self.bare.next =
            self.owing.val() & (!self.waits.val() | (!self.last_bare.val() & !self.carries.val()));
        self.segment.next = self.waits.val() & !self.bare.val() & !self.job.val().fence;
        self.fence.next = self.waits.val() & !self.bare.val() & self.job.val().fence;
        self.qp.next = self.job.val().qp;
        if self.bare.val() {
            self.qp.next = self.owing_qp.val();
        }
    }
}
