//! Decides what becomes of a TCP segment.
//!
//! ```text
//! clock   0    look up RCV.NXT and what has been taken out of the ring
//!         1    distances between sequence numbers
//!         2    decide; `decision` stands from clock 3 until the next segment's
//! ```
use crate::control::records::{Command, ContextWrite};
use crate::literal::Derived;
use crate::memory::Table;
use crate::receive::notes::*;
use crate::receive::qp_word::{QpWord, RECEIVE_NEXT, RECEIVE_WINDOW};
use crate::receive::ring_sizes::RingBytes;
use crate::transmit::marks::Marks;
use rust_hdl::prelude::*;

/// Keeps RCV.NXT of every queue pair. A segment is taken only if it holds the next octet and fits
/// in the ring; octets that came before are cut off its front.
///
/// Contract: `ask` with a segment's head; not again before that frame's last beat, at which
/// `commit` says whether the segment was good. The tables are up to date two clocks after `commit`.
#[derive(LogicBlock, Default)]
pub struct Acceptance<const BANK: usize> {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp_command: Signal<In, Command>,
    /// Bit n: queue pair n is active.
    pub active: Signal<In, Bits<16>>,
    /// Octets that have left the rings.
    pub taken: Signal<In, StreamTaken>,
    /// The segment; must not change until `commit`.
    pub head: Signal<In, FrameHead>,
    /// Decide about `head`.
    pub ask: Signal<In, Bit>,
    pub decision: Signal<Out, Decision>,
    /// What was decided happens. Without effect if the queue pair was started or stopped since.
    pub commit: Signal<In, Bit>,
    /// The queue pair was started or stopped after `ask`: nothing may happen.
    pub disturbed: Signal<Out, Bit>,
    received_table: Table<Bits<32>, 4>,
    removed_table: Table<Bits<32>, 4>,
    at_start: QpWord<RECEIVE_NEXT>,
    window: QpWord<RECEIVE_WINDOW>,
    starts: Marks,
    /// Bit n: nothing was received since the start of queue pair n.
    fresh: DFF<Bits<16>>,
    /// Bit n: nothing was taken out of the ring since then.
    unread: DFF<Bits<16>>,
    /// Bit n: the peer has sent FIN.
    closed: DFF<Bits<16>>,
    look: DFF<Bit>,
    judge: DFF<Bit>,
    disturbance: DFF<Bit>,
    // Clock 1's results.
    expected: DFF<Bits<32>>,
    /// Octets of the segment that came before: RCV.NXT - SEQ.
    known: DFF<Bits<32>>,
    /// SEQ - RCV.NXT.
    ahead: DFF<Bits<32>>,
    octets_end: DFF<Bits<32>>,
    /// Octets in the ring if the segment is taken.
    waiting: DFF<Bits<32>>,
    /// Octets in the ring, and how many the host allows there.
    queued: DFF<Bits<32>>,
    allowed: DFF<Bits<32>>,
    result: DFF<Decision>,
    number: Signal<Local, Bits<32>>,
    length: Signal<Local, Bits<32>>,
    flags: Signal<Local, Bits<8>>,
    received: Signal<Local, Bits<32>>,
    removed: Signal<Local, Bits<32>>,
    segment_end: Signal<Local, Bits<32>>,
    finish: Signal<Local, Bit>,
    stores: Signal<Local, Bit>,
    fresh_next: Signal<Local, Bits<16>>,
    unread_next: Signal<Local, Bits<16>>,
    closed_next: Signal<Local, Bits<16>>,
    novel: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    room: Signal<Local, Bits<32>>,
    in_window: Signal<Local, Bit>,
    owned: Signal<Local, Bit>,
    origin: Signal<Local, Bits<32>>,
    command_index: Signal<Local, Bits<8>>,
    command_qp: Signal<Local, Bits<4>>,
    ring: Derived<32, RingBytes<BANK>>,
}

impl<const BANK: usize> Logic for Acceptance<BANK> {
    //= rfc9293#3.10.7.4  First, check the sequence number; then RST, SYN, ACK, the octets, FIN.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, fresh, unread, closed, look, judge, disturbance);
        dff_setup!(self, clock, expected, known, ahead, octets_end, waiting, result);
        dff_setup!(self, clock, queued, allowed);
        clock!(self, clock, received_table, removed_table, at_start, window, starts);
        self.window.context_write.next = self.context_write.val();
        self.window.qp.next = self.head.val().qp;
        self.at_start.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.head.val().qp;
        self.received_table.read_index.next = self.head.val().qp;
        self.removed_table.read_index.next = self.head.val().qp;
        self.removed_table.write.next = self.taken.val().valid;
        self.removed_table.write_index.next = self.taken.val().qp;
        self.removed_table.write_record.next = self.taken.val().end;
        self.stores.next =
            self.commit.val() & self.result.q.val().accept & !self.disturbance.q.val();
        self.received_table.write.next = self.stores.val();
        self.received_table.write_index.next = self.result.q.val().qp;
        self.received_table.write_record.next = self.result.q.val().expected;

        // Clock 1.
        self.look.d.next = self.ask.val();
        self.number.next = self.head.val().sequence;
        self.length.next = bit_cast::<32, 16>(self.head.val().payload);
        self.flags.next = self.head.val().flags;
        self.received.next = self.received_table.read_record.val();
        if self.fresh.q.val().get_bit(self.head.val().qp.index()) {
            self.received.next = self.at_start.word.val();
        }
        self.removed.next = self.removed_table.read_record.val();
        if self.unread.q.val().get_bit(self.head.val().qp.index()) {
            self.removed.next = self.at_start.word.val();
        }
        self.segment_end.next = self.number.val() + self.length.val();
        if self.look.q.val() {
            self.expected.d.next = self.received.val();
            self.known.d.next = self.received.val() - self.number.val();
            self.ahead.d.next = self.number.val() - self.received.val();
            self.octets_end.d.next = self.segment_end.val();
            self.waiting.d.next = self.segment_end.val() - self.removed.val();
            self.queued.d.next = self.received.val() - self.removed.val();
            self.allowed.d.next = self.window.word.val();
        }

        // Clock 2. A FIN is not counted: the driver acknowledges it, who closes the connection.
        self.judge.d.next = self.look.q.val();
        self.finish.next = self.flags.val().get_bit(0)
            & (self.known.q.val() <= self.length.val())
            & !self.closed.q.val().get_bit(self.head.val().qp.index());
        self.novel.next = (self.known.q.val() < self.length.val())
            & !self.closed.q.val().get_bit(self.head.val().qp.index());
        self.fits.next = self.waiting.q.val() <= self.ring.val();
        self.room.next = self.allowed.q.val() - self.queued.q.val();
        self.in_window.next =
            (self.allowed.q.val() > self.queued.q.val()) & (self.ahead.q.val() < self.room.val());
        // Queue pair 0 has no stream.
        self.owned.next =
            self.starts.marks.val().get_bit(self.head.val().qp.index()) & self.head.val().qp.any();
        self.origin.next = self.number.val() - bit_cast::<32, 7>(self.head.val().payload_at);
        if self.judge.q.val() {
            self.result.d.next.qp = self.head.val().qp;
            self.result.d.next.started = self.owned.val();
            self.result.d.next.live =
                self.owned.val() & self.active.val().get_bit(self.head.val().qp.index());
            self.result.d.next.accept = false;
            self.result.d.next.finish = self.finish.val();
            self.result.d.next.no_room = false;
            self.result.d.next.out_of_order = false;
            self.result.d.next.reset = false;
            self.result.d.next.acknowledge = false;
            self.result.d.next.forward = false;
            self.result.d.next.expected = self.expected.q.val();
            self.result.d.next.end = self.octets_end.q.val();
            self.result.d.next.origin = self.origin.val().get_bits::<15>(0);
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

        self.fresh_next.next = self.fresh.q.val();
        self.unread_next.next = self.unread.q.val();
        self.closed_next.next = self.closed.q.val();
        if self.stores.val() {
            self.fresh_next.next =
                self.fresh_next.val().replace_bit(self.result.q.val().qp.index(), false);
            if self.result.q.val().finish {
                self.closed_next.next =
                    self.closed_next.val().replace_bit(self.result.q.val().qp.index(), true);
            }
        }
        if self.taken.val().valid {
            self.unread_next.next =
                self.unread_next.val().replace_bit(self.taken.val().qp.index(), false);
        }
        self.command_index.next = self.qp_command.val().index;
        self.command_qp.next = self.command_index.val().get_bits::<4>(0);
        self.starts.set.next = self.qp_command.val().valid & self.qp_command.val().enable;
        self.starts.set_qp.next = self.command_qp.val();
        self.starts.clear.next = self.qp_command.val().valid & !self.qp_command.val().enable;
        self.starts.clear_qp.next = self.command_qp.val();
        self.starts.wipe.next = false;
        self.starts.wipe_qp.next = self.command_qp.val();
        if self.ask.val() {
            self.disturbance.d.next = false;
        }
        if self.qp_command.val().valid {
            if self.command_qp.val() == self.head.val().qp {
                self.disturbance.d.next = true;
            }
            self.fresh_next.next =
                self.fresh_next.val().replace_bit(self.command_qp.val().index(), true);
            self.unread_next.next =
                self.unread_next.val().replace_bit(self.command_qp.val().index(), true);
            self.closed_next.next =
                self.closed_next.val().replace_bit(self.command_qp.val().index(), false);
        }
        self.fresh.d.next = self.fresh_next.val();
        self.unread.d.next = self.unread_next.val();
        self.closed.d.next = self.closed_next.val();
        self.decision.next = self.result.q.val();
        self.disturbed.next = self.disturbance.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::ring_sizes::BANK_BITS;
    use crate::stream::bench::*;
    use ironwarp_abi::limits::STREAM_RING_BYTES;
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
            let fits = end.wrapping_sub(self.removed) <= STREAM_RING_BYTES as u32;
            let queued = self.expected.wrapping_sub(self.removed);
            let in_window = ahead < WINDOW.saturating_sub(queued);
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

    fn command(uut: &mut Acceptance<BANK_BITS>) {
        uut.qp_command.next = Command { valid: true, index: 5.into(), enable: true };
        tick!(*uut);
        uut.qp_command.next = Default::default();
    }

    /// A block whose queue pair 5 expects the sequence number `first`.
    fn started(first: u32) -> Acceptance<BANK_BITS> {
        let mut uut = Acceptance::default();
        uut.connect_all();
        for (word, data) in [(RECEIVE_NEXT, first), (RECEIVE_WINDOW, WINDOW)] {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(ironwarp_abi::context::table::QUEUE_PAIR).to_bits(),
                index: 5.into(),
                word: (word as u64).to_bits(),
                data: u64::from(data).to_bits(),
            };
            tick!(uut);
        }
        uut.context_write.next = Default::default();
        uut.active.next = (1_u64 << 5).to_bits();
        command(&mut uut);
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
                assert!(seen.live && seen.started);
                let commit = rng.random();
                let disturb = rng.random_bool(0.03);
                if disturb {
                    command(&mut uut);
                    assert!(uut.disturbed.val());
                    model = Model { expected: first, removed: first, closed: false };
                }
                uut.commit.next = commit;
                tick!(uut);
                uut.commit.next = false;
                if commit && decision.accept && !disturb {
                    model.expected = expected;
                    model.closed |= decision.finish;
                }
                if rng.random() {
                    model.removed = model.expected.wrapping_sub(rng.random_range(0..30_000));
                    let end = u64::from(model.removed).to_bits();
                    uut.taken.next = StreamTaken { valid: true, qp: 5.into(), end };
                    tick!(uut);
                    uut.taken.next = Default::default();
                }
                tick!(uut);
            }
        }
    }
}
