//! Asks for work requests: which queue pair, how many, where.
use crate::control::records::*;
use crate::literal::Literal;
use crate::memory::ContextTable;
use crate::pcie::records::ReadRequest;
use crate::queue::pick::Pick;
use crate::queue::records::*;
use crate::stream::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::{QP_BITS, WQE_CACHE_ENTRIES};
use ironwarp_abi::queue::SendRequest;
use rust_hdl::prelude::*;

/// What [`FetchAsker`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AskState {
    /// Waits for a queue pair that wants work requests.
    Choose,
    /// Its counters and its context are being read.
    Look,
    /// They are there: what was posted is counted.
    Count,
    /// How many: not past what was posted, the ring, a page, the read size, half of the cache. If
    /// nothing was, that is told.
    Fit,
    /// Offers the read.
    Ask,
}

/// One read at a time is prepared (5 clocks); as many are under way as there is room for tickets.
///
/// ```text
/// want -> Choose -> Look -> Count -> Fit -> Ask -> read request, ticket
/// ```
#[derive(LogicBlock)]
pub struct FetchAsker {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// Bit n: queue pair n wants to be asked for.
    pub want: Signal<In, Bits<16>>,
    /// The queue pair, and that its counters are to be read: they are there in the next clock.
    pub qp: Signal<Out, Bits<4>>,
    pub look: Signal<Out, Bit>,
    pub posted: Signal<In, Bits<16>>,
    pub first: Signal<In, Bits<16>>,
    pub generation: Signal<In, Bits<4>>,
    /// `issue_count` work requests of `qp` are asked for in this clock; it may be none. With that
    /// `issue_asked` are, and there are more if `issue_more`.
    pub issue: Signal<Out, Bit>,
    pub issue_count: Signal<Out, Bits<5>>,
    pub issue_asked: Signal<Out, Bits<16>>,
    pub issue_more: Signal<Out, Bit>,
    pub read: StreamSource<ReadRequest>,
    /// One for every read, in the same order.
    pub ticket: StreamSource<FetchTicket>,

    pick: Pick,
    sizes: ContextTable<QP_BITS, 1>,
    rings: ContextTable<QP_BITS, 2>,
    tickets: StreamFifo<FetchTicket, 3>,
    reads: HalfBuffer<ReadRequest>,
    state: DFF<AskState>,
    chosen: DFF<Bits<4>>,
    start: DFF<Bits<16>>,
    waiting: DFF<Bits<16>>,
    mask: DFF<Bits<16>>,
    /// Of the ring, and then of the first work request.
    address: DFF<Bits<64>>,
    fitting: DFF<Bits<5>>,
    /// More than `fitting` are waiting.
    more: DFF<Bit>,
    belongs: DFF<Bits<4>>,
    /// The queue pair was started or stopped since it was chosen.
    stale: DFF<Bit>,
    stale_now: Signal<Local, Bit>,
    accepted: Signal<Local, Bit>,
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
    half: Literal<16, { WQE_CACHE_ENTRIES as u64 / 2 }>,
}

impl FetchAsker {
    /// `ring_word`: the context word where the ring's address begins; `size_bit`: where the ring's
    /// log2 begins in context word `size_word`.
    pub fn new(ring_word: usize, size_word: usize, size_bit: usize) -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            max_read: Default::default(),
            want: Default::default(),
            qp: Default::default(),
            look: Default::default(),
            posted: Default::default(),
            first: Default::default(),
            generation: Default::default(),
            issue: Default::default(),
            issue_count: Default::default(),
            issue_asked: Default::default(),
            issue_more: Default::default(),
            read: Default::default(),
            ticket: Default::default(),
            pick: Default::default(),
            sizes: ContextTable::new(table::QUEUE_PAIR, size_word),
            rings: ContextTable::new(table::QUEUE_PAIR, ring_word),
            tickets: Default::default(),
            reads: Default::default(),
            state: Default::default(),
            chosen: Default::default(),
            start: Default::default(),
            waiting: Default::default(),
            mask: Default::default(),
            address: Default::default(),
            fitting: Default::default(),
            more: Default::default(),
            belongs: Default::default(),
            stale: Default::default(),
            stale_now: Default::default(),
            accepted: Default::default(),
            size_word: Default::default(),
            log2: Default::default(),
            offset: Default::default(),
            page_mask: Default::default(),
            page_offset: Default::default(),
            room: Default::default(),
            limit: Default::default(),
            count: Default::default(),
            size_bit: Constant::new((size_bit as u64).to_bits()),
            one: Default::default(),
            page: Default::default(),
            half: Default::default(),
        }
    }
}

impl Logic for FetchAsker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, chosen, start, waiting, mask, address, fitting);
        dff_setup!(self, clock, belongs, stale, more);
        clock!(self, clock, sizes, rings, tickets, reads);
        self.sizes.context_write.next = self.context_write.val();
        self.rings.context_write.next = self.context_write.val();
        self.sizes.index.next = self.chosen.q.val();
        self.rings.index.next = self.chosen.q.val();
        self.pick.wanted.next = self.want.val();
        self.pick.last.next = self.chosen.q.val();
        self.qp.next = self.chosen.q.val();
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

        self.stale_now.next = self.stale.q.val()
            | (self.command.val().valid
                & (self.command.val().index == bit_cast::<8, 4>(self.chosen.q.val())));
        self.accepted.next = (self.state.q.val() == AskState::Ask)
            & self.tickets.sink.ready.val()
            & self.reads.sink.ready.val();
        self.reads.sink.beat.next.address = self.address.q.val();
        self.reads.sink.beat.next.bytes = bit_cast::<10, 5>(self.fitting.q.val()) << 6;
        self.reads.sink.valid.next = self.accepted.val();
        self.tickets.sink.beat.next.qp = self.chosen.q.val();
        self.tickets.sink.beat.next.generation = self.belongs.q.val();
        self.tickets.sink.beat.next.first = self.start.q.val();
        self.tickets.sink.beat.next.count = self.fitting.q.val();
        self.tickets.sink.valid.next = self.accepted.val();
        self.look.next = self.state.q.val() == AskState::Look;
        self.issue.next = self.accepted.val() & !self.stale_now.val();
        self.issue_count.next = self.fitting.q.val();
        self.issue_more.next = self.more.q.val();
        if self.state.q.val() == AskState::Fit {
            self.issue.next = !self.waiting.q.val().any() & !self.stale_now.val();
            self.issue_count.next = 0.into();
            self.issue_more.next = false;
        }
        self.issue_asked.next = self.start.q.val() + bit_cast::<16, 5>(self.issue_count.val());

        self.stale.d.next = self.stale_now.val();
        match self.state.q.val() {
            AskState::Choose => {
                self.stale.d.next = false;
                if self.pick.any.val() {
                    self.chosen.d.next = self.pick.choice.val();
                    self.state.d.next = AskState::Look;
                }
            }
            AskState::Look => {
                self.state.d.next = AskState::Count;
            }
            AskState::Count => {
                self.start.d.next = self.first.val();
                self.waiting.d.next = self.posted.val() - self.first.val();
                self.belongs.d.next = self.generation.val();
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
                self.state.d.next = AskState::Ask;
                if !self.waiting.q.val().any() {
                    self.state.d.next = AskState::Choose;
                }
            }
            AskState::Ask => {
                if self.accepted.val() {
                    self.state.d.next = AskState::Choose;
                }
            }
            _ => {
                self.state.d.next = AskState::Choose;
            }
        }
    }
}
