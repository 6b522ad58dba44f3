//! How many RDMA Reads a queue pair may have under way.
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::memory::ContextTable;
use crate::queue::context_field;
use crate::transmit::tally::Tally;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::{QP_BITS, READS_MAX};
use rust_hdl::prelude::*;

/// Counts what every queue pair's ORD, or its IRD, leaves (RFC 5040 s. 5.2.1): every command sets
/// it to what the context says, or to `READS_MAX` if that is less.
#[derive(LogicBlock)]
pub struct ReadLimit {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    /// One more RDMA Read of `start_qp` is under way.
    pub start: Signal<In, Bit>,
    pub start_qp: Signal<In, Bits<4>>,
    /// One of `done_qp` is not any more.
    pub done: Signal<In, Bit>,
    pub done_qp: Signal<In, Bits<4>>,
    /// Bit n: queue pair n may start one more. Up to date in the clock after `start` and `done`.
    pub room: Signal<Out, Bits<16>>,
    limits: ContextTable<QP_BITS, 1>,
    left: Tally,
    /// A command came a clock ago: the queue pair's context is there in this clock.
    fresh: DFF<Bit>,
    fresh_qp: DFF<Bits<4>>,
    word: Signal<Local, Bits<32>>,
    limit: Signal<Local, Bits<8>>,
    shift: Constant<Bits<32>>,
    most: Literal<8, { READS_MAX as u64 }>,
}

impl ReadLimit {
    /// Of the RDMA Reads that the peer asks for: IRD.
    pub fn inbound() -> Self {
        Self::new("read_in")
    }

    /// Of our own RDMA Reads: ORD.
    pub fn outbound() -> Self {
        Self::new("read_out")
    }

    fn new(field: &str) -> Self {
        let field = context_field(field);
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            start: Default::default(),
            start_qp: Default::default(),
            done: Default::default(),
            done_qp: Default::default(),
            room: Default::default(),
            limits: ContextTable::new(table::QUEUE_PAIR, field.word()),
            left: Default::default(),
            fresh: Default::default(),
            fresh_qp: Default::default(),
            word: Default::default(),
            limit: Default::default(),
            shift: Constant::new((field.bit() as u64).to_bits()),
            most: Default::default(),
        }
    }
}

impl Logic for ReadLimit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, fresh, fresh_qp);
        clock!(self, clock, limits, left);
        self.limits.context_write.next = self.context_write.val();
        self.limits.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.fresh.d.next = self.command.val().valid;
        self.fresh_qp.d.next = bit_cast::<4, 8>(self.command.val().index);

        self.word.next = self.limits.words[0].val() >> self.shift.val();
        self.limit.next = bit_cast::<8, 4>(self.word.val().get_bits::<4>(0));
        self.left.load.next = self.fresh.q.val();
        self.left.load_qp.next = self.fresh_qp.q.val();
        self.left.value.next = self.limit.val();
        if self.limit.val() > self.most.val() {
            self.left.value.next = self.most.val();
        }
        self.left.up.next = self.done.val();
        self.left.up_qp.next = self.done_qp.val();
        self.left.down.next = self.start.val();
        self.left.down_qp.next = self.start_qp.val();
        self.room.next = self.left.any.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::QueuePairContext;

    fn started(mut uut: ReadLimit, qp: u64, context: QueuePairContext) -> ReadLimit {
        uut.connect_all();
        let index = qp.to_bits();
        for (word, data) in context.to_words().iter().enumerate() {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::QUEUE_PAIR).to_bits(),
                index,
                word: (word as u64).to_bits(),
                data: u64::from(*data).to_bits(),
            };
            tick!(uut);
        }
        uut.context_write.next = ContextWrite::default();
        uut.command.next = Command { valid: true, index, enable: true };
        tick!(uut);
        uut.command.next = Command::default();
        tick!(uut);
        uut
    }

    //= rfc5040#5.2.1
    //= type=test
    #[test]
    fn allows_what_the_context_says_and_never_more_than_the_device_has() {
        for (field, allowed) in [(0, 0), (1, 1), (3, 3), (8, 8), (9, 8), (15, 8)] {
            for out in [false, true] {
                let (read_in, read_out) = if out { (5, field) } else { (field, 5) };
                let context = QueuePairContext { read_in, read_out, ..Default::default() };
                let made = if out { ReadLimit::outbound() } else { ReadLimit::inbound() };
                let mut uut = started(made, 6, context);
                uut.start_qp.next = 6.into();
                uut.done_qp.next = 6.into();
                let mut begun = 0;
                while uut.room.val().get_bit(6) {
                    uut.start.next = true;
                    tick!(uut);
                    begun += 1;
                }
                assert_eq!(begun, allowed, "field {field} out {out}");
                uut.start.next = false;
                if begun > 0 {
                    uut.done.next = true;
                    tick!(uut);
                    uut.start.next = true;
                    tick!(uut);
                    uut.done.next = false;
                    tick!(uut);
                    assert!(!uut.room.val().any(), "one ended, and another took its place twice");
                }
            }
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("read_limit", &mut ReadLimit::outbound());
    }
}
