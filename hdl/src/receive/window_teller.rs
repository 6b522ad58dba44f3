//! Tells the transmit side what to acknowledge and which window to advertise.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::notes::*;
use crate::receive::records::ReceiveEdge;
use crate::receive::ring_sizes::RING_BYTES;
use crate::stream::*;
use rust_hdl::prelude::*;

/// What the teller does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TellerState {
    Idle,
    Read,
    Subtract,
    Tell,
}

/// Four clocks for each note and for each packet taken out of a ring. The window is what the host
/// allows, at most the ring, less what waits on chip: its right edge moves as octets are taken out
/// of the ring, and never back. When it has opened by half since it was last acknowledged, it is
/// acknowledged again.
#[derive(LogicBlock, Ports, Default)]
pub struct WindowTeller {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub note: StreamSink<EdgeNote>,
    /// Ring 0 holds frames: it is passed over.
    pub taken: StreamSink<StreamTaken>,
    pub receive_edge: Signal<Out, ReceiveEdge>,
    pub query_qp: Signal<In, QpNumber>,
    /// RCV.NXT of that queue pair, two clocks later. A stop leaves it to be looked at.
    pub query_receive_next: Signal<Out, Bits<32>>,
    received: LifeTable<SequenceMark>,
    query: LifeTable<SequenceMark>,
    removed: LifeTable<SequenceMark>,
    advertised: LifeTable<SequenceMark>,
    lives: LifeWatch,
    at_start: QpField<32, { field_number("receive_next") }>,
    query_initial: QpField<32, { field_number("receive_next") }>,
    window: QpField<32, { field_number("receive_window") }>,
    window_shift: QpField<4, { field_number("receive_window_shift") }>,
    state: DFF<TellerState>,
    by_note: DFF<Bit>,
    work: DFF<EdgeNote>,
    next_octet: DFF<Bits<32>>,
    first_octet: DFF<Bits<32>>,
    waiting: DFF<Bits<32>>,
    moved: DFF<Bits<32>>,
    allowed: DFF<Bits<32>>,
    told: DFF<ReceiveEdge>,
    answer: DFF<Bits<32>>,
    live: Signal<Local, Bit>,
    next_now: Signal<Local, Bits<32>>,
    first_now: Signal<Local, Bits<32>>,
    last_told: Signal<Local, Bits<32>>,
    room: Signal<Local, Bits<32>>,
    shifted: Signal<Local, Bits<32>>,
    half: Signal<Local, Bits<32>>,
    due: Signal<Local, Bit>,
    largest: Literal<32, 0xffff>,
    ring: Literal<32, RING_BYTES>,
}

impl Logic for WindowTeller {
    //= rfc9293#3.8.6.2.2  A window update goes out when it is worth while.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, by_note, work, next_octet, first_octet, waiting, moved);
        dff_setup!(self, clock, allowed, told, answer);
        clock!(self, clock, received, query, removed, advertised, lives);
        clock!(self, clock, at_start, query_initial, window, window_shift);
        self.at_start.context_write.next = self.context_write.val();
        self.query_initial.context_write.next = self.context_write.val();
        self.window.context_write.next = self.context_write.val();
        self.window_shift.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.work.q.val().qp;
        self.window.qp.next = self.work.q.val().qp;
        self.window_shift.qp.next = self.work.q.val().qp;
        self.received.change.next = self.change.val();
        self.query.change.next = self.change.val();
        self.removed.change.next = self.change.val();
        self.advertised.change.next = self.change.val();
        self.lives.change.next = self.change.val();
        self.received.read_qp.next = self.work.q.val().qp;
        self.removed.read_qp.next = self.work.q.val().qp;
        self.advertised.read_qp.next = self.work.q.val().qp;
        self.received.write_qp.next = self.work.q.val().qp;
        self.query.write_qp.next = self.work.q.val().qp;
        self.removed.write_qp.next = self.work.q.val().qp;
        self.advertised.write_qp.next = self.work.q.val().qp;
        self.received.write_record.next.begun = true;
        self.received.write_record.next.number = self.work.q.val().expected;
        self.query.write_record.next.begun = true;
        self.query.write_record.next.number = self.work.q.val().expected;
        self.removed.write_record.next.begun = true;
        self.removed.write_record.next.number = self.work.q.val().expected;
        self.advertised.write_record.next.begun = true;
        self.advertised.write_record.next.number = self.first_octet.q.val();
        self.received.write.next = false;
        self.query.write.next = false;
        self.removed.write.next = false;
        self.advertised.write.next = false;
        self.note.ready.next = self.state.q.val() == TellerState::Idle;
        self.taken.ready.next = (self.state.q.val() == TellerState::Idle) & !self.note.valid.val();
        self.lives.look.next = self.state.q.val() == TellerState::Idle;
        self.lives.qp.next = self.taken.beat.val().qp;
        if self.note.valid.val() {
            self.lives.qp.next = self.note.beat.val().qp;
        }
        self.live.next = self.lives.life_now.val().started
            & (self.lives.life_now.val().generation == self.work.q.val().generation);

        // The tables forward what is written in the clock of the read.
        self.next_now.next = self.at_start.value.val();
        if self.received.read_record.val().begun {
            self.next_now.next = self.received.read_record.val().number;
        }
        self.first_now.next = self.at_start.value.val();
        if self.removed.read_record.val().begun {
            self.first_now.next = self.removed.read_record.val().number;
        }
        self.last_told.next = self.at_start.value.val();
        if self.advertised.read_record.val().begun {
            self.last_told.next = self.advertised.read_record.val().number;
        }
        self.room.next = self.allowed.q.val() - self.waiting.q.val();
        if self.waiting.q.val() > self.allowed.q.val() {
            self.room.next = 0.into();
        }
        self.shifted.next = self.room.val() >> self.window_shift.value.val();
        if self.shifted.val() > self.largest.val() {
            self.shifted.next = self.largest.val();
        }
        self.half.next = self.allowed.q.val() >> 1;
        self.due.next = self.work.q.val().acknowledge
            | ((self.moved.q.val() >= self.half.val()) & self.moved.q.val().any());

        self.told.d.next.valid = false;
        match self.state.q.val() {
            TellerState::Idle => {
                self.by_note.d.next = self.note.valid.val();
                self.work.d.next = self.note.beat.val();
                if self.note.valid.val() {
                    self.state.d.next = TellerState::Read;
                } else if self.taken.valid.val() {
                    self.work.d.next.qp = self.taken.beat.val().qp;
                    self.work.d.next.generation = self.taken.beat.val().generation;
                    self.work.d.next.expected = self.taken.beat.val().end;
                    self.work.d.next.acknowledge = false;
                    if self.taken.beat.val().qp.any() {
                        self.state.d.next = TellerState::Read;
                    }
                }
            }
            TellerState::Read => {
                self.received.write.next = self.by_note.q.val() & self.live.val();
                self.query.write.next = self.by_note.q.val() & self.live.val();
                self.removed.write.next = !self.by_note.q.val() & self.live.val();
                self.state.d.next = TellerState::Subtract;
            }
            TellerState::Subtract => {
                self.next_octet.d.next = self.next_now.val();
                self.first_octet.d.next = self.first_now.val();
                self.waiting.d.next = self.next_now.val() - self.first_now.val();
                self.moved.d.next = self.first_now.val() - self.last_told.val();
                self.allowed.d.next = self.window.value.val();
                if self.window.value.val() > self.ring.val() {
                    self.allowed.d.next = self.ring.val();
                }
                self.state.d.next = TellerState::Tell;
            }
            TellerState::Tell => {
                self.told.d.next.valid = self.live.val();
                self.told.d.next.qp = self.work.q.val().qp;
                self.told.d.next.generation = self.work.q.val().generation;
                self.told.d.next.expected = self.next_octet.q.val();
                self.told.d.next.window = self.shifted.val().get_bits::<16>(0);
                self.told.d.next.acknowledge = self.due.val();
                self.advertised.write.next = self.due.val() & self.live.val();
                self.state.d.next = TellerState::Idle;
            }
            _ => {
                self.state.d.next = TellerState::Idle;
            }
        }
        self.receive_edge.next = self.told.q.val();

        self.query.read_qp.next = self.query_qp.val();
        self.query_initial.qp.next = self.query_qp.val();
        self.answer.d.next = self.query_initial.value.val();
        if self.query.read_record.val().begun {
            self.answer.d.next = self.query.read_record.val().number;
        }
        self.query_receive_next.next = self.answer.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};
    use rand::Rng;

    fn run(uut: &mut WindowTeller) -> ReceiveEdge {
        for _ in 0..8 {
            tick!(*uut);
            uut.note.valid.next = false;
            uut.taken.valid.next = false;
            if uut.receive_edge.val().valid {
                return uut.receive_edge.val();
            }
        }
        panic!("nothing is told");
    }

    //= rfc9293#3.8.6.2.2
    //= type=test
    #[test]
    fn tells_what_is_expected_and_the_room_that_is_left() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = WindowTeller::default();
            uut.connect_all();
            let context = QueuePairContext {
                receive_next: rng.random(),
                receive_window: rng.random_range(100..2 * RING_BYTES as u32),
                receive_window_shift: rng.random_range(0..4),
                ..Default::default()
            };
            commit!(uut, table::QUEUE_PAIR, 7, &context.to_words());
            change!(uut, begins(7, 5));
            uut.query_qp.next = 7.into();
            let window = context.receive_window.min(RING_BYTES as u32);
            let (mut next, mut first) = (context.receive_next, context.receive_next);
            let mut told = first;
            for _ in 0..200 {
                if rng.random_bool(0.1) {
                    // Of another life: nothing is told, and nothing remembered.
                    uut.note.beat.next =
                        EdgeNote { qp: 7.into(), generation: 4.into(), ..Default::default() };
                    uut.note.valid.next = true;
                    for _ in 0..8 {
                        tick!(uut);
                        uut.note.valid.next = false;
                        assert!(!uut.receive_edge.val().valid, "SEED={seed}");
                    }
                }
                let by_note = rng.random_bool(0.6);
                let acknowledge = by_note && rng.random();
                if by_note {
                    next = next.wrapping_add(rng.random_range(0..400));
                    let expected = u64::from(next).to_bits();
                    uut.note.beat.next =
                        EdgeNote { qp: 7.into(), generation: 5.into(), expected, acknowledge };
                } else {
                    first = first.wrapping_add(rng.random_range(0..=next.wrapping_sub(first)));
                    let end = u64::from(first).to_bits();
                    uut.taken.beat.next =
                        StreamTaken { valid: true, qp: 7.into(), generation: 5.into(), end };
                }
                uut.note.valid.next = by_note;
                uut.taken.valid.next = !by_note;
                let edge = run(&mut uut);
                let moved = first.wrapping_sub(told);
                let due = acknowledge || (moved > 0 && moved >= window / 2);
                let room = window.saturating_sub(next.wrapping_sub(first));
                assert_eq!(edge.expected.to_u64(), u64::from(next), "SEED={seed}");
                let shifted = u64::from(room >> context.receive_window_shift);
                assert_eq!(edge.window.to_u64(), shifted.min(0xffff), "SEED={seed}");
                assert_eq!(edge.acknowledge, due, "SEED={seed}");
                if due {
                    told = first;
                }
                tick!(uut);
                tick!(uut);
                assert_eq!(uut.query_receive_next.val().to_u64(), u64::from(next), "SEED={seed}");
            }
        }
    }
}
