//! Room for raw frames in ring 0.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::StreamTaken;
use crate::receive::ring_sizes::RAW_LIMIT;
use rust_hdl::prelude::*;

/// Raw frames lie one behind the other. Before a frame begins, nobody knows how long it will be: it
/// needs room for the longest. Octets are counted whatever becomes of queue pair 0.
#[derive(LogicBlock, Ports, Default)]
pub struct RawRing {
    pub clock: Signal<In, Clock>,
    /// Octets that have left the rings.
    pub taken: Signal<In, StreamTaken>,
    /// A beat of a frame, which may be its first one.
    pub beat: Signal<In, Bit>,
    pub first: Signal<In, Bit>,
    /// The frame fits, in the same clock.
    pub fits: Signal<Out, Bit>,
    /// The number of its first octet.
    pub start: Signal<Out, Bits<32>>,
    /// It was good, and has so many octets.
    pub done: Signal<In, Bit>,
    pub octets: Signal<In, Bits<16>>,
    written: DFF<Bits<32>>,
    read: DFF<Bits<32>>,
    open: DFF<Bit>,
    /// How far `written` may be when a frame of any length comes, and how far that is.
    bound: DFF<Bits<32>>,
    slack: Signal<Local, Bits<32>>,
    room: Signal<Local, Bit>,
    limit: Literal<32, RAW_LIMIT>,
}

impl Logic for RawRing {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, read, open, bound);
        if self.taken.val().valid & !self.taken.val().qp.any() {
            self.read.d.next = self.taken.val().end;
        }
        self.bound.d.next = self.read.q.val() + self.limit.val();
        self.slack.next = self.bound.q.val() - self.written.q.val();
        self.room.next = self.open.q.val();
        if self.first.val() {
            self.room.next = !self.slack.val().get_bit(31);
        }
        if self.beat.val() {
            self.open.d.next = self.room.val();
        }
        if self.done.val() {
            self.written.d.next = self.written.q.val() + bit_cast::<32, 16>(self.octets.val());
        }
        self.fits.next = self.room.val();
        self.start.next = self.written.q.val();
    }
}
