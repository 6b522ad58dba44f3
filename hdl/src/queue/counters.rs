//! How far every queue pair's queue is posted, asked for, and used up.
use crate::control::records::*;
use crate::literal::Literal;
use ironwarp_abi::limits::{QP_COUNT, WQE_CACHE_ENTRIES};
use rust_hdl::prelude::*;

const _: () = assert!(QP_COUNT == 16 && WQE_CACHE_ENTRIES == 16, "the kernel has these widths");

/// The counters of one kind of queue, for all queue pairs.
///
/// ```text
///            number of work requests, modulo 2^16
/// ..used up..|----- on chip -----|--- on their way ---|--- only posted ---|
///            ^head number                             ^asked              ^posted
///            |<------------------ held -------------->|
/// ```
/// A command puts all of its queue pair's counters to zero and begins its next generation.
#[derive(LogicBlock)]
pub struct FetchCounters {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub doorbell: Signal<In, Doorbell>,
    /// Bit n: a clock ago, queue pair n had work requests to ask for, half of its cache was free,
    /// and none of its were issued. Nothing but a command takes that back, and then there are none
    /// between `ask_first` and `ask_posted`.
    pub want: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has a work request on chip.
    pub available: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has a work request, on chip or not yet.
    pub promised: Signal<Out, Bits<16>>,
    /// The queue pair that is asked for; the next three are its counters, in the same clock.
    pub ask_qp: Signal<In, Bits<4>>,
    pub ask_posted: Signal<Out, Bits<16>>,
    pub ask_first: Signal<Out, Bits<16>>,
    pub ask_generation: Signal<Out, Bits<4>>,
    /// `issue_count` work requests of `ask_qp` are asked for.
    pub issue: Signal<In, Bit>,
    pub issue_count: Signal<In, Bits<5>>,
    /// A queue pair whose work requests arrive, and its generation in the same clock.
    pub look_qp: Signal<In, Bits<4>>,
    pub look_generation: Signal<Out, Bits<4>>,
    /// `store_count` work requests of `store_qp` are on chip from now on.
    pub store: Signal<In, Bit>,
    pub store_qp: Signal<In, Bits<4>>,
    pub store_count: Signal<In, Bits<5>>,
    /// A queue pair, and the number of its oldest work request in the same clock.
    pub head_qp: Signal<In, Bits<4>>,
    pub head_number: Signal<Out, Bits<16>>,
    /// The oldest work request of `take_qp` is used up.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, Bits<4>>,

    posted: [DFF<Bits<16>>; 16],
    asked: [DFF<Bits<16>>; 16],
    held: [DFF<Bits<5>>; 16],
    cached: [DFF<Bits<5>>; 16],
    generation: [DFF<Bits<4>>; 16],
    wanting: DFF<Bits<16>>,
    wants: Signal<Local, Bits<16>>,
    asks: Signal<Local, Bit>,
    head_asked: Signal<Local, Bits<16>>,
    head_held: Signal<Local, Bits<5>>,
    more_held: Signal<Local, Bits<5>>,
    more_cached: Signal<Local, Bits<5>>,
    less: Signal<Local, Bits<5>>,
    kind: Constant<Bits<2>>,
    one: Literal<4, 1>,
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
            ask_posted: Default::default(),
            ask_first: Default::default(),
            ask_generation: Default::default(),
            issue: Default::default(),
            issue_count: Default::default(),
            store_qp: Default::default(),
            look_qp: Default::default(),
            look_generation: Default::default(),
            store: Default::default(),
            store_count: Default::default(),
            head_qp: Default::default(),
            head_number: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            posted: Default::default(),
            asked: Default::default(),
            held: Default::default(),
            cached: Default::default(),
            generation: Default::default(),
            wanting: Default::default(),
            wants: Default::default(),
            asks: Default::default(),
            head_asked: Default::default(),
            head_held: Default::default(),
            more_held: Default::default(),
            more_cached: Default::default(),
            less: Default::default(),
            kind: Constant::new(kind.to_bits()),
            one: Default::default(),
            half: Default::default(),
        }
    }
}

impl Logic for FetchCounters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wanting);
        self.want.next = self.wanting.q.val();
        self.wants.next = 0.into();
        self.available.next = 0.into();
        self.promised.next = 0.into();
        self.ask_posted.next = 0.into();
        self.ask_first.next = 0.into();
        self.ask_generation.next = 0.into();
        self.look_generation.next = 0.into();
        self.head_asked.next = 0.into();
        self.head_held.next = 0.into();
        for i in 0..16 {
            self.posted[i].clock.next = self.clock.val();
            self.asked[i].clock.next = self.clock.val();
            self.held[i].clock.next = self.clock.val();
            self.cached[i].clock.next = self.clock.val();
            self.generation[i].clock.next = self.clock.val();
            self.posted[i].d.next = self.posted[i].q.val();
            self.asked[i].d.next = self.asked[i].q.val();
            self.generation[i].d.next = self.generation[i].q.val();

            self.asks.next = self.issue.val() & (self.ask_qp.val().index() == i);
            self.wants.next = self.wants.val().replace_bit(
                i,
                (self.posted[i].q.val() != self.asked[i].q.val())
                    & (self.held[i].q.val() <= self.half.val())
                    & !self.asks.val(),
            );
            self.available.next = self.available.val().replace_bit(i, self.cached[i].q.val().any());
            self.promised.next = self.promised.val().replace_bit(
                i,
                (self.posted[i].q.val() != self.asked[i].q.val()) | self.held[i].q.val().any(),
            );
            if self.ask_qp.val().index() == i {
                self.ask_posted.next = self.posted[i].q.val();
                self.ask_first.next = self.asked[i].q.val();
                self.ask_generation.next = self.generation[i].q.val();
            }
            if self.look_qp.val().index() == i {
                self.look_generation.next = self.generation[i].q.val();
            }
            if self.head_qp.val().index() == i {
                self.head_asked.next = self.asked[i].q.val();
                self.head_held.next = self.held[i].q.val();
            }

            self.more_held.next = 0.into();
            self.more_cached.next = 0.into();
            self.less.next = 0.into();
            if self.asks.val() {
                self.more_held.next = self.issue_count.val();
                self.asked[i].d.next =
                    self.asked[i].q.val() + bit_cast::<16, 5>(self.issue_count.val());
            }
            if self.store.val() & (self.store_qp.val().index() == i) {
                self.more_cached.next = self.store_count.val();
            }
            if self.take.val() & (self.take_qp.val().index() == i) {
                self.less.next = 1.into();
            }
            self.held[i].d.next = self.held[i].q.val() + self.more_held.val() - self.less.val();
            self.cached[i].d.next =
                self.cached[i].q.val() + self.more_cached.val() - self.less.val();
            if self.doorbell.val().valid
                & (self.doorbell.val().kind == self.kind.val())
                & (self.doorbell.val().index.index() == i)
            {
                self.posted[i].d.next = self.doorbell.val().value;
            }
            if self.command.val().valid & (self.command.val().index.index() == i) {
                self.posted[i].d.next = 0.into();
                self.asked[i].d.next = 0.into();
                self.held[i].d.next = 0.into();
                self.cached[i].d.next = 0.into();
                self.generation[i].d.next = self.generation[i].q.val() + self.one.val();
            }
        }
        self.wanting.d.next = self.wants.val();
        self.head_number.next = self.head_asked.val() - bit_cast::<16, 5>(self.head_held.val());
    }
}
