//! Streams packets out of the rings.
//!
//! ```text
//!            +-----> head FIFO -------> head
//! job -> at, rest
//!            |  read   two clocks      cut the last beat
//!            +------> [ StreamRing ] ------> beat FIFO -------> packet
//! peek ------^  goes first: the framer asks for eight octets now and then
//! ```
use crate::configuration::{QpNumber, STREAM_RING_BITS};
use crate::life::{LifeWatch, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::*;
use crate::receive::ring_sizes::RingPosition;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Reads one beat a clock while the FIFO has room, with one clock between packets. When all of a
/// packet has been read, its room in the ring is free.
#[derive(LogicBlock, Ports, Default)]
pub struct RingReader {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub job: StreamSink<PacketHead>,
    /// Read for the framer in this clock.
    pub peek: Signal<In, Bit>,
    pub peek_qp: Signal<In, QpNumber>,
    pub peek_at: Signal<In, RingPosition>,
    // To the ring.
    pub read_qp: Signal<Out, QpNumber>,
    pub read_at: Signal<Out, RingPosition>,
    pub read_data: Signal<In, Bits<64>>,
    /// Ahead of each packet, its head; an event has no packet.
    pub head: StreamSource<PacketHead>,
    /// The octets of the packets, dense.
    pub packet: StreamSource<Beat>,
    pub taken: Signal<Out, StreamTaken>,
    heads: StreamFifo<PacketHead, 2>,
    beats: StreamFifo<Beat, 4>,
    lives: LifeWatch,
    busy: DFF<Bit>,
    current: DFF<PacketHead>,
    at: DFF<Bits<32>>,
    rest: DFF<Bits<16>>,
    /// Beats that were asked for and have not left the FIFO.
    owed: DFF<Bits<5>>,
    // What is under way in the ring: a clock ago, two clocks ago.
    asked: DFF<Bit>,
    asked_bytes: DFF<Bits<4>>,
    asked_last: DFF<Bit>,
    comes: DFF<Bit>,
    comes_bytes: DFF<Bits<4>>,
    comes_last: DFF<Bit>,
    gone: DFF<StreamTaken>,
    ask: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    bytes: Signal<Local, Bits<4>>,
    leaves: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    empty: Signal<Local, Bits<7>>,
    after: Signal<Local, Bits<32>>,
    eight: Literal<16, 8>,
    eight_octets: Literal<32, 8>,
    full: Literal<4, 8>,
    most: Literal<5, 15>,
    one: Literal<5, 1>,
    sixty_four: Literal<7, 64>,
    ones: Literal<64, { u64::MAX }>,
    kind_raw: Literal<2, { packet_kind::RAW }>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
}

impl Logic for RingReader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, current, at, rest, owed, asked, asked_bytes, asked_last);
        dff_setup!(self, clock, comes, comes_bytes, comes_last, gone);
        clock!(self, clock, heads, beats, lives);
        self.takes.next = self.job.valid.val() & self.heads.sink.ready.val() & !self.busy.q.val();
        self.lives.change.next = self.change.val();
        self.lives.look.next = self.takes.val();
        self.lives.qp.next = self.job.beat.val().qp;
        StreamSource::<PacketHead>::link(&mut self.head, &mut self.heads.source);
        self.packet.beat.next = self.beats.source.beat.val();
        self.packet.valid.next = self.beats.source.valid.val();
        self.beats.source.ready.next = self.packet.ready.val();

        self.ask.next =
            self.busy.q.val() & !self.peek.val() & (self.owed.q.val() < self.most.val());
        self.ends.next = self.rest.q.val() <= self.eight.val();
        self.bytes.next = self.full.val();
        if self.ends.val() {
            self.bytes.next = self.rest.q.val().get_bits::<4>(0);
        }
        self.read_qp.next = self.current.q.val().qp;
        self.read_at.next = bit_cast::<STREAM_RING_BITS, 32>(self.at.q.val());
        if self.peek.val() {
            self.read_qp.next = self.peek_qp.val();
            self.read_at.next = self.peek_at.val();
        }

        self.heads.sink.beat.next = self.job.beat.val();
        self.heads.sink.valid.next = self.job.valid.val() & !self.busy.q.val();
        self.job.ready.next = self.heads.sink.ready.val() & !self.busy.q.val();
        self.gone.d.next.valid = false;
        self.after.next =
            self.current.q.val().start + bit_cast::<32, 16>(self.current.q.val().octets);
        self.gone.d.next.qp = self.current.q.val().qp;
        self.gone.d.next.generation = self.current.q.val().generation;
        self.gone.d.next.end = self.after.val();
        if self.takes.val() {
            self.current.d.next = self.job.beat.val();
            self.at.d.next = self.job.beat.val().start;
            self.rest.d.next = self.job.beat.val().octets;
            self.busy.d.next = self.job.beat.val().kind != self.kind_event.val();
        }
        if self.ask.val() {
            self.at.d.next = self.at.q.val() + self.eight_octets.val();
            self.rest.d.next = self.rest.q.val() - self.eight.val();
            if self.ends.val() {
                self.busy.d.next = false;
                // Raw frames lie in their ring whatever becomes of queue pair 0.
                self.gone.d.next.valid = (self.current.q.val().kind == self.kind_raw.val())
                    | (self.lives.life_now.val().generation == self.current.q.val().generation);
            }
        }
        self.taken.next = self.gone.q.val();

        // The ring answers two clocks later.
        self.asked.d.next = self.ask.val();
        self.asked_bytes.d.next = self.bytes.val();
        self.asked_last.d.next = self.ends.val();
        self.comes.d.next = self.asked.q.val();
        self.comes_bytes.d.next = self.asked_bytes.q.val();
        self.comes_last.d.next = self.asked_last.q.val();
        self.empty.next = self.sixty_four.val() - (bit_cast::<7, 4>(self.comes_bytes.q.val()) << 3);
        self.beats.sink.beat.next.data =
            self.read_data.val() & (self.ones.val() >> self.empty.val());
        self.beats.sink.beat.next.bytes = self.comes_bytes.q.val();
        self.beats.sink.beat.next.last = self.comes_last.q.val();
        self.beats.sink.beat.next.error = false;
        self.beats.sink.valid.next = self.comes.q.val();

        self.leaves.next = self.beats.source.valid.val() & self.packet.ready.val();
        if self.ask.val() & !self.leaves.val() {
            self.owed.d.next = self.owed.q.val() + self.one.val();
        }
        if !self.ask.val() & self.leaves.val() {
            self.owed.d.next = self.owed.q.val() - self.one.val();
        }
    }
}
