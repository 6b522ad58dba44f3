//! Completes send work requests when the peer has acknowledged them.
use crate::complete::records::Completion;
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::{LifeCounter, LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::queue::{NoteMerge, QpNote, ReadyList};
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::limits::{OUTSTANDING_BITS, OUTSTANDING_MAX};
use ironwarp_abi::{queue, status};
use rust_hdl::prelude::*;

/// Address bits of the lists: queue pair and place.
const LIST_BITS: usize = QP_BITS + OUTSTANDING_BITS;
/// As many outstanding work requests make a queue pair crowded: some more may be on their way.
pub const CROWD: u64 = OUTSTANDING_MAX as u64 - 4;

/// A place of a queue pair's list.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct OutstandingPlace {
    /// Its number, modulo the places.
    pub place: Bits<OUTSTANDING_BITS>,
    /// The queue pair.
    pub qp: QpNumber,
}

/// What [`SendCompletions`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum RetireState {
    /// Takes a sent work request, or else the number of a queue pair of which there is news.
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

/// A list of the outstanding work requests of every queue pair.
///
/// ```text
/// request --> Choose --> Note --> Append
/// edge, read_done, noted --> ReadyList --> Choose --> Look --> Oldest --> Compare --> Judge
///                                                      ^ Tell <------------------------+
/// ```
/// A queue pair is looked at when it was acknowledged, when a work request was noted, and when an
/// RDMA Read was done. A work request completes in its turn when its last octet is acknowledged,
/// an RDMA Read when its response is placed, too; one that is not `signaled` only leaves the list.
/// Nothing completes when the queue pair is not active, nor in another life.
#[derive(LogicBlock, Ports, Default)]
pub struct SendCompletions {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// A work request was handed to the stream, whole.
    pub request: StreamSink<SentRequest>,
    pub send_edge: Signal<In, SendEdge>,
    /// An RDMA Read of the present life is done: at most every other clock.
    pub read_done: Signal<In, QpNote>,
    /// A queue pair, and a clock later how many of its RDMA Reads are done, modulo 2^8.
    pub done_qp: Signal<Out, QpNumber>,
    pub done: Signal<In, Bits<8>>,
    pub completion: StreamSource<Completion>,
    /// A queue pair: its list is all but full, a clock later. Up to date five clocks after a
    /// request.
    pub crowd_qp: Signal<In, QpNumber>,
    pub crowded: Signal<Out, Bit>,
    /// A list is not all but full any more.
    pub uncrowded: Signal<Out, QpNote>,

    // The list of a queue pair is `head .. tail`; the last two say who is crowded.
    heads: LifeTable<Bits<OUTSTANDING_BITS>>,
    tails: LifeTable<Bits<OUTSTANDING_BITS>>,
    heads_seen: LifeTable<Bits<OUTSTANDING_BITS>>,
    tails_seen: LifeTable<Bits<OUTSTANDING_BITS>>,
    edges: LifeTable<Bits<32>>,
    completed: LifeCounter<8, 1>,
    list: DualPortRam<SentRequest, LIST_BITS>,
    notes: NoteMerge<3>,
    news: ReadyList,
    watch: LifeWatch,
    state: DFF<RetireState>,
    chosen: DFF<QpNumber>,
    entry: DFF<SentRequest>,
    /// The last octet of `entry` is acknowledged. What is acknowledged in the meantime is looked at
    /// again.
    acknowledged: DFF<Bit>,
    look_qp: Signal<Local, QpNumber>,
    lives: Signal<Local, Bit>,
    length: Signal<Local, Bits<OUTSTANDING_BITS>>,
    length_seen: Signal<Local, Bits<OUTSTANDING_BITS>>,
    first: Signal<Local, OutstandingPlace>,
    last: Signal<Local, OutstandingPlace>,
    reached: Signal<Local, Bits<32>>,
    some_read: Signal<Local, Bit>,
    leave: Signal<Local, Bit>,
    append: Signal<Local, Bit>,
    one: Literal<OUTSTANDING_BITS, 1>,
    most: Literal<OUTSTANDING_BITS, CROWD>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    kind: Literal<8, { queue::kind::SEND as u64 }>,
}

impl Logic for SendCompletions {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, entry, acknowledged);
        clock!(self, clock, heads, tails, heads_seen, tails_seen, edges, completed, list);
        clock!(self, clock, notes, news, watch);
        self.heads.change.next = self.change.val();
        self.tails.change.next = self.change.val();
        self.heads_seen.change.next = self.change.val();
        self.tails_seen.change.next = self.change.val();
        self.edges.change.next = self.change.val();
        self.completed.change.next = self.change.val();
        self.news.change.next = self.change.val();
        self.watch.change.next = self.change.val();

        // The news.
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_qp.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val().acknowledged;
        self.notes.notes[0].next = self.read_done.val();
        self.notes.notes[1].next.valid = self.send_edge.val().valid;
        self.notes.notes[1].next.qp = self.send_edge.val().qp;
        self.notes.notes[2].next.qp = self.chosen.q.val();
        StreamSource::<QpNumber>::join(&mut self.notes.source, &mut self.news.put);
        self.news.first.ready.next =
            (self.state.q.val() == RetireState::Choose) & !self.request.valid.val();
        self.request.ready.next = self.state.q.val() == RetireState::Choose;

        // The queue pair at work.
        self.look_qp.next = self.news.first.beat.val();
        if self.request.valid.val() {
            self.look_qp.next = self.request.beat.val().qp;
        }
        self.watch.look.next = self.state.q.val() == RetireState::Choose;
        self.watch.qp.next = self.look_qp.val();
        self.heads.read_qp.next = self.chosen.q.val();
        self.tails.read_qp.next = self.chosen.q.val();
        self.edges.read_qp.next = self.chosen.q.val();
        self.completed.read_qp[0].next = self.chosen.q.val();
        self.done_qp.next = self.chosen.q.val();
        self.length.next = self.tails.read_record.val() - self.heads.read_record.val();
        self.last.next.place = self.tails.read_record.val();
        self.last.next.qp = self.chosen.q.val();
        self.first.next.place = self.heads.read_record.val();
        self.first.next.qp = self.chosen.q.val();
        self.list.write_address.next = self.last.val().into();
        self.list.write_data.next = self.entry.q.val();
        self.list.read_address.next = self.first.val().into();
        self.lives.next = self.watch.life_now.val().active & !self.watch.disturbed_now.val();

        // Acknowledged: the last octet's number is not after SND.UNA.
        self.reached.next = self.edges.read_record.val() - self.list.read_data.val().end;
        self.some_read.next = self.done.val() != self.completed.count[0].val();
        self.leave.next = false;
        self.append.next = false;

        self.completion.beat.next.cq = self.entry.q.val().cq;
        self.completion.beat.next.qp = self.entry.q.val().qp;
        self.completion.beat.next.generation = self.entry.q.val().generation;
        self.completion.beat.next.kind = self.kind.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.entry.q.val().request;
        self.completion.beat.next.solicited = false;
        self.completion.beat.next.length = self.entry.q.val().length;
        self.completion.beat.next.sequence = 0.into();
        self.completion.valid.next = self.state.q.val() == RetireState::Tell;

        match self.state.q.val() {
            RetireState::Choose => {
                self.entry.d.next = self.request.beat.val();
                self.chosen.d.next = self.look_qp.val();
                if self.request.valid.val() {
                    self.state.d.next = RetireState::Note;
                } else if self.news.first.valid.val() {
                    self.state.d.next = RetireState::Look;
                }
            }
            RetireState::Note => {
                self.state.d.next = RetireState::Append;
            }
            RetireState::Append => {
                // Its acknowledgement may have come before it: look once.
                if self.notes.free[2].val() {
                    self.append.next = self.lives.val()
                        & (self.watch.life.val().generation == self.entry.q.val().generation);
                    self.state.d.next = RetireState::Choose;
                }
            }
            RetireState::Look => {
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
                if self.length.val().any()
                    & self.acknowledged.q.val()
                    & (self.some_read.val() | !self.entry.q.val().read)
                    & self.lives.val()
                {
                    self.leave.next = true;
                    self.state.d.next = RetireState::Look;
                    if self.entry.q.val().signaled {
                        self.state.d.next = RetireState::Tell;
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

        self.notes.notes[2].next.valid = self.append.val();
        self.list.write_enable.next = self.append.val();
        self.tails.write.next = self.append.val();
        self.tails.write_qp.next = self.chosen.q.val();
        self.tails.write_record.next = self.tails.read_record.val() + self.one.val();
        self.heads.write.next = self.leave.val();
        self.heads.write_qp.next = self.chosen.q.val();
        self.heads.write_record.next = self.heads.read_record.val() + self.one.val();
        self.completed.up.next = self.leave.val() & self.entry.q.val().read;
        self.completed.up_qp.next = self.chosen.q.val();

        // Who is crowded.
        self.tails_seen.write.next = self.tails.write.val();
        self.tails_seen.write_qp.next = self.tails.write_qp.val();
        self.tails_seen.write_record.next = self.tails.write_record.val();
        self.heads_seen.write.next = self.heads.write.val();
        self.heads_seen.write_qp.next = self.heads.write_qp.val();
        self.heads_seen.write_record.next = self.heads.write_record.val();
        self.tails_seen.read_qp.next = self.crowd_qp.val();
        self.heads_seen.read_qp.next = self.crowd_qp.val();
        self.length_seen.next =
            self.tails_seen.read_record.val() - self.heads_seen.read_record.val();
        self.crowded.next = self.length_seen.val() >= self.most.val();
        self.uncrowded.next.valid = self.leave.val() & (self.length.val() == self.most.val());
        self.uncrowded.next.qp = self.chosen.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::CQ_BITS;
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::VecDeque;

    /// Queue pairs of the model.
    const QPS: usize = 3;

    /// What is on the lists, and what must be told: queues of Rust.
    struct Model {
        seed: u64,
        rng: ChaCha8Rng,
        /// The sequence number after the last octet that a queue pair sent.
        sent: [u32; QPS],
        acknowledged: [u32; QPS],
        lists: Vec<VecDeque<SentRequest>>,
        told: Vec<VecDeque<SentRequest>>,
        /// RDMA Reads that are noted and not done, and those that are done and still listed.
        reading: [usize; QPS],
        read: [usize; QPS],
        /// All that were ever done.
        done: [u64; QPS],
        /// The queue pairs that were found crowded since they last were told to be not.
        crowded: [bool; QPS],
        /// Requests sent so far, of all queue pairs.
        number: u64,
        /// The longest that a list has been.
        most: usize,
    }

    impl Model {
        fn new(seed: u64) -> Self {
            let start = [0; QPS];
            Self {
                seed,
                rng: rng(seed),
                sent: start,
                acknowledged: start,
                lists: vec![VecDeque::new(); QPS],
                told: vec![VecDeque::new(); QPS],
                reading: [0; QPS],
                read: [0; QPS],
                done: [0; QPS],
                crowded: [false; QPS],
                number: 0,
                most: 0,
            }
        }

        fn edge(&self, qp: usize) -> SendEdge {
            SendEdge {
                valid: true,
                qp: (qp as u64).to_bits(),
                acknowledged: u64::from(self.acknowledged[qp]).to_bits(),
                window: 0.into(),
                duplicates: 0.into(),
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
        fn finish_read(&mut self, qp: usize) -> QpNote {
            if self.reading[qp] == 0 || !self.rng.random_bool(0.1) {
                return QpNote::default();
            }
            self.reading[qp] -= 1;
            self.read[qp] += 1;
            self.done[qp] += 1;
            self.retire(qp);
            QpNote { valid: true, qp: (qp as u64).to_bits() }
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
                generation: 1.into(),
                end: u64::from(self.sent[qp]).to_bits(),
                request: (self.number & 0xffff).to_bits(),
                signaled: self.rng.random_bool(0.8),
                cq: (qp as u64 + 1).to_bits::<CQ_BITS>(),
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
                assert_eq!(got.generation, expected.generation);
            }
        }
    }

    fn begin(uut: &mut SendCompletions, qp: u64, generation: u64, active: bool) {
        let (valid, begins) = (true, active);
        let (qp, generation) = (qp.to_bits(), generation.to_bits());
        uut.change.next =
            QpChange { valid, begins, started: active, active, qp, generation, wipe: false };
        tick!(*uut);
        uut.change.next = QpChange::default();
        for _ in 0..7 {
            tick!(*uut);
        }
    }

    /// One clock; what is looked up comes a clock later.
    fn clock(uut: &mut SendCompletions, model: &mut Model, crowd_qp: usize) {
        let looked = uut.done_qp.val().to_u64() as usize;
        let done = model.done[looked] & 0xff;
        uut.crowd_qp.next = (crowd_qp as u64).to_bits();
        if uut.uncrowded.val().valid {
            model.crowded[uut.uncrowded.val().qp.to_u64() as usize] = false;
        }
        edge!(*uut);
        uut.done.next = done.to_bits();
        settle!(*uut);
        if uut.crowded.val() {
            model.crowded[crowd_qp] = true;
        } else {
            assert!(!model.crowded[crowd_qp], "SEED={}: nobody was told", model.seed);
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
                begin(&mut uut, qp, 1, true);
            }
            let (mut since, mut looked) = (100, 0);
            let mut offer: Option<SentRequest> = None;
            let patient = model.rng.random_bool(0.5);
            let (mut read_done, mut pause) = (QpNote::default(), false);
            for now in 0..6000 {
                // Acknowledgements come late in half of the runs, so that the lists fill.
                let qp = model.rng.random_range(0..3_usize);
                let quiet = patient && now % 2000 < 1500;
                // Every fourth clock at most.
                let told = uut.send_edge.val().valid || now % 4 != 0;
                uut.send_edge.next =
                    if quiet || told { SendEdge::default() } else { model.acknowledge(qp) };
                let qp = model.rng.random_range(0..3_usize);
                pause = !pause && read_done.valid;
                read_done = if pause { QpNote::default() } else { model.finish_read(qp) };
                uut.read_done.next = read_done;
                // As the segmenter does: five clocks after the last one it looks who is crowded.
                since += 1;
                if offer.is_none() && since > 5 && !uut.crowded.val() {
                    offer = Some(model.send(looked));
                }
                uut.request.valid.next = offer.is_some();
                uut.request.beat.next = offer.unwrap_or_default();
                uut.completion.ready.next = model.rng.random_bool(0.7);
                settle!(uut);
                model.check(&uut);
                let taken = offer.filter(|_| uut.request.ready.val());
                looked = model.rng.random_range(0..3_usize);
                clock(&mut uut, &mut model, looked);
                if let Some(request) = taken {
                    model.note(request);
                    offer = None;
                    since = 0;
                }
            }
            assert!(model.most < OUTSTANDING_MAX, "SEED={seed}: {} outstanding", model.most);
            uut.request.valid.next = false;
            uut.send_edge.next = SendEdge::default();
            uut.read_done.next = QpNote::default();
            uut.completion.ready.next = true;
            for _ in 0..2000 {
                settle!(uut);
                model.check(&uut);
                clock(&mut uut, &mut model, 0);
            }
            let told = model.told;
            assert!(told.iter().all(VecDeque::is_empty), "SEED={seed}: {told:?}");
        }
    }

    /// What was sent in an earlier life, or comes after the end of this one, completes nothing.
    #[test]
    fn nothing_completes_but_in_its_own_life() {
        let request = SentRequest { generation: 1.into(), end: 10.into(), ..Default::default() };
        let request = SentRequest { signaled: true, qp: 2.into(), ..request };
        let edge =
            SendEdge { valid: true, qp: 2.into(), acknowledged: 10.into(), ..Default::default() };
        // A change 0 to 20 clocks after the request: the end of the life, or the next one.
        for (begins, after) in (0..20).flat_map(|after| [(false, after), (true, after)]) {
            let mut uut = SendCompletions::default();
            uut.connect_all();
            begin(&mut uut, 2, 1, true);
            let mut told = 0;
            for now in 0..60 {
                uut.request.beat.next = request;
                uut.request.valid.next = now == 0;
                uut.send_edge.next = if now == 30 { edge } else { SendEdge::default() };
                let generation = if begins { 2 } else { 1 };
                uut.change.next = QpChange {
                    valid: now == after,
                    qp: 2.into(),
                    generation: generation.into(),
                    begins,
                    active: begins,
                    ..Default::default()
                };
                uut.completion.ready.next = true;
                settle!(uut);
                told += u32::from(uut.completion.valid.val());
                edge!(uut);
            }
            assert_eq!(told, 0, "begins {begins} after {after}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("send_completions", &mut SendCompletions::default());
    }
}
