//! Finds the pages of a region that is a page list.
//!
//! ```text
//! extent -> Idle -> Index -> Line -> Look -> Judge -> Cut -> Give -> piece
//!            |        ^               ^  miss |               |
//!            |        |               |      Ask -> Fill --> Give: it cannot be read
//!            |        |               +---------------+       |
//!            |        +--------------- there is more ---------+
//!            +--> piece: a run, at once
//! ```
use crate::control::records::ContextWrite;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::protect::page_cache::PageCache;
use crate::protect::records::*;
use crate::stream::beat::*;
use ironwarp_abi::limits::{PAGED_LENGTH_BITS, PAGE_BITS_MAX, PAGE_BITS_MIN};
use rust_hdl::prelude::*;

/// How far an octet can be from the beginning of the first page.
const OFFSET_BITS: usize = 45;
/// The number of a page.
const INDEX_BITS: usize = OFFSET_BITS - PAGE_BITS_MIN;
const _: () = assert!(PAGED_LENGTH_BITS < OFFSET_BITS && PAGE_BITS_MAX < 32);

/// What the walker does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum WalkerState {
    Idle,
    /// Which page?
    Index,
    /// In which line of the list does it stand?
    Line,
    /// The line is looked up.
    Look,
    /// Is it there?
    Judge,
    /// Asks for it.
    Ask,
    /// It comes.
    Fill,
    /// The page is known: how many octets are in it?
    Cut,
    /// Offers them.
    Give,
}

/// Cuts extents into pieces that lie one behind the other. An extent in a run passes in the same
/// clock; a page takes seven clocks, and a line that is not in the cache a read. An entry that is
/// not the address of a page, and a line that cannot be read, is a piece with `fault`.
///
/// What comes from a page list is the host's word. No address leaves but those of runs, those of
/// lines of lists, and such as stand in a list, in the page that they name.
#[derive(LogicBlock, Ports, Default)]
pub struct PageWalker {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub extent: StreamSink<Extent>,
    pub piece: StreamSource<Piece>,
    /// Reads of lines, one at a time, and what they hold: eight beats.
    pub line: StreamSource<PageLine>,
    pub data: StreamSink<Beat>,
    cache: PageCache,
    state: DFF<WalkerState>,
    list: DFF<PageLine>,
    page_log2: DFF<Bits<5>>,
    offset: DFF<Bits<OFFSET_BITS>>,
    left: DFF<Bits<16>>,
    index: DFF<Bits<INDEX_BITS>>,
    /// Octets of the page in front of the extent's.
    in_page: DFF<Bits<32>>,
    wanted: DFF<PageLine>,
    /// The line has just been filled.
    fresh: DFF<Bit>,
    entry: DFF<Bits<64>>,
    given: DFF<Piece>,
    place: Signal<Local, Place>,
    walks: Signal<Local, Bit>,
    idle: Signal<Local, Bit>,
    shifted: Signal<Local, Bits<OFFSET_BITS>>,
    upper: Signal<Local, Bits<32>>,
    below: Signal<Local, Bits<32>>,
    low: Signal<Local, Bits<32>>,
    page: Signal<Local, Bits<33>>,
    reach: Signal<Local, Bits<33>>,
    room: Signal<Local, Bits<33>>,
    stray: Signal<Local, Bits<32>>,
    all: Literal<32, 0xffff_ffff>,
    unit: Literal<33, 1>,
}

impl Logic for PageWalker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, list, page_log2, offset, left, index, in_page, wanted);
        dff_setup!(self, clock, fresh, entry, given);
        clock!(self, clock, cache);
        self.cache.context_write.next = self.context_write.val();
        self.place.next = self.extent.beat.val().place;
        self.walks.next = self.place.val().paged & self.extent.beat.val().bytes.any();
        self.idle.next = self.state.q.val() == WalkerState::Idle;
        self.extent.ready.next = self.idle.val() & (self.walks.val() | self.piece.ready.val());
        self.piece.valid.next = (self.state.q.val() == WalkerState::Give)
            | (self.idle.val() & self.extent.valid.val() & !self.walks.val());
        self.piece.beat.next = self.given.q.val();
        if self.idle.val() {
            self.piece.beat.next.address = self.place.val().address;
            self.piece.beat.next.bytes = self.extent.beat.val().bytes;
            self.piece.beat.next.last = true;
            self.piece.beat.next.fault = false;
        }
        self.line.beat.next = self.wanted.q.val();
        self.line.valid.next = self.state.q.val() == WalkerState::Ask;
        self.data.ready.next = self.state.q.val() == WalkerState::Fill;
        self.cache.line.next = self.wanted.q.val();
        self.cache.number.next = self.index.q.val().get_bits::<3>(0);
        self.cache.opens.next = self.state.q.val() == WalkerState::Ask;
        self.cache.fill.next = (self.state.q.val() == WalkerState::Fill) & self.data.valid.val();
        self.cache.fill_entry.next = self.data.beat.val().data;
        self.cache.closes.next = (self.state.q.val() == WalkerState::Fill)
            & self.data.valid.val()
            & self.data.beat.val().last
            & !self.data.beat.val().error;

        // A page is 2^n octets: the bits below n are the place in it.
        self.shifted.next = self.offset.q.val() >> self.page_log2.q.val();
        self.upper.next = self.all.val() << self.page_log2.q.val();
        self.below.next = !self.upper.val();
        self.low.next = bit_cast::<32, OFFSET_BITS>(self.offset.q.val());
        self.page.next = self.unit.val() << self.page_log2.q.val();
        self.reach.next =
            bit_cast::<33, 32>(self.in_page.q.val()) + bit_cast::<33, 16>(self.left.q.val());
        self.room.next = self.page.val() - bit_cast::<33, 32>(self.in_page.q.val());
        self.stray.next = bit_cast::<32, 64>(self.entry.q.val()) & self.below.val();

        match self.state.q.val() {
            WalkerState::Idle => {
                self.list.d.next = self.place.val().list;
                self.page_log2.d.next = self.place.val().page_log2;
                self.offset.d.next = bit_cast::<OFFSET_BITS, 64>(self.place.val().address);
                self.left.d.next = self.extent.beat.val().bytes;
                self.fresh.d.next = false;
                if self.extent.valid.val() & self.walks.val() {
                    self.state.d.next = WalkerState::Index;
                }
            }
            WalkerState::Index => {
                self.index.d.next = bit_cast::<INDEX_BITS, OFFSET_BITS>(self.shifted.val());
                self.in_page.d.next = self.low.val() & self.below.val();
                self.state.d.next = WalkerState::Line;
            }
            WalkerState::Line => {
                self.wanted.d.next =
                    self.list.q.val() + bit_cast::<58, 30>(self.index.q.val().get_bits::<30>(3));
                self.state.d.next = WalkerState::Look;
            }
            WalkerState::Look => {
                self.state.d.next = WalkerState::Judge;
            }
            WalkerState::Judge => {
                self.entry.d.next = self.cache.entry.val();
                self.fresh.d.next = false;
                self.state.d.next = WalkerState::Ask;
                if self.cache.hit.val() | self.fresh.q.val() {
                    self.state.d.next = WalkerState::Cut;
                }
            }
            WalkerState::Ask => {
                if self.line.ready.val() {
                    self.state.d.next = WalkerState::Fill;
                }
            }
            WalkerState::Fill => {
                self.given.d.next.fault = true;
                self.given.d.next.last = true;
                if self.data.valid.val() & self.data.beat.val().last {
                    self.fresh.d.next = true;
                    self.state.d.next = WalkerState::Look;
                    if self.data.beat.val().error {
                        self.state.d.next = WalkerState::Give;
                    }
                }
            }
            WalkerState::Cut => {
                self.given.d.next.address =
                    self.entry.q.val() | bit_cast::<64, 32>(self.in_page.q.val());
                self.given.d.next.bytes = self.left.q.val();
                self.given.d.next.last = true;
                self.given.d.next.fault = self.stray.val().any();
                if (self.reach.val() > self.page.val()) & !self.stray.val().any() {
                    self.given.d.next.bytes = bit_cast::<16, 33>(self.room.val());
                    self.given.d.next.last = false;
                }
                self.state.d.next = WalkerState::Give;
            }
            WalkerState::Give => {
                if self.piece.ready.val() {
                    self.offset.d.next =
                        self.offset.q.val() + bit_cast::<OFFSET_BITS, 16>(self.given.q.val().bytes);
                    self.left.d.next = self.left.q.val() - self.given.q.val().bytes;
                    self.state.d.next = WalkerState::Index;
                    if self.given.q.val().last {
                        self.state.d.next = WalkerState::Idle;
                    }
                }
            }
            _ => {
                self.state.d.next = WalkerState::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests;
