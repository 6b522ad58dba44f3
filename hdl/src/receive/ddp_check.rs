//! Takes an FPDU apart: length, DDP and RDMAP header, payload; pad and CRC go.
//!
//! ```text
//! octet      0..1    2    3      4..7     8..15          16..
//! tagged     length  DDP  RDMAP  STag     tagged offset  payload
//!                                         8..11  12..15  16..19  20..
//! untagged   length  DDP  RDMAP  -        QN     MSN     MO      payload
//! ```
//! The payload of an untagged segment starts in the middle of a beat; it is moved to the start.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::ddp_header::DdpHeader;
use crate::receive::notes::*;
use crate::stream::*;
use ironwarp_abi::status;
use ironwarp_wire::rdmap::queue;
use rust_hdl::prelude::*;

/// What is taken in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum DdpState {
    Idle,
    First,
    Second,
    Third,
    Payload,
    Raw,
    Verdict,
    Tell,
}

/// Passes payload on as dense packets, and tells of each packet when it has ended and its verdict
/// is known. One beat a clock; three clocks between packets.
#[derive(LogicBlock, Ports, Default)]
pub struct DdpCheck {
    pub clock: Signal<In, Clock>,
    pub head: StreamSink<PacketHead>,
    /// FPDUs without markers, and raw frames: dense.
    pub sink: StreamSink<Beat>,
    /// After each packet but an event, what the CRC and the markers said.
    pub verdict: StreamSink<Bits<8>>,
    /// The payload, one packet for each arrival whose length is not zero.
    pub payload: StreamSource<Beat>,
    pub arrival: StreamSource<Arrival>,
    order: Swap,
    header: DdpHeader,
    state: DFF<DdpState>,
    told: DFF<Arrival>,
    /// Octets of payload that have not been passed on.
    rest: DFF<Bits<16>>,
    /// The queue number that goes with the opcode.
    queue_number: DFF<Bits<2>>,
    /// Octets 4 to 7 of the beat before.
    carry: DFF<Bits<32>>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    word: Signal<Local, Bits<64>>,
    data: Signal<Local, Bits<64>>,
    joined: Signal<Local, Bits<64>>,
    bytes: Signal<Local, Bits<4>>,
    empty: Signal<Local, Bits<7>>,
    moves: Signal<Local, Bit>,
    eight: Literal<16, 8>,
    full: Literal<4, 8>,
    sixty_four: Literal<7, 64>,
    ones: Literal<64, { u64::MAX }>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
    raw: Literal<2, { packet_kind::RAW }>,
    terminate_queue: Literal<2, { queue::TERMINATE as u64 }>,
    terminated: Literal<8, { status::PEER_TERMINATED as u64 }>,
    queue_error: Literal<8, { status::DDP_QUEUE as u64 }>,
    length_error: Literal<8, { status::MPA_LENGTH as u64 }>,
}

impl Logic for DdpCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, told, rest, queue_number, carry, out, out_full);
        self.order.word.next = self.sink.beat.val().data;
        self.word.next = self.order.swapped.val();
        self.header.word.next = self.order.swapped.val();
        self.payload.beat.next = self.out.q.val();
        self.payload.valid.next = self.out_full.q.val();
        self.free.next = self.payload.ready.val() | !self.out_full.q.val();
        self.head.ready.next = self.state.q.val() == DdpState::Idle;
        self.verdict.ready.next = self.state.q.val() == DdpState::Verdict;
        self.arrival.valid.next = self.state.q.val() == DdpState::Tell;
        self.arrival.beat.next = self.told.q.val();
        self.sink.ready.next = self.free.val()
            & (self.state.q.val() != DdpState::Idle)
            & (self.state.q.val() != DdpState::Verdict)
            & (self.state.q.val() != DdpState::Tell);
        self.moves.next = self.sink.ready.val() & self.sink.valid.val();

        // The next eight octets of payload.
        self.data.next = self.sink.beat.val().data;
        self.joined.next = self.data.val();
        if !self.told.q.val().tagged & (self.state.q.val() == DdpState::Payload) {
            self.joined.next = (self.data.val() << 32) | bit_cast::<64, 32>(self.carry.q.val());
        }
        self.bytes.next = self.full.val();
        if self.rest.q.val() < self.eight.val() {
            self.bytes.next = self.rest.q.val().get_bits::<4>(0);
        }
        self.empty.next = self.sixty_four.val() - (bit_cast::<7, 4>(self.bytes.val()) << 3);
        if self.free.val() {
            self.out_full.d.next = false;
        }
        if self.moves.val() {
            self.carry.d.next = self.data.val().get_bits::<32>(32);
        }

        match self.state.q.val() {
            DdpState::Idle => {
                self.told.d.next.kind = self.head.beat.val().kind;
                self.told.d.next.qp = self.head.beat.val().qp;
                self.told.d.next.generation = self.head.beat.val().generation;
                self.told.d.next.buffered = self.head.beat.val().buffered;
                self.told.d.next.status = self.head.beat.val().status;
                self.told.d.next.sequence = self.head.beat.val().sequence;
                self.told.d.next.tagged = false;
                self.told.d.next.last = true;
                self.told.d.next.solicited = false;
                self.told.d.next.request = false;
                self.told.d.next.response = false;
                self.told.d.next.stag = 0.into();
                self.told.d.next.offset = 0.into();
                self.told.d.next.length = self.head.beat.val().octets;
                self.rest.d.next = self.head.beat.val().octets;
                if self.head.valid.val() {
                    self.state.d.next = DdpState::First;
                    if self.head.beat.val().kind == self.kind_event.val() {
                        self.state.d.next = DdpState::Tell;
                    }
                    if self.head.beat.val().kind == self.raw.val() {
                        self.state.d.next = DdpState::Raw;
                    }
                }
            }
            DdpState::First => {
                self.told.d.next.tagged = self.header.is_tagged.val();
                self.told.d.next.last = self.header.last.val();
                self.told.d.next.solicited = self.header.solicited.val();
                self.told.d.next.request = self.header.request.val();
                self.told.d.next.response = self.header.response.val();
                self.queue_number.d.next = self.header.queue_number.val();
                self.told.d.next.stag = self.word.val().get_bits::<32>(0);
                self.told.d.next.length = self.header.payload.val();
                self.told.d.next.status = self.header.status.val();
                self.rest.d.next = self.header.payload.val();
                if self.moves.val() {
                    self.state.d.next = DdpState::Second;
                }
            }
            DdpState::Second => {
                if self.moves.val() {
                    self.told.d.next.offset = self.word.val();
                    self.state.d.next = DdpState::Payload;
                    if !self.told.q.val().tagged {
                        // Queue number and MSN; MO follows.
                        self.told.d.next.offset = self.word.val() << 32;
                        if !self.told.q.val().status.any() {
                            if self.word.val().get_bits::<32>(32)
                                != bit_cast::<32, 2>(self.queue_number.q.val())
                            {
                                self.told.d.next.status = self.queue_error.val();
                            } else if self.queue_number.q.val() == self.terminate_queue.val() {
                                self.told.d.next.status = self.terminated.val();
                            }
                        }
                        self.state.d.next = DdpState::Third;
                    }
                }
            }
            DdpState::Third => {
                if self.moves.val() {
                    self.told.d.next.offset = self.told.q.val().offset
                        | bit_cast::<64, 32>(self.word.val().get_bits::<32>(32));
                    self.state.d.next = DdpState::Payload;
                }
            }
            DdpState::Tell => {
                if self.arrival.ready.val() {
                    self.state.d.next = DdpState::Idle;
                }
            }
            DdpState::Verdict => {
                if self.verdict.valid.val() {
                    if self.verdict.beat.val().any() {
                        self.told.d.next.status = self.verdict.beat.val();
                    }
                    self.state.d.next = DdpState::Tell;
                }
            }
            _ => {
                if self.moves.val() & self.rest.q.val().any() {
                    self.out.d.next.data =
                        self.joined.val() & (self.ones.val() >> self.empty.val());
                    self.out.d.next.bytes = self.bytes.val();
                    self.out.d.next.last = self.rest.q.val() <= self.eight.val();
                    self.out.d.next.error = false;
                    self.out_full.d.next = true;
                    self.rest.d.next = self.rest.q.val() - bit_cast::<16, 4>(self.bytes.val());
                }
            }
        }
        if self.moves.val() & self.sink.beat.val().last {
            self.state.d.next = DdpState::Verdict;
            if (self.state.q.val() == DdpState::First) | (self.state.q.val() == DdpState::Second) {
                self.told.d.next.status = self.length_error.val();
            }
        }
    }
}
