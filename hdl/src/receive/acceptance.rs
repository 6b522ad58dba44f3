//! Decides what becomes of a TCP segment.
//!
//! ```text
//! clock   0    look up RCV.NXT and what has been taken out of the ring
//!         1    distances between sequence numbers
//!         2    decide; `decision` stands from clock 3 until the next segment's
//! ```
use crate::configuration::STREAM_RING_BITS;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::notes::*;
use crate::receive::ring_sizes::RING_BYTES;
use rust_hdl::prelude::*;

/// Keeps RCV.NXT of every queue pair. A segment is taken only if it holds the next octet and fits
/// in the ring; octets that came before are cut off its front.
///
/// Contract: `ask` with a segment's head; not again before that frame's last beat, at which
/// `commit` says that the segment was good, and that its queue pair lives as it did when it came.
/// The tables are up to date two clocks after `commit`.
#[derive(LogicBlock, Ports, Default)]
pub struct Acceptance {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// Octets that have left the rings.
    pub taken: Signal<In, StreamTaken>,
    /// The segment; must not change until `commit`.
    pub head: Signal<In, FrameHead>,
    /// Decide about `head`.
    pub ask: Signal<In, Bit>,
    pub decision: Signal<Out, Decision>,
    /// What was decided happens.
    pub commit: Signal<In, Bit>,
    received_table: LifeTable<ReceivedEdge>,
    removed_table: LifeTable<SequenceMark>,
    at_start: QpField<32, { field_number("receive_next") }>,
    window: QpField<32, { field_number("receive_window") }>,
    look: DFF<Bit>,
    judge: DFF<Bit>,
    // Clock 1's results.
    expected: DFF<Bits<32>>,
    /// Octets of the segment that came before: RCV.NXT - SEQ.
    known: DFF<Bits<32>>,
    /// SEQ - RCV.NXT.
    ahead: DFF<Bits<32>>,
    octets_end: DFF<Bits<32>>,
    /// Octets in the ring if the segment is taken.
    waiting: DFF<Bits<32>>,
    /// Octets in the ring, and how many are allowed there.
    queued: DFF<Bits<32>>,
    allowed: DFF<Bits<32>>,
    /// The peer has sent FIN.
    closed: DFF<Bit>,
    result: DFF<Decision>,
    number: Signal<Local, Bits<32>>,
    length: Signal<Local, Bits<32>>,
    flags: Signal<Local, Bits<8>>,
    received: Signal<Local, Bits<32>>,
    removed: Signal<Local, Bits<32>>,
    segment_end: Signal<Local, Bits<32>>,
    finish: Signal<Local, Bit>,
    novel: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    room: Signal<Local, Bits<32>>,
    in_window: Signal<Local, Bit>,
    origin: Signal<Local, Bits<32>>,
    ring: Literal<32, RING_BYTES>,
}

impl Logic for Acceptance {
    //= rfc9293#3.10.7.4  First, check the sequence number; then RST, SYN, ACK, the octets, FIN.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, look, judge, closed, result);
        dff_setup!(self, clock, expected, known, ahead, octets_end, waiting, queued, allowed);
        clock!(self, clock, received_table, removed_table, at_start, window);
        self.window.context_write.next = self.context_write.val();
        self.window.qp.next = self.head.val().qp;
        self.at_start.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.head.val().qp;
        self.received_table.change.next = self.change.val();
        self.received_table.read_qp.next = self.head.val().qp;
        self.received_table.write.next = self.commit.val() & self.result.q.val().accept;
        self.received_table.write_qp.next = self.result.q.val().qp;
        self.received_table.write_record.next.begun = true;
        self.received_table.write_record.next.closed = self.result.q.val().finish;
        self.received_table.write_record.next.number = self.result.q.val().expected;
        self.removed_table.change.next = self.change.val();
        self.removed_table.read_qp.next = self.head.val().qp;
        self.removed_table.write.next = self.taken.val().valid;
        self.removed_table.write_qp.next = self.taken.val().qp;
        self.removed_table.write_record.next.begun = true;
        self.removed_table.write_record.next.number = self.taken.val().end;

        // Clock 1.
        self.look.d.next = self.ask.val();
        self.number.next = self.head.val().sequence;
        self.length.next = bit_cast::<32, 16>(self.head.val().payload);
        self.flags.next = self.head.val().flags;
        self.received.next = self.at_start.value.val();
        if self.received_table.read_record.val().begun {
            self.received.next = self.received_table.read_record.val().number;
        }
        self.removed.next = self.at_start.value.val();
        if self.removed_table.read_record.val().begun {
            self.removed.next = self.removed_table.read_record.val().number;
        }
        self.segment_end.next = self.number.val() + self.length.val();
        if self.look.q.val() {
            self.expected.d.next = self.received.val();
            self.known.d.next = self.received.val() - self.number.val();
            self.ahead.d.next = self.number.val() - self.received.val();
            self.octets_end.d.next = self.segment_end.val();
            self.waiting.d.next = self.segment_end.val() - self.removed.val();
            self.queued.d.next = self.received.val() - self.removed.val();
            self.allowed.d.next = self.window.value.val();
            if self.window.value.val() > self.ring.val() {
                self.allowed.d.next = self.ring.val();
            }
            self.closed.d.next = self.received_table.read_record.val().closed;
        }

        // Clock 2. A FIN is not counted: the driver acknowledges it, who closes the connection.
        self.judge.d.next = self.look.q.val();
        self.finish.next = self.flags.val().get_bit(0)
            & (self.known.q.val() <= self.length.val())
            & !self.closed.q.val();
        self.novel.next = (self.known.q.val() < self.length.val()) & !self.closed.q.val();
        self.fits.next = self.waiting.q.val() <= self.ring.val();
        self.room.next = self.allowed.q.val() - self.queued.q.val();
        self.in_window.next =
            (self.allowed.q.val() > self.queued.q.val()) & (self.ahead.q.val() < self.room.val());
        self.origin.next = self.number.val() - bit_cast::<32, 7>(self.head.val().payload_at);
        if self.judge.q.val() {
            self.result.d.next.qp = self.head.val().qp;
            self.result.d.next.accept = false;
            self.result.d.next.finish = self.finish.val();
            self.result.d.next.no_room = false;
            self.result.d.next.out_of_order = false;
            self.result.d.next.reset = false;
            self.result.d.next.acknowledge = false;
            self.result.d.next.forward = false;
            self.result.d.next.expected = self.expected.q.val();
            self.result.d.next.end = self.octets_end.q.val();
            self.result.d.next.origin = bit_cast::<STREAM_RING_BITS, 32>(self.origin.val());
            self.result.d.next.low = bit_cast::<16, 7>(self.head.val().payload_at)
                + self.known.q.val().get_bits::<16>(0);
            self.result.d.next.high =
                bit_cast::<16, 7>(self.head.val().payload_at) + self.head.val().payload;
            if self.flags.val().get_bit(2) {
                self.result.d.next.reset = !self.ahead.q.val().any();
                self.result.d.next.acknowledge = self.ahead.q.val().any() & self.in_window.val();
            } else if self.flags.val().get_bit(1) {
                self.result.d.next.acknowledge = true;
            } else if self.flags.val().get_bit(4) {
                self.result.d.next.forward = true;
                if self.novel.val() | self.finish.val() {
                    self.result.d.next.acknowledge = self.novel.val();
                    self.result.d.next.accept = self.fits.val();
                    self.result.d.next.no_room = !self.fits.val();
                    if self.fits.val() {
                        self.result.d.next.expected = self.octets_end.q.val();
                    }
                } else if self.length.val().any() | self.flags.val().get_bit(0) {
                    self.result.d.next.out_of_order = true;
                    self.result.d.next.acknowledge = true;
                } else {
                    self.result.d.next.acknowledge =
                        self.ahead.q.val().any() & !self.in_window.val();
                }
            }
        }

        self.decision.next = self.result.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};
    use rand::Rng;

    /// RFC 9293 s. 3.10.7.4 for a receiver that keeps nothing out of order.
    struct Model {
        expected: u32,
        removed: u32,
        closed: bool,
    }

    /// RCV.WND while nothing waits.
    const WINDOW: u32 = 20_000;

    impl Model {
        fn decide(&self, sequence: u32, length: u32, flags: u64) -> (Decision, u32) {
            let known = self.expected.wrapping_sub(sequence);
            let ahead = sequence.wrapping_sub(self.expected);
            let end = sequence.wrapping_add(length);
            let finish = flags & 1 == 1 && known <= length && !self.closed;
            let novel = (known < length && !self.closed) || finish;
            let fits = end.wrapping_sub(self.removed) <= RING_BYTES as u32;
            let queued = self.expected.wrapping_sub(self.removed);
            let in_window = ahead < WINDOW.min(RING_BYTES as u32).saturating_sub(queued);
            let mut decision = Decision::default();
            let mut expected = self.expected;
            if flags & 4 != 0 {
                decision.reset = ahead == 0;
                decision.acknowledge = ahead != 0 && in_window;
            } else if flags & 2 != 0 {
                decision.acknowledge = true;
            } else if flags & 16 != 0 {
                let anything = length > 0 || flags & 1 == 1;
                decision.accept = novel && fits;
                decision.no_room = novel && !fits;
                decision.out_of_order = anything && !novel;
                let octets = known < length && !self.closed;
                decision.acknowledge = match anything {
                    true => octets || !novel,
                    false => ahead != 0 && !in_window,
                };
                decision.forward = true;
                decision.finish = finish;
                if decision.accept {
                    // The FIN's own number is the driver's to acknowledge.
                    expected = end;
                }
            }
            decision.expected = u64::from(expected).to_bits();
            (decision, expected)
        }
    }

    /// A block whose queue pair 5 expects the sequence number `first`.
    fn started(first: u32) -> Acceptance {
        let mut uut = Acceptance::default();
        uut.connect_all();
        let context =
            QueuePairContext { receive_next: first, receive_window: WINDOW, ..Default::default() };
        commit!(uut, table::QUEUE_PAIR, 5, &context.to_words());
        change!(uut, begins(5, 1));
        uut
    }

    //= rfc9293#3.10.7.4
    //= type=test
    #[test]
    fn decides_as_the_rules_say() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let first: u32 = if rng.random() { u32::MAX - 9000 } else { rng.random() };
            let mut uut = started(first);
            let mut model = Model { expected: first, removed: first, closed: false };
            for _ in 0..150 {
                let near = rng.random_range(0..600_u32).wrapping_sub(300);
                let edge = WINDOW - 300 + rng.random_range(0..600);
                let far = [0, 0, near, edge, rng.random()][rng.random_range(0..5)];
                let sequence = model.expected.wrapping_add(far);
                let length = [0, 1, 300, 9000][rng.random_range(0..4)];
                let odd = [1, 2, 4, 0][rng.random_range(0..4)];
                let odd = if rng.random_bool(0.1) { odd } else { 0 };
                let flags = odd + 16 * rng.random_range(0..2);
                uut.head.next = FrameHead {
                    qp: 5.into(),
                    sequence: u64::from(sequence).to_bits(),
                    payload: u64::from(length).to_bits(),
                    payload_at: 54.into(),
                    flags: flags.to_bits(),
                    ..Default::default()
                };
                uut.ask.next = true;
                tick!(uut);
                uut.ask.next = false;
                tick!(uut);
                tick!(uut);
                let seen = uut.decision.val();
                let (decision, expected) = model.decide(sequence, length, flags);
                let what = format!("SEED={seed} {sequence} {length} {flags}");
                assert_eq!(seen.expected, decision.expected, "{what}");
                let bits = |d: &Decision| {
                    (d.accept, d.no_room, d.out_of_order, d.reset, d.acknowledge, d.forward)
                };
                assert_eq!(bits(&seen), bits(&decision), "{what}");
                let commit = rng.random();
                uut.commit.next = commit;
                if rng.random_bool(0.03) {
                    // A life that begins in the clock of the commit wins.
                    change!(uut, begins(5, 2));
                    model = Model { expected: first, removed: first, closed: false };
                } else {
                    tick!(uut);
                    if commit && decision.accept {
                        model.expected = expected;
                        model.closed |= decision.finish;
                    }
                }
                uut.commit.next = false;
                if rng.random() {
                    model.removed = model.expected.wrapping_sub(rng.random_range(0..30_000));
                    let end = u64::from(model.removed).to_bits();
                    uut.taken.next =
                        StreamTaken { valid: true, qp: 5.into(), end, ..Default::default() };
                    tick!(uut);
                    uut.taken.next = Default::default();
                }
                tick!(uut);
            }
        }
    }
}
