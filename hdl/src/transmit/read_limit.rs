//! How many RDMA Reads a queue pair may have under way.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeCounter, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use ironwarp_abi::limits::READS_MAX;
use rust_hdl::prelude::*;

/// Counts the RDMA Reads that are begun, and those of them that are done, and holds the difference
/// to a queue pair's ORD, or its IRD (RFC 5040 s. 5.2.1): to what the context's field number `F`
/// says, or to `READS_MAX` if that is less.
///
/// Contract: whoever begins and ends one sees to it that it is of the present life.
#[derive(LogicBlock, Ports, Default)]
pub struct ReadLimit<const F: usize> {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// One more RDMA Read of `start_qp` is under way.
    pub start: Signal<In, Bit>,
    pub start_qp: Signal<In, QpNumber>,
    /// One of `done_qp` is not any more.
    pub done: Signal<In, Bit>,
    pub done_qp: Signal<In, QpNumber>,
    /// A queue pair ...
    pub qp: Signal<In, QpNumber>,
    /// ... may start one more; a clock later, with every `start` and `done` until then.
    pub room: Signal<Out, Bit>,
    /// Those of `start_qp` that were begun before, a clock after `start`.
    pub previous: Signal<Out, Bits<8>>,
    /// A queue pair, and how many of its were begun and are done, modulo 2^8, a clock later alike.
    pub count_qp: Signal<In, QpNumber>,
    pub begun: Signal<Out, Bits<8>>,
    pub ended: Signal<Out, Bits<8>>,
    limits: QpField<8, F>,
    starts: LifeCounter<8, 2>,
    ends: LifeCounter<8, 2>,
    limit: Signal<Local, Bits<8>>,
    underway: Signal<Local, Bits<8>>,
    most: Literal<8, { READS_MAX as u64 }>,
}

/// Of the RDMA Reads that the peer asks for: IRD.
pub type InboundLimit = ReadLimit<{ field_number("read_in") }>;
/// Of our own RDMA Reads: ORD.
pub type OutboundLimit = ReadLimit<{ field_number("read_out") }>;

impl<const F: usize> Logic for ReadLimit<F> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, limits, starts, ends);
        self.limits.context_write.next = self.context_write.val();
        self.limits.qp.next = self.qp.val();
        self.starts.change.next = self.change.val();
        self.starts.up.next = self.start.val();
        self.starts.up_qp.next = self.start_qp.val();
        self.starts.read_qp[0].next = self.qp.val();
        self.previous.next = self.starts.previous.val();
        self.ends.change.next = self.change.val();
        self.ends.up.next = self.done.val();
        self.ends.up_qp.next = self.done_qp.val();
        self.ends.read_qp[0].next = self.qp.val();
        self.starts.read_qp[1].next = self.count_qp.val();
        self.ends.read_qp[1].next = self.count_qp.val();
        self.begun.next = self.starts.count[1].val();
        self.ended.next = self.ends.count[1].val();

        self.limit.next = self.limits.value.val();
        if self.limit.val() > self.most.val() {
            self.limit.next = self.most.val();
        }
        self.underway.next = self.starts.count[0].val() - self.ends.count[0].val();
        self.room.next = self.underway.val() < self.limit.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};

    fn started<const F: usize>(qp: u64, context: QueuePairContext) -> ReadLimit<F> {
        let mut uut = ReadLimit::<F>::default();
        uut.connect_all();
        for (word, data) in context.to_words().iter().enumerate() {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::QUEUE_PAIR).to_bits(),
                index: qp.to_bits(),
                word: (word as u64).to_bits(),
                data: u64::from(*data).to_bits(),
            };
            tick!(uut);
        }
        uut.context_write.next = ContextWrite::default();
        let (valid, begins) = (true, true);
        uut.change.next = QpChange { valid, begins, qp: qp.to_bits(), ..Default::default() };
        tick!(uut);
        uut.change.next = QpChange::default();
        uut.qp.next = qp.to_bits();
        uut.count_qp.next = qp.to_bits();
        uut.start_qp.next = qp.to_bits();
        uut.done_qp.next = qp.to_bits();
        tick!(uut);
        uut
    }

    fn counts<const F: usize>(context: QueuePairContext, allowed: u64) {
        let mut uut = started::<F>(6, context);
        let mut begun = 0;
        while uut.room.val() {
            uut.start.next = true;
            tick!(uut);
            begun += 1;
            assert_eq!(uut.begun.val().to_u64(), begun);
        }
        assert_eq!(begun, allowed, "{context:?}");
        uut.start.next = false;
        if begun > 0 {
            uut.done.next = true;
            tick!(uut);
            assert!(uut.room.val() && uut.ended.val().to_u64() == 1);
            uut.start.next = true;
            tick!(uut);
            uut.done.next = false;
            tick!(uut);
            uut.start.next = false;
            tick!(uut);
            assert!(!uut.room.val(), "one ended, and another took its place twice");
        }
    }

    //= rfc5040#5.2.1
    //= type=test
    #[test]
    fn allows_what_the_context_says_and_never_more_than_the_device_has() {
        for (field, allowed) in [(0, 0), (1, 1), (3, 3), (8, 8), (9, 8), (16, 8), (255, 8)] {
            let context = QueuePairContext { read_in: 5, read_out: field, ..Default::default() };
            counts::<{ field_number("read_out") }>(context, allowed);
            let context = QueuePairContext { read_in: field, read_out: 5, ..Default::default() };
            counts::<{ field_number("read_in") }>(context, allowed);
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("read_limit", &mut OutboundLimit::default());
    }
}
