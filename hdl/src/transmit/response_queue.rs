//! The peer's Read Requests that wait for their response.
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::queue::QueueEntry;
use crate::receive::records::ReadAsked;
use crate::stream::*;
use crate::transmit::read_limit::ReadLimit;
use crate::transmit::tally::Tally;
use ironwarp_abi::limits::{QP_BITS, READ_BITS};
use ironwarp_abi::queue::opcode;
use rust_hdl::prelude::*;

/// Address bits of the store: queue pair and place.
const STORE_BITS: usize = QP_BITS + READ_BITS;
const _: () = assert!(QP_BITS == 4 && READ_BITS == 3, "the kernel has these widths");

/// Holds the Read Requests of every queue pair, oldest first, and shows each as a work request: as
/// the RDMA Write from the source to the sink that its response is but for the opcode.
///
/// Contract, as of [`RequestFetch`](crate::queue::RequestFetch): `available` bit n says that queue
/// pair n has one. Present its number on `head_qp`; two clocks later `head` is its oldest. `take`
/// for one clock removes it (only while `available` says so). A command forgets those of its queue
/// pair. `asked` is always taken; `room` says to whom one more may come.
#[derive(LogicBlock)]
pub struct ResponseQueue {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub asked: StreamSink<ReadAsked>,
    /// Bit n: fewer than IRD are held of queue pair n.
    pub room: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n holds a Read Request.
    pub available: Signal<Out, Bits<16>>,
    pub head_qp: Signal<In, Bits<4>>,
    /// The oldest of `head_qp`, two clocks later.
    pub head: Signal<Out, QueueEntry>,
    /// Remove the oldest of `take_qp`: the last segment of its response is made.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, Bits<4>>,

    limit: ReadLimit,
    held: Tally,
    store: DualPortRam<ReadAsked, STORE_BITS>,
    oldest: [DFF<Bits<3>>; 16],
    newest: [DFF<Bits<3>>; 16],
    shown: DFF<ReadAsked>,
    oldest_place: Signal<Local, Bits<3>>,
    free_place: Signal<Local, Bits<3>>,
    kept: Signal<Local, ReadAsked>,
    one: Literal<3, 1>,
    write: Literal<32, { opcode::WRITE as u64 }>,
}

impl Default for ResponseQueue {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            asked: Default::default(),
            room: Default::default(),
            available: Default::default(),
            head_qp: Default::default(),
            head: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            limit: ReadLimit::inbound(),
            held: Default::default(),
            store: Default::default(),
            oldest: Default::default(),
            newest: Default::default(),
            shown: Default::default(),
            oldest_place: Default::default(),
            free_place: Default::default(),
            kept: Default::default(),
            one: Default::default(),
            write: Default::default(),
        }
    }
}

impl Logic for ResponseQueue {
    //= rfc5040#5.2  Responses go out in the order of the Read Requests.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, shown);
        clock!(self, clock, limit, held, store);
        self.limit.context_write.next = self.context_write.val();
        self.limit.command.next = self.command.val();
        self.asked.ready.next = true;

        self.limit.start.next = self.asked.valid.val();
        self.limit.start_qp.next = self.asked.beat.val().qp;
        self.limit.done.next = self.take.val();
        self.limit.done_qp.next = self.take_qp.val();
        self.room.next = self.limit.room.val();
        self.held.up.next = self.asked.valid.val();
        self.held.up_qp.next = self.asked.beat.val().qp;
        self.held.down.next = self.take.val();
        self.held.down_qp.next = self.take_qp.val();
        self.held.load.next = self.command.val().valid;
        self.held.load_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.held.value.next = 0.into();
        self.available.next = self.held.any.val();

        self.oldest_place.next = 0.into();
        self.free_place.next = 0.into();
        for i in 0..16 {
            self.oldest[i].clock.next = self.clock.val();
            self.newest[i].clock.next = self.clock.val();
            self.oldest[i].d.next = self.oldest[i].q.val();
            self.newest[i].d.next = self.newest[i].q.val();
            if self.head_qp.val().index() == i {
                self.oldest_place.next = self.oldest[i].q.val();
            }
            if self.asked.beat.val().qp.index() == i {
                self.free_place.next = self.newest[i].q.val();
            }
            if self.take.val() & (self.take_qp.val().index() == i) {
                self.oldest[i].d.next = self.oldest[i].q.val() + self.one.val();
            }
            if self.asked.valid.val() & (self.asked.beat.val().qp.index() == i) {
                self.newest[i].d.next = self.newest[i].q.val() + self.one.val();
            }
            if self.command.val().valid & (self.command.val().index.index() == i) {
                self.oldest[i].d.next = 0.into();
                self.newest[i].d.next = 0.into();
            }
        }
        self.store.write_address.next = (bit_cast::<STORE_BITS, 4>(self.asked.beat.val().qp) << 3)
            | bit_cast::<STORE_BITS, 3>(self.free_place.val());
        self.store.write_data.next = self.asked.beat.val();
        self.store.write_enable.next = self.asked.valid.val();
        self.store.read_address.next = (bit_cast::<STORE_BITS, 4>(self.head_qp.val()) << 3)
            | bit_cast::<STORE_BITS, 3>(self.oldest_place.val());

        self.shown.d.next = self.store.read_data.val();
        self.kept.next = self.shown.q.val();
        self.head.next.control = self.write.val();
        self.head.next.length = self.kept.val().length;
        self.head.next.local_offset = self.kept.val().source_offset;
        self.head.next.local_stag = self.kept.val().source_stag;
        self.head.next.remote_stag = self.kept.val().sink_stag;
        self.head.next.remote_offset = self.kept.val().sink_offset;
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

    fn command(uut: &mut ResponseQueue, qp: usize) {
        uut.command.next = Command { valid: true, index: (qp as u64).to_bits(), enable: true };
        tick!(*uut);
        uut.command.next = Command::default();
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
            command(uut, qp);
        }
    }

    /// Against queues of Rust, with restarts.
    #[test]
    fn keeps_the_order_of_every_queue_pair_and_its_limit() {
        for seed in seeds().into_iter().take(5) {
            let mut rng = rng(seed);
            let mut uut = ResponseQueue::default();
            uut.connect_all();
            let limits = [1, 5, 8];
            configure(&mut uut, limits);
            let mut model: [VecDeque<ReadAsked>; 3] = Default::default();
            let mut most = 0;
            for _ in 0..1500 {
                for (qp, queue) in model.iter().enumerate() {
                    let room = queue.len() < usize::from(limits[qp]);
                    assert_eq!(uut.room.val().get_bit(qp), room, "SEED={seed}");
                    assert_eq!(uut.available.val().get_bit(qp), !queue.is_empty(), "SEED={seed}");
                    most = most.max(queue.len());
                }
                let qp = rng.random_range(0..3_usize);
                if rng.random_bool(0.01) {
                    model[qp].clear();
                    command(&mut uut, qp);
                } else if rng.random_bool(0.55) && uut.room.val().get_bit(qp) {
                    let asked = ReadAsked {
                        qp: (qp as u64).to_bits(),
                        sink_stag: u64::from(rng.random::<u32>()).to_bits(),
                        sink_offset: rng.random::<u64>().to_bits(),
                        length: u64::from(rng.random::<u32>()).to_bits(),
                        source_stag: u64::from(rng.random::<u32>()).to_bits(),
                        source_offset: rng.random::<u64>().to_bits(),
                    };
                    model[qp].push_back(asked);
                    uut.asked.valid.next = true;
                    uut.asked.beat.next = asked;
                    tick!(uut);
                    uut.asked.valid.next = false;
                } else if let Some(asked) = model[qp].front().copied() {
                    uut.head_qp.next = (qp as u64).to_bits();
                    tick!(uut);
                    tick!(uut);
                    let head = uut.head.val();
                    assert_eq!(head.local_stag, asked.source_stag, "SEED={seed}");
                    assert_eq!(head.local_offset, asked.source_offset, "SEED={seed}");
                    assert_eq!(head.remote_stag, asked.sink_stag, "SEED={seed}");
                    assert_eq!(head.remote_offset, asked.sink_offset, "SEED={seed}");
                    assert_eq!(head.length, asked.length, "SEED={seed}");
                    model[qp].pop_front();
                    uut.take.next = true;
                    uut.take_qp.next = (qp as u64).to_bits();
                    tick!(uut);
                    uut.take.next = false;
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
