//! Which octets of every stream wait in its ring.
use crate::control::records::{Command, ContextWrite};
use crate::memory::Table;
use crate::receive::notes::StreamGrown;
use crate::receive::qp_word::{QpWord, RECEIVE_NEXT};
use rust_hdl::prelude::*;

/// From where the next FPDU starts to where the stream has grown, for every queue pair.
#[derive(LogicBlock, Default)]
pub struct StreamSpan {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp_command: Signal<In, Command>,
    pub grown: Signal<In, StreamGrown>,
    /// The queue pair. The outputs are about it one clock later; its end is meaningless before the
    /// stream has grown.
    pub qp: Signal<In, Bits<4>>,
    /// Sequence number of the next FPDU's first octet.
    pub first: Signal<Out, Bits<32>>,
    /// The same, counted from the start of the stream.
    pub position: Signal<Out, Bits<32>>,
    /// Sequence number after the last octet.
    pub stream_end: Signal<Out, Bits<32>>,
    /// Octets between the two.
    pub available: Signal<Out, Bits<32>>,
    /// The next FPDU of `qp` starts at `beyond`.
    pub advance: Signal<In, Bit>,
    pub beyond: Signal<In, Bits<32>>,
    firsts: Table<Bits<32>, 4>,
    ends: Table<Bits<32>, 4>,
    at_start: QpWord<RECEIVE_NEXT>,
    /// Bit n: no FPDU was found since the start of queue pair n.
    fresh: DFF<Bits<16>>,
    fresh_next: Signal<Local, Bits<16>>,
    first_now: Signal<Local, Bits<32>>,
    command_index: Signal<Local, Bits<8>>,
    command_qp: Signal<Local, Bits<4>>,
}

impl Logic for StreamSpan {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, fresh);
        clock!(self, clock, firsts, ends, at_start);
        self.at_start.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.qp.val();
        self.firsts.read_index.next = self.qp.val();
        self.firsts.write.next = self.advance.val();
        self.firsts.write_index.next = self.qp.val();
        self.firsts.write_record.next = self.beyond.val();
        self.ends.read_index.next = self.qp.val();
        self.ends.write.next = self.grown.val().valid;
        self.ends.write_index.next = self.grown.val().qp;
        self.ends.write_record.next = self.grown.val().end;

        self.first_now.next = self.firsts.read_record.val();
        if self.fresh.q.val().get_bit(self.qp.val().index()) {
            self.first_now.next = self.at_start.word.val();
        }
        self.first.next = self.first_now.val();
        self.position.next = self.first_now.val() - self.at_start.word.val();
        self.stream_end.next = self.ends.read_record.val();
        self.available.next = self.ends.read_record.val() - self.first_now.val();

        self.fresh_next.next = self.fresh.q.val();
        if self.advance.val() {
            self.fresh_next.next = self.fresh.q.val().replace_bit(self.qp.val().index(), false);
        }
        self.command_index.next = self.qp_command.val().index;
        self.command_qp.next = self.command_index.val().get_bits::<4>(0);
        if self.qp_command.val().valid {
            self.fresh_next.next =
                self.fresh_next.val().replace_bit(self.command_qp.val().index(), true);
        }
        self.fresh.d.next = self.fresh_next.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::table;
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
                uut.context_write.next = ContextWrite {
                    valid: true,
                    table: u64::from(table::QUEUE_PAIR).to_bits(),
                    index: (qp as u64).to_bits(),
                    word: (RECEIVE_NEXT as u64).to_bits(),
                    data: u64::from(start).to_bits(),
                };
                let index = (qp as u64).to_bits();
                uut.qp_command.next = Command { valid: true, index, enable: true };
                tick!(uut);
            }
            uut.context_write.next = Default::default();
            uut.qp_command.next = Default::default();
            for _ in 0..300 {
                let qp = rng.random_range(0..3);
                let (start, first, end) = &mut model[qp];
                let index = (qp as u64).to_bits();
                *end = end.wrapping_add(rng.random_range(1..2000));
                uut.grown.next = StreamGrown {
                    valid: true,
                    qp: index,
                    end: u64::from(*end).to_bits(),
                    finished: false,
                };
                uut.qp.next = index;
                tick!(uut);
                uut.grown.next = Default::default();
                tick!(uut);
                assert_eq!(uut.first.val().to_u64(), u64::from(*first), "SEED={seed}");
                assert_eq!(uut.stream_end.val().to_u64(), u64::from(*end), "SEED={seed}");
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
