//! Numbers of objects that have something to do.
use crate::memory::Table;
use crate::pins::Ports;
use crate::stream::*;
use rust_hdl::prelude::*;

/// A list of numbers of `A` bits, first in first out, each at most once. `PLACES` is `A + 1`: room
/// for every number and one on its way.
///
/// ```text
/// put --> listed? --no--> FIFO --> first
///           ^ pushed, popped: a bit each for every number; they differ while it is listed
/// ```
/// Contract: whoever changes something that `first`'s taker would want to know puts the number at
/// the same time or later; whoever takes a number looks at the object from the next clock on. So
/// nothing is missed: a number that is put while it is listed is looked at later. The taker may
/// find nothing to do.
#[derive(LogicBlock, Ports)]
pub struct NumberList<const A: usize, const PLACES: usize> {
    pub clock: Signal<In, Clock>,
    /// After a reset, for every number, while nothing else happens: `wiped` is not listed.
    pub wipe: Signal<In, Bit>,
    pub wiped: Signal<In, Bits<A>>,
    /// Always ready.
    pub put: StreamSink<Bits<A>>,
    pub first: StreamSource<Bits<A>>,
    pushed: Table<Bit, A>,
    pushed_seen: Table<Bit, A>,
    popped: Table<Bit, A>,
    list: StreamFifo<Bits<A>, PLACES>,
    asked: DFF<Bit>,
    asked_number: DFF<Bits<A>>,
    taken: DFF<Bit>,
    taken_number: DFF<Bits<A>>,
    enters: Signal<Local, Bit>,
    flipped: Signal<Local, Bit>,
}

impl<const A: usize, const PLACES: usize> Default for NumberList<A, PLACES> {
    fn default() -> Self {
        assert_eq!(PLACES, A + 1, "room for every number and one on its way");
        Self {
            clock: Default::default(),
            wipe: Default::default(),
            wiped: Default::default(),
            put: Default::default(),
            first: Default::default(),
            pushed: Default::default(),
            pushed_seen: Default::default(),
            popped: Default::default(),
            list: Default::default(),
            asked: Default::default(),
            asked_number: Default::default(),
            taken: Default::default(),
            taken_number: Default::default(),
            enters: Default::default(),
            flipped: Default::default(),
        }
    }
}

impl<const A: usize, const PLACES: usize> Logic for NumberList<A, PLACES> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asked, asked_number, taken, taken_number);
        clock!(self, clock, pushed, pushed_seen, popped, list);

        // Is it listed?
        self.put.ready.next = true;
        self.asked.d.next = self.put.valid.val();
        self.asked_number.d.next = self.put.beat.val();
        self.pushed.read_index.next = self.put.beat.val();
        self.popped.read_index.next = self.put.beat.val();
        self.enters.next =
            self.asked.q.val() & (self.pushed.read_record.val() == self.popped.read_record.val());
        self.flipped.next = !self.pushed.read_record.val();
        self.list.sink.beat.next = self.asked_number.q.val();
        self.list.sink.valid.next = self.enters.val();
        self.pushed.write.next = self.enters.val() | self.wipe.val();
        self.pushed.write_index.next = self.asked_number.q.val();
        self.pushed.write_record.next = self.flipped.val();

        // Listed no more: the two bits are equal again.
        self.taken.d.next = self.first.valid.val() & self.first.ready.val();
        self.taken_number.d.next = self.first.beat.val();
        self.pushed_seen.read_index.next = self.first.beat.val();
        self.popped.write.next = self.taken.q.val() | self.wipe.val();
        self.popped.write_index.next = self.taken_number.q.val();
        self.popped.write_record.next = self.pushed_seen.read_record.val();
        if self.wipe.val() {
            self.pushed.write_index.next = self.wiped.val();
            self.pushed.write_record.next = false;
            self.popped.write_index.next = self.wiped.val();
            self.popped.write_record.next = false;
        }
        self.pushed_seen.write.next = self.pushed.write.val();
        self.pushed_seen.write_index.next = self.pushed.write_index.val();
        self.pushed_seen.write_record.next = self.pushed.write_record.val();
        StreamSource::<Bits<A>>::link(&mut self.first, &mut self.list.source);
    }
}
