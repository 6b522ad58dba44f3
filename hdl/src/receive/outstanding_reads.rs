//! The RDMA Reads that wait for their response.
use crate::configuration::QP_BITS;
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::Table;
use crate::pins::Ports;
use crate::receive::notes::{Arrival, OutstandingRead, ReadPlace, ReadProgress};
use crate::transmit::records::ReadSent;
use ironwarp_abi::limits::READ_BITS;
use rust_hdl::prelude::*;

/// Counts reads: modulo twice the most that there can be.
type ReadCount = Bits<{ READ_BITS + 1 }>;

/// Keeps the data sinks of every queue pair's RDMA Reads in the order in which they were asked for,
/// and judges Read Responses: each must go on where the oldest read was left.
///
/// ```text
/// clock   0    `packet` is there: look up how far its queue pair has come
///         1    the oldest read
///         2    where it was left
///         3    `fits`
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct OutstandingReads {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// A Read Request leaves; at most `READS_MAX` are outstanding. One of another life is none.
    pub read_sent: Signal<In, ReadSent>,
    /// A Read Response; the same from clock 0 until after `take`.
    pub packet: Signal<In, Arrival>,
    /// It is the next piece of the response to the oldest read.
    pub fits: Signal<Out, Bit>,
    /// Its octets count. With the last one, the next read is the oldest. Not when the life has
    /// changed since clock 0.
    pub take: Signal<In, Bit>,
    reads: Table<OutstandingRead, { QP_BITS + READ_BITS }>,
    progress: LifeTable<ReadProgress>,
    /// Reads sent: for the one who counts them, and for the one who judges.
    sent: LifeTable<ReadCount>,
    sent_seen: LifeTable<ReadCount>,
    lives: LifeWatch,
    leaving: DFF<ReadSent>,
    // Clock 2's results.
    stag: DFF<Bits<32>>,
    offset: DFF<Bits<64>>,
    left: DFF<Bits<32>>,
    some: DFF<Bit>,
    enters: Signal<Local, Bit>,
    tail: Signal<Local, ReadCount>,
    oldest: Signal<Local, ReadCount>,
    tail_place: Signal<Local, ReadPlace>,
    oldest_place: Signal<Local, ReadPlace>,
    octets: Signal<Local, Bits<32>>,
    one: Literal<{ READ_BITS + 1 }, 1>,
}

impl Logic for OutstandingReads {
    //= rfc5040#5.2  Responses come in the order of the requests.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, leaving, stag, offset, left, some);
        clock!(self, clock, reads, progress, sent, sent_seen, lives);

        // A read that leaves is counted a clock later.
        self.lives.change.next = self.change.val();
        self.lives.look.next = self.read_sent.val().valid;
        self.lives.qp.next = self.read_sent.val().qp;
        self.leaving.d.next = self.read_sent.val();
        self.enters.next = self.leaving.q.val().valid
            & (self.lives.life_now.val().generation == self.leaving.q.val().generation);
        self.sent.change.next = self.change.val();
        self.sent.read_qp.next = self.read_sent.val().qp;
        self.tail.next = self.sent.read_record.val();
        self.sent.write.next = self.enters.val();
        self.sent.write_qp.next = self.leaving.q.val().qp;
        self.sent.write_record.next = self.tail.val() + self.one.val();
        self.sent_seen.change.next = self.change.val();
        self.sent_seen.read_qp.next = self.packet.val().qp;
        self.sent_seen.write.next = self.enters.val();
        self.sent_seen.write_qp.next = self.leaving.q.val().qp;
        self.sent_seen.write_record.next = self.tail.val() + self.one.val();
        self.tail_place.next.slot = self.tail.val().get_bits::<READ_BITS>(0);
        self.tail_place.next.qp = self.leaving.q.val().qp;
        self.reads.write.next = self.enters.val();
        self.reads.write_index.next = self.tail_place.val().into();
        self.reads.write_record.next.stag = self.leaving.q.val().sink_stag;
        self.reads.write_record.next.offset = self.leaving.q.val().sink_offset;
        self.reads.write_record.next.length = self.leaving.q.val().length;

        // Clock 1.
        self.octets.next = bit_cast::<32, 16>(self.packet.val().length);
        self.progress.change.next = self.change.val();
        self.progress.read_qp.next = self.packet.val().qp;
        self.oldest.next = self.progress.read_record.val().answered;
        self.oldest_place.next.slot = self.oldest.val().get_bits::<READ_BITS>(0);
        self.oldest_place.next.qp = self.packet.val().qp;
        self.reads.read_index.next = self.oldest_place.val().into();
        self.progress.write.next = self.take.val();
        self.progress.write_qp.next = self.packet.val().qp;
        self.progress.write_record.next.answered = self.oldest.val();
        self.progress.write_record.next.placed =
            self.progress.read_record.val().placed + self.octets.val();
        if self.packet.val().last {
            self.progress.write_record.next.answered = self.oldest.val() + self.one.val();
            self.progress.write_record.next.placed = 0.into();
        }

        // Clock 2.
        self.some.d.next = self.sent_seen.read_record.val() != self.oldest.val();
        self.stag.d.next = self.reads.read_record.val().stag;
        self.offset.d.next = self.reads.read_record.val().offset
            + bit_cast::<64, 32>(self.progress.read_record.val().placed);
        self.left.d.next =
            self.reads.read_record.val().length - self.progress.read_record.val().placed;

        // Clock 3. A segment that is longer than what is left does not end with its last octet.
        self.fits.next = self.some.q.val()
            & (self.packet.val().stag == self.stag.q.val())
            & (self.packet.val().offset == self.offset.q.val())
            & (self.octets.val() <= self.left.q.val())
            & (self.packet.val().last == (self.octets.val() == self.left.q.val()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::VecDeque;

    /// One outstanding read: STag, tagged offset, octets, and octets placed.
    type Read = (u64, u64, u64, u64);

    fn sent(rng: &mut ChaCha8Rng) -> Read {
        let length = rng.random_range(0..3_u64) * rng.random_range(0..3000_u64);
        (rng.random_range(0..3), rng.random::<u64>(), length, 0)
    }

    /// A segment that often goes on where `read` was left: STag, tagged offset, octets, last.
    fn response(rng: &mut ChaCha8Rng, read: Option<&Read>) -> (u64, u64, u64, bool) {
        let (stag, offset, length, placed) = read.copied().unwrap_or((1, 2, 3, 0));
        let off = |rng: &mut ChaCha8Rng| u64::from(rng.random_bool(0.05));
        let left = length - placed;
        let octets = [left, left.min(700), left + off(rng)][rng.random_range(0..3)];
        let last = (octets == left) != rng.random_bool(0.05);
        (stag + off(rng), offset.wrapping_add(placed).wrapping_sub(off(rng)), octets, last)
    }

    fn judge(read: Option<&Read>, (stag, offset, octets, last): (u64, u64, u64, bool)) -> bool {
        read.is_some_and(|(sink, start, length, placed)| {
            let left = length - placed;
            let place = start.wrapping_add(*placed);
            (stag, offset) == (*sink, place) && octets <= left && last == (octets == left)
        })
    }

    //= rfc5040#5.2
    //= type=test
    #[test]
    fn only_what_was_asked_for_fits_and_in_its_order() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = OutstandingReads::default();
            uut.connect_all();
            let mut model: [VecDeque<Read>; 3] = Default::default();
            let mut generations = [1_u64; 3];
            for qp in 0..3 {
                change!(uut, begins(qp, 1));
            }
            for step in 0..1500 {
                let qp = rng.random_range(0..3_usize);
                if rng.random_bool(0.4) && model[qp].len() < 8 {
                    let read = sent(&mut rng);
                    // One of an earlier life counts nothing.
                    let late = rng.random_bool(0.1);
                    uut.read_sent.next = ReadSent {
                        valid: true,
                        qp: (qp as u64).to_bits(),
                        generation: (generations[qp] - u64::from(late)).to_bits(),
                        sink_stag: read.0.to_bits(),
                        sink_offset: read.1.to_bits(),
                        length: read.2.to_bits(),
                    };
                    if !late {
                        model[qp].push_back(read);
                    }
                    tick!(uut);
                    uut.read_sent.next.valid = false;
                }
                let qp = rng.random_range(0..3_usize);
                let segment = response(&mut rng, model[qp].front());
                uut.packet.next = Arrival {
                    qp: (qp as u64).to_bits(),
                    stag: segment.0.to_bits(),
                    offset: segment.1.to_bits(),
                    length: segment.2.to_bits(),
                    last: segment.3,
                    ..Default::default()
                };
                for _ in 0..3 {
                    tick!(uut);
                }
                let fits = judge(model[qp].front(), segment);
                assert_eq!(uut.fits.val(), fits, "SEED={seed} step {step}: {segment:?}");
                let take = fits && rng.random_bool(0.9);
                uut.take.next = take;
                if take {
                    let read = model[qp].front_mut().unwrap();
                    read.3 += segment.2;
                    if segment.3 {
                        model[qp].pop_front();
                    }
                }
                if rng.random_bool(0.02) {
                    generations[qp] += 1;
                    change!(uut, begins(qp, generations[qp]));
                    model[qp].clear();
                } else {
                    tick!(uut);
                }
                uut.take.next = false;
            }
        }
    }
}
