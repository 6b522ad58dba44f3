//! How far every queue pair's queue is posted, asked for, and used up.
use crate::control::records::*;
use crate::literal::Literal;
use crate::memory::Table;
use ironwarp_abi::limits::{QP_BITS, QP_COUNT, WQE_CACHE_ENTRIES};
use rust_hdl::prelude::*;

const _: () = assert!(QP_COUNT == 16 && WQE_CACHE_ENTRIES == 16, "the kernel has these widths");

/// The counters of one kind of queue, for all queue pairs.
///
/// ```text
///            number of work requests, modulo 2^16
/// ..used up..|----- on chip -----|--- on their way ---|--- only posted ---|
///            ^head slot                               ^asked              ^posted
///            |<------------------ held -------------->|
/// ```
/// What is posted and asked lies in tables; so that nobody need compare sixteen of each, a queue
/// pair is `open` from its doorbell until the one who asks has found nothing more in them. A
/// command puts all of its queue pair's counters to zero and begins its next generation.
#[derive(LogicBlock)]
pub struct FetchCounters {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub doorbell: Signal<In, Doorbell>,
    /// Bit n: a clock ago, queue pair n had, or may have had, work requests to ask for, half of its
    /// cache was free, and none of its were issued.
    pub want: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has a work request on chip.
    pub available: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has a work request, on chip or not yet; for some clocks after a doorbell
    /// that tells nothing new, it may have none.
    pub promised: Signal<Out, Bits<16>>,
    /// The queue pair that is asked for: stays from `look` until `issue`.
    pub ask_qp: Signal<In, Bits<4>>,
    /// Its counters are read in this clock, and are there in the next, for that clock:
    pub look: Signal<In, Bit>,
    pub ask_posted: Signal<Out, Bits<16>>,
    pub ask_first: Signal<Out, Bits<16>>,
    pub ask_generation: Signal<Out, Bits<4>>,
    /// `issue_count` work requests of `ask_qp` are asked for, and `asked` are from now on. Not
    /// after a command for it since `look`.
    pub issue: Signal<In, Bit>,
    pub issue_count: Signal<In, Bits<5>>,
    pub issue_asked: Signal<In, Bits<16>>,
    /// There were more between `ask_first` and `ask_posted`.
    pub issue_more: Signal<In, Bit>,
    /// A queue pair whose work requests arrive, and its generation in the same clock.
    pub look_qp: Signal<In, Bits<4>>,
    pub look_generation: Signal<Out, Bits<4>>,
    /// `store_count` work requests of `store_qp` are on chip from now on.
    pub store: Signal<In, Bit>,
    pub store_qp: Signal<In, Bits<4>>,
    pub store_count: Signal<In, Bits<5>>,
    /// A queue pair, and the slot of its oldest work request in the same clock: its number modulo
    /// 16.
    pub head_qp: Signal<In, Bits<4>>,
    pub head_slot: Signal<Out, Bits<4>>,
    /// The oldest work request of `take_qp` is used up.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, Bits<4>>,

    posted: Table<Bits<16>, QP_BITS>,
    asked: Table<Bits<16>, QP_BITS>,
    /// Bit n: the table knows; else the counter is zero.
    posted_known: DFF<Bits<16>>,
    asked_known: DFF<Bits<16>>,
    open: DFF<Bits<16>>,
    /// A doorbell for `ask_qp` came since `look`, or with it.
    rung: DFF<Bit>,
    held: [DFF<Bits<5>>; 16],
    cached: [DFF<Bits<5>>; 16],
    slot: [DFF<Bits<4>>; 16],
    generation: [DFF<Bits<4>>; 16],
    wanting: DFF<Bits<16>>,
    wants: Signal<Local, Bits<16>>,
    asks: Signal<Local, Bit>,
    rings: Signal<Local, Bit>,
    doorbell_index: Signal<Local, Bits<8>>,
    command_index: Signal<Local, Bits<8>>,
    rings_bit: Signal<Local, Bits<16>>,
    commands_bit: Signal<Local, Bits<16>>,
    issues_bit: Signal<Local, Bits<16>>,
    closes_bit: Signal<Local, Bits<16>>,
    more_held: Signal<Local, Bits<5>>,
    more_cached: Signal<Local, Bits<5>>,
    less: Signal<Local, Bits<5>>,
    kind: Constant<Bits<2>>,
    one: Literal<4, 1>,
    first_bit: Literal<16, 1>,
    none: Literal<16, 0>,
    half: Literal<5, { WQE_CACHE_ENTRIES as u64 / 2 }>,
}

impl FetchCounters {
    /// For the queues whose doorbell is `kind` (`doorbell_kind`).
    pub fn new(kind: u64) -> Self {
        Self {
            clock: Default::default(),
            command: Default::default(),
            doorbell: Default::default(),
            want: Default::default(),
            available: Default::default(),
            promised: Default::default(),
            ask_qp: Default::default(),
            look: Default::default(),
            ask_posted: Default::default(),
            ask_first: Default::default(),
            ask_generation: Default::default(),
            issue: Default::default(),
            issue_count: Default::default(),
            issue_asked: Default::default(),
            issue_more: Default::default(),
            look_qp: Default::default(),
            look_generation: Default::default(),
            store: Default::default(),
            store_qp: Default::default(),
            store_count: Default::default(),
            head_qp: Default::default(),
            head_slot: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            posted: Default::default(),
            asked: Default::default(),
            posted_known: Default::default(),
            asked_known: Default::default(),
            open: Default::default(),
            rung: Default::default(),
            held: Default::default(),
            cached: Default::default(),
            slot: Default::default(),
            generation: Default::default(),
            wanting: Default::default(),
            wants: Default::default(),
            asks: Default::default(),
            rings: Default::default(),
            doorbell_index: Default::default(),
            command_index: Default::default(),
            rings_bit: Default::default(),
            commands_bit: Default::default(),
            issues_bit: Default::default(),
            closes_bit: Default::default(),
            more_held: Default::default(),
            more_cached: Default::default(),
            less: Default::default(),
            kind: Constant::new(kind.to_bits()),
            one: Default::default(),
            first_bit: Default::default(),
            none: Default::default(),
            half: Default::default(),
        }
    }
}

impl Logic for FetchCounters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, posted_known, asked_known, open, rung, wanting);
        clock!(self, clock, posted, asked);
        self.doorbell_index.next = self.doorbell.val().index;
        self.command_index.next = self.command.val().index;
        self.rings.next = self.doorbell.val().valid
            & (self.doorbell.val().kind == self.kind.val())
            & !self.doorbell_index.val().get_bits::<4>(4).any();
        self.rings_bit.next = self.none.val();
        if self.rings.val() {
            self.rings_bit.next =
                self.first_bit.val() << self.doorbell_index.val().get_bits::<4>(0);
        }
        self.commands_bit.next = self.none.val();
        if self.command.val().valid & !self.command_index.val().get_bits::<4>(4).any() {
            self.commands_bit.next =
                self.first_bit.val() << self.command_index.val().get_bits::<4>(0);
        }
        self.issues_bit.next = self.none.val();
        if self.issue.val() {
            self.issues_bit.next = self.first_bit.val() << self.ask_qp.val();
        }
        self.closes_bit.next = self.issues_bit.val();
        if self.issue_more.val() | self.rung.q.val() {
            self.closes_bit.next = self.none.val();
        }
        self.open.d.next = ((self.open.q.val() & !self.closes_bit.val()) | self.rings_bit.val())
            & !self.commands_bit.val();
        self.rung.d.next = (self.rung.q.val() & !self.look.val())
            | (self.rings.val()
                & (self.doorbell_index.val().get_bits::<4>(0) == self.ask_qp.val()));

        self.posted.write.next = self.rings.val();
        self.posted.write_index.next = self.doorbell_index.val().get_bits::<4>(0);
        self.posted.write_record.next = self.doorbell.val().value;
        self.posted.read_index.next = self.ask_qp.val();
        self.posted_known.d.next =
            (self.posted_known.q.val() | self.rings_bit.val()) & !self.commands_bit.val();
        self.ask_posted.next = self.posted.read_record.val();
        if !self.posted_known.q.val().get_bit(self.ask_qp.val().index()) {
            self.ask_posted.next = self.none.val();
        }
        self.asked.write.next = self.issue.val();
        self.asked.write_index.next = self.ask_qp.val();
        self.asked.write_record.next = self.issue_asked.val();
        self.asked.read_index.next = self.ask_qp.val();
        self.asked_known.d.next =
            (self.asked_known.q.val() | self.issues_bit.val()) & !self.commands_bit.val();
        self.ask_first.next = self.asked.read_record.val();
        if !self.asked_known.q.val().get_bit(self.ask_qp.val().index()) {
            self.ask_first.next = self.none.val();
        }

        self.want.next = self.wanting.q.val();
        self.wants.next = self.none.val();
        self.available.next = self.none.val();
        self.promised.next = self.none.val();
        self.ask_generation.next = 0.into();
        self.look_generation.next = 0.into();
        self.head_slot.next = 0.into();
        for i in 0..16 {
            self.held[i].clock.next = self.clock.val();
            self.cached[i].clock.next = self.clock.val();
            self.slot[i].clock.next = self.clock.val();
            self.generation[i].clock.next = self.clock.val();
            self.slot[i].d.next = self.slot[i].q.val();
            self.generation[i].d.next = self.generation[i].q.val();

            self.asks.next = self.issues_bit.val().get_bit(i);
            self.wants.next = self.wants.val().replace_bit(
                i,
                self.open.q.val().get_bit(i)
                    & (self.held[i].q.val() <= self.half.val())
                    & !self.asks.val(),
            );
            self.available.next = self.available.val().replace_bit(i, self.cached[i].q.val().any());
            self.promised.next = self
                .promised
                .val()
                .replace_bit(i, self.open.q.val().get_bit(i) | self.held[i].q.val().any());
            if self.ask_qp.val().index() == i {
                self.ask_generation.next = self.generation[i].q.val();
            }
            if self.look_qp.val().index() == i {
                self.look_generation.next = self.generation[i].q.val();
            }
            if self.head_qp.val().index() == i {
                self.head_slot.next = self.slot[i].q.val();
            }

            self.more_held.next = 0.into();
            self.more_cached.next = 0.into();
            self.less.next = 0.into();
            if self.asks.val() {
                self.more_held.next = self.issue_count.val();
            }
            if self.store.val() & (self.store_qp.val().index() == i) {
                self.more_cached.next = self.store_count.val();
            }
            if self.take.val() & (self.take_qp.val().index() == i) {
                self.less.next = 1.into();
                self.slot[i].d.next = self.slot[i].q.val() + self.one.val();
            }
            self.held[i].d.next = self.held[i].q.val() + self.more_held.val() - self.less.val();
            self.cached[i].d.next =
                self.cached[i].q.val() + self.more_cached.val() - self.less.val();
            if self.commands_bit.val().get_bit(i) {
                self.held[i].d.next = 0.into();
                self.cached[i].d.next = 0.into();
                self.slot[i].d.next = 0.into();
                self.generation[i].d.next = self.generation[i].q.val() + self.one.val();
            }
        }
        self.wanting.d.next = self.wants.val();
    }
}
