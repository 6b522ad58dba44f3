//! The completion writer as one block.
use super::cq_state::CqState;
use super::entry_life::EntryLife;
use super::entry_order::EntryOrder;
use super::entry_writer::EntryWriter;
use super::records::Completion;
use crate::configuration::{CqNumber, CQ_BITS};
use crate::control::records::{ContextWrite, CqCommand, CqDoorbell, MsixMessage, QpEvent};
use crate::life::QpChange;
use crate::memory::ContextTable;
use crate::pcie::records::WriteRequest;
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::{HalfBuffer, Merge2, StreamFifo};
use ironwarp_abi::context::table;
use rust_hdl::prelude::*;

/// log2 of the overflow events that wait.
const EVENT_BITS: usize = 4;

/// Tells the host what is done.
///
/// ```text
/// send, receive -> works -+-> line -> HalfBuffer -> EntryWriter -> write, write_data
///      event, fence -> told -+                     |    |    ^ \--> interrupt
///                             CqState, ContextTable  EntryLife  message
/// ```
/// Entries of one input stay in order, an event behind the work that came before it, and a fence's
/// entry behind everything.
/// See [`EntryWriter`] for what is written and when the interrupt comes.
///
/// Who takes the overflow events may have to hand in an entry before it takes the next: so some can
/// wait: of each entry that goes before the event that is handed in. Those are what stands at the
/// inputs and in the line when it comes, and one of each input more.
#[derive(LogicBlock, Ports)]
pub struct CompletionWriter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// While a `change` wipes, a stop of every queue.
    pub cq_command: Signal<In, CqCommand>,
    pub doorbell: Signal<In, CqDoorbell>,
    /// From the transmit side.
    pub send: StreamSink<Completion>,
    /// From the receive side.
    pub receive: StreamSink<Completion>,
    /// From the control plane: queue pairs that have ended ...
    pub event: StreamSink<Completion>,
    /// ... and fences.
    pub fence: StreamSink<Completion>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    /// Queue pairs that have lost an entry. Their `cq` means nothing.
    pub overflow_event: StreamSource<QpEvent>,
    /// The vector of a queue that was armed: to the MSI-X table ...
    pub interrupt: StreamSource<Bits<8>>,
    /// ... and the message that it becomes.
    pub message: StreamSink<MsixMessage>,
    /// An entry went to the write engine.
    pub written: Signal<Out, Bit>,
    /// An interrupt message went to the write engine.
    pub interrupted: Signal<Out, Bit>,
    /// A queue has overflowed.
    pub overflow: Signal<Out, Bit>,
    /// A fence's entry went to the write engine, or nobody was there to read it.
    pub fence_told: Signal<Out, Bit>,
    works: Merge2<Completion>,
    order: EntryOrder,
    event_order: EntryOrder,
    told: Merge2<Completion>,
    line: Merge2<Completion>,
    next: HalfBuffer<Completion>,
    contexts: ContextTable<CQ_BITS, 3>,
    queues: CqState,
    life: EntryLife,
    entries: EntryWriter,
    overflows: StreamFifo<QpEvent, EVENT_BITS>,
}

impl Default for CompletionWriter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            change: Default::default(),
            cq_command: Default::default(),
            doorbell: Default::default(),
            send: Default::default(),
            receive: Default::default(),
            event: Default::default(),
            fence: Default::default(),
            write: Default::default(),
            write_data: Default::default(),
            overflow_event: Default::default(),
            interrupt: Default::default(),
            message: Default::default(),
            written: Default::default(),
            interrupted: Default::default(),
            overflow: Default::default(),
            fence_told: Default::default(),
            works: Default::default(),
            order: Default::default(),
            event_order: Default::default(),
            told: Default::default(),
            line: Default::default(),
            next: Default::default(),
            contexts: ContextTable::new(table::COMPLETION_QUEUE, 0),
            queues: Default::default(),
            life: Default::default(),
            entries: Default::default(),
            overflows: Default::default(),
        }
    }
}

impl Logic for CompletionWriter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, works, order, told, line, next, contexts, queues, life, entries);
        clock!(self, clock, overflows, event_order);
        StreamSink::<Completion>::link(&mut self.send, &mut self.works.sink_a);
        StreamSink::<Completion>::link(&mut self.receive, &mut self.works.sink_b);
        StreamSource::<Completion>::join(&mut self.works.source, &mut self.line.sink_a);
        StreamSink::<Completion>::link(&mut self.event, &mut self.event_order.sink);
        StreamSource::<Completion>::join(&mut self.event_order.source, &mut self.told.sink_a);
        StreamSink::<Completion>::link(&mut self.fence, &mut self.order.sink);
        StreamSource::<Completion>::join(&mut self.order.source, &mut self.told.sink_b);
        StreamSource::<Completion>::join(&mut self.told.source, &mut self.line.sink_b);
        StreamSource::<Completion>::join(&mut self.line.source, &mut self.next.sink);
        StreamSource::<Completion>::join(&mut self.next.source, &mut self.entries.completion);
        StreamSink::<MsixMessage>::link(&mut self.message, &mut self.entries.message);
        StreamSource::<WriteRequest>::link(&mut self.write, &mut self.entries.write);
        StreamSource::<Beat>::link(&mut self.write_data, &mut self.entries.write_data);
        StreamSource::<Bits<8>>::link(&mut self.interrupt, &mut self.entries.interrupt);
        StreamSource::<QpEvent>::join(&mut self.entries.overflow_event, &mut self.overflows.sink);
        StreamSource::<QpEvent>::link(&mut self.overflow_event, &mut self.overflows.source);
        StreamSource::<CqNumber>::join(&mut self.queues.armed, &mut self.entries.armed);
        self.order.send_passes.next = !self.send.valid.val() | self.send.ready.val();
        self.order.receive_passes.next = !self.receive.valid.val() | self.receive.ready.val();
        self.order.event_passes.next = !self.event.valid.val() | self.event.ready.val();
        self.order.works_pass.next = !self.works.source.valid.val() | self.works.source.ready.val();
        // Nothing of its queue pair may follow an event, so what came before it goes first.
        self.event_order.send_passes.next = self.order.send_passes.val();
        self.event_order.receive_passes.next = self.order.receive_passes.val();
        self.event_order.event_passes.next = true;
        self.event_order.works_pass.next = self.order.works_pass.val();
        self.written.next = self.entries.written.val();
        self.interrupted.next = self.entries.interrupted.val();
        self.overflow.next = self.entries.overflow.val();
        self.fence_told.next = self.entries.fence_told.val();

        self.contexts.context_write.next = self.context_write.val();
        self.contexts.index.next = self.entries.index.val();
        self.entries.ring_low.next = self.contexts.words[0].val();
        self.entries.ring_high.next = self.contexts.words[1].val();
        self.entries.shape.next = self.contexts.words[2].val();
        self.queues.wipe.next = self.change.val().valid & self.change.val().wipe;
        self.queues.command.next = self.cq_command.val();
        self.queues.doorbell.next = self.doorbell.val();
        self.queues.look.next = self.entries.look.val();
        self.queues.index.next = self.entries.index.val();
        self.entries.record.next = self.queues.record.val();
        self.entries.used.next = self.queues.used.val();
        self.entries.runs.next = self.queues.runs.val();
        self.entries.asked.next = self.queues.asked.val();
        self.entries.disturbed.next = self.queues.disturbed.val();
        self.queues.write.next = self.entries.keep.val();
        self.queues.write_record.next = self.entries.keep_record.val();
        self.life.change.next = self.change.val();
        self.life.look.next = self.entries.look.val();
        self.life.entry.next = self.entries.entry.val();
        self.life.close.next = self.entries.close.val();
        self.entries.alive.next = self.life.alive.val();
    }
}
