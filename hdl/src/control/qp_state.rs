//! The lives of queue pairs: the one place where they begin and end.
use super::records::{QpCommand, QpEvent, QpRecord, Wipe};
use crate::complete::records::Completion;
use crate::configuration::*;
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::literal::Literal;
use crate::memory::{field, ContextTable, Table};
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::Merge2;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::{queue, status};
use rust_hdl::prelude::*;

/// What a life does next.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Deciding {
    /// Chooses: a command, an event.
    Idle,
    /// The command's queue pair is known.
    Obey,
    /// The event's queue pair is known.
    Judge,
}

/// The authority on lives. A command starts or stops a queue pair; an event ends it and becomes a
/// completion entry of kind `EVENT`. All that happens is told as a [`QpChange`], at most one in
/// eight clocks, after a reset's wipe.
///
/// * Starting a queue pair that is started stops it first, with a change of its own.
/// * An event of another generation, or of a queue pair that is not active, is swallowed: only the
///   first reason counts, and an old life has no say in a new one.
/// * A command goes before an event that waits, and does not wait for the completion writer.
#[derive(LogicBlock, Ports)]
pub struct QpState {
    pub clock: Signal<In, Clock>,
    /// After a reset: the queue pair of that number has never lived.
    pub wipe: Signal<In, Wipe>,
    /// For the queue pairs' completion queues.
    pub context_write: Signal<In, ContextWrite>,
    /// None comes while `busy`.
    pub command: Signal<In, QpCommand>,
    /// A command is not yet told of.
    pub busy: Signal<Out, Bit>,
    /// What the transmit side met.
    pub event_send: StreamSink<QpEvent>,
    /// What the receive side met.
    pub event_receive: StreamSink<QpEvent>,
    /// Who has lost an entry; its completion queue is looked up here.
    pub event_overflow: StreamSink<QpEvent>,
    pub completion: StreamSource<Completion>,
    pub change: Signal<Out, QpChange>,
    /// A queue pair ...
    pub shown_qp: Signal<In, QpNumber>,
    /// ... and its record, a clock later.
    pub shown: Signal<Out, QpRecord>,
    engines: Merge2<QpEvent>,
    merge: Merge2<QpEvent>,
    records: Table<QpRecord, QP_BITS>,
    shown_records: Table<QpRecord, QP_BITS>,
    contexts: ContextTable<QP_BITS, 1>,
    state: DFF<Deciding>,
    waits: DFF<Bit>,
    asked: DFF<QpCommand>,
    met: DFF<QpEvent>,
    told: DFF<QpChange>,
    /// Clocks until the next change.
    pause: DFF<Bits<3>>,
    out: DFF<Completion>,
    out_full: DFF<Bit>,
    record: Signal<Local, QpRecord>,
    next_record: Signal<Local, QpRecord>,
    writes: Signal<Local, Bit>,
    qp: Signal<Local, QpNumber>,
    at: Signal<Local, QpNumber>,
    free: Signal<Local, Bit>,
    event_cq: Signal<Local, CqNumber>,
    kind: Literal<8, { queue::kind::EVENT as u64 }>,
    overflow: Literal<8, { status::CQ_OVERFLOW as u64 }>,
    one: Literal<GENERATION_BITS, 1>,
    clocks: Literal<3, 7>,
    pause_one: Literal<3, 1>,
}

impl Default for QpState {
    fn default() -> Self {
        let cq = field(QueuePairContext::FIELDS, "receive_cq");
        assert_eq!(cq.bit(), 0, "the kernel takes the word's low bits");
        Self {
            clock: Default::default(),
            wipe: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            busy: Default::default(),
            event_send: Default::default(),
            event_receive: Default::default(),
            event_overflow: Default::default(),
            completion: Default::default(),
            change: Default::default(),
            shown_qp: Default::default(),
            shown: Default::default(),
            engines: Default::default(),
            merge: Default::default(),
            records: Default::default(),
            shown_records: Default::default(),
            contexts: ContextTable::new(table::QUEUE_PAIR, cq.word()),
            state: Default::default(),
            waits: Default::default(),
            asked: Default::default(),
            met: Default::default(),
            told: Default::default(),
            pause: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            record: Default::default(),
            next_record: Default::default(),
            writes: Default::default(),
            qp: Default::default(),
            at: Default::default(),
            free: Default::default(),
            event_cq: Default::default(),
            kind: Default::default(),
            overflow: Default::default(),
            one: Default::default(),
            clocks: Default::default(),
            pause_one: Default::default(),
        }
    }
}

impl Logic for QpState {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, waits, asked, met, told, pause, out, out_full);
        clock!(self, clock, engines, merge, records, shown_records, contexts);
        StreamSink::<QpEvent>::link(&mut self.event_send, &mut self.engines.sink_a);
        StreamSink::<QpEvent>::link(&mut self.event_receive, &mut self.engines.sink_b);
        StreamSource::<QpEvent>::join(&mut self.engines.source, &mut self.merge.sink_a);
        StreamSink::<QpEvent>::link(&mut self.event_overflow, &mut self.merge.sink_b);
        self.contexts.context_write.next = self.context_write.val();
        self.completion.beat.next = self.out.q.val();
        self.completion.valid.next = self.out_full.q.val();
        self.change.next = self.told.q.val();
        self.busy.next = self.waits.q.val();
        self.shown_records.read_index.next = self.shown_qp.val();
        self.shown.next = self.shown_records.read_record.val();

        // Whose turn it is. An event is taken only if there is room for its entry.
        self.free.next = (self.state.q.val() == Deciding::Idle)
            & !self.waits.q.val()
            & !self.pause.q.val().any()
            & !self.out_full.q.val();
        self.merge.source.ready.next = self.free.val();
        self.qp.next = self.merge.source.beat.val().qp;
        if self.waits.q.val() {
            self.qp.next = self.asked.q.val().qp;
        }
        if self.state.q.val() == Deciding::Judge {
            self.qp.next = self.met.q.val().qp;
        }
        self.records.read_index.next = self.qp.val();
        self.contexts.index.next = self.qp.val();
        self.record.next = self.records.read_record.val();
        self.event_cq.next = self.met.q.val().cq;
        if self.met.q.val().status == self.overflow.val() {
            self.event_cq.next = bit_cast::<CQ_BITS, 32>(self.contexts.words[0].val());
        }

        self.next_record.next = self.record.val();
        self.writes.next = false;
        self.at.next = self.qp.val();
        self.told.d.next.wipe = false;
        self.told.d.next.begins = false;
        if self.pause.q.val().any() {
            self.pause.d.next = self.pause.q.val() - self.pause_one.val();
        }
        if self.completion.ready.val() {
            self.out_full.d.next = false;
        }
        match self.state.q.val() {
            Deciding::Idle => {
                self.met.d.next = self.merge.source.beat.val();
                if !self.pause.q.val().any() {
                    if self.waits.q.val() {
                        self.state.d.next = Deciding::Obey;
                    } else if self.merge.source.valid.val() & self.free.val() {
                        self.state.d.next = Deciding::Judge;
                    }
                }
            }
            Deciding::Obey => {
                self.state.d.next = Deciding::Idle;
                self.writes.next = true;
                self.next_record.next.active = false;
                self.next_record.next.started = false;
                self.waits.d.next = false;
                if self.asked.q.val().enable {
                    if self.record.val().started {
                        // First it stops.
                        self.waits.d.next = true;
                    } else {
                        self.next_record.next.begun = true;
                        self.next_record.next.generation =
                            self.record.val().generation + self.one.val();
                        self.next_record.next.active = true;
                        self.next_record.next.started = true;
                        self.next_record.next.status = 0.into();
                        self.told.d.next.begins = true;
                    }
                }
            }
            Deciding::Judge => {
                self.state.d.next = Deciding::Idle;
                if self.record.val().active
                    & (self.record.val().generation == self.met.q.val().generation)
                {
                    self.writes.next = true;
                    self.next_record.next.active = false;
                    self.next_record.next.status = self.met.q.val().status;
                    self.out_full.d.next = true;
                    self.out.d.next.cq = self.event_cq.val();
                    self.out.d.next.qp = self.met.q.val().qp;
                    self.out.d.next.generation = self.met.q.val().generation;
                    self.out.d.next.kind = self.kind.val();
                    self.out.d.next.status = self.met.q.val().status;
                    self.out.d.next.request = 0.into();
                    self.out.d.next.solicited = false;
                    self.out.d.next.length = 0.into();
                    self.out.d.next.sequence = self.met.q.val().sequence;
                }
            }
        }
        if self.command.val().valid {
            self.asked.d.next = self.command.val();
            self.waits.d.next = true;
        }

        if self.wipe.val().valid {
            self.writes.next = true;
            self.at.next = bit_cast::<QP_BITS, OBJECT_BITS>(self.wipe.val().index);
            self.told.d.next.wipe = true;
            self.told.d.next.begins = true;
            self.next_record.next.begun = false;
            self.next_record.next.generation = 0.into();
            self.next_record.next.started = false;
            self.next_record.next.active = false;
            self.next_record.next.status = 0.into();
        }
        if self.writes.val() {
            self.pause.d.next = self.clocks.val();
        }
        self.told.d.next.valid = self.writes.val();
        self.told.d.next.qp = self.at.val();
        self.told.d.next.generation = self.next_record.val().generation;
        self.told.d.next.started = self.next_record.val().started;
        self.told.d.next.active = self.next_record.val().active;
        self.records.write.next = self.writes.val();
        self.records.write_index.next = self.at.val();
        self.records.write_record.next = self.next_record.val();
        self.shown_records.write.next = self.records.write.val();
        self.shown_records.write_index.next = self.records.write_index.val();
        self.shown_records.write_record.next = self.records.write_record.val();
    }
}
