//! Keeps the entry of a fence, or of an event, behind the entries of before.
use super::records::Completion;
use crate::pins::Ports;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Holds an entry until everything that waits at the completion writer's inputs when it comes has
/// gone into the one line in which entries are written.
///
/// ```text
/// send, receive -> works -+-> line        event ------+-> line
///      \_______\_____\____|_________________/         |
///       each not there, or gone on, once       sink -> source
/// ```
/// First the three inputs, then `works`, where what came from the first two may still wait.
#[derive(LogicBlock, Ports, Default)]
pub struct EntryOrder {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Completion>,
    pub source: StreamSource<Completion>,
    /// In this clock nothing waits at the input, or what waits goes on.
    pub send_passes: Signal<In, Bit>,
    pub receive_passes: Signal<In, Bit>,
    pub event_passes: Signal<In, Bit>,
    pub works_pass: Signal<In, Bit>,
    send_passed: DFF<Bit>,
    receive_passed: DFF<Bit>,
    event_passed: DFF<Bit>,
    works_passed: DFF<Bit>,
    inputs_passed: Signal<Local, Bit>,
    open: Signal<Local, Bit>,
}

impl Logic for EntryOrder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, send_passed, receive_passed, event_passed, works_passed);
        self.inputs_passed.next =
            self.send_passed.q.val() & self.receive_passed.q.val() & self.event_passed.q.val();
        self.open.next = self.inputs_passed.val() & self.works_passed.q.val();
        self.source.beat.next = self.sink.beat.val();
        self.source.valid.next = self.sink.valid.val() & self.open.val();
        self.sink.ready.next = self.source.ready.val() & self.open.val();
        self.send_passed.d.next = self.send_passed.q.val() | self.send_passes.val();
        self.receive_passed.d.next = self.receive_passed.q.val() | self.receive_passes.val();
        self.event_passed.d.next = self.event_passed.q.val() | self.event_passes.val();
        self.works_passed.d.next =
            self.inputs_passed.val() & (self.works_passed.q.val() | self.works_pass.val());
        if !self.sink.valid.val() | (self.source.ready.val() & self.open.val()) {
            self.send_passed.d.next = false;
            self.receive_passed.d.next = false;
            self.event_passed.d.next = false;
            self.works_passed.d.next = false;
        }
    }
}
