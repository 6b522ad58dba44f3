//! Reads finished data out of the completion store, in the order of the requests.
use super::records::{OpenRead, ShiftBeat};
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Waits for the oldest read to be done, sends its beats, frees its slot, goes on to the next.
/// Joins the reads of one request to one packet; the [`ByteShift`](super::byte_shift::ByteShift)
/// behind strips the octets in front of the first. Where a read failed, the slot may hold anything,
/// another read's octets as well: zeros are sent in their place. A beat a clock, and one clock
/// between two reads.
#[derive(LogicBlock, Ports)]
pub struct ReadOut<const T: usize, const A: usize> {
    pub clock: Signal<In, Clock>,
    pub source: StreamSource<ShiftBeat>,
    /// A read is opened.
    pub open: Signal<In, Bit>,
    pub opened: Signal<In, OpenRead>,
    /// From the store: slots that are done, and with errors.
    pub done: Signal<In, Bits<32>>,
    pub failed: Signal<In, Bits<32>>,
    /// The store's read port.
    pub read_address: Signal<Out, Bits<A>>,
    pub read_data: Signal<In, Bits<64>>,
    /// The oldest read is read out.
    pub retired: Signal<Out, Bit>,
    pub retired_slot: Signal<Out, Bits<T>>,
    /// The reads in the order in which they were opened, and the places of the oldest and the next.
    reads: DualPortRam<OpenRead, T>,
    oldest: DFF<Bits<T>>,
    newest: DFF<Bits<T>>,
    read: DFF<OpenRead>,
    /// `read_data` shows this beat of the oldest read.
    beat: DFF<Bits<6>>,
    sending: DFF<Bit>,
    midway: DFF<Bit>,
    bad: DFF<Bit>,
    oldest_next: Signal<Local, Bits<T>>,
    beat_next: Signal<Local, Bits<6>>,
    at_end: Signal<Local, Bit>,
    head: Signal<Local, Bits<5>>,
    slot: Signal<Local, Bits<5>>,
    head_failed: Signal<Local, Bit>,
    place_one: Constant<Bits<T>>,
    one: Constant<Bits<6>>,
    zero: Constant<Bits<3>>,
    nothing: Constant<Bits<64>>,
}

impl<const T: usize, const A: usize> Default for ReadOut<T, A> {
    fn default() -> Self {
        assert_eq!(T + 6, A, "a slot has 64 beats");
        Self {
            clock: Default::default(),
            source: Default::default(),
            open: Default::default(),
            opened: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            retired: Default::default(),
            retired_slot: Default::default(),
            reads: Default::default(),
            oldest: Default::default(),
            newest: Default::default(),
            read: Default::default(),
            beat: Default::default(),
            sending: Default::default(),
            midway: Default::default(),
            bad: Default::default(),
            oldest_next: Default::default(),
            beat_next: Default::default(),
            at_end: Default::default(),
            head: Default::default(),
            slot: Default::default(),
            head_failed: Default::default(),
            place_one: Constant::new(1.into()),
            one: Constant::new(1.into()),
            zero: Constant::new(0.into()),
            nothing: Constant::new(0.into()),
        }
    }
}

impl<const T: usize, const A: usize> Logic for ReadOut<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, oldest, newest, read, beat, sending, midway, bad);
        clock!(self, clock, reads);
        self.reads.write_address.next = self.newest.q.val();
        self.reads.write_data.next = self.opened.val();
        self.reads.write_enable.next = self.open.val();
        if self.open.val() {
            self.newest.d.next = self.newest.q.val() + self.place_one.val();
        }

        self.at_end.next = self.beat.q.val() == self.read.q.val().last_beat;
        self.source.valid.next = self.sending.q.val();
        self.source.beat.next.data = self.read_data.val();
        if self.bad.q.val() {
            self.source.beat.next.data = self.nothing.val();
        }
        self.source.beat.next.bytes = 8.into();
        if self.at_end.val() & self.read.q.val().last {
            self.source.beat.next.bytes = self.read.q.val().lanes;
        }
        self.source.beat.next.last = self.at_end.val() & self.read.q.val().last;
        self.source.beat.next.error = self.at_end.val() & self.read.q.val().last & self.bad.q.val();
        self.source.beat.next.shift = self.zero.val() - self.read.q.val().offset;
        self.source.beat.next.drop_first = self.read.q.val().offset != 0;

        self.retired.next = false;
        self.retired_slot.next = bit_cast::<T, 5>(self.read.q.val().slot);
        self.oldest_next.next = self.oldest.q.val();
        self.beat_next.next = self.beat.q.val();
        self.head.next = self.reads.read_data.val().slot;
        self.head_failed.next = self.failed.val().get_bit(self.head.val().index());
        self.slot.next = self.read.q.val().slot;
        if self.sending.q.val() {
            if self.source.ready.val() {
                self.beat_next.next = self.beat.q.val() + self.one.val();
                if self.at_end.val() {
                    self.sending.d.next = false;
                    self.midway.d.next = !self.read.q.val().last;
                    self.retired.next = true;
                    self.oldest_next.next = self.oldest.q.val() + self.place_one.val();
                }
            }
        } else if self.done.val().get_bit(self.head.val().index()) {
            self.slot.next = self.head.val();
            self.sending.d.next = true;
            self.read.d.next = self.reads.read_data.val();
            self.beat_next.next = self.reads.read_data.val().first_beat;
            self.bad.d.next = self.head_failed.val() | (self.bad.q.val() & self.midway.q.val());
        }
        self.oldest.d.next = self.oldest_next.val();
        self.beat.d.next = self.beat_next.val();
        self.reads.read_address.next = self.oldest_next.val();
        self.read_address.next =
            (bit_cast::<A, 5>(self.slot.val()) << 6) | bit_cast::<A, 6>(self.beat_next.val());
    }
}
