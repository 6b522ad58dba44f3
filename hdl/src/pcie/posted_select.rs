//! Puts writes and completions in one order.
use super::records::{BarCompletion, DataOrder, PostedRequest, WriteRequest};
use crate::stream::beat::*;
use crate::stream::SkidBuffer;
use rust_hdl::prelude::*;

/// The order in which requests are taken here is the order of the packets on the bus. Completions
/// of the host's reads go through the same order as memory writes, since a completion must not pass
/// a write that was made before it (PCI Express Base Specification, s. 2.4.1).
///
/// ```text
/// payload write    \              / request -> WriteSplitter
/// completion write  > in turn ---<
/// host read answer /              \ order -> PostedData
/// ```
/// A request a clock; the payload client and the others take turns, and so do the others. A
/// client's `ready` depends on the `valid` of the other clients, not on its own.
#[derive(LogicBlock, Default)]
pub struct PostedSelect {
    pub clock: Signal<In, Clock>,
    pub payload: StreamSink<WriteRequest>,
    pub completion: StreamSink<WriteRequest>,
    pub answer: StreamSink<BarCompletion>,
    pub request: StreamSource<PostedRequest>,
    pub order: StreamSource<DataOrder>,
    requests: SkidBuffer<PostedRequest>,
    orders: SkidBuffer<DataOrder>,
    served_payload: DFF<Bit>,
    served_completion: DFF<Bit>,
    free: Signal<Local, Bit>,
    open_payload: Signal<Local, Bit>,
    open_others: Signal<Local, Bit>,
    open_completion: Signal<Local, Bit>,
    open_answer: Signal<Local, Bit>,
}

impl Logic for PostedSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, served_payload, served_completion);
        clock!(self, clock, requests, orders);
        StreamSource::<PostedRequest>::link(&mut self.request, &mut self.requests.source);
        StreamSource::<DataOrder>::link(&mut self.order, &mut self.orders.source);

        self.free.next = self.requests.sink.ready.val() & self.orders.sink.ready.val();
        self.open_payload.next = self.free.val()
            & (!self.served_payload.q.val()
                | (!self.completion.valid.val() & !self.answer.valid.val()));
        self.open_others.next =
            self.free.val() & (self.served_payload.q.val() | !self.payload.valid.val());
        self.open_completion.next =
            self.open_others.val() & (!self.served_completion.q.val() | !self.answer.valid.val());
        self.open_answer.next = self.open_others.val()
            & (self.served_completion.q.val() | !self.completion.valid.val());
        self.payload.ready.next = self.open_payload.val();
        self.completion.ready.next = self.open_completion.val();
        self.answer.ready.next = self.open_answer.val();

        self.requests.sink.valid.next = false;
        self.requests.sink.beat.next.address = self.payload.beat.val().address;
        self.requests.sink.beat.next.bytes = self.payload.beat.val().bytes;
        self.requests.sink.beat.next.tail = self.answer.beat.val().tail;
        self.requests.sink.beat.next.completion = false;
        self.orders.sink.valid.next = false;
        self.orders.sink.beat.next.immediate = false;
        self.orders.sink.beat.next.from_completions = false;
        self.orders.sink.beat.next.offset = bit_cast::<2, 64>(self.payload.beat.val().address);
        self.orders.sink.beat.next.word = self.answer.beat.val().data;
        if self.payload.valid.val() & self.open_payload.val() {
            self.requests.sink.valid.next = true;
            self.orders.sink.valid.next = true;
            self.served_payload.d.next = true;
        } else if self.completion.valid.val() & self.open_completion.val() {
            self.requests.sink.valid.next = true;
            self.requests.sink.beat.next.address = self.completion.beat.val().address;
            self.requests.sink.beat.next.bytes = self.completion.beat.val().bytes;
            self.orders.sink.valid.next = true;
            self.orders.sink.beat.next.from_completions = true;
            self.orders.sink.beat.next.offset =
                bit_cast::<2, 64>(self.completion.beat.val().address);
            self.served_payload.d.next = false;
            self.served_completion.d.next = true;
        } else if self.answer.valid.val() & self.open_answer.val() {
            self.requests.sink.valid.next = true;
            self.requests.sink.beat.next.address = self.answer.beat.val().head;
            self.requests.sink.beat.next.bytes = 0.into();
            if self.answer.beat.val().has_data {
                self.requests.sink.beat.next.bytes = 4.into();
            }
            self.requests.sink.beat.next.completion = true;
            self.orders.sink.valid.next = self.answer.beat.val().has_data;
            self.orders.sink.beat.next.immediate = true;
            self.orders.sink.beat.next.offset = 0.into();
            self.served_payload.d.next = false;
            self.served_completion.d.next = false;
        }
    }
}
