//! The peer's Read Requests that wait for their response.
use crate::configuration::{QpNumber, QP_BITS};
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::queue::{QpNote, QueueEntry, Rewind};
use crate::receive::records::ReadAsked;
use crate::stream::*;
use crate::transmit::read_limit::InboundLimit;
use ironwarp_abi::limits::READ_BITS;
use ironwarp_abi::queue::opcode;
use rust_hdl::prelude::*;

/// Twice as many places as Read Requests may be held: a response is kept until the peer has
/// acknowledged it, and who asks for the one `READS_MAX` further on has received it.
const PLACE_BITS: usize = READ_BITS + 1;
/// Address bits of the store: queue pair and place.
const STORE_BITS: usize = QP_BITS + PLACE_BITS;

/// Where a Read Request is kept.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ResponsePlace {
    /// Its number modulo the places.
    pub place: Bits<PLACE_BITS>,
    /// Its queue pair.
    pub qp: QpNumber,
}

/// Holds the Read Requests of every queue pair, oldest first, and shows each as a work request: as
/// the RDMA Write from the source to the sink that its response is but for the opcode.
///
/// Contract, as of [`RequestFetch`](crate::queue::RequestFetch): present a queue pair's number on
/// `head_qp`; two clocks later `head` is its oldest, if `head_available` says that there is one.
/// `take` for one clock goes on to the next, and a [`Rewind`] back to an earlier one. One of a life
/// that is over is taken and dropped.
#[derive(LogicBlock, Ports, Default)]
pub struct ResponseQueue {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// To be taken only while there is room for its queue pair, and `free`.
    pub asked: StreamSink<ReadAsked>,
    pub free: Signal<In, Bit>,
    /// One was taken: who looks from the next clock on finds it.
    pub arrived: Signal<Out, QpNote>,
    /// A queue pair ...
    pub room_qp: Signal<In, QpNumber>,
    /// ... of which fewer than IRD are held, a clock later: with one that is taken in the clock of
    /// `room_qp`.
    pub room: Signal<Out, Bit>,
    pub head_qp: Signal<In, QpNumber>,
    /// The oldest of `head_qp`, two clocks later ...
    pub head: Signal<Out, QueueEntry>,
    /// ... if there is one.
    pub head_available: Signal<Out, Bit>,
    /// The number of the oldest, be it there or not, modulo 2^8. Two clocks later, too.
    pub head_number: Signal<Out, Bits<8>>,
    /// Go on behind the oldest of `take_qp`: the last segment of its response is made ...
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, QpNumber>,
    /// ... for the first time: there is room for one more.
    pub freed: Signal<In, Bit>,
    /// Not in the clock of a `take`, nor in the one after it.
    pub rewind: Signal<In, Rewind>,

    watch: LifeWatch,
    limit: InboundLimit,
    /// The number of the oldest whose response is not made.
    cursors: LifeTable<Bits<8>>,
    store: DualPortRam<ReadAsked, STORE_BITS>,
    /// The life of what is offered has been looked up.
    known: DFF<Bit>,
    taken: DFF<Bit>,
    kept: DFF<ReadAsked>,
    looked: DFF<QpNumber>,
    available: DFF<Bit>,
    first: DFF<Bits<8>>,
    advancing: DFF<QpNote>,
    belongs: Signal<Local, Bit>,
    accepts: Signal<Local, Bit>,
    number: Signal<Local, Bits<8>>,
    newest: Signal<Local, Bits<8>>,
    read_place: Signal<Local, ResponsePlace>,
    write_place: Signal<Local, ResponsePlace>,
    oldest: Signal<Local, ReadAsked>,
    one: Literal<8, 1>,
    write: Literal<32, { opcode::WRITE as u64 }>,
}

impl Logic for ResponseQueue {
    //= rfc5040#5.2  Responses go out in the order of the Read Requests.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, known, taken, kept, looked, available, first, advancing);
        clock!(self, clock, watch, limit, cursors, store);
        self.limit.context_write.next = self.context_write.val();
        self.limit.change.next = self.change.val();

        // Take one, if it is of the present life.
        self.watch.change.next = self.change.val();
        self.watch.look.next = !self.known.q.val();
        self.watch.qp.next = self.asked.beat.val().qp;
        self.known.d.next = self.asked.valid.val();
        self.belongs.next = self.watch.life_now.val().active
            & (self.watch.life_now.val().generation == self.asked.beat.val().generation);
        self.asked.ready.next = self.known.q.val() & self.free.val();
        self.accepts.next = self.known.q.val() & self.free.val() & self.belongs.val();
        if self.known.q.val() & self.free.val() {
            self.known.d.next = false;
        }
        self.limit.start.next = self.accepts.val();
        self.limit.start_qp.next = self.asked.beat.val().qp;
        self.limit.done.next = self.freed.val();
        self.limit.done_qp.next = self.take_qp.val();
        self.limit.qp.next = self.room_qp.val();
        self.room.next = self.limit.room.val();
        self.taken.d.next = self.accepts.val();
        self.kept.d.next = self.asked.beat.val();
        self.arrived.next.valid = self.taken.q.val();
        self.arrived.next.qp = self.kept.q.val().qp;

        // A clock later its place is known.
        self.newest.next = self.limit.previous.val();
        self.write_place.next.place = self.newest.val().get_bits::<PLACE_BITS>(0);
        self.write_place.next.qp = self.kept.q.val().qp;
        self.store.write_address.next = self.write_place.val().into();
        self.store.write_data.next = self.kept.q.val();
        self.store.write_enable.next = self.taken.q.val();

        // The oldest.
        self.limit.count_qp.next = self.head_qp.val();
        self.looked.d.next = self.head_qp.val();
        self.cursors.change.next = self.change.val();
        self.cursors.read_qp.next = self.head_qp.val();
        // A life that begins in the clock of the take has taken nothing.
        self.advancing.d.next.valid = self.take.val()
            & !(self.change.val().valid
                & self.change.val().begins
                & (self.change.val().qp == self.take_qp.val()));
        self.advancing.d.next.qp = self.take_qp.val();
        if self.take.val() {
            self.cursors.read_qp.next = self.take_qp.val();
        }
        self.cursors.write.next = self.advancing.q.val().valid | self.rewind.val().valid;
        self.cursors.write_qp.next = self.advancing.q.val().qp;
        self.cursors.write_record.next = self.cursors.read_record.val() + self.one.val();
        if self.rewind.val().valid {
            self.cursors.write_qp.next = self.rewind.val().qp;
            self.cursors.write_record.next = self.rewind.val().response;
        }
        self.number.next = self.cursors.read_record.val();
        self.first.d.next = self.number.val();
        self.head_number.next = self.first.q.val();
        self.read_place.next.place = self.number.val().get_bits::<PLACE_BITS>(0);
        self.read_place.next.qp = self.looked.q.val();
        self.store.read_address.next = self.read_place.val().into();
        // What is written in this clock cannot be read in it: its note has it looked up again.
        self.available.d.next = (self.limit.begun.val() != self.number.val())
            & !(self.taken.q.val() & (self.kept.q.val().qp == self.looked.q.val()));
        self.head_available.next = self.available.q.val();
        self.oldest.next = self.store.read_data.val();
        self.head.next.control = self.write.val();
        self.head.next.length = self.oldest.val().length;
        self.head.next.local_offset = self.oldest.val().source_offset;
        self.head.next.local_stag = self.oldest.val().source_stag;
        self.head.next.remote_stag = self.oldest.val().sink_stag;
        self.head.next.remote_offset = self.oldest.val().sink_offset;
        self.head.next.number = 0.into();
        self.head.next.reserved = false;
        self.head.next.fault = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};
    use rand::Rng;
    use std::collections::VecDeque;

    fn begin(uut: &mut ResponseQueue, qp: usize, generation: u64) {
        let (valid, begins, active) = (true, true, true);
        let (qp, generation) = ((qp as u64).to_bits(), generation.to_bits());
        uut.change.next = QpChange { valid, begins, active, qp, generation, ..Default::default() };
        tick!(*uut);
        uut.change.next = QpChange::default();
        tick!(*uut);
    }

    fn configure(uut: &mut ResponseQueue, limits: [u8; 3]) {
        for (qp, read_in) in limits.into_iter().enumerate() {
            let context = QueuePairContext { read_in, ..Default::default() };
            for (word, data) in context.to_words().iter().enumerate() {
                uut.context_write.next = ContextWrite {
                    valid: true,
                    table: u64::from(table::QUEUE_PAIR).to_bits(),
                    index: (qp as u64).to_bits(),
                    word: (word as u64).to_bits(),
                    data: u64::from(*data).to_bits(),
                };
                tick!(*uut);
            }
            uut.context_write.next = ContextWrite::default();
            begin(uut, qp, 0);
        }
    }

    /// Offers one until it is taken.
    fn ask(uut: &mut ResponseQueue, asked: ReadAsked) {
        uut.asked.valid.next = true;
        uut.asked.beat.next = asked;
        settle!(*uut);
        while !uut.asked.ready.val() {
            tick!(*uut);
            settle!(*uut);
        }
        uut.room_qp.next = asked.qp;
        edge!(*uut);
        uut.asked.valid.next = false;
    }

    #[test]
    fn keeps_the_order_and_the_limits() {
        for seed in seeds().into_iter().take(10) {
            let mut rng = rng(seed);
            let mut uut = ResponseQueue::default();
            uut.connect_all();
            uut.free.next = true;
            let limits = [8, 3, 1];
            configure(&mut uut, limits);
            let mut model: Vec<VecDeque<ReadAsked>> = vec![VecDeque::new(); 3];
            let (mut generations, mut most) = ([0_u64; 3], 0);
            for _ in 0..2000 {
                let qp = rng.random_range(0..3_usize);
                uut.room_qp.next = (qp as u64).to_bits();
                uut.head_qp.next = (qp as u64).to_bits();
                tick!(uut);
                let room = model[qp].len() < usize::from(limits[qp]);
                assert_eq!(uut.room.val(), room, "SEED={seed}");
                tick!(uut);
                assert_eq!(uut.head_available.val(), !model[qp].is_empty(), "SEED={seed}");
                most = most.max(model[qp].len());
                let of_the_past = rng.random_bool(0.1);
                if rng.random_bool(0.01) {
                    model[qp].clear();
                    generations[qp] = (generations[qp] + 1) & 0xff;
                    begin(&mut uut, qp, generations[qp]);
                } else if rng.random_bool(0.55) && (room || of_the_past) {
                    let generation = generations[qp].wrapping_sub(u64::from(of_the_past)) & 0xff;
                    let asked = ReadAsked {
                        qp: (qp as u64).to_bits(),
                        generation: generation.to_bits(),
                        sink_stag: u64::from(rng.random::<u32>()).to_bits(),
                        sink_offset: rng.random::<u64>().to_bits(),
                        length: u64::from(rng.random::<u32>()).to_bits(),
                        source_stag: u64::from(rng.random::<u32>()).to_bits(),
                        source_offset: rng.random::<u64>().to_bits(),
                    };
                    ask(&mut uut, asked);
                    if !of_the_past {
                        model[qp].push_back(asked);
                    }
                    // `room` counts the one that was taken in the clock of the question.
                    let room = model[qp].len() < usize::from(limits[qp]);
                    assert_eq!(uut.room.val(), room, "SEED={seed}");
                } else if let Some(asked) = model[qp].front().copied() {
                    let head = uut.head.val();
                    assert_eq!(head.local_stag, asked.source_stag, "SEED={seed}");
                    assert_eq!(head.local_offset, asked.source_offset, "SEED={seed}");
                    assert_eq!(head.remote_stag, asked.sink_stag, "SEED={seed}");
                    assert_eq!(head.remote_offset, asked.sink_offset, "SEED={seed}");
                    assert_eq!(head.length, asked.length, "SEED={seed}");
                    model[qp].pop_front();
                    uut.take.next = true;
                    uut.freed.next = true;
                    uut.take_qp.next = (qp as u64).to_bits();
                    tick!(uut);
                    uut.take.next = false;
                    uut.freed.next = false;
                }
            }
            assert_eq!(most, 8, "SEED={seed}: the queue was never full");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("response_queue", &mut ResponseQueue::default());
    }
}
