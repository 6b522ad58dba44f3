//! The RDMA Reads that wait for their response.
use crate::control::records::Command;
use crate::literal::Literal;
use crate::memory::Table;
use crate::receive::notes::{Arrival, OutstandingRead};
use crate::transmit::records::ReadSent;
use ironwarp_abi::limits::{QP_BITS, READ_BITS};
use rust_hdl::prelude::*;

const _: () = assert!(QP_BITS == 4 && READ_BITS == 3, "the kernel has these widths");

/// Keeps the data sinks of every queue pair's RDMA Reads in the order in which they were asked for,
/// and judges Read Responses: each must go on where the oldest read was left.
///
/// ```text
/// clock   0    `packet` is there: look the oldest read of its queue pair up
///         1    where it was left
///         2    `fits`
/// ```
#[derive(LogicBlock, Default)]
pub struct OutstandingReads {
    pub clock: Signal<In, Clock>,
    pub qp_command: Signal<In, Command>,
    /// A Read Request leaves; at most eight are outstanding.
    pub read_sent: Signal<In, ReadSent>,
    /// A Read Response; the same from clock 0 until after `take`.
    pub packet: Signal<In, Arrival>,
    /// It is the next piece of the response to the oldest read.
    pub fits: Signal<Out, Bit>,
    /// Its octets count. With the last one, the next read is the oldest.
    pub take: Signal<In, Bit>,
    reads: Table<OutstandingRead, 7>,
    /// Octets placed of the oldest read, if it is begun.
    places: Table<Bits<32>, 4>,
    begun: DFF<Bits<16>>,
    /// Reads sent and reads answered, modulo 16.
    sent: [DFF<Bits<4>>; 16],
    answered: [DFF<Bits<4>>; 16],
    // Clock 1's results.
    stag: DFF<Bits<32>>,
    offset: DFF<Bits<64>>,
    left: DFF<Bits<32>>,
    placed: DFF<Bits<32>>,
    some: DFF<Bit>,
    head_sent: Signal<Local, Bits<4>>,
    head_answered: Signal<Local, Bits<4>>,
    tail: Signal<Local, Bits<4>>,
    so_far: Signal<Local, Bits<32>>,
    octets: Signal<Local, Bits<32>>,
    ends: Signal<Local, Bit>,
    goes_on: Signal<Local, Bit>,
    begun_next: Signal<Local, Bits<16>>,
    command_qp: Signal<Local, Bits<4>>,
    one: Literal<4, 1>,
}

impl Logic for OutstandingReads {
    //= rfc5040#5.2  Responses come in the order of the requests.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, begun, stag, offset, left, placed, some);
        clock!(self, clock, reads, places);
        self.command_qp.next = bit_cast::<4, 8>(self.qp_command.val().index);
        self.octets.next = bit_cast::<32, 16>(self.packet.val().length);
        self.ends.next = self.take.val() & self.packet.val().last;
        self.goes_on.next = !self.packet.val().last;
        self.head_sent.next = 0.into();
        self.head_answered.next = 0.into();
        self.tail.next = 0.into();
        self.begun_next.next = self.begun.q.val();
        for i in 0..16 {
            self.sent[i].clock.next = self.clock.val();
            self.sent[i].d.next = self.sent[i].q.val();
            self.answered[i].clock.next = self.clock.val();
            self.answered[i].d.next = self.answered[i].q.val();
            if self.read_sent.val().qp.index() == i {
                self.tail.next = self.sent[i].q.val();
                if self.read_sent.val().valid {
                    self.sent[i].d.next = self.sent[i].q.val() + self.one.val();
                }
            }
            if self.packet.val().qp.index() == i {
                self.head_sent.next = self.sent[i].q.val();
                self.head_answered.next = self.answered[i].q.val();
                if self.take.val() {
                    self.begun_next.next = self.begun_next.val().replace_bit(i, self.goes_on.val());
                }
                if self.ends.val() {
                    self.answered[i].d.next = self.answered[i].q.val() + self.one.val();
                }
            }
            if self.qp_command.val().valid & (self.command_qp.val().index() == i) {
                self.sent[i].d.next = 0.into();
                self.answered[i].d.next = 0.into();
                self.begun_next.next = self.begun_next.val().replace_bit(i, false);
            }
        }
        self.begun.d.next = self.begun_next.val();

        self.reads.write.next = self.read_sent.val().valid;
        self.reads.write_index.next = (bit_cast::<7, 4>(self.read_sent.val().qp) << 3)
            | bit_cast::<7, 3>(self.tail.val().get_bits::<3>(0));
        self.reads.write_record.next.stag = self.read_sent.val().sink_stag;
        self.reads.write_record.next.offset = self.read_sent.val().sink_offset;
        self.reads.write_record.next.length = self.read_sent.val().length;
        self.reads.read_index.next = (bit_cast::<7, 4>(self.packet.val().qp) << 3)
            | bit_cast::<7, 3>(self.head_answered.val().get_bits::<3>(0));
        self.places.read_index.next = self.packet.val().qp;
        self.places.write.next = self.take.val();
        self.places.write_index.next = self.packet.val().qp;
        self.places.write_record.next = self.placed.q.val() + self.octets.val();

        // Clock 1.
        self.so_far.next = 0.into();
        if self.begun.q.val().get_bit(self.packet.val().qp.index()) {
            self.so_far.next = self.places.read_record.val();
        }
        self.some.d.next = self.head_sent.val() != self.head_answered.val();
        self.stag.d.next = self.reads.read_record.val().stag;
        self.offset.d.next =
            self.reads.read_record.val().offset + bit_cast::<64, 32>(self.so_far.val());
        self.left.d.next = self.reads.read_record.val().length - self.so_far.val();
        self.placed.d.next = self.so_far.val();

        // Clock 2. A segment that is longer than what is left does not end with its last octet.
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
            for step in 0..1500 {
                let qp = rng.random_range(0..3_usize);
                if rng.random_bool(0.4) && model[qp].len() < 8 {
                    let read = sent(&mut rng);
                    uut.read_sent.next = ReadSent {
                        valid: true,
                        qp: (qp as u64).to_bits(),
                        sink_stag: read.0.to_bits(),
                        sink_offset: read.1.to_bits(),
                        length: read.2.to_bits(),
                    };
                    model[qp].push_back(read);
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
                tick!(uut);
                tick!(uut);
                let fits = judge(model[qp].front(), segment);
                assert_eq!(uut.fits.val(), fits, "SEED={seed} step {step}: {segment:?}");
                let command = rng.random_bool(0.02);
                let take = fits && rng.random_bool(0.9);
                uut.take.next = take;
                uut.qp_command.next =
                    Command { valid: command, index: (qp as u64).to_bits(), enable: rng.random() };
                if take {
                    let read = model[qp].front_mut().unwrap();
                    read.3 += segment.2;
                    if segment.3 {
                        model[qp].pop_front();
                    }
                }
                if command {
                    model[qp].clear();
                }
                tick!(uut);
                uut.take.next = false;
                uut.qp_command.next = Default::default();
            }
        }
    }
}
