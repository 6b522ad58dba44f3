//! Gives every read a tag.
use super::byte_enables::ByteEnables;
use super::records::{OpenRead, ReadIssue, ReadPiece};
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Hands out `2^T` slots in turn, each time with the next of its `2^(W - T)` tags: a tag comes
/// again when all others of the channel have. A slot is given again when it is free; since answers
/// are read out in order, slots become free in order, but for those in quarantine, which are passed
/// over.
///
/// A read every clock if slots are free. `opened` tells the [`CompletionStore`] and [`ReadOut`] of
/// a read in the clock before it is first offered on `source`.
///
/// [`CompletionStore`]: super::completion_store::CompletionStore
/// [`ReadOut`]: super::read_out::ReadOut
#[derive(LogicBlock, Ports)]
pub struct ReadIssuer<const T: usize, const W: usize> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<ReadPiece>,
    pub source: StreamSource<ReadIssue>,
    /// Reads may be opened.
    pub enabled: Signal<In, Bit>,
    /// A read is opened in this clock, this one.
    pub open: Signal<Out, Bit>,
    pub opened: Signal<Out, OpenRead>,
    /// Bit n: slot n is not free, and is not going to be soon.
    pub busy: Signal<In, Bits<32>>,
    pub quarantined: Signal<In, Bits<32>>,
    enables: ByteEnables,
    issue: DFF<ReadIssue>,
    issue_full: DFF<Bit>,
    /// The next tag, without the channel's base; its lowest bits are the slot.
    next_tag: DFF<Bits<W>>,
    slot: Signal<Local, Bits<5>>,
    free: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    start: Signal<Local, Bits<8>>,
    last_octet: Signal<Local, Bits<10>>,
    lanes: Signal<Local, Bits<4>>,
    base: Constant<Bits<8>>,
    tag_one: Constant<Bits<W>>,
    octet_one: Constant<Bits<10>>,
    lane_one: Constant<Bits<4>>,
}

impl<const T: usize, const W: usize> ReadIssuer<T, W> {
    /// Tags `base .. base + 2^W`.
    pub fn new(base: u8) -> Self {
        assert!((1..=5).contains(&T), "a channel has 2 to 32 slots");
        assert!((T..8).contains(&W), "a slot has a tag");
        assert!(base % (1 << W) == 0, "a channel's tags are aligned to their number");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            enabled: Default::default(),
            open: Default::default(),
            opened: Default::default(),
            busy: Default::default(),
            quarantined: Default::default(),
            enables: Default::default(),
            issue: Default::default(),
            issue_full: Default::default(),
            next_tag: Default::default(),
            slot: Default::default(),
            free: Default::default(),
            go: Default::default(),
            start: Default::default(),
            last_octet: Default::default(),
            lanes: Default::default(),
            base: Constant::new(base.to_bits()),
            tag_one: Constant::new(1.into()),
            octet_one: Constant::new(1.into()),
            lane_one: Constant::new(1.into()),
        }
    }
}

impl<const T: usize, const W: usize> Logic for ReadIssuer<T, W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, issue, issue_full, next_tag);
        self.source.beat.next = self.issue.q.val();
        self.source.valid.next = self.issue_full.q.val();
        self.slot.next = bit_cast::<5, T>(bit_cast::<T, W>(self.next_tag.q.val()));
        self.free.next = (self.source.ready.val() | !self.issue_full.q.val())
            & self.enabled.val()
            & !self.busy.val().get_bit(self.slot.val().index());
        self.sink.ready.next = self.free.val();
        self.go.next = self.free.val() & self.sink.valid.val();

        self.enables.offset.next = bit_cast::<2, 64>(self.sink.beat.val().address);
        self.enables.bytes.next = self.sink.beat.val().bytes;
        // The piece lies in one aligned block of 512 octets: nine address bits do.
        self.start.next = bit_cast::<8, 64>(self.sink.beat.val().address >> 2) & 127;
        self.last_octet.next = bit_cast::<10, 64>(self.sink.beat.val().address)
            + self.sink.beat.val().bytes
            - self.octet_one.val();
        self.lanes.next =
            bit_cast::<4, 3>(self.last_octet.val().get_bits::<3>(0)) + self.lane_one.val();
        self.open.next = self.go.val();
        self.opened.next.start = self.start.val();
        self.opened.next.first_beat = self.start.val().get_bits::<6>(1);
        self.opened.next.last_beat = self.last_octet.val().get_bits::<6>(3);
        self.opened.next.lanes = self.lanes.val();
        self.opened.next.offset = self.sink.beat.val().offset;
        self.opened.next.last = self.sink.beat.val().last;
        self.opened.next.lead = self.enables.offset.val();
        self.opened.next.bytes = self.sink.beat.val().bytes;
        self.opened.next.slot = self.slot.val();
        self.opened.next.tag = self.base.val() | bit_cast::<8, W>(self.next_tag.q.val());

        if self.source.ready.val() {
            self.issue_full.d.next = false;
        }
        if self.go.val() {
            self.issue_full.d.next = true;
            self.issue.d.next.address = self.sink.beat.val().address;
            self.issue.d.next.dwords = self.enables.dwords.val();
            self.issue.d.next.first_enables = self.enables.first.val();
            self.issue.d.next.last_enables = self.enables.last.val();
            self.issue.d.next.tag = self.base.val() | bit_cast::<8, W>(self.next_tag.q.val());
        }
        if self.go.val() | self.quarantined.val().get_bit(self.slot.val().index()) {
            self.next_tag.d.next = self.next_tag.q.val() + self.tag_one.val();
        }
    }
}
