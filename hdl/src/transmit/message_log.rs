//! What was sent and is not acknowledged, message by message, so that it can be sent again.
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::queue::{NoteMerge, QpNote, ReadyList};
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::limits::{OUTSTANDING_BITS, OUTSTANDING_MAX};
use rust_hdl::prelude::*;

/// Address bits of the log: queue pair and place.
const LOG_BITS: usize = QP_BITS + OUTSTANDING_BITS;
/// As many messages make a log full: some more may be on their way.
const FULL: u64 = OUTSTANDING_MAX as u64 - 4;

/// A place of a queue pair's log.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LogPlace {
    /// Its number, modulo the places.
    pub place: Bits<OUTSTANDING_BITS>,
    /// The queue pair.
    pub qp: QpNumber,
}

/// Where the log of a queue pair ends, and which message is sent again.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LogEnd {
    /// Behind the last message.
    pub tail: Bits<OUTSTANDING_BITS>,
    /// The message that is sent again, if one is.
    pub replay: Bits<OUTSTANDING_BITS>,
    pub replaying: Bit,
}

/// Where the log of a queue pair begins.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LogFront {
    /// The oldest message that is not acknowledged whole.
    pub head: Bits<OUTSTANDING_BITS>,
    /// Octets of the stream before it.
    pub base: Bits<32>,
}

/// What [`MessageLog`] does in this clock to forget what is acknowledged.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ForgetState {
    /// Takes the number of a queue pair of which there is news.
    Choose,
    /// Its log is looked up.
    Look,
    /// The oldest message is read, when nobody else reads.
    Oldest,
    /// Is it acknowledged? Then it leaves the log.
    Compare,
}

/// A list of the messages of every queue pair that were sent whole, in stream order: work requests
/// and Read Responses alike.
///
/// ```text
///  forgotten |---- sent once ----|             |---- sent once ----|
///            ^head               ^tail         ^head    ^replay    ^tail
///            base
/// ```
/// What is acknowledged leaves at the head. `rewind` puts the queue pair's `replay` to the head;
/// `advance` moves it on, and at the tail the queue pair goes on with what is new. While it
/// replays, nothing is appended, so that every place from `replay` to the tail stays what it was.
#[derive(LogicBlock, Ports, Default)]
pub struct MessageLog {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub send_edge: Signal<In, SendEdge>,
    /// A queue pair: the others are about it.
    pub qp: Signal<In, QpNumber>,
    /// A clock later: read its `message`, the oldest if it goes back, and else the one that is
    /// replayed; in the clock after that `message` is there, and stays.
    pub looking: Signal<In, Bit>,
    pub back: Signal<In, Bit>,
    pub message: Signal<Out, LoggedMessage>,
    /// A clock after `qp`: a message is replayed; the log has no room for another;
    pub replaying: Signal<Out, Bit>,
    pub full: Signal<Out, Bit>,
    /// it has a message; octets of the stream before its first.
    pub some: Signal<Out, Bit>,
    pub base: Signal<Out, Bits<32>>,
    /// Two clocks after `qp` and later, one of: append a message; replay from the oldest one on, if
    /// there is one; go on to the next. Not after a change of the queue pair's life since `qp`.
    pub append: Signal<In, Bit>,
    pub appended: Signal<In, LoggedMessage>,
    pub rewind: Signal<In, Bit>,
    pub advance: Signal<In, Bit>,
    /// A log is not full any more.
    pub roomy: Signal<Out, QpNote>,

    ends: LifeTable<LogEnd>,
    ends_seen: LifeTable<LogEnd>,
    fronts: LifeTable<LogFront>,
    fronts_seen: LifeTable<LogFront>,
    edges: LifeTable<Bits<32>>,
    log: DualPortRam<LoggedMessage, LOG_BITS>,
    notes: NoteMerge<2>,
    news: ReadyList,
    watch: LifeWatch,
    state: DFF<ForgetState>,
    chosen: DFF<QpNumber>,
    looked: DFF<Bit>,
    kept: DFF<LoggedMessage>,
    limit: Signal<Local, LogEnd>,
    front: Signal<Local, LogFront>,
    read_place: Signal<Local, LogPlace>,
    write_place: Signal<Local, LogPlace>,
    length: Signal<Local, Bits<OUTSTANDING_BITS>>,
    left: Signal<Local, Bits<OUTSTANDING_BITS>>,
    following: Signal<Local, Bits<OUTSTANDING_BITS>>,
    reached: Signal<Local, Bits<32>>,
    lives: Signal<Local, Bit>,
    leave: Signal<Local, Bit>,
    one: Literal<OUTSTANDING_BITS, 1>,
    most: Literal<OUTSTANDING_BITS, FULL>,
}

impl Logic for MessageLog {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, looked, kept);
        clock!(self, clock, ends, ends_seen, fronts, fronts_seen, edges, log, notes, news, watch);
        self.ends.change.next = self.change.val();
        self.ends_seen.change.next = self.change.val();
        self.fronts.change.next = self.change.val();
        self.fronts_seen.change.next = self.change.val();
        self.edges.change.next = self.change.val();
        self.news.change.next = self.change.val();
        self.watch.change.next = self.change.val();

        // Who sends: looks, appends, goes back and on.
        self.ends.read_qp.next = self.qp.val();
        self.fronts_seen.read_qp.next = self.qp.val();
        self.limit.next = self.ends.read_record.val();
        self.front.next = self.fronts_seen.read_record.val();
        self.length.next = self.limit.val().tail - self.front.val().head;
        self.some.next = self.length.val().any();
        self.full.next = self.length.val() >= self.most.val();
        self.base.next = self.front.val().base;
        self.replaying.next = self.limit.val().replaying;
        self.following.next = self.limit.val().replay + self.one.val();
        self.ends.write.next = self.append.val() | self.rewind.val() | self.advance.val();
        self.ends.write_qp.next = self.qp.val();
        self.ends.write_record.next = self.limit.val();
        if self.append.val() {
            self.ends.write_record.next.tail = self.limit.val().tail + self.one.val();
        }
        if self.rewind.val() {
            self.ends.write_record.next.replay = self.front.val().head;
            self.ends.write_record.next.replaying = self.length.val().any();
        }
        if self.advance.val() {
            self.ends.write_record.next.replay = self.following.val();
            self.ends.write_record.next.replaying = self.following.val() != self.limit.val().tail;
        }
        self.ends_seen.write.next = self.append.val();
        self.ends_seen.write_qp.next = self.qp.val();
        self.ends_seen.write_record.next.tail = self.limit.val().tail + self.one.val();
        self.ends_seen.write_record.next.replay = 0.into();
        self.ends_seen.write_record.next.replaying = false;
        self.write_place.next.place = self.limit.val().tail;
        self.write_place.next.qp = self.qp.val();
        self.log.write_address.next = self.write_place.val().into();
        self.log.write_data.next = self.appended.val();
        self.log.write_enable.next = self.append.val();

        // The log has one reader at a time: who sends comes first.
        self.read_place.next.place = self.fronts.read_record.val().head;
        self.read_place.next.qp = self.chosen.q.val();
        if self.looking.val() {
            self.read_place.next.place = self.front.val().head;
            self.read_place.next.qp = self.qp.val();
            if self.limit.val().replaying & !self.back.val() {
                self.read_place.next.place = self.limit.val().replay;
            }
        }
        self.log.read_address.next = self.read_place.val().into();
        self.looked.d.next = self.looking.val();
        self.message.next = self.kept.q.val();
        if self.looked.q.val() {
            self.message.next = self.log.read_data.val();
            self.kept.d.next = self.log.read_data.val();
        }

        // Who forgets.
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_qp.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val().acknowledged;
        self.notes.notes[0].next.valid = self.send_edge.val().valid;
        self.notes.notes[0].next.qp = self.send_edge.val().qp;
        self.notes.notes[1].next.valid = self.append.val();
        self.notes.notes[1].next.qp = self.qp.val();
        StreamSource::<QpNumber>::join(&mut self.notes.source, &mut self.news.put);
        self.news.first.ready.next = self.state.q.val() == ForgetState::Choose;
        self.watch.look.next = self.state.q.val() == ForgetState::Choose;
        self.watch.qp.next = self.news.first.beat.val();
        self.fronts.read_qp.next = self.chosen.q.val();
        self.ends_seen.read_qp.next = self.chosen.q.val();
        self.edges.read_qp.next = self.chosen.q.val();
        self.left.next =
            self.ends_seen.read_record.val().tail - self.fronts.read_record.val().head;
        self.reached.next = self.edges.read_record.val() - self.log.read_data.val().end;
        self.lives.next = self.watch.life_now.val().active & !self.watch.disturbed_now.val();
        self.leave.next = false;
        match self.state.q.val() {
            ForgetState::Choose => {
                self.chosen.d.next = self.news.first.beat.val();
                if self.news.first.valid.val() {
                    self.state.d.next = ForgetState::Look;
                }
            }
            ForgetState::Look => {
                self.state.d.next = ForgetState::Oldest;
            }
            ForgetState::Oldest => {
                // What is appended in this clock could be the very message that is read.
                if !self.looking.val() & !self.append.val() {
                    self.state.d.next = ForgetState::Compare;
                }
            }
            ForgetState::Compare => {
                self.state.d.next = ForgetState::Choose;
                if self.left.val().any() & !self.reached.val().get_bit(31) & self.lives.val() {
                    self.leave.next = true;
                    self.state.d.next = ForgetState::Look;
                }
            }
            _ => {
                self.state.d.next = ForgetState::Choose;
            }
        }
        self.fronts.write.next = self.leave.val();
        self.fronts.write_qp.next = self.chosen.q.val();
        self.fronts.write_record.next.head =
            self.fronts.read_record.val().head + self.one.val();
        self.fronts.write_record.next.base = self.log.read_data.val().end;
        self.fronts_seen.write.next = self.leave.val();
        self.fronts_seen.write_qp.next = self.chosen.q.val();
        self.fronts_seen.write_record.next.head =
            self.fronts.read_record.val().head + self.one.val();
        self.fronts_seen.write_record.next.base = self.log.read_data.val().end;
        self.roomy.next.valid = self.leave.val() & (self.left.val() == self.most.val());
        self.roomy.next.qp = self.chosen.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::VecDeque;

    const QPS: usize = 3;

    /// A log in Rust.
    #[derive(Default)]
    struct Model {
        /// Messages that are not acknowledged, the oldest first, and octets before them.
        log: VecDeque<LoggedMessage>,
        /// Messages appended in all, and octets of them.
        appended: u64,
        end: u32,
        acknowledged: u32,
        /// The message that is replayed, by its number.
        replay: Option<u64>,
    }

    impl Model {
        fn acknowledge(&mut self, end: u32) {
            self.acknowledged = end;
            while self.log.front().is_some_and(|m| m.end.to_u64() <= u64::from(end)) {
                self.log.pop_front();
            }
        }

        fn first(&self) -> u64 {
            self.appended - self.log.len() as u64
        }
    }

    fn begin(uut: &mut MessageLog, qp: usize) {
        let (valid, begins, active) = (true, true, true);
        let qp = (qp as u64).to_bits();
        uut.change.next = QpChange { valid, begins, active, qp, ..Default::default() };
        tick!(*uut);
        uut.change.next = QpChange::default();
        for _ in 0..8 {
            tick!(*uut);
        }
    }

    /// Looks a queue pair up, as who sends does: two clocks later everything is there.
    fn look(uut: &mut MessageLog, qp: usize, back: bool) {
        uut.qp.next = (qp as u64).to_bits();
        uut.back.next = back;
        tick!(*uut);
        uut.looking.next = true;
        tick!(*uut);
        uut.looking.next = false;
        settle!(*uut);
    }

    /// What is acknowledged is forgotten some clocks later, and what is not never is.
    #[test]
    fn keeps_what_is_not_acknowledged() {
        for seed in seeds().into_iter().take(10) {
            let mut rng = rng(seed);
            let mut uut = MessageLog::default();
            crate::queue::elaborate("message_log", &mut uut);
            let mut models: Vec<Model> = (0..QPS).map(|_| Model::default()).collect();
            (0..QPS).for_each(|qp| begin(&mut uut, qp));
            let mut most = 0;
            for _ in 0..1500 {
                let qp = rng.random_range(0..QPS);
                let model = &mut models[qp];
                if rng.random_bool(0.2) && model.end > model.acknowledged {
                    let end = rng.random_range(model.acknowledged..=model.end);
                    model.acknowledge(end);
                    uut.send_edge.next = SendEdge {
                        valid: true,
                        qp: (qp as u64).to_bits(),
                        acknowledged: u64::from(end).to_bits(),
                        ..Default::default()
                    };
                    tick!(uut);
                    uut.send_edge.next = SendEdge::default();
                    for _ in 0..4 * FULL + 20 {
                        tick!(uut);
                    }
                }
                let back = rng.random_bool(0.05);
                look(&mut uut, qp, back);
                let model = &mut models[qp];
                most = most.max(model.log.len());
                assert_eq!(uut.some.val(), !model.log.is_empty(), "SEED={seed}");
                assert_eq!(uut.full.val(), model.log.len() as u64 >= FULL, "SEED={seed}");
                assert_eq!(uut.replaying.val(), model.replay.is_some(), "SEED={seed}");
                if back {
                    assert!(model.log.front().is_none_or(|m| *m == uut.message.val()));
                    model.replay = (!model.log.is_empty()).then(|| model.first());
                    uut.rewind.next = true;
                } else if let Some(replay) = model.replay {
                    // One that was acknowledged in the meantime is there still.
                    let expected = replay + 1;
                    assert_eq!(uut.message.val().sends.to_u64(), expected, "SEED={seed}");
                    model.replay = (expected < model.appended).then_some(expected);
                    uut.advance.next = true;
                } else if !uut.full.val() {
                    model.end += rng.random_range(1..3000);
                    model.appended += 1;
                    let appended = LoggedMessage {
                        end: u64::from(model.end).to_bits(),
                        sends: model.appended.to_bits(),
                        ..Default::default()
                    };
                    model.log.push_back(appended);
                    uut.appended.next = appended;
                    uut.append.next = true;
                }
                tick!(uut);
                uut.append.next = false;
                uut.rewind.next = false;
                uut.advance.next = false;
                for _ in 0..8 {
                    tick!(uut);
                }
            }
            assert!(most > 5, "SEED={seed}: {most}");
        }
    }
}
