//! The completion writer as one block.
use super::cq_state::CqState;
use super::entry_writer::EntryWriter;
use super::records::Completion;
use crate::control::records::{Command, ContextWrite, Doorbell, MsixMessage};
use crate::memory::ContextTable;
use crate::pcie::records::WriteRequest;
use crate::stream::beat::*;
use crate::stream::{HalfBuffer, Merge2};
use ironwarp_abi::context::table;
use rust_hdl::prelude::*;

/// Tells the host what is done.
///
/// ```text
/// send, receive -> Merge2 -> Merge2 -> HalfBuffer -> EntryWriter -> write, write_data
///                  event ---->                          |    ^ \--> interrupt
///                                     CqState, ContextTable  message
/// ```
/// Entries of one input stay in order. See [`EntryWriter`] for what is written and when the
/// interrupt comes.
#[derive(LogicBlock)]
pub struct CompletionWriter {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub cq_command: Signal<In, Command>,
    pub doorbell: Signal<In, Doorbell>,
    /// From the transmit side.
    pub send: StreamSink<Completion>,
    /// From the receive side.
    pub receive: StreamSink<Completion>,
    /// From the control plane.
    pub event: StreamSink<Completion>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    /// The vector of a queue that was armed: to the MSI-X table ...
    pub interrupt: StreamSource<Bits<8>>,
    /// ... and the message that it becomes.
    pub message: StreamSink<MsixMessage>,
    /// An entry went to the write engine.
    pub written: Signal<Out, Bit>,
    /// An interrupt message went to the write engine.
    pub interrupted: Signal<Out, Bit>,
    /// An entry was dropped since its queue was full.
    pub overflow: Signal<Out, Bit>,
    works: Merge2<Completion>,
    all: Merge2<Completion>,
    next: HalfBuffer<Completion>,
    contexts: ContextTable<4, 3>,
    queues: CqState,
    entries: EntryWriter,
}

impl Default for CompletionWriter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            cq_command: Default::default(),
            doorbell: Default::default(),
            send: Default::default(),
            receive: Default::default(),
            event: Default::default(),
            write: Default::default(),
            write_data: Default::default(),
            interrupt: Default::default(),
            message: Default::default(),
            written: Default::default(),
            interrupted: Default::default(),
            overflow: Default::default(),
            works: Default::default(),
            all: Default::default(),
            next: Default::default(),
            contexts: ContextTable::new(table::COMPLETION_QUEUE, 0),
            queues: Default::default(),
            entries: Default::default(),
        }
    }
}

impl Logic for CompletionWriter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, works, all, next, contexts, queues, entries);
        StreamSink::<Completion>::link(&mut self.send, &mut self.works.sink_a);
        StreamSink::<Completion>::link(&mut self.receive, &mut self.works.sink_b);
        StreamSource::<Completion>::join(&mut self.works.source, &mut self.all.sink_a);
        StreamSink::<Completion>::link(&mut self.event, &mut self.all.sink_b);
        StreamSource::<Completion>::join(&mut self.all.source, &mut self.next.sink);
        StreamSource::<Completion>::join(&mut self.next.source, &mut self.entries.completion);
        StreamSink::<MsixMessage>::link(&mut self.message, &mut self.entries.message);
        StreamSource::<WriteRequest>::link(&mut self.write, &mut self.entries.write);
        StreamSource::<Beat>::link(&mut self.write_data, &mut self.entries.write_data);
        StreamSource::<Bits<8>>::link(&mut self.interrupt, &mut self.entries.interrupt);
        self.written.next = self.entries.written.val();
        self.interrupted.next = self.entries.interrupted.val();
        self.overflow.next = self.entries.overflow.val();

        self.contexts.context_write.next = self.context_write.val();
        self.contexts.index.next = self.entries.index.val();
        self.entries.ring_low.next = self.contexts.words[0].val();
        self.entries.ring_high.next = self.contexts.words[1].val();
        self.entries.shape.next = self.contexts.words[2].val();
        self.queues.command.next = self.cq_command.val();
        self.queues.doorbell.next = self.doorbell.val();
        self.queues.index.next = self.entries.index.val();
        self.entries.producer.next = self.queues.producer.val();
        self.entries.used.next = self.queues.used.val();
        self.entries.active.next = self.queues.active.val();
        self.entries.armed.next = self.queues.armed.val();
        self.entries.asked.next = self.queues.asked.val();
        self.queues.own.next = self.entries.own.val();
        self.queues.advance.next = self.entries.advance.val();
        self.queues.producer_next.next = self.entries.producer_next.val();
        self.queues.disarm.next = self.entries.disarm.val();
        self.queues.looked.next = self.entries.looked.val();
    }
}
