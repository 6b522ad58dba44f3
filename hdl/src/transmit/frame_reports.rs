//! What is told of frames: that a raw one has left, that a payload could not be read.
use crate::complete::records::Completion;
use crate::configuration::{QpNumber, CQ_BITS};
use crate::control::records::{ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::transmit::records::SendJob;
use ironwarp_abi::{queue, status};
use rust_hdl::prelude::*;

/// Writes the two records, a clock after `qp`.
#[derive(LogicBlock, Default)]
pub struct FrameReports {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp: Signal<In, QpNumber>,
    pub job: Signal<In, SendJob>,
    pub completion: Signal<Out, Completion>,
    pub failure: Signal<Out, QpEvent>,
    receive_cq: QpField<CQ_BITS, { field_number("receive_cq") }>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    fault: Literal<8, { status::DMA_FAULT as u64 }>,
    kind: Literal<8, { queue::kind::SEND as u64 }>,
}

impl Logic for FrameReports {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, receive_cq);
        self.receive_cq.context_write.next = self.context_write.val();
        self.receive_cq.qp.next = self.qp.val();
        self.completion.next.cq = self.job.val().cq;
        self.completion.next.qp = self.qp.val();
        self.completion.next.generation = self.job.val().generation;
        self.completion.next.kind = self.kind.val();
        self.completion.next.status = self.success.val();
        self.completion.next.request = self.job.val().request;
        self.completion.next.solicited = false;
        self.completion.next.length = bit_cast::<32, 16>(self.job.val().bytes);
        self.completion.next.sequence = 0.into();
        self.failure.next.qp = self.qp.val();
        self.failure.next.generation = self.job.val().generation;
        self.failure.next.status = self.fault.val();
        self.failure.next.cq = self.receive_cq.value.val();
        self.failure.next.sequence = 0.into();
    }
}
