//! Tells the transmit side what to acknowledge and which window to advertise.
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::memory::Table;
use crate::receive::notes::*;
use crate::receive::qp_word::{QpWord, FLAGS, RECEIVE_NEXT, RECEIVE_WINDOW};
use crate::receive::records::ReceiveEdge;
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
/// allows less what waits on chip. When it has opened by half since it was last acknowledged, it
/// is acknowledged again.
#[derive(LogicBlock, Default)]
pub struct WindowTeller {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub qp_command: Signal<In, Command>,
    pub note: StreamSink<EdgeNote>,
    /// Ring 0 holds frames: it is passed over.
    pub taken: StreamSink<StreamTaken>,
    pub receive_edge: Signal<Out, ReceiveEdge>,
    pub query_qp: Signal<In, Bits<8>>,
    /// RCV.NXT of that queue pair, two clocks later.
    pub query_receive_next: Signal<Out, Bits<32>>,
    received: Table<Bits<32>, 4>,
    query: Table<Bits<32>, 4>,
    removed: Table<Bits<32>, 4>,
    advertised: Table<Bits<32>, 4>,
    at_start: QpWord<RECEIVE_NEXT>,
    query_initial: QpWord<RECEIVE_NEXT>,
    window: QpWord<RECEIVE_WINDOW>,
    flags: QpWord<FLAGS>,
    state: DFF<TellerState>,
    qp: DFF<Bits<4>>,
    by_note: DFF<Bit>,
    value: DFF<Bits<32>>,
    acknowledge: DFF<Bit>,
    /// Bit n: nothing received, removed, advertised since the start of queue pair n.
    fresh: DFF<Bits<16>>,
    full: DFF<Bits<16>>,
    silent: DFF<Bits<16>>,
    next_octet: DFF<Bits<32>>,
    first_octet: DFF<Bits<32>>,
    waiting: DFF<Bits<32>>,
    moved: DFF<Bits<32>>,
    told: DFF<ReceiveEdge>,
    asked_qp: DFF<Bits<4>>,
    answer: DFF<Bits<32>>,
    next_now: Signal<Local, Bits<32>>,
    first_now: Signal<Local, Bits<32>>,
    last_told: Signal<Local, Bits<32>>,
    room: Signal<Local, Bits<32>>,
    shifted: Signal<Local, Bits<32>>,
    shift: Signal<Local, Bits<4>>,
    half: Signal<Local, Bits<32>>,
    due: Signal<Local, Bit>,
    fresh_next: Signal<Local, Bits<16>>,
    full_next: Signal<Local, Bits<16>>,
    silent_next: Signal<Local, Bits<16>>,
    command_index: Signal<Local, Bits<8>>,
    command_qp: Signal<Local, Bits<4>>,
    query_index: Signal<Local, Bits<8>>,
    query_number: Signal<Local, Bits<4>>,
    largest: Literal<32, 0xffff>,
}

impl Logic for WindowTeller {
    //= rfc9293#3.8.6.2.2  A window update goes out when it is worth while.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, by_note, value, acknowledge, fresh, full, silent);
        dff_setup!(self, clock, next_octet, first_octet, waiting, moved, told, asked_qp, answer);
        clock!(self, clock, received, query, removed, advertised);
        clock!(self, clock, at_start, query_initial, window, flags);
        self.at_start.context_write.next = self.context_write.val();
        self.query_initial.context_write.next = self.context_write.val();
        self.window.context_write.next = self.context_write.val();
        self.flags.context_write.next = self.context_write.val();
        self.at_start.qp.next = self.qp.q.val();
        self.window.qp.next = self.qp.q.val();
        self.flags.qp.next = self.qp.q.val();
        self.received.read_index.next = self.qp.q.val();
        self.removed.read_index.next = self.qp.q.val();
        self.advertised.read_index.next = self.qp.q.val();
        self.received.write_index.next = self.qp.q.val();
        self.query.write_index.next = self.qp.q.val();
        self.removed.write_index.next = self.qp.q.val();
        self.advertised.write_index.next = self.qp.q.val();
        self.received.write_record.next = self.value.q.val();
        self.query.write_record.next = self.value.q.val();
        self.removed.write_record.next = self.value.q.val();
        self.advertised.write_record.next = self.first_octet.q.val();
        self.received.write.next = (self.state.q.val() == TellerState::Read) & self.by_note.q.val();
        self.query.write.next = (self.state.q.val() == TellerState::Read) & self.by_note.q.val();
        self.removed.write.next = (self.state.q.val() == TellerState::Read) & !self.by_note.q.val();
        self.note.ready.next = self.state.q.val() == TellerState::Idle;
        self.taken.ready.next = (self.state.q.val() == TellerState::Idle) & !self.note.valid.val();

        // The tables forward what is written in the clock of the read.
        self.next_now.next = self.received.read_record.val();
        if self.fresh.q.val().get_bit(self.qp.q.val().index()) {
            self.next_now.next = self.at_start.word.val();
        }
        self.first_now.next = self.removed.read_record.val();
        if self.full.q.val().get_bit(self.qp.q.val().index()) {
            self.first_now.next = self.at_start.word.val();
        }
        self.last_told.next = self.advertised.read_record.val();
        if self.silent.q.val().get_bit(self.qp.q.val().index()) {
            self.last_told.next = self.at_start.word.val();
        }
        self.room.next = self.window.word.val() - self.waiting.q.val();
        if self.waiting.q.val() > self.window.word.val() {
            self.room.next = 0.into();
        }
        self.shift.next = self.flags.word.val().get_bits::<4>(12);
        self.shifted.next = self.room.val() >> self.shift.val();
        if self.shifted.val() > self.largest.val() {
            self.shifted.next = self.largest.val();
        }
        self.half.next = self.window.word.val() >> 1;
        self.due.next = self.acknowledge.q.val()
            | ((self.moved.q.val() >= self.half.val()) & self.moved.q.val().any());
        self.advertised.write.next = (self.state.q.val() == TellerState::Tell) & self.due.val();

        self.fresh_next.next = self.fresh.q.val();
        self.full_next.next = self.full.q.val();
        self.silent_next.next = self.silent.q.val();
        self.told.d.next.valid = false;
        match self.state.q.val() {
            TellerState::Idle => {
                self.by_note.d.next = self.note.valid.val();
                self.acknowledge.d.next = self.note.valid.val() & self.note.beat.val().acknowledge;
                if self.note.valid.val() {
                    self.qp.d.next = self.note.beat.val().qp;
                    self.value.d.next = self.note.beat.val().expected;
                    self.state.d.next = TellerState::Read;
                } else if self.taken.valid.val() {
                    self.qp.d.next = self.taken.beat.val().qp;
                    self.value.d.next = self.taken.beat.val().end;
                    if self.taken.beat.val().qp.any() {
                        self.state.d.next = TellerState::Read;
                    }
                }
            }
            TellerState::Read => {
                if self.by_note.q.val() {
                    self.fresh_next.next =
                        self.fresh.q.val().replace_bit(self.qp.q.val().index(), false);
                } else {
                    self.full_next.next =
                        self.full.q.val().replace_bit(self.qp.q.val().index(), false);
                }
                self.state.d.next = TellerState::Subtract;
            }
            TellerState::Subtract => {
                self.next_octet.d.next = self.next_now.val();
                self.first_octet.d.next = self.first_now.val();
                self.waiting.d.next = self.next_now.val() - self.first_now.val();
                self.moved.d.next = self.first_now.val() - self.last_told.val();
                self.state.d.next = TellerState::Tell;
            }
            TellerState::Tell => {
                self.told.d.next.valid = true;
                self.told.d.next.qp = bit_cast::<8, 4>(self.qp.q.val());
                self.told.d.next.expected = self.next_octet.q.val();
                self.told.d.next.window = self.shifted.val().get_bits::<16>(0);
                self.told.d.next.acknowledge = self.due.val();
                if self.due.val() {
                    self.silent_next.next =
                        self.silent.q.val().replace_bit(self.qp.q.val().index(), false);
                }
                self.state.d.next = TellerState::Idle;
            }
            _ => {
                self.state.d.next = TellerState::Idle;
            }
        }
        self.command_index.next = self.qp_command.val().index;
        self.command_qp.next = self.command_index.val().get_bits::<4>(0);
        // A stop leaves the last numbers to look at.
        if self.qp_command.val().valid & self.qp_command.val().enable {
            self.fresh_next.next =
                self.fresh_next.val().replace_bit(self.command_qp.val().index(), true);
            self.full_next.next =
                self.full_next.val().replace_bit(self.command_qp.val().index(), true);
            self.silent_next.next =
                self.silent_next.val().replace_bit(self.command_qp.val().index(), true);
        }
        self.fresh.d.next = self.fresh_next.val();
        self.full.d.next = self.full_next.val();
        self.silent.d.next = self.silent_next.val();
        self.receive_edge.next = self.told.q.val();

        self.query_index.next = self.query_qp.val();
        self.query_number.next = self.query_index.val().get_bits::<4>(0);
        self.query.read_index.next = self.query_number.val();
        self.query_initial.qp.next = self.query_number.val();
        self.asked_qp.d.next = self.query_number.val();
        self.answer.d.next = self.query.read_record.val();
        if self.fresh.q.val().get_bit(self.asked_qp.q.val().index()) {
            self.answer.d.next = self.query_initial.word.val();
        }
        self.query_receive_next.next = self.answer.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
                receive_window: rng.random_range(100..32_768),
                receive_window_shift: rng.random_range(0..4),
                ..Default::default()
            };
            for (word, data) in context.to_words().into_iter().enumerate() {
                uut.context_write.next = ContextWrite {
                    valid: true,
                    table: u64::from(table::QUEUE_PAIR).to_bits(),
                    index: 7.into(),
                    word: (word as u64).to_bits(),
                    data: u64::from(data).to_bits(),
                };
                tick!(uut);
            }
            uut.context_write.next = Default::default();
            uut.qp_command.next = Command { valid: true, index: 7.into(), enable: true };
            tick!(uut);
            uut.qp_command.next = Default::default();
            uut.query_qp.next = 7.into();
            let (mut next, mut first) = (context.receive_next, context.receive_next);
            let mut told = first;
            for _ in 0..200 {
                let by_note = rng.random_bool(0.6);
                let acknowledge = by_note && rng.random();
                if by_note {
                    next = next.wrapping_add(rng.random_range(0..400));
                    let expected = u64::from(next).to_bits();
                    uut.note.beat.next = EdgeNote { qp: 7.into(), expected, acknowledge };
                } else {
                    first = first.wrapping_add(rng.random_range(0..=next.wrapping_sub(first)));
                    let end = u64::from(first).to_bits();
                    uut.taken.beat.next = StreamTaken { valid: true, qp: 7.into(), end };
                }
                uut.note.valid.next = by_note;
                uut.taken.valid.next = !by_note;
                let edge = run(&mut uut);
                let moved = first.wrapping_sub(told);
                let due = acknowledge || (moved > 0 && moved >= context.receive_window / 2);
                let room = context.receive_window.saturating_sub(next.wrapping_sub(first));
                assert_eq!(edge.expected.to_u64(), u64::from(next), "SEED={seed}");
                let window = u64::from(room >> context.receive_window_shift);
                assert_eq!(edge.window.to_u64(), window, "SEED={seed}");
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
