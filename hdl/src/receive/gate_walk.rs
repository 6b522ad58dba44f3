//! The gate's answer about what is to be written, with the pages found.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::protect::records::*;
use crate::receive::notes::WriteAnswer;
use crate::stream::*;
use rust_hdl::prelude::*;

/// log2 of the pieces that wait: more than there are in an FPDU.
const DEPTH_BITS: usize = 4;

/// What [`GateWalk`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum WalkState {
    /// Lets answers pass, but for one in pages, whose extent it hands to the walker.
    Pass,
    /// The pieces come.
    Walk,
    /// The answer passes, now that all of them are there.
    Tell,
}

/// An answer without pages passes at once. One with pages passes when every piece of the packet is
/// known and waits for whoever writes it, so that nothing is written of a packet that has a fault:
/// that is a refusal. Every answer with pages, refused so or not, leaves pieces to the one that is
/// `last`.
///
/// ```text
/// from_gate ------------+--> answer
///    | in pages         |
///    +--> extent  piece --> StreamFifo --> pieces
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct GateWalk {
    pub clock: Signal<In, Clock>,
    /// The question's length, until its answer is taken: it fits in 16 bits.
    pub length: Signal<In, Bits<32>>,
    pub from_gate: StreamSink<GateAnswer>,
    pub answer: StreamSource<WriteAnswer>,
    /// To the walker, and back.
    pub extent: StreamSource<Extent>,
    pub piece: StreamSink<Piece>,
    pub pieces: StreamSource<Piece>,
    waiting: StreamFifo<Piece, DEPTH_BITS>,
    state: DFF<WalkState>,
    failed: DFF<Bit>,
    given: Signal<Local, GateAnswer>,
    place: Signal<Local, Place>,
    passes: Signal<Local, Bit>,
    fault: Literal<3, { refusal::FAULT }>,
}

impl Logic for GateWalk {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, failed);
        clock!(self, clock, waiting);
        StreamSource::<Piece>::link(&mut self.pieces, &mut self.waiting.source);
        self.given.next = self.from_gate.beat.val();
        self.place.next = self.given.val().place;
        self.passes.next = !self.place.val().paged | (self.state.q.val() == WalkState::Tell);
        self.answer.beat.next.refusal = self.given.val().refusal;
        self.answer.beat.next.address = self.place.val().address;
        self.answer.beat.next.paged = self.place.val().paged;
        if self.failed.q.val() {
            self.answer.beat.next.refusal = self.fault.val();
        }
        self.answer.valid.next = self.from_gate.valid.val() & self.passes.val();
        self.from_gate.ready.next = self.answer.ready.val() & self.passes.val();
        self.extent.beat.next.place = self.place.val();
        self.extent.beat.next.bytes = bit_cast::<16, 32>(self.length.val());
        self.extent.valid.next = (self.state.q.val() == WalkState::Pass)
            & self.from_gate.valid.val()
            & self.place.val().paged;
        self.waiting.sink.beat.next = self.piece.beat.val();
        self.waiting.sink.valid.next = self.piece.valid.val();
        self.piece.ready.next = self.waiting.sink.ready.val();

        match self.state.q.val() {
            WalkState::Pass => {
                if self.extent.valid.val() & self.extent.ready.val() {
                    self.state.d.next = WalkState::Walk;
                }
            }
            WalkState::Walk => {
                if self.piece.valid.val()
                    & self.waiting.sink.ready.val()
                    & self.piece.beat.val().last
                {
                    self.failed.d.next = self.piece.beat.val().fault;
                    self.state.d.next = WalkState::Tell;
                }
            }
            WalkState::Tell => {
                if self.answer.ready.val() {
                    self.failed.d.next = false;
                    self.state.d.next = WalkState::Pass;
                }
            }
            _ => {
                self.state.d.next = WalkState::Pass;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::VecDeque;

    #[test]
    fn answers_wait_for_their_pieces_and_tell_of_a_fault() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = GateWalk::default();
            uut.connect_all();
            // Of each answer: the length asked for, and what the walker says.
            let answers: Vec<(GateAnswer, u64, Vec<Piece>)> = (0..150_u64)
                .map(|n| {
                    let paged = rng.random_bool(0.6);
                    let refused = !paged && rng.random_bool(0.3);
                    let place = Place { paged, address: n.to_bits(), ..Default::default() };
                    let count = if paged { rng.random_range(1..=9) } else { 0 };
                    let bad = rng.random_bool(0.2);
                    let piece = |at: u64| Piece {
                        address: (n << 8 | at).to_bits(),
                        last: at + 1 == count,
                        fault: bad && at + 1 == count,
                        ..Default::default()
                    };
                    let refusal = u64::from(refused).to_bits();
                    (GateAnswer { refusal, place }, n + 1, (0..count).map(piece).collect())
                })
                .collect();
            let mut walker: VecDeque<Piece> = VecDeque::new();
            let (mut offered, mut told, mut written, mut quiet) = (0, 0, vec![], 0);
            while quiet < 100 {
                let now = answers.get(offered);
                uut.from_gate.valid.next = now.is_some();
                uut.from_gate.beat.next = now.map(|answer| answer.0).unwrap_or_default();
                uut.length.next = now.map(|answer| answer.1).unwrap_or_default().to_bits();
                uut.answer.ready.next = rng.random_bool(0.6);
                uut.extent.ready.next = walker.is_empty() && rng.random_bool(0.6);
                uut.piece.valid.next = !walker.is_empty() && rng.random_bool(0.6);
                uut.piece.beat.next = walker.front().copied().unwrap_or_default();
                uut.pieces.ready.next = rng.random_bool(0.5);
                settle!(uut);
                quiet += 1;
                if uut.piece.valid.val() && uut.piece.ready.val() {
                    walker.pop_front();
                }
                if uut.extent.valid.val() && uut.extent.ready.val() {
                    let (answer, length, pieces) = now.expect("an answer");
                    let extent = uut.extent.beat.val();
                    assert_eq!(extent.place, answer.place, "SEED={seed}");
                    assert_eq!(extent.bytes.to_u64(), *length, "SEED={seed}");
                    walker.extend(pieces);
                }
                if uut.pieces.valid.val() && uut.pieces.ready.val() {
                    written.push(uut.pieces.beat.val());
                }
                if uut.answer.valid.val() && uut.answer.ready.val() {
                    assert!(uut.from_gate.ready.val(), "SEED={seed}");
                    let (GateAnswer { refusal, place }, _, pieces) = answers[told].clone();
                    let Place { address, paged, .. } = place;
                    let mut expected = WriteAnswer { refusal, address, paged };
                    assert!(walker.is_empty(), "SEED={seed}: too early");
                    if pieces.iter().any(|piece| piece.fault) {
                        expected.refusal = refusal::FAULT.to_bits();
                    }
                    assert_eq!(uut.answer.beat.val(), expected, "SEED={seed}");
                    told += 1;
                    quiet = 0;
                }
                let taken = uut.from_gate.valid.val() && uut.from_gate.ready.val();
                edge!(uut);
                offered += usize::from(taken);
            }
            assert_eq!(told, answers.len(), "SEED={seed}: stuck");
            let all: Vec<Piece> = answers.iter().flat_map(|answer| answer.2.clone()).collect();
            assert_eq!(written, all, "SEED={seed}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("gate_walk", &mut GateWalk::default());
    }
}
