//! Makes packets of the answers to the host.
use super::records::BarCompletion;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A [`BarCompletion`] becomes a packet of two beats, or of three with two double words.
///
/// A completion must not pass a memory write that was made before it (PCI Express Base
/// Specification, s. 2.4.1): it waits until the writes that had been taken when it came have left.
/// While the function may not write (bus mastering is off) they cannot, and the host must have its
/// answer all the same: then it does not wait. One answer at a time.
#[derive(LogicBlock, Ports, Default)]
pub struct AnswerTlp {
    pub clock: Signal<In, Clock>,
    /// Writes may leave.
    pub bus_master: Signal<In, Bit>,
    /// A write was taken: its packets will be sent. At most 15 are under way.
    pub taken: Signal<In, Bit>,
    /// The last packet of the oldest write has left.
    pub left: Signal<In, Bit>,
    pub sink: StreamSink<BarCompletion>,
    pub source: StreamSource<Beat>,
    answer: DFF<BarCompletion>,
    full: DFF<Bit>,
    /// The answer is on its way: it does not wait any more.
    going: DFF<Bit>,
    /// Which beat of it.
    beat: DFF<Bits<2>>,
    /// Writes under way.
    writes: DFF<Bits<4>>,
    /// Those of them that were there before the answer.
    ahead: DFF<Bits<4>>,
    writes_next: Signal<Local, Bits<4>>,
    one: Literal<4, 1>,
    next_beat: Literal<2, 1>,
}

impl Logic for AnswerTlp {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, answer, full, going, beat, writes, ahead);
        self.writes_next.next = self.writes.q.val();
        if self.taken.val() & !self.left.val() {
            self.writes_next.next = self.writes.q.val() + self.one.val();
        } else if self.left.val() & !self.taken.val() {
            self.writes_next.next = self.writes.q.val() - self.one.val();
        }
        self.writes.d.next = self.writes_next.val();

        self.sink.ready.next = !self.full.q.val();
        if !self.full.q.val() {
            self.answer.d.next = self.sink.beat.val();
            self.full.d.next = self.sink.valid.val();
            self.ahead.d.next = self.writes_next.val();
            self.beat.d.next = 0.into();
            self.going.d.next = false;
        } else {
            if self.left.val() & self.ahead.q.val().any() {
                self.ahead.d.next = self.ahead.q.val() - self.one.val();
            }
            if !self.ahead.q.val().any() | !self.bus_master.val() {
                self.going.d.next = true;
            }
        }

        self.source.valid.next = self.full.q.val() & self.going.q.val();
        self.source.beat.next.data = self.answer.q.val().head;
        self.source.beat.next.bytes = 8.into();
        self.source.beat.next.last = false;
        self.source.beat.next.error = false;
        if self.beat.q.val() == 1 {
            self.source.beat.next.data =
                bit_cast::<64, 32>(self.answer.q.val().tail) | (self.answer.q.val().data << 32);
            self.source.beat.next.last = self.answer.q.val().dwords != 2;
            if self.answer.q.val().dwords == 0 {
                self.source.beat.next.bytes = 4.into();
            }
        } else if self.beat.q.val() == 2 {
            self.source.beat.next.data = self.answer.q.val().data >> 32;
            self.source.beat.next.bytes = 4.into();
            self.source.beat.next.last = true;
        }
        if self.full.q.val() & self.going.q.val() & self.source.ready.val() {
            self.beat.d.next = self.beat.q.val() + self.next_beat.val();
            if (self.beat.q.val() == 2)
                | ((self.beat.q.val() == 1) & (self.answer.q.val().dwords != 2))
            {
                self.full.d.next = false;
            }
        }
    }
}
