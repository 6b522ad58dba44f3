//! How far every queue pair's queue is posted, asked for, on chip and used up.
use crate::configuration::QpNumber;
use crate::control::records::QpDoorbell;
use crate::life::{LifeTable, QpChange};
use crate::literal::Literal;
use crate::queue::records::{QpNote, Rewind};
use rust_hdl::prelude::*;

/// The counters of one kind of queue, for all queue pairs.
///
/// ```text
///           number of work requests, modulo 2^16
/// ..used up..|----- on chip -----|--- on their way ---|--- only posted ---|
///            ^taken              ^stored              ^asked              ^posted
/// ```
/// All begin at zero with a queue pair's life, and each has one writer. `posted` and `taken` have
/// two readers, the one who asks and the one who takes, and so two copies. A [`Rewind`] sets the
/// other three back to one number: what was on chip is asked for anew.
#[derive(LogicBlock)]
pub struct FetchCounters {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub doorbell: Signal<In, QpDoorbell>,
    /// A doorbell of this kind of queue has rung.
    pub rung: Signal<Out, QpNote>,
    /// The queue pair that is asked for, and its counters a clock later.
    pub ask_qp: Signal<In, QpNumber>,
    pub ask_posted: Signal<Out, Bits<16>>,
    pub ask_asked: Signal<Out, Bits<16>>,
    pub ask_taken: Signal<Out, Bits<16>>,
    /// `asked` of `ask_qp` is `issue_asked` from now on. Not when its life has changed since it was
    /// read.
    pub issue: Signal<In, Bit>,
    pub issue_asked: Signal<In, Bits<16>>,
    /// `stored` of `store.qp` is `stored` from now on. Only for a read of its present life.
    pub store: Signal<In, QpNote>,
    pub stored: Signal<In, Bits<16>>,
    /// A queue pair, and a clock later the number of its oldest work request not used up ...
    pub head_qp: Signal<In, QpNumber>,
    pub head_number: Signal<Out, Bits<16>>,
    /// ... and two clocks later, whether that is on chip ...
    pub head_available: Signal<Out, Bit>,
    /// ... or on chip or on its way or only posted.
    pub head_promised: Signal<Out, Bit>,
    /// The oldest work request of `take_qp` is used up. Next to it, `head_qp` means nothing.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, QpNumber>,
    /// Only while it is `rewind_free`.
    pub rewind: Signal<In, Rewind>,
    pub rewind_free: Signal<Out, Bit>,

    posted_asker: LifeTable<Bits<16>>,
    posted_taker: LifeTable<Bits<16>>,
    asked: LifeTable<Bits<16>>,
    on_chip: LifeTable<Bits<16>>,
    taken_asker: LifeTable<Bits<16>>,
    taken_taker: LifeTable<Bits<16>>,
    taking: DFF<QpNote>,
    available: DFF<Bit>,
    promised: DFF<Bit>,
    rings: Signal<Local, Bit>,
    follows: Signal<Local, Bits<16>>,
    receive: Constant<Bit>,
    one: Literal<16, 1>,
}

impl FetchCounters {
    /// For the receive queues; else for the send queues.
    pub fn new(receive: bool) -> Self {
        Self {
            clock: Default::default(),
            change: Default::default(),
            doorbell: Default::default(),
            rung: Default::default(),
            ask_qp: Default::default(),
            ask_posted: Default::default(),
            ask_asked: Default::default(),
            ask_taken: Default::default(),
            issue: Default::default(),
            issue_asked: Default::default(),
            store: Default::default(),
            stored: Default::default(),
            head_qp: Default::default(),
            head_number: Default::default(),
            head_available: Default::default(),
            head_promised: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            rewind: Default::default(),
            rewind_free: Default::default(),
            posted_asker: Default::default(),
            posted_taker: Default::default(),
            asked: Default::default(),
            on_chip: Default::default(),
            taken_asker: Default::default(),
            taken_taker: Default::default(),
            taking: Default::default(),
            available: Default::default(),
            promised: Default::default(),
            rings: Default::default(),
            follows: Default::default(),
            receive: Constant::new(receive),
            one: Default::default(),
        }
    }
}

impl Logic for FetchCounters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, taking, available, promised);
        clock!(self, clock, posted_asker, posted_taker, asked, on_chip, taken_asker, taken_taker);
        self.posted_asker.change.next = self.change.val();
        self.posted_taker.change.next = self.change.val();
        self.asked.change.next = self.change.val();
        self.on_chip.change.next = self.change.val();
        self.taken_asker.change.next = self.change.val();
        self.taken_taker.change.next = self.change.val();

        self.rings.next =
            self.doorbell.val().valid & (self.doorbell.val().receive == self.receive.val());
        self.rung.next.valid = self.rings.val();
        self.rung.next.qp = self.doorbell.val().qp;
        self.posted_asker.write.next = self.rings.val();
        self.posted_asker.write_qp.next = self.doorbell.val().qp;
        self.posted_asker.write_record.next = self.doorbell.val().posted;
        self.posted_taker.write.next = self.rings.val();
        self.posted_taker.write_qp.next = self.doorbell.val().qp;
        self.posted_taker.write_record.next = self.doorbell.val().posted;

        self.posted_asker.read_qp.next = self.ask_qp.val();
        self.asked.read_qp.next = self.ask_qp.val();
        self.taken_asker.read_qp.next = self.ask_qp.val();
        self.ask_posted.next = self.posted_asker.read_record.val();
        self.ask_asked.next = self.asked.read_record.val();
        self.ask_taken.next = self.taken_asker.read_record.val();
        self.asked.write.next = self.issue.val();
        self.asked.write_qp.next = self.ask_qp.val();
        self.asked.write_record.next = self.issue_asked.val();

        self.on_chip.write.next = self.store.val().valid;
        self.on_chip.write_qp.next = self.store.val().qp;
        self.on_chip.write_record.next = self.stored.val();

        self.posted_taker.read_qp.next = self.head_qp.val();
        self.on_chip.read_qp.next = self.head_qp.val();
        self.taken_taker.read_qp.next = self.head_qp.val();
        self.head_number.next = self.taken_taker.read_record.val();
        self.available.d.next =
            self.on_chip.read_record.val() != self.taken_taker.read_record.val();
        self.promised.d.next =
            self.posted_taker.read_record.val() != self.taken_taker.read_record.val();
        self.head_available.next = self.available.q.val();
        self.head_promised.next = self.promised.q.val();

        // A life that begins in the clock of the take has taken nothing.
        self.taking.d.next.valid = self.take.val()
            & !(self.change.val().valid
                & self.change.val().begins
                & (self.change.val().qp == self.take_qp.val()));
        self.taking.d.next.qp = self.take_qp.val();
        if self.take.val() {
            self.taken_taker.read_qp.next = self.take_qp.val();
        }
        self.follows.next = self.taken_taker.read_record.val() + self.one.val();
        self.taken_taker.write.next = self.taking.q.val().valid;
        self.taken_taker.write_qp.next = self.taking.q.val().qp;
        self.taken_taker.write_record.next = self.follows.val();
        self.taken_asker.write.next = self.taking.q.val().valid;
        self.taken_asker.write_qp.next = self.taking.q.val().qp;
        self.taken_asker.write_record.next = self.follows.val();

        // One number for all three: nobody else writes in this clock.
        self.rewind_free.next =
            !self.issue.val() & !self.store.val().valid & !self.taking.q.val().valid;
        if self.rewind.val().valid {
            self.asked.write.next = true;
            self.asked.write_qp.next = self.rewind.val().qp;
            self.asked.write_record.next = self.rewind.val().request;
            self.on_chip.write.next = true;
            self.on_chip.write_qp.next = self.rewind.val().qp;
            self.on_chip.write_record.next = self.rewind.val().request;
            self.taken_taker.write.next = true;
            self.taken_taker.write_qp.next = self.rewind.val().qp;
            self.taken_taker.write_record.next = self.rewind.val().request;
            self.taken_asker.write.next = true;
            self.taken_asker.write_qp.next = self.rewind.val().qp;
            self.taken_asker.write_record.next = self.rewind.val().request;
        }
    }
}
