//! Gives every read a tag.
use super::byte_enables::ByteEnables;
use super::records::{OpenRead, ReadIssue, ReadPiece};
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Hands out `2^T` tags in turn. A tag is given again when the read-out has `retired` it; since
/// answers are read out in order, tags come back in order, and two counters do.
///
/// A read every clock if tags are free. `opened` tells the [`CompletionStore`] and [`ReadOut`] of a
/// tag in the clock before its read is first offered on `source`.
///
/// [`CompletionStore`]: super::completion_store::CompletionStore
/// [`ReadOut`]: super::read_out::ReadOut
#[derive(LogicBlock)]
pub struct ReadIssuer<const T: usize> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<ReadPiece>,
    pub source: StreamSource<ReadIssue>,
    /// A read is opened in this clock: its tag without the channel's base, and what it is.
    pub open: Signal<Out, Bit>,
    pub open_tag: Signal<Out, Bits<T>>,
    pub opened: Signal<Out, OpenRead>,
    /// The oldest open tag is free again.
    pub retired: Signal<In, Bit>,
    enables: ByteEnables,
    issue: DFF<ReadIssue>,
    issue_full: DFF<Bit>,
    next_tag: DFF<Bits<T>>,
    /// Open tags, 0 to `2^T`.
    in_use: DFF<Bits<8>>,
    free: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    start: Signal<Local, Bits<8>>,
    stop: Signal<Local, Bits<8>>,
    last_octet: Signal<Local, Bits<10>>,
    lanes: Signal<Local, Bits<4>>,
    after: Signal<Local, Bits<8>>,
    base: Constant<Bits<8>>,
    capacity: Constant<Bits<8>>,
    tag_one: Constant<Bits<T>>,
    one: Constant<Bits<8>>,
    octet_one: Constant<Bits<10>>,
    lane_one: Constant<Bits<4>>,
}

impl<const T: usize> ReadIssuer<T> {
    /// Tags `base .. base + 2^T`.
    pub fn new(base: u8) -> Self {
        assert!((1..=5).contains(&T), "a channel has 2 to 32 tags");
        assert!(base % (1 << T) == 0, "a channel's tags are aligned to their number");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            open: Default::default(),
            open_tag: Default::default(),
            opened: Default::default(),
            retired: Default::default(),
            enables: Default::default(),
            issue: Default::default(),
            issue_full: Default::default(),
            next_tag: Default::default(),
            in_use: Default::default(),
            free: Default::default(),
            go: Default::default(),
            start: Default::default(),
            stop: Default::default(),
            last_octet: Default::default(),
            lanes: Default::default(),
            after: Default::default(),
            base: Constant::new(base.to_bits()),
            capacity: Constant::new((1_u64 << T).to_bits()),
            tag_one: Constant::new(1.into()),
            one: Constant::new(1.into()),
            octet_one: Constant::new(1.into()),
            lane_one: Constant::new(1.into()),
        }
    }
}

impl<const T: usize> Logic for ReadIssuer<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, issue, issue_full, next_tag, in_use);
        self.source.beat.next = self.issue.q.val();
        self.source.valid.next = self.issue_full.q.val();
        self.free.next = (self.source.ready.val() | !self.issue_full.q.val())
            & (self.in_use.q.val() != self.capacity.val());
        self.sink.ready.next = self.free.val();
        self.go.next = self.free.val() & self.sink.valid.val();

        self.enables.offset.next = bit_cast::<2, 64>(self.sink.beat.val().address);
        self.enables.bytes.next = self.sink.beat.val().bytes;
        // The piece lies in one aligned block of 512 octets: nine address bits do.
        self.start.next = bit_cast::<8, 64>(self.sink.beat.val().address >> 2) & 127;
        self.stop.next = self.start.val() + self.enables.dwords.val();
        self.last_octet.next = bit_cast::<10, 64>(self.sink.beat.val().address)
            + self.sink.beat.val().bytes
            - self.octet_one.val();
        self.lanes.next =
            bit_cast::<4, 3>(self.last_octet.val().get_bits::<3>(0)) + self.lane_one.val();
        self.open.next = self.go.val();
        self.open_tag.next = self.next_tag.q.val();
        self.opened.next.start = self.start.val();
        self.opened.next.end = self.stop.val();
        self.opened.next.first_beat = self.start.val().get_bits::<6>(1);
        self.opened.next.last_beat = self.last_octet.val().get_bits::<6>(3);
        self.opened.next.lanes = self.lanes.val();
        self.opened.next.offset = self.sink.beat.val().offset;
        self.opened.next.last = self.sink.beat.val().last;

        if self.source.ready.val() {
            self.issue_full.d.next = false;
        }
        if self.go.val() {
            self.issue_full.d.next = true;
            self.issue.d.next.address = self.sink.beat.val().address;
            self.issue.d.next.dwords = self.enables.dwords.val();
            self.issue.d.next.first_enables = self.enables.first.val();
            self.issue.d.next.last_enables = self.enables.last.val();
            self.issue.d.next.tag = self.base.val() | bit_cast::<8, T>(self.next_tag.q.val());
            self.next_tag.d.next = self.next_tag.q.val() + self.tag_one.val();
        }
        self.after.next = self.in_use.q.val();
        if self.retired.val() {
            self.after.next = self.in_use.q.val() - self.one.val();
        }
        self.in_use.d.next = self.after.val();
        if self.go.val() {
            self.in_use.d.next = self.after.val() + self.one.val();
        }
    }
}
