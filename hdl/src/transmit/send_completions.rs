//! Completes send work requests when the peer has acknowledged them.
use crate::complete::records::Completion;
use crate::control::records::Command;
use crate::literal::Literal;
use crate::memory::{DualPortRam, Table};
use crate::queue::Pick;
use crate::receive::records::ReadDone;
use crate::stream::*;
use crate::transmit::done_reads::DoneReads;
use crate::transmit::marks::Marks;
use crate::transmit::records::*;
use ironwarp_abi::limits::{OUTSTANDING_BITS, OUTSTANDING_MAX, QP_BITS};
use ironwarp_abi::{queue, status};
use rust_hdl::prelude::*;

/// Address bits of the list: queue pair and place.
const LIST_BITS: usize = QP_BITS + OUTSTANDING_BITS;
const _: () = assert!(OUTSTANDING_BITS == 7, "the kernel has this width");

/// What [`SendCompletions`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum RetireState {
    /// Takes a sent work request, or else chooses a queue pair that was acknowledged.
    Choose,
    /// The queue pair's list is looked up.
    Note,
    /// The work request goes to the end of the list.
    Append,
    /// The queue pair's list is looked up.
    Look,
    /// The oldest work request is read.
    Oldest,
    /// It is kept. Is it acknowledged?
    Compare,
    /// Is it done? Then it leaves the list.
    Judge,
    /// Offers its completion.
    Tell,
}

/// A list of the outstanding work requests of every queue pair: `2^7` places each.
///
/// ```text
/// request --> Choose --> Note --> Append
/// edge -> acknowledged? --> Choose --> Look --> Oldest --> Compare --> Judge --> Tell --> Look ..
/// ```
/// A queue pair is looked at when it was acknowledged, when a work request was noted, and when an
/// RDMA Read was done. A work request completes in its turn when its last octet is acknowledged,
/// an RDMA Read when its response is placed, too; one that is not `signaled` only leaves the list.
/// A command empties its queue pair's list.
#[derive(LogicBlock, Default)]
pub struct SendCompletions {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    /// A work request was handed to the stream, whole.
    pub request: StreamSink<SentRequest>,
    pub send_edge: Signal<In, SendEdge>,
    pub read_done: Signal<In, ReadDone>,
    pub completion: StreamSource<Completion>,
    /// Bit n: the list of queue pair n is all but full. Up to date five clocks after a request.
    pub crowded: Signal<Out, Bits<16>>,

    // The list of a queue pair is `head .. tail`.
    heads: Table<Bits<7>, QP_BITS>,
    tails: Table<Bits<7>, QP_BITS>,
    oldest: Table<Bits<32>, QP_BITS>,
    list: DualPortRam<SentRequest, LIST_BITS>,
    pick: Pick,
    moved: Marks,
    reads: DoneReads,
    crowds: Marks,
    state: DFF<RetireState>,
    chosen: DFF<Bits<4>>,
    entry: DFF<SentRequest>,
    /// The last octet of `entry` is acknowledged. What is acknowledged in the meantime is looked at
    /// again.
    acknowledged: DFF<Bit>,
    stale: DFF<Bit>,
    wiping: DFF<Bit>,
    wiping_qp: DFF<Bits<4>>,
    wipe: Signal<Local, Bit>,
    stale_now: Signal<Local, Bit>,
    now: Signal<Local, Bits<7>>,
    length: Signal<Local, Bits<7>>,
    after: Signal<Local, Bits<7>>,
    reached: Signal<Local, Bits<32>>,
    done: Signal<Local, Bit>,
    leave: Signal<Local, Bit>,
    one: Literal<7, 1>,
    most: Literal<7, { OUTSTANDING_MAX as u64 - 4 }>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    kind: Literal<8, { queue::kind::SEND as u64 }>,
}

impl Logic for SendCompletions {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, entry, acknowledged, stale, wiping, wiping_qp);
        clock!(self, clock, heads, tails, oldest, moved, reads, crowds, list);
        self.wipe.next = self.command.val().valid;
        self.wiping.d.next = self.wipe.val();
        self.wiping_qp.d.next = bit_cast::<4, 8>(self.command.val().index);

        // Who was acknowledged.
        self.oldest.write.next = self.send_edge.val().valid;
        self.oldest.write_index.next = self.send_edge.val().qp;
        self.oldest.write_record.next = self.send_edge.val().unacknowledged;
        self.oldest.read_index.next = self.chosen.q.val();
        self.moved.set.next = self.send_edge.val().valid;
        self.moved.set_qp.next = self.send_edge.val().qp;
        self.moved.clear.next = false;
        self.moved.clear_qp.next = self.chosen.q.val();
        self.moved.wipe.next = self.wipe.val();
        self.moved.wipe_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.reads.command.next = self.command.val();
        self.reads.read_done.next = self.read_done.val();
        self.reads.qp.next = self.chosen.q.val();
        self.reads.seen.next = self.state.q.val() == RetireState::Look;
        self.pick.wanted.next = self.moved.marks.val() | self.reads.news.val();
        self.pick.last.next = self.chosen.q.val();

        // The lists. A command's wipe comes a clock late, and goes before everything else.
        self.heads.read_index.next = self.chosen.q.val();
        self.tails.read_index.next = self.chosen.q.val();
        self.heads.write.next = self.wiping.q.val();
        self.heads.write_index.next = self.wiping_qp.q.val();
        self.heads.write_record.next = 0.into();
        self.tails.write.next = self.wiping.q.val();
        self.tails.write_index.next = self.wiping_qp.q.val();
        self.tails.write_record.next = 0.into();
        self.stale_now.next = self.stale.q.val()
            | (self.wipe.val()
                & (bit_cast::<4, 8>(self.command.val().index) == self.chosen.q.val()));
        self.stale.d.next = self.stale_now.val();

        self.now.next = self.heads.read_record.val();
        self.length.next = self.tails.read_record.val() - self.now.val();
        self.after.next = self.tails.read_record.val() + self.one.val();
        self.crowds.set.next = false;
        self.crowds.set_qp.next = self.chosen.q.val();
        self.crowds.clear.next = false;
        self.crowds.clear_qp.next = self.chosen.q.val();
        self.crowds.wipe.next = self.wipe.val();
        self.crowds.wipe_qp.next = bit_cast::<4, 8>(self.command.val().index);
        self.crowded.next = self.crowds.marks.val();
        self.list.write_address.next = (bit_cast::<LIST_BITS, 4>(self.chosen.q.val()) << 7)
            | bit_cast::<LIST_BITS, 7>(self.tails.read_record.val());
        self.list.write_data.next = self.entry.q.val();
        self.list.write_enable.next = false;
        self.list.read_address.next = (bit_cast::<LIST_BITS, 4>(self.chosen.q.val()) << 7)
            | bit_cast::<LIST_BITS, 7>(self.now.val());

        // Acknowledged: the last octet's number is not after SND.UNA.
        self.reached.next = self.oldest.read_record.val() - self.list.read_data.val().end;
        self.done.next =
            self.acknowledged.q.val() & (self.reads.some.val() | !self.entry.q.val().read);
        self.leave.next = false;

        self.completion.beat.next.cq = self.entry.q.val().cq;
        self.completion.beat.next.qp = bit_cast::<8, 4>(self.entry.q.val().qp);
        self.completion.beat.next.kind = self.kind.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.entry.q.val().request;
        self.completion.beat.next.solicited = false;
        self.completion.beat.next.length = self.entry.q.val().length;
        self.completion.beat.next.sequence = 0.into();
        self.completion.valid.next = self.state.q.val() == RetireState::Tell;
        self.request.ready.next = self.state.q.val() == RetireState::Choose;

        match self.state.q.val() {
            RetireState::Choose => {
                self.stale.d.next = self.wipe.val()
                    & (bit_cast::<4, 8>(self.command.val().index) == self.request.beat.val().qp);
                if self.request.valid.val() {
                    self.entry.d.next = self.request.beat.val();
                    self.chosen.d.next = self.request.beat.val().qp;
                    self.state.d.next = RetireState::Note;
                } else if self.pick.any.val() {
                    self.chosen.d.next = self.pick.choice.val();
                    self.state.d.next = RetireState::Look;
                }
            }
            RetireState::Note => {
                self.state.d.next = RetireState::Append;
            }
            RetireState::Append => {
                if !self.wiping.q.val() & !self.send_edge.val().valid {
                    // Its acknowledgement may have come before it: look once.
                    self.moved.set.next = !self.stale_now.val();
                    self.moved.set_qp.next = self.chosen.q.val();
                    self.list.write_enable.next = !self.stale_now.val();
                    self.tails.write.next = !self.stale_now.val();
                    self.tails.write_index.next = self.chosen.q.val();
                    self.tails.write_record.next = self.after.val();
                    self.crowds.set.next = self.length.val() >= self.most.val();
                    self.state.d.next = RetireState::Choose;
                }
            }
            RetireState::Look => {
                // What moves from now on is seen again.
                self.moved.clear.next = !self.send_edge.val().valid;
                self.state.d.next = RetireState::Oldest;
            }
            RetireState::Oldest => {
                self.state.d.next = RetireState::Compare;
            }
            RetireState::Compare => {
                self.entry.d.next = self.list.read_data.val();
                self.acknowledged.d.next = !self.reached.val().get_bit(31);
                self.state.d.next = RetireState::Judge;
            }
            RetireState::Judge => {
                self.state.d.next = RetireState::Choose;
                if self.length.val().any() & self.done.val() & !self.stale_now.val() {
                    self.state.d.next = RetireState::Judge;
                    if !self.wiping.q.val() {
                        self.leave.next = true;
                        self.state.d.next = RetireState::Look;
                        if self.entry.q.val().signaled {
                            self.state.d.next = RetireState::Tell;
                        }
                    }
                }
            }
            RetireState::Tell => {
                if self.completion.ready.val() {
                    self.state.d.next = RetireState::Look;
                }
            }
            _ => {
                self.state.d.next = RetireState::Choose;
            }
        }
        self.reads.complete.next = self.leave.val() & self.entry.q.val().read;
        if self.leave.val() {
            self.heads.write.next = true;
            self.heads.write_index.next = self.chosen.q.val();
            self.heads.write_record.next = self.now.val() + self.one.val();
            self.crowds.clear.next = self.length.val() <= self.most.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::VecDeque;

    /// What is on the lists, and what must be told: queues of Rust.
    struct Model {
        seed: u64,
        rng: ChaCha8Rng,
        /// The sequence number after the last octet that a queue pair sent.
        sent: [u32; 16],
        acknowledged: [u32; 16],
        lists: Vec<VecDeque<SentRequest>>,
        told: Vec<VecDeque<SentRequest>>,
        /// RDMA Reads that are noted and not done, and those that are done and still listed.
        reading: [usize; 16],
        read: [usize; 16],
        /// Requests sent so far, of all queue pairs.
        number: u64,
        /// The longest that a list has been.
        most: usize,
    }

    impl Model {
        fn new(seed: u64) -> Self {
            let start = [0xffff_fe00_u32; 16];
            Self {
                seed,
                rng: rng(seed),
                sent: start,
                acknowledged: start,
                lists: vec![VecDeque::new(); 16],
                told: vec![VecDeque::new(); 16],
                reading: [0; 16],
                read: [0; 16],
                number: 0,
                most: 0,
            }
        }

        fn edge(&self, qp: usize) -> SendEdge {
            SendEdge {
                valid: true,
                qp: (qp as u64).to_bits(),
                unacknowledged: u64::from(self.acknowledged[qp]).to_bits(),
                window: 0.into(),
            }
        }

        /// Some of what is out is acknowledged, if anything is.
        fn acknowledge(&mut self, qp: usize) -> SendEdge {
            if !self.rng.random_bool(0.1) || self.acknowledged[qp] == self.sent[qp] {
                return SendEdge::default();
            }
            let out = self.sent[qp].wrapping_sub(self.acknowledged[qp]);
            let step = self.rng.random_range(1..=out);
            self.acknowledged[qp] = self.acknowledged[qp].wrapping_add(step);
            self.retire(qp);
            self.edge(qp)
        }

        /// The oldest RDMA Read of `qp` is done, if there is one.
        fn finish_read(&mut self, qp: usize) -> ReadDone {
            if self.reading[qp] == 0 || !self.rng.random_bool(0.1) {
                return ReadDone::default();
            }
            self.reading[qp] -= 1;
            self.read[qp] += 1;
            self.retire(qp);
            ReadDone { valid: true, qp: (qp as u64).to_bits() }
        }

        /// What is acknowledged and read leaves the list, in order.
        fn retire(&mut self, qp: usize) {
            while let Some(oldest) = self.lists[qp].front().copied() {
                let left = (oldest.end.to_u64() as u32).wrapping_sub(self.acknowledged[qp]);
                if (left != 0 && left < 1 << 31) || (oldest.read && self.read[qp] == 0) {
                    break;
                }
                self.read[qp] -= usize::from(oldest.read);
                self.lists[qp].pop_front();
                self.told[qp].extend(Some(oldest).filter(|r| r.signaled));
            }
        }

        /// The next request that a queue pair has sent.
        fn send(&mut self, qp: usize) -> SentRequest {
            self.sent[qp] = self.sent[qp].wrapping_add(self.rng.random_range(1..100));
            self.number += 1;
            SentRequest {
                qp: (qp as u64).to_bits(),
                end: u64::from(self.sent[qp]).to_bits(),
                request: (self.number & 0xffff).to_bits(),
                signaled: self.rng.random_bool(0.8),
                cq: (qp as u64 + 1).to_bits(),
                length: self.number.to_bits(),
                read: self.reading[qp] < 8 && self.rng.random_bool(0.2),
            }
        }

        /// The uut took the note of a request.
        fn note(&mut self, request: SentRequest) {
            let qp = request.qp.to_u64() as usize;
            self.reading[qp] += usize::from(request.read);
            self.lists[qp].push_back(request);
            self.most = self.most.max(self.lists[qp].len());
            // An acknowledgement may come before the note of what it acknowledges.
            self.retire(qp);
        }

        /// A completion that leaves now must be its queue pair's next.
        fn check(&mut self, uut: &SendCompletions) {
            if uut.completion.valid.val() && uut.completion.ready.val() {
                let got = uut.completion.beat.val();
                let expected = self.told[got.qp.to_u64() as usize].pop_front();
                let expected = expected.expect("nothing was acknowledged");
                assert_eq!(got.request, expected.request, "SEED={}", self.seed);
                assert_eq!((got.cq, got.length), (expected.cq, expected.length));
            }
        }
    }

    /// What is on the lists, and what must be told, against queues of Rust.
    #[test]
    fn completes_in_order_and_never_overflows() {
        for seed in seeds().into_iter().take(10) {
            let mut model = Model::new(seed);
            let mut uut = SendCompletions::default();
            uut.connect_all();
            for qp in 0..3 {
                // As a start does.
                uut.send_edge.next = model.edge(qp);
                tick!(uut);
            }
            let mut since = 100;
            let mut offer: Option<SentRequest> = None;
            let patient = model.rng.random_bool(0.5);
            for now in 0..6000 {
                // Acknowledgements come late in half of the runs, so that the lists fill.
                let qp = model.rng.random_range(0..3_usize);
                let quiet = patient && now % 2000 < 1500;
                uut.send_edge.next =
                    if quiet { SendEdge::default() } else { model.acknowledge(qp) };
                let qp = model.rng.random_range(0..3_usize);
                uut.read_done.next = model.finish_read(qp);
                // As the segmenter does: five clocks after the last one it looks who is crowded.
                let qp = model.rng.random_range(0..3_usize);
                since += 1;
                if offer.is_none() && since > 5 && !uut.crowded.val().get_bit(qp) {
                    offer = Some(model.send(qp));
                }
                uut.request.valid.next = offer.is_some();
                uut.request.beat.next = offer.unwrap_or_default();
                uut.completion.ready.next = model.rng.random_bool(0.7);
                settle!(uut);
                model.check(&uut);
                let taken = offer.filter(|_| uut.request.ready.val());
                edge!(uut);
                if let Some(request) = taken {
                    model.note(request);
                    offer = None;
                    since = 0;
                }
            }
            assert!(model.most < OUTSTANDING_MAX, "SEED={seed}: {} outstanding", model.most);
            uut.request.valid.next = false;
            uut.send_edge.next = SendEdge::default();
            uut.read_done.next = ReadDone::default();
            uut.completion.ready.next = true;
            for _ in 0..2000 {
                settle!(uut);
                model.check(&uut);
                edge!(uut);
            }
            let told = model.told;
            assert!(told.iter().all(VecDeque::is_empty), "SEED={seed}: {told:?}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("send_completions", &mut SendCompletions::default());
    }
}
