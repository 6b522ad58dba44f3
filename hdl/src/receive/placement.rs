//! Moves payload to host memory, and tells the host when a message is complete.
//!
//! ```text
//! delivery -> Idle -> Request -> Data --+--> Complete -> Tell -> Idle
//!               |  ^                    +--> Finish --------> Idle
//!               |  |                    |    (what does not apply is left out)
//!               +--------- Drop --------+
//!               |
//!               +--> Collect -> Ask -> Idle
//!               |
//!               +--> Fence -> Idle
//! ```
use crate::complete::records::Completion;
use crate::control::records::QpEvent;
use crate::life::{LifeWatch, QpChange};
use crate::literal::Literal;
use crate::pcie::records::WriteRequest;
use crate::pins::Ports;
use crate::protect::records::Piece;
use crate::receive::announcer::Announcer;
use crate::receive::notes::Delivery;
use crate::receive::read_request::ReadRequestFields;
use crate::receive::records::{ReadAsked, ReadDone};
use crate::stream::*;
use ironwarp_abi::{queue::kind, status};
use rust_hdl::prelude::*;

/// What is under way in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum PlacementState {
    Idle,
    Request,
    Data,
    Drop,
    Collect,
    Ask,
    Complete,
    Finish,
    Tell,
    Fence,
}

/// One delivery after the other. What is in pages is announced piece by piece, while its data is on
/// its way. A completion or an event is offered only when the last beat of the
/// payload before it was accepted, so it is behind the payload on the bus; so is whatever follows
/// from `read_done`.
#[derive(LogicBlock, Ports, Default)]
pub struct Placement {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub delivery: StreamSink<Delivery>,
    /// The payload of each delivery whose length is not zero.
    pub payload: StreamSink<Beat>,
    /// Where the payload goes that is in pages: of each such delivery up to a last one.
    pub pieces: StreamSink<Piece>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,
    /// A Read Request; taken back when the life is over in which it came.
    pub read_asked: StreamSource<ReadAsked>,
    /// A Read Request is on its way to `read_asked`.
    pub asking: Signal<Out, Bit>,
    pub read_done: Signal<Out, ReadDone>,
    /// A fence has come out: the last beat of everything before it was accepted (a pulse).
    pub fenced: Signal<Out, Bit>,
    /// The last beat of a payload was accepted (a pulse).
    pub placed: Signal<Out, Bit>,
    announcer: Announcer,
    lives: LifeWatch,
    request: ReadRequestFields,
    state: DFF<PlacementState>,
    current: DFF<Delivery>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    busy: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    live: Signal<Local, Bit>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    receive: Literal<8, { kind::RECEIVE as u64 }>,
}

impl Logic for Placement {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, current, out, out_full);
        clock!(self, clock, lives, request, announcer);
        self.busy.next = self.out_full.q.val() | self.announcer.walking.val();
        self.lives.change.next = self.change.val();
        self.lives.look.next = self.state.q.val() == PlacementState::Idle;
        self.lives.qp.next = self.delivery.beat.val().qp;
        self.live.next = self.lives.life.val().active
            & (self.lives.life.val().generation == self.current.q.val().generation);
        self.fenced.next = (self.state.q.val() == PlacementState::Fence) & !self.busy.val();
        self.delivery.ready.next =
            (self.state.q.val() == PlacementState::Idle) & !self.announcer.walking.val();
        self.announcer.begins.next = self.delivery.valid.val() & self.delivery.ready.val();
        self.announcer.delivery.next = self.delivery.beat.val();
        self.announcer.run_valid.next = self.state.q.val() == PlacementState::Request;
        self.announcer.run_address.next = self.current.q.val().address;
        self.announcer.run_bytes.next = self.current.q.val().length;
        StreamSink::<Piece>::link(&mut self.pieces, &mut self.announcer.pieces);
        StreamSource::<WriteRequest>::link(&mut self.write, &mut self.announcer.write);
        self.write_data.beat.next = self.out.q.val();
        self.write_data.valid.next = self.out_full.q.val();
        self.free.next = self.write_data.ready.val() | !self.out_full.q.val();
        self.placed.next =
            self.write_data.ready.val() & self.out_full.q.val() & self.out.q.val().last;
        self.payload.ready.next = ((self.state.q.val() == PlacementState::Data) & self.free.val())
            | (self.state.q.val() == PlacementState::Collect)
            | (self.state.q.val() == PlacementState::Drop);
        self.request.data.next = self.payload.beat.val().data;
        self.request.push.next =
            (self.state.q.val() == PlacementState::Collect) & self.payload.valid.val();
        self.request.qp.next = self.current.q.val().qp;
        self.request.generation.next = self.current.q.val().generation;
        self.read_asked.beat.next = self.request.asked.val();
        self.read_asked.valid.next = (self.state.q.val() == PlacementState::Ask) & self.live.val();
        self.asking.next = (self.state.q.val() == PlacementState::Collect)
            | (self.state.q.val() == PlacementState::Ask);
        self.read_done.next.valid =
            (self.state.q.val() == PlacementState::Finish) & !self.busy.val() & self.live.val();
        self.read_done.next.qp = self.current.q.val().qp;
        self.read_done.next.generation = self.current.q.val().generation;

        self.completion.valid.next =
            (self.state.q.val() == PlacementState::Complete) & !self.busy.val();
        self.completion.beat.next.cq = self.current.q.val().cq;
        self.completion.beat.next.qp = self.current.q.val().qp;
        self.completion.beat.next.generation = self.current.q.val().generation;
        self.completion.beat.next.kind = self.receive.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.current.q.val().request;
        self.completion.beat.next.solicited = self.current.q.val().solicited;
        self.completion.beat.next.length = self.current.q.val().message;
        self.completion.beat.next.sequence = 0.into();
        self.event.valid.next = (self.state.q.val() == PlacementState::Tell) & !self.busy.val();
        self.event.beat.next.qp = self.current.q.val().qp;
        self.event.beat.next.generation = self.current.q.val().generation;
        self.event.beat.next.status = self.current.q.val().status;
        self.event.beat.next.cq = self.current.q.val().cq;
        self.event.beat.next.sequence = self.current.q.val().sequence;

        if self.free.val() {
            self.out_full.d.next = false;
        }
        match self.state.q.val() {
            PlacementState::Idle => {
                self.current.d.next = self.delivery.beat.val();
                if self.announcer.begins.val() {
                    if self.delivery.beat.val().fence {
                        self.state.d.next = PlacementState::Fence;
                    } else if self.delivery.beat.val().write & self.delivery.beat.val().paged {
                        self.state.d.next = PlacementState::Data;
                    } else if self.delivery.beat.val().write {
                        self.state.d.next = PlacementState::Request;
                    } else if self.delivery.beat.val().ask {
                        self.state.d.next = PlacementState::Collect;
                    } else if self.delivery.beat.val().length.any() {
                        self.state.d.next = PlacementState::Drop;
                    } else if self.delivery.beat.val().complete {
                        self.state.d.next = PlacementState::Complete;
                    } else if self.delivery.beat.val().done {
                        self.state.d.next = PlacementState::Finish;
                    } else if self.delivery.beat.val().event {
                        self.state.d.next = PlacementState::Tell;
                    }
                }
            }
            PlacementState::Request => {
                if self.write.ready.val() {
                    self.state.d.next = PlacementState::Data;
                }
            }
            PlacementState::Data => {
                if self.free.val() & self.payload.valid.val() {
                    self.out.d.next = self.payload.beat.val();
                    self.out_full.d.next = true;
                    if self.payload.beat.val().last {
                        self.state.d.next = PlacementState::Idle;
                        if self.current.q.val().complete {
                            self.state.d.next = PlacementState::Complete;
                        }
                        if self.current.q.val().done {
                            self.state.d.next = PlacementState::Finish;
                        }
                    }
                }
            }
            PlacementState::Collect => {
                if self.payload.valid.val() & self.payload.beat.val().last {
                    self.state.d.next = PlacementState::Ask;
                }
            }
            PlacementState::Ask => {
                if self.read_asked.ready.val() | !self.live.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            PlacementState::Drop => {
                if self.payload.valid.val() & self.payload.beat.val().last {
                    self.state.d.next = PlacementState::Idle;
                    if self.current.q.val().event {
                        self.state.d.next = PlacementState::Tell;
                    }
                }
            }
            PlacementState::Complete => {
                if self.completion.ready.val() & !self.busy.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            PlacementState::Fence => {
                if !self.busy.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            PlacementState::Finish => {
                if !self.busy.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            PlacementState::Tell => {
                if self.event.ready.val() & !self.busy.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            _ => {
                self.state.d.next = PlacementState::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::QP_COUNT;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    /// What leaves the block, in its order.
    #[derive(Debug, PartialEq)]
    enum Seen {
        Written(Vec<(u64, usize)>, Vec<u8>),
        Completed(u64),
        Ended(u64),
        Asked(Box<ReadAsked>),
        Done(u64),
        Fenced,
    }

    /// A Read Request as payload, and as it must come out.
    fn request(rng: &mut ChaCha8Rng, qp: u64) -> (Vec<u8>, ReadAsked) {
        let repr = ReadRequestRepr {
            sink_stag: rng.random(),
            sink_offset: rng.random(),
            length: rng.random(),
            source_stag: rng.random(),
            source_offset: rng.random(),
        };
        let asked = ReadAsked {
            qp: qp.to_bits(),
            generation: 9.into(),
            sink_stag: u64::from(repr.sink_stag).to_bits(),
            sink_offset: repr.sink_offset.to_bits(),
            length: u64::from(repr.length).to_bits(),
            source_stag: u64::from(repr.source_stag).to_bits(),
            source_offset: repr.source_offset.to_bits(),
        };
        (repr.emit().to_vec(), asked)
    }

    /// Deliveries, their payload, and what they must lead to.
    fn script(rng: &mut ChaCha8Rng) -> (Vec<Delivery>, Vec<Packet>, Vec<Piece>, Vec<Seen>) {
        let (mut deliveries, mut packets, mut expected) = (vec![], vec![], vec![]);
        let mut pieces: Vec<Piece> = vec![];
        for n in 0..40_u64 {
            if rng.random_bool(0.1) {
                // Whatever else a fence's record says.
                deliveries.push(Delivery {
                    fence: true,
                    write: rng.random(),
                    paged: rng.random(),
                    ..Default::default()
                });
                expected.push(Seen::Fenced);
            }
            let (qp, ask) = (n % QP_COUNT as u64, rng.random_bool(0.2));
            let length = rng.random_range(0..4) * rng.random_range(0..30_usize);
            let write = length > 0 && !ask && rng.random_bool(0.7);
            let (complete, done, event) = match rng.random_range(0..5) {
                _ if ask => (false, false, false),
                0 | 1 => (write || length == 0, false, false),
                2 => (false, write || length == 0, false),
                3 => (false, false, !write),
                _ => (false, false, false),
            };
            let mut octets: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            if ask {
                let (payload, asked) = request(rng, qp);
                octets = payload;
                expected.push(Seen::Asked(Box::new(asked)));
            }
            let length = octets.len();
            if length > 0 {
                packets.push(Packet { octets: octets.clone(), error: false });
            }
            let paged = length > 0 && !ask && rng.random_bool(0.5);
            let mut places = vec![(n << 20, length)];
            if paged {
                places = cut(rng, n << 20, length);
                pieces.extend(announced(&places, write));
            }
            if write {
                expected.push(Seen::Written(places, octets));
            }
            expected.extend(complete.then_some(Seen::Completed(n)));
            expected.extend(done.then_some(Seen::Done(qp)));
            expected.extend(event.then_some(Seen::Ended(n)));
            deliveries.push(Delivery {
                fence: false,
                qp: qp.to_bits(),
                generation: 9.into(),
                length: (length as u64).to_bits(),
                write,
                address: (n << 20).to_bits(),
                paged,
                ask,
                done,
                complete,
                event,
                request: n.to_bits(),
                sequence: n.to_bits(),
                ..Default::default()
            });
        }
        (deliveries, packets, pieces, expected)
    }

    /// What the walker says of them; if they are not to be written, the last one was not found.
    fn announced(places: &[(u64, usize)], write: bool) -> impl Iterator<Item = Piece> + '_ {
        let last = |at| at + 1 == places.len();
        places.iter().enumerate().map(move |(at, (address, bytes))| Piece {
            address: address.to_bits(),
            bytes: (*bytes as u64).to_bits(),
            last: last(at),
            fault: last(at) && !write,
        })
    }

    /// A write that is under way.
    #[derive(Default)]
    struct Writing {
        /// It was requested, and some of its data is to come.
        open: bool,
        /// Another request belongs to it.
        more: bool,
        /// The last beat of its data was accepted.
        ended: bool,
    }

    impl Writing {
        /// What moves at this clock edge. True for a request.
        fn look(&mut self, uut: &Placement, seen: &mut Vec<Seen>) -> bool {
            let requested = uut.write.valid.val() && uut.write.ready.val();
            if requested {
                let request = uut.write.beat.val();
                let place = (request.address.to_u64(), request.bytes.to_u64() as usize);
                match seen.last_mut() {
                    Some(Seen::Written(places, _)) if self.more => places.push(place),
                    _ => seen.push(Seen::Written(vec![place], vec![])),
                }
                (self.more, self.open) = (request.more, true);
            }
            if uut.write_data.valid.val() && uut.write_data.ready.val() {
                let beat = uut.write_data.beat.val();
                let bytes = beat.bytes.to_u64() as usize;
                let octets = beat.data.to_u64().to_le_bytes();
                let Some(Seen::Written(_, all)) = seen.last_mut() else {
                    panic!("data without a request");
                };
                all.extend_from_slice(&octets[..bytes]);
                self.ended = beat.last;
            }
            if self.ended && !self.more {
                (self.open, self.ended) = (false, false);
            }
            requested
        }
    }

    /// Octets in a few pieces.
    fn cut(rng: &mut ChaCha8Rng, address: u64, length: usize) -> Vec<(u64, usize)> {
        let (mut places, mut left) = (vec![], length);
        while left > 0 {
            let bytes = rng.random_range(1..=left);
            places.push((address + 0x1000 * places.len() as u64, bytes));
            left -= bytes;
        }
        places
    }

    #[test]
    fn does_what_the_deliveries_say_in_their_order() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Placement::default();
            uut.connect_all();
            for qp in 0..QP_COUNT {
                change!(uut, begins(qp, 9));
            }
            let (deliveries, packets, pieces, expected) = script(&mut rng);
            let (mut cut, mut writing) = (0, Writing::default());
            let beats = dense(&packets);
            let (mut given, mut sent, mut seen, mut idle) = (0, 0, vec![], 0);
            while idle < 60 {
                uut.delivery.valid.next = given < deliveries.len();
                uut.delivery.beat.next = deliveries.get(given).copied().unwrap_or_default();
                uut.payload.valid.next = sent < beats.len();
                uut.payload.beat.next = beats.get(sent).copied().unwrap_or_default();
                uut.pieces.valid.next = cut < pieces.len() && rng.random_bool(0.7);
                uut.pieces.beat.next = pieces.get(cut).copied().unwrap_or_default();
                let Writing { open, more, .. } = writing;
                uut.write.ready.next = (!open || more) && rng.random_bool(0.7);
                uut.write_data.ready.next = open && rng.random_bool(0.7);
                uut.completion.ready.next = rng.random_bool(0.7);
                uut.event.ready.next = rng.random_bool(0.7);
                uut.read_asked.ready.next = rng.random_bool(0.7);
                settle!(uut);
                idle += 1;
                let takes = uut.delivery.valid.val() && uut.delivery.ready.val();
                idle = if takes { 0 } else { idle };
                given += usize::from(takes);
                sent += usize::from(uut.payload.valid.val() && uut.payload.ready.val());
                if writing.look(&uut, &mut seen) {
                    idle = 0;
                }
                if uut.completion.valid.val() && uut.completion.ready.val() {
                    assert!(!writing.open, "SEED={seed}: a completion before its data");
                    seen.push(Seen::Completed(uut.completion.beat.val().request.to_u64()));
                }
                if uut.read_asked.valid.val() && uut.read_asked.ready.val() {
                    assert!(uut.asking.val());
                    seen.push(Seen::Asked(Box::new(uut.read_asked.beat.val())));
                }
                if uut.read_done.val().valid {
                    assert!(!writing.open, "SEED={seed}: a read is done before its data");
                    seen.push(Seen::Done(uut.read_done.val().qp.to_u64()));
                }
                if uut.fenced.val() {
                    assert!(!writing.open, "SEED={seed}: a fence before the data");
                    seen.push(Seen::Fenced);
                }
                if uut.event.valid.val() && uut.event.ready.val() {
                    seen.push(Seen::Ended(uut.event.beat.val().sequence.to_u64()));
                }
                cut += usize::from(uut.pieces.valid.val() && uut.pieces.ready.val());
                edge!(uut);
            }
            assert_eq!((given, sent), (deliveries.len(), beats.len()), "SEED={seed}");
            assert_eq!(cut, pieces.len(), "SEED={seed}: every piece is taken");
            assert_eq!(seen, expected, "SEED={seed}");
        }
    }

    #[test]
    fn nothing_of_an_old_life_is_told_in_a_new_one() {
        for (ask, done) in [(true, false), (false, true)] {
            let mut uut = Placement::default();
            uut.connect_all();
            change!(uut, begins(3, 1));
            let length = if ask { 28 } else { 8_u64 };
            uut.delivery.beat.next = Delivery {
                qp: 3.into(),
                generation: 1.into(),
                length: length.to_bits(),
                write: done,
                ask,
                done,
                ..Default::default()
            };
            uut.delivery.valid.next = true;
            uut.write.ready.next = true;
            tick!(uut);
            uut.delivery.valid.next = false;
            tick!(uut);
            uut.payload.valid.next = true;
            for beat in dense(&[Packet { octets: vec![1; length as usize], error: false }]) {
                uut.payload.beat.next = beat;
                tick!(uut);
            }
            uut.payload.valid.next = false;
            // The request waits to be taken, or the last beat to be accepted.
            tick!(uut);
            assert_eq!((uut.read_asked.valid.val(), uut.read_done.val().valid), (ask, false));
            change!(uut, begins(3, 2));
            uut.write_data.ready.next = true;
            for _ in 0..5 {
                settle!(uut);
                assert!(!uut.read_asked.valid.val() && !uut.read_done.val().valid);
                edge!(uut);
            }
            assert!(uut.delivery.ready.val());
        }
    }
}
