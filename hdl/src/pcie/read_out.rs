//! Reads finished data out of the completion store, in the order of the requests.
use super::records::{OpenRead, ShiftBeat};
use crate::memory::DualPortRam;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Waits for the oldest tag to be done, sends its beats, frees it, goes on to the next. Joins the
/// reads of one request to one packet; the [`ByteShift`](super::byte_shift::ByteShift) behind
/// strips the octets in front of the first. A beat a clock, and one clock between two reads.
#[derive(LogicBlock)]
pub struct ReadOut<const T: usize, const A: usize> {
    pub clock: Signal<In, Clock>,
    pub source: StreamSource<ShiftBeat>,
    /// A read is opened.
    pub open: Signal<In, Bit>,
    pub open_tag: Signal<In, Bits<T>>,
    pub opened: Signal<In, OpenRead>,
    /// From the store: tags that are done, and with errors.
    pub done: Signal<In, Bits<32>>,
    pub failed: Signal<In, Bits<32>>,
    /// The store's read port.
    pub read_address: Signal<Out, Bits<A>>,
    pub read_data: Signal<In, Bits<64>>,
    /// The oldest open tag is free from now on.
    pub retired: Signal<Out, Bit>,
    pub retired_tag: Signal<Out, Bits<T>>,
    reads: DualPortRam<OpenRead, T>,
    tag: DFF<Bits<T>>,
    read: DFF<OpenRead>,
    /// `read_data` shows this beat of the oldest tag.
    beat: DFF<Bits<6>>,
    sending: DFF<Bit>,
    midway: DFF<Bit>,
    bad: DFF<Bit>,
    tag_next: Signal<Local, Bits<T>>,
    beat_next: Signal<Local, Bits<6>>,
    at_end: Signal<Local, Bit>,
    head: Signal<Local, Bits<5>>,
    head_failed: Signal<Local, Bit>,
    tag_one: Constant<Bits<T>>,
    one: Constant<Bits<6>>,
    zero: Constant<Bits<3>>,
}

impl<const T: usize, const A: usize> Default for ReadOut<T, A> {
    fn default() -> Self {
        assert_eq!(T + 6, A, "a tag has 64 beats");
        Self {
            clock: Default::default(),
            source: Default::default(),
            open: Default::default(),
            open_tag: Default::default(),
            opened: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            retired: Default::default(),
            retired_tag: Default::default(),
            reads: Default::default(),
            tag: Default::default(),
            read: Default::default(),
            beat: Default::default(),
            sending: Default::default(),
            midway: Default::default(),
            bad: Default::default(),
            tag_next: Default::default(),
            beat_next: Default::default(),
            at_end: Default::default(),
            head: Default::default(),
            head_failed: Default::default(),
            tag_one: Constant::new(1.into()),
            one: Constant::new(1.into()),
            zero: Constant::new(0.into()),
        }
    }
}

impl<const T: usize, const A: usize> Logic for ReadOut<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, tag, read, beat, sending, midway, bad);
        clock!(self, clock, reads);
        self.reads.write_address.next = self.open_tag.val();
        self.reads.write_data.next = self.opened.val();
        self.reads.write_enable.next = self.open.val();

        self.at_end.next = self.beat.q.val() == self.read.q.val().last_beat;
        self.source.valid.next = self.sending.q.val();
        self.source.beat.next.data = self.read_data.val();
        self.source.beat.next.bytes = 8.into();
        if self.at_end.val() & self.read.q.val().last {
            self.source.beat.next.bytes = self.read.q.val().lanes;
        }
        self.source.beat.next.last = self.at_end.val() & self.read.q.val().last;
        self.source.beat.next.error = self.at_end.val() & self.read.q.val().last & self.bad.q.val();
        self.source.beat.next.shift = self.zero.val() - self.read.q.val().offset;
        self.source.beat.next.drop_first = self.read.q.val().offset != 0;

        self.retired.next = false;
        self.retired_tag.next = self.tag.q.val();
        self.tag_next.next = self.tag.q.val();
        self.beat_next.next = self.beat.q.val();
        self.head.next = bit_cast::<5, T>(self.tag.q.val());
        self.head_failed.next = self.failed.val().get_bit(self.head.val().index());
        if self.sending.q.val() {
            if self.source.ready.val() {
                self.beat_next.next = self.beat.q.val() + self.one.val();
                if self.at_end.val() {
                    self.sending.d.next = false;
                    self.midway.d.next = !self.read.q.val().last;
                    self.retired.next = true;
                    self.tag_next.next = self.tag.q.val() + self.tag_one.val();
                }
            }
        } else if self.done.val().get_bit(self.head.val().index()) {
            self.sending.d.next = true;
            self.read.d.next = self.reads.read_data.val();
            self.beat_next.next = self.reads.read_data.val().first_beat;
            self.bad.d.next = self.head_failed.val() | (self.bad.q.val() & self.midway.q.val());
        }
        self.tag.d.next = self.tag_next.val();
        self.beat.d.next = self.beat_next.val();
        self.reads.read_address.next = self.tag_next.val();
        self.read_address.next =
            (bit_cast::<A, T>(self.tag.q.val()) << 6) | bit_cast::<A, 6>(self.beat_next.val());
    }
}
