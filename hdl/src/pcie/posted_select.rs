//! Puts the writes of two clients in one order.
use super::records::{DataOrder, WriteRequest};
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::SkidBuffer;
use rust_hdl::prelude::*;

/// The order in which requests are taken here is the order of the packets on the bus.
///
/// ```text
/// payload write    \              / request -> WriteSplitter
///                    > in turn ---<
/// completion write /              \ order -> PostedData
/// ```
/// A request a clock; the clients take turns, but where a request says that there is more: then it
/// is the same client's again. A client's `ready` depends on the `valid` of the other client, not
/// on its own. While bus mastering is off, none is taken.
#[derive(LogicBlock, Ports, Default)]
pub struct PostedSelect {
    pub clock: Signal<In, Clock>,
    /// Requests may be taken.
    pub bus_master: Signal<In, Bit>,
    pub payload: StreamSink<WriteRequest>,
    pub completion: StreamSink<WriteRequest>,
    pub request: StreamSource<WriteRequest>,
    pub order: StreamSource<DataOrder>,
    /// A request is taken in this clock.
    pub taken: Signal<Out, Bit>,
    requests: SkidBuffer<WriteRequest>,
    orders: SkidBuffer<DataOrder>,
    served_payload: DFF<Bit>,
    /// The next request is the payload's, and its data belongs to that of the last one.
    held: DFF<Bit>,
    free: Signal<Local, Bit>,
    open_payload: Signal<Local, Bit>,
    open_completion: Signal<Local, Bit>,
    chosen: Signal<Local, WriteRequest>,
    choice: Signal<Local, Bit>,
}

impl Logic for PostedSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, served_payload, held);
        clock!(self, clock, requests, orders);
        StreamSource::<WriteRequest>::link(&mut self.request, &mut self.requests.source);
        StreamSource::<DataOrder>::link(&mut self.order, &mut self.orders.source);

        self.free.next =
            self.requests.sink.ready.val() & self.orders.sink.ready.val() & self.bus_master.val();
        self.open_payload.next = self.free.val()
            & (self.held.q.val() | !self.served_payload.q.val() | !self.completion.valid.val());
        self.open_completion.next = self.free.val()
            & !self.held.q.val()
            & (self.served_payload.q.val() | !self.payload.valid.val());
        self.payload.ready.next = self.open_payload.val();
        self.completion.ready.next = self.open_completion.val();

        self.choice.next = false;
        self.chosen.next = self.payload.beat.val();
        self.orders.sink.beat.next.from_completions = false;
        if self.payload.valid.val() & self.open_payload.val() {
            self.choice.next = true;
            self.served_payload.d.next = true;
            self.held.d.next = self.payload.beat.val().more;
        } else if self.completion.valid.val() & self.open_completion.val() {
            self.choice.next = true;
            self.chosen.next = self.completion.beat.val();
            self.orders.sink.beat.next.from_completions = true;
            self.served_payload.d.next = false;
        }
        self.requests.sink.valid.next = self.choice.val();
        self.requests.sink.beat.next = self.chosen.val();
        self.orders.sink.valid.next = self.choice.val() & !self.held.q.val();
        self.orders.sink.beat.next.offset = bit_cast::<2, 64>(self.chosen.val().address);
        self.taken.next = self.choice.val();
    }
}
