//! Which octets of every stream wait in its ring.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, QpChange};
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::notes::{SequenceMark, StreamEnd, StreamGrown};
use rust_hdl::prelude::*;

/// From where the next FPDU starts to where the stream has grown, for every queue pair.
#[derive(LogicBlock, Ports, Default)]
pub struct StreamSpan {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    /// The queue pair. The outputs are about it one clock later.
    pub qp: Signal<In, QpNumber>,
    /// Sequence number of the next FPDU's first octet.
    pub first: Signal<Out, Bits<32>>,
    /// The same, counted from the start of the stream.
    pub position: Signal<Out, Bits<32>>,
    /// Sequence number after the last octet; meaningless before the stream has grown.
    pub stream_end: Signal<Out, Bits<32>>,
    /// Octets between the two.
    pub available: Signal<Out, Bits<32>>,
    /// No octet will follow.
    pub finished: Signal<Out, Bit>,
    /// The next FPDU of `qp` starts at `beyond`. Not when its life has changed since it was read.
    pub advance: Signal<In, Bit>,
    pub beyond: Signal<In, Bits<32>>,
    firsts: LifeTable<SequenceMark>,
    ends: LifeTable<StreamEnd>,
    at_start: QpField<32, { field_number("receive_next") }>,
    first_now: Signal<Local, Bits<32>>,
}

impl Logic for StreamSpan {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, firsts, ends, at_start);
        self.at_start.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.qp.val();
        self.firsts.change.next = self.change.val();
        self.firsts.read_qp.next = self.qp.val();
        self.firsts.write.next = self.advance.val();
        self.firsts.write_qp.next = self.qp.val();
        self.firsts.write_record.next.begun = true;
        self.firsts.write_record.next.number = self.beyond.val();
        self.ends.change.next = self.change.val();
        self.ends.read_qp.next = self.qp.val();
        self.ends.write.next = self.grown.val().valid;
        self.ends.write_qp.next = self.grown.val().qp;
        self.ends.write_record.next.begun = true;
        self.ends.write_record.next.end = self.grown.val().end;
        self.ends.write_record.next.finished = self.grown.val().finished;

        self.first_now.next = self.at_start.value.val();
        if self.firsts.read_record.val().begun {
            self.first_now.next = self.firsts.read_record.val().number;
        }
        self.first.next = self.first_now.val();
        self.position.next = self.first_now.val() - self.at_start.value.val();
        self.stream_end.next = self.ends.read_record.val().end;
        self.finished.next = self.ends.read_record.val().finished;
        self.available.next = 0.into();
        if self.ends.read_record.val().begun {
            self.available.next = self.ends.read_record.val().end - self.first_now.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};
    use rand::Rng;

    #[test]
    fn keeps_the_span_of_every_stream() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = StreamSpan::default();
            uut.connect_all();
            // For each of three queue pairs: start, next FPDU, end.
            let mut model = [(0_u32, 0_u32, 0_u32); 3];
            for (qp, span) in model.iter_mut().enumerate() {
                let start = rng.random();
                *span = (start, start, start);
                let context = QueuePairContext { receive_next: start, ..Default::default() };
                commit!(uut, table::QUEUE_PAIR, qp, &context.to_words());
                change!(uut, begins(qp, 1));
            }
            for _ in 0..300 {
                let qp = rng.random_range(0..3);
                if rng.random_bool(0.05) {
                    // A new life begins where the context says.
                    change!(uut, begins(qp, 2));
                    model[qp] = (model[qp].0, model[qp].0, model[qp].0);
                    uut.qp.next = (qp as u64).to_bits();
                    tick!(uut);
                    assert_eq!(uut.available.val().to_u64(), 0, "SEED={seed}");
                }
                let (start, first, end) = &mut model[qp];
                let index = (qp as u64).to_bits();
                *end = end.wrapping_add(rng.random_range(1..2000));
                uut.grown.next = StreamGrown {
                    valid: true,
                    qp: index,
                    end: u64::from(*end).to_bits(),
                    finished: start.is_multiple_of(2),
                };
                uut.qp.next = index;
                tick!(uut);
                uut.grown.next = Default::default();
                tick!(uut);
                assert_eq!(uut.first.val().to_u64(), u64::from(*first), "SEED={seed}");
                assert_eq!(uut.stream_end.val().to_u64(), u64::from(*end), "SEED={seed}");
                assert_eq!(uut.finished.val(), start.is_multiple_of(2), "SEED={seed}");
                let (position, available) = (first.wrapping_sub(*start), end.wrapping_sub(*first));
                assert_eq!(uut.position.val().to_u64(), u64::from(position), "SEED={seed}");
                assert_eq!(uut.available.val().to_u64(), u64::from(available), "SEED={seed}");
                if rng.random() {
                    *first = first.wrapping_add(rng.random_range(0..=available));
                    uut.advance.next = true;
                    uut.beyond.next = u64::from(*first).to_bits();
                    tick!(uut);
                    uut.advance.next = false;
                }
            }
        }
    }
}
