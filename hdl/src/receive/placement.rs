//! Moves payload to host memory, and tells the host when a message is complete.
//!
//! ```text
//! delivery -> Idle -> Request -> Data --+--> Complete -> Tell -> Idle
//!               |  ^                    |    (what does not apply is left out)
//!               +--------- Drop --------+
//! ```
use crate::complete::records::Completion;
use crate::control::records::QpEvent;
use crate::literal::Literal;
use crate::pcie::records::WriteRequest;
use crate::receive::notes::Delivery;
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
    Complete,
    Tell,
}

/// One delivery after the other. A completion or an event is offered only when the last beat of the
/// payload before it was accepted, so it is behind the payload on the bus.
#[derive(LogicBlock, Default)]
pub struct Placement {
    pub clock: Signal<In, Clock>,
    pub delivery: StreamSink<Delivery>,
    /// The payload of each delivery whose length is not zero.
    pub payload: StreamSink<Beat>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,
    /// The last beat of a payload was accepted (a pulse).
    pub placed: Signal<Out, Bit>,
    state: DFF<PlacementState>,
    current: DFF<Delivery>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    receive: Literal<8, { kind::RECEIVE as u64 }>,
}

impl Logic for Placement {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, current, out, out_full);
        self.delivery.ready.next = self.state.q.val() == PlacementState::Idle;
        self.write.valid.next = self.state.q.val() == PlacementState::Request;
        self.write.beat.next.address = self.current.q.val().address;
        self.write.beat.next.bytes = self.current.q.val().length;
        self.write_data.beat.next = self.out.q.val();
        self.write_data.valid.next = self.out_full.q.val();
        self.free.next = self.write_data.ready.val() | !self.out_full.q.val();
        self.placed.next =
            self.write_data.ready.val() & self.out_full.q.val() & self.out.q.val().last;
        self.payload.ready.next = ((self.state.q.val() == PlacementState::Data) & self.free.val())
            | (self.state.q.val() == PlacementState::Drop);

        self.completion.valid.next =
            (self.state.q.val() == PlacementState::Complete) & !self.out_full.q.val();
        self.completion.beat.next.cq = self.current.q.val().cq;
        self.completion.beat.next.qp = bit_cast::<8, 4>(self.current.q.val().qp);
        self.completion.beat.next.kind = self.receive.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.current.q.val().request;
        self.completion.beat.next.solicited = self.current.q.val().solicited;
        self.completion.beat.next.length = self.current.q.val().message;
        self.completion.beat.next.sequence = 0.into();
        self.event.valid.next =
            (self.state.q.val() == PlacementState::Tell) & !self.out_full.q.val();
        self.event.beat.next.qp = bit_cast::<8, 4>(self.current.q.val().qp);
        self.event.beat.next.status = self.current.q.val().status;
        self.event.beat.next.cq = self.current.q.val().cq;
        self.event.beat.next.sequence = self.current.q.val().sequence;

        if self.free.val() {
            self.out_full.d.next = false;
        }
        match self.state.q.val() {
            PlacementState::Idle => {
                self.current.d.next = self.delivery.beat.val();
                if self.delivery.valid.val() {
                    if self.delivery.beat.val().write {
                        self.state.d.next = PlacementState::Request;
                    } else if self.delivery.beat.val().length.any() {
                        self.state.d.next = PlacementState::Drop;
                    } else if self.delivery.beat.val().complete {
                        self.state.d.next = PlacementState::Complete;
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
                    }
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
                if self.completion.ready.val() & !self.out_full.q.val() {
                    self.state.d.next = PlacementState::Idle;
                }
            }
            PlacementState::Tell => {
                if self.event.ready.val() & !self.out_full.q.val() {
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
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    /// What leaves the block, in its order.
    #[derive(Debug, PartialEq)]
    enum Seen {
        Written(u64, Vec<u8>),
        Completed(u64),
        Ended(u64),
    }

    /// Deliveries, their payload, and what they must lead to.
    fn script(rng: &mut ChaCha8Rng) -> (Vec<Delivery>, Vec<Packet>, Vec<Seen>) {
        let (mut deliveries, mut packets, mut expected) = (vec![], vec![], vec![]);
        for n in 0..40_u64 {
            let length = rng.random_range(0..4) * rng.random_range(0..30_usize);
            let write = length > 0 && rng.random_bool(0.7);
            let (complete, event) = match rng.random_range(0..4) {
                0 | 1 => (write || length == 0, false),
                2 => (false, !write),
                _ => (false, false),
            };
            let octets: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            if length > 0 {
                packets.push(Packet { octets: octets.clone(), error: false });
            }
            if write {
                expected.push(Seen::Written(n << 20, octets));
            }
            expected.extend(complete.then_some(Seen::Completed(n)));
            expected.extend(event.then_some(Seen::Ended(n)));
            deliveries.push(Delivery {
                length: (length as u64).to_bits(),
                write,
                address: (n << 20).to_bits(),
                complete,
                event,
                request: n.to_bits(),
                sequence: n.to_bits(),
                ..Default::default()
            });
        }
        (deliveries, packets, expected)
    }

    #[test]
    fn does_what_the_deliveries_say_in_their_order() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Placement::default();
            uut.connect_all();
            let (deliveries, packets, expected) = script(&mut rng);
            let beats = dense(&packets);
            let (mut given, mut sent, mut seen, mut open, mut idle) = (0, 0, vec![], false, 0);
            while idle < 60 {
                uut.delivery.valid.next = given < deliveries.len();
                uut.delivery.beat.next = deliveries.get(given).copied().unwrap_or_default();
                uut.payload.valid.next = sent < beats.len();
                uut.payload.beat.next = beats.get(sent).copied().unwrap_or_default();
                uut.write.ready.next = !open && rng.random_bool(0.7);
                uut.write_data.ready.next = open && rng.random_bool(0.7);
                uut.completion.ready.next = rng.random_bool(0.7);
                uut.event.ready.next = rng.random_bool(0.7);
                settle!(uut);
                idle += 1;
                given += usize::from(uut.delivery.valid.val() && uut.delivery.ready.val());
                sent += usize::from(uut.payload.valid.val() && uut.payload.ready.val());
                if uut.write.valid.val() && uut.write.ready.val() {
                    seen.push(Seen::Written(uut.write.beat.val().address.to_u64(), vec![]));
                    (open, idle) = (true, 0);
                }
                if uut.write_data.valid.val() && uut.write_data.ready.val() {
                    let beat = uut.write_data.beat.val();
                    let bytes = beat.bytes.to_u64() as usize;
                    let octets = beat.data.to_u64().to_le_bytes();
                    let Some(Seen::Written(_, all)) = seen.last_mut() else {
                        panic!("SEED={seed}: data without a request");
                    };
                    all.extend_from_slice(&octets[..bytes]);
                    open = !beat.last;
                }
                if uut.completion.valid.val() && uut.completion.ready.val() {
                    assert!(!open, "SEED={seed}: a completion before its data");
                    seen.push(Seen::Completed(uut.completion.beat.val().request.to_u64()));
                }
                if uut.event.valid.val() && uut.event.ready.val() {
                    seen.push(Seen::Ended(uut.event.beat.val().sequence.to_u64()));
                }
                edge!(uut);
            }
            assert_eq!((given, sent), (deliveries.len(), beats.len()), "SEED={seed}");
            assert_eq!(seen, expected, "SEED={seed}");
        }
    }
}
