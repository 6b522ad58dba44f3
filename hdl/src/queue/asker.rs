//! Asks for work requests: which queue pair, how many, where.
use crate::configuration::{QpNumber, QP_BITS};
use crate::control::records::ContextWrite;
use crate::life::{LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::field;
use crate::memory::ContextTable;
use crate::pcie::records::ReadRequest;
use crate::queue::notes::NoteMerge;
use crate::queue::ready_list::ReadyList;
use crate::queue::records::*;
use crate::stream::*;
use ironwarp_abi::context::table;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::WQE_CACHE_ENTRIES;
use ironwarp_abi::queue::SendRequest;
use rust_hdl::prelude::*;

/// What [`FetchAsker`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AskState {
    /// Takes the number of a queue pair that may want work requests, or lets a fence through.
    Choose,
    /// Its counters and its context are being read.
    Look,
    /// They are there: what was posted is counted, and what is held.
    Count,
    /// How many: not past what was posted, the ring, a page, the read size, what is free of the
    /// cache. Nothing, if nothing was posted or less than a quarter of the cache is free.
    Fit,
    /// Offers the read.
    Ask,
}

/// One read at a time is prepared (5 clocks); as many are under way as there is room for tickets.
///
/// ```text
/// rung, taken, more --> ReadyList --> Choose -> Look -> Count -> Fit -> Ask -> read, ticket
/// fence -------------------------------^
/// ```
/// No read begins for a queue pair that is not active. What was planned for one that goes back is
/// planned anew.
#[derive(LogicBlock)]
pub struct FetchAsker {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// A doorbell has rung; a work request was used up.
    pub rung: Signal<In, QpNote>,
    pub taken: Signal<In, QpNote>,
    pub rewind: Signal<In, Rewind>,
    /// How often `qp` has gone back, with its counters.
    pub pass: Signal<In, Bits<8>>,
    /// A pulse: a ticket that is a fence follows the tickets of all reads so far.
    pub fence: Signal<In, Bit>,
    /// The queue pair; its counters come a clock later.
    pub qp: Signal<Out, QpNumber>,
    pub posted: Signal<In, Bits<16>>,
    pub asked: Signal<In, Bits<16>>,
    pub used: Signal<In, Bits<16>>,
    /// Up to `issue_asked` work requests of `qp` are asked for from now on.
    pub issue: Signal<Out, Bit>,
    pub issue_asked: Signal<Out, Bits<16>>,
    pub read: StreamSource<ReadRequest>,
    /// One for every read, in the same order, and for every fence.
    pub ticket: StreamSource<FetchTicket>,

    notes: NoteMerge<4>,
    list: ReadyList,
    watch: LifeWatch,
    sizes: ContextTable<QP_BITS, 1>,
    rings: ContextTable<QP_BITS, 2>,
    tickets: StreamFifo<FetchTicket, 3>,
    reads: HalfBuffer<ReadRequest>,
    state: DFF<AskState>,
    fencing: DFF<Bit>,
    chosen: DFF<QpNumber>,
    start: DFF<Bits<16>>,
    waiting: DFF<Bits<16>>,
    /// Places of the cache.
    vacant: DFF<Bits<16>>,
    mask: DFF<Bits<16>>,
    /// Of the ring, and then of the first work request.
    address: DFF<Bits<64>>,
    fitting: DFF<Bits<5>>,
    /// More than `fitting` are waiting.
    more: DFF<Bit>,
    lives: Signal<Local, Bit>,
    room_beyond: Signal<Local, Bit>,
    size_word: Signal<Local, Bits<32>>,
    log2: Signal<Local, Bits<4>>,
    offset: Signal<Local, Bits<16>>,
    page_mask: Signal<Local, Bits<16>>,
    page_offset: Signal<Local, Bits<16>>,
    room: Signal<Local, Bits<16>>,
    limit: Signal<Local, Bits<16>>,
    count: Signal<Local, Bits<16>>,
    size_bit: Constant<Bits<32>>,
    one: Literal<16, 1>,
    page: Literal<16, { 4096 / SendRequest::BYTES as u64 - 1 }>,
    places: Literal<16, { WQE_CACHE_ENTRIES as u64 }>,
    half: Literal<16, { WQE_CACHE_ENTRIES as u64 / 2 }>,
    quarter: Literal<16, { WQE_CACHE_ENTRIES as u64 / 4 }>,
}

impl FetchAsker {
    /// `ring` and `log2`: the context's fields with the ring's address and log2 of its entries.
    pub fn new(ring: &str, log2: &str) -> Self {
        let [ring, log2] = [ring, log2].map(|name| field(QueuePairContext::FIELDS, name));
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            change: Default::default(),
            max_read: Default::default(),
            rung: Default::default(),
            taken: Default::default(),
            rewind: Default::default(),
            pass: Default::default(),
            fence: Default::default(),
            qp: Default::default(),
            posted: Default::default(),
            asked: Default::default(),
            used: Default::default(),
            issue: Default::default(),
            issue_asked: Default::default(),
            read: Default::default(),
            ticket: Default::default(),
            notes: Default::default(),
            list: Default::default(),
            watch: Default::default(),
            sizes: ContextTable::new(table::QUEUE_PAIR, log2.word()),
            rings: ContextTable::new(table::QUEUE_PAIR, ring.word()),
            tickets: Default::default(),
            reads: Default::default(),
            state: Default::default(),
            fencing: Default::default(),
            chosen: Default::default(),
            start: Default::default(),
            waiting: Default::default(),
            vacant: Default::default(),
            mask: Default::default(),
            address: Default::default(),
            fitting: Default::default(),
            more: Default::default(),
            lives: Default::default(),
            room_beyond: Default::default(),
            size_word: Default::default(),
            log2: Default::default(),
            offset: Default::default(),
            page_mask: Default::default(),
            page_offset: Default::default(),
            room: Default::default(),
            limit: Default::default(),
            count: Default::default(),
            size_bit: Constant::new((log2.bit() as u64).to_bits()),
            one: Default::default(),
            page: Default::default(),
            places: Default::default(),
            half: Default::default(),
            quarter: Default::default(),
        }
    }
}

impl Logic for FetchAsker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, fencing, chosen, start, waiting, vacant, mask, address);
        dff_setup!(self, clock, fitting, more);
        clock!(self, clock, notes, list, watch, sizes, rings, tickets, reads);
        self.sizes.context_write.next = self.context_write.val();
        self.rings.context_write.next = self.context_write.val();
        self.sizes.index.next = self.chosen.q.val();
        self.rings.index.next = self.chosen.q.val();
        self.qp.next = self.chosen.q.val();
        self.notes.notes[0].next = self.rung.val();
        self.notes.notes[1].next = self.taken.val();
        self.notes.notes[2].next.valid = self.rewind.val().valid;
        self.notes.notes[2].next.qp = self.rewind.val().qp;
        self.notes.notes[3].next.valid = false;
        self.notes.notes[3].next.qp = self.chosen.q.val();
        StreamSource::<QpNumber>::join(&mut self.notes.source, &mut self.list.put);
        self.list.change.next = self.change.val();
        self.list.first.ready.next =
            (self.state.q.val() == AskState::Choose) & !self.fencing.q.val();
        self.watch.change.next = self.change.val();
        self.watch.look.next = self.state.q.val() == AskState::Choose;
        self.watch.qp.next = self.list.first.beat.val();
        StreamSource::<FetchTicket>::link(&mut self.ticket, &mut self.tickets.source);
        StreamSource::<ReadRequest>::link(&mut self.read, &mut self.reads.source);

        self.size_word.next = self.sizes.words[0].val() >> self.size_bit.val();
        self.log2.next = self.size_word.val().get_bits::<4>(0);

        // At most so many, from `start`.
        self.offset.next = self.start.q.val() & self.mask.q.val();
        self.page_mask.next = self.mask.q.val() & self.page.val();
        self.page_offset.next = self.start.q.val() & self.page_mask.val();
        self.room.next = self.page_mask.val() - self.page_offset.val() + self.one.val();
        self.limit.next = self.half.val();
        if self.max_read.val() == 0 {
            self.limit.next = 2.into();
        }
        if self.max_read.val() == 1 {
            self.limit.next = 4.into();
        }
        self.count.next = self.waiting.q.val();
        if self.count.val() > self.limit.val() {
            self.count.next = self.limit.val();
        }
        if self.count.val() > self.room.val() {
            self.count.next = self.room.val();
        }
        if self.count.val() > self.vacant.q.val() {
            self.count.next = self.vacant.q.val();
        }

        self.lives.next = self.watch.life_now.val().active & !self.watch.disturbed_now.val();
        self.room_beyond.next = self.tickets.sink.ready.val() & self.reads.sink.ready.val();
        self.reads.sink.beat.next.address = self.address.q.val();
        self.reads.sink.beat.next.bytes = bit_cast::<10, 5>(self.fitting.q.val()) << 6;
        self.reads.sink.valid.next = false;
        self.tickets.sink.beat.next.fence = false;
        self.tickets.sink.beat.next.qp = self.chosen.q.val();
        self.tickets.sink.beat.next.generation = self.watch.life.val().generation;
        self.tickets.sink.beat.next.first = self.start.q.val();
        self.tickets.sink.beat.next.count = self.fitting.q.val();
        self.tickets.sink.beat.next.pass = self.pass.val();
        self.tickets.sink.valid.next = false;
        self.issue.next = false;
        self.issue_asked.next = self.start.q.val() + bit_cast::<16, 5>(self.fitting.q.val());

        match self.state.q.val() {
            AskState::Choose => {
                if self.fencing.q.val() {
                    self.tickets.sink.beat.next.fence = true;
                    self.tickets.sink.valid.next = true;
                    self.fencing.d.next = !self.tickets.sink.ready.val();
                } else if self.list.first.valid.val() {
                    self.chosen.d.next = self.list.first.beat.val();
                    self.state.d.next = AskState::Look;
                }
            }
            AskState::Look => {
                self.state.d.next = AskState::Count;
            }
            AskState::Count => {
                self.start.d.next = self.asked.val();
                self.waiting.d.next = self.posted.val() - self.asked.val();
                self.vacant.d.next = self.places.val() - (self.asked.val() - self.used.val());
                self.address.d.next = (bit_cast::<64, 32>(self.rings.words[1].val()) << 32)
                    | bit_cast::<64, 32>(self.rings.words[0].val());
                self.mask.d.next = (self.one.val() << self.log2.val()) - self.one.val();
                self.state.d.next = AskState::Fit;
            }
            AskState::Fit => {
                self.fitting.d.next = bit_cast::<5, 16>(self.count.val());
                self.more.d.next = self.waiting.q.val() != self.count.val();
                self.address.d.next =
                    self.address.q.val() + (bit_cast::<64, 16>(self.offset.val()) << 6);
                self.state.d.next = AskState::Choose;
                if self.waiting.q.val().any() & (self.vacant.q.val() >= self.quarter.val()) {
                    self.state.d.next = AskState::Ask;
                }
            }
            AskState::Ask => {
                if !self.lives.val() {
                    // Whatever its next life wants comes with a doorbell of that life.
                    self.state.d.next = AskState::Choose;
                } else if self.room_beyond.val() {
                    self.reads.sink.valid.next = true;
                    self.tickets.sink.valid.next = true;
                    self.issue.next = true;
                    self.notes.notes[3].next.valid = self.more.q.val();
                    self.state.d.next = AskState::Choose;
                }
            }
            _ => {
                self.state.d.next = AskState::Choose;
            }
        }
        if self.rewind.val().valid
            & (self.rewind.val().qp == self.chosen.q.val())
            & (self.state.q.val() != AskState::Choose)
        {
            self.state.d.next = AskState::Choose;
        }
        if self.fence.val() {
            self.fencing.d.next = true;
        }
    }
}
