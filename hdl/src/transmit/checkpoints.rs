//! Places in a message from which it can be sent again.
use crate::configuration::QpNumber;
use crate::life::{LifeTable, QpChange};
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Two beginnings of segments of a queue pair: one that is acknowledged, and one that was sent
/// later.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct CheckpointPair {
    /// Octets of the stream before it, and octets of its message.
    pub position: Bits<32>,
    pub offset: Bits<32>,
    /// The later one.
    pub next_position: Bits<32>,
    pub next_offset: Bits<32>,
}

/// Remembers where a segment began that is acknowledged: no further back than what was in flight
/// before what is in flight. So sending again never walks a long message from its beginning.
///
/// ```text
/// ---------|------------|--------------|--> stream
///       position  next_position     SND.NXT
///            SND.UNA --> when it passes next_position, that is the position, and SND.NXT the next
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct Checkpoints {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub qp: Signal<In, QpNumber>,
    /// A segment of `qp` is handed on; a clock after `qp` and later. Not after a change since.
    pub pass: Signal<In, Bit>,
    /// Where it begins: octets of the stream, octets of its message.
    pub position: Signal<In, Bits<32>>,
    pub offset: Signal<In, Bits<32>>,
    /// Octets of the stream that are acknowledged.
    pub acknowledged: Signal<In, Bits<32>>,
    /// The oldest message that is not acknowledged whole begins here ...
    pub base: Signal<In, Bits<32>>,
    /// ... and is sent again from here: a clock after `qp`.
    pub back_position: Signal<Out, Bits<32>>,
    pub back_offset: Signal<Out, Bits<32>>,
    pairs: LifeTable<CheckpointPair>,
    pair: Signal<Local, CheckpointPair>,
    passed: Signal<Local, Bits<32>>,
    within: Signal<Local, Bits<32>>,
}

impl Logic for Checkpoints {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, pairs);
        self.pairs.change.next = self.change.val();
        self.pairs.read_qp.next = self.qp.val();
        self.pair.next = self.pairs.read_record.val();
        self.passed.next = self.acknowledged.val() - self.pair.val().next_position;
        self.pairs.write.next = self.pass.val() & !self.passed.val().get_bit(31);
        self.pairs.write_qp.next = self.qp.val();
        self.pairs.write_record.next.position = self.pair.val().next_position;
        self.pairs.write_record.next.offset = self.pair.val().next_offset;
        self.pairs.write_record.next.next_position = self.position.val();
        self.pairs.write_record.next.next_offset = self.offset.val();

        self.within.next = self.pair.val().position - self.base.val();
        self.back_position.next = self.pair.val().position;
        self.back_offset.next = self.pair.val().offset;
        if self.within.val().get_bit(31) {
            self.back_position.next = self.base.val();
            self.back_offset.next = 0.into();
        }
    }
}
