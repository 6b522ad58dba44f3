//! Brings the data of writes in the order of their requests.
use super::records::{DataOrder, ShiftBeat};
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Takes a whole packet from the client that the next [`DataOrder`] names, and asks for it to be
/// moved to the place of its first octet in a double word. Combinational; no clock is lost between
/// two packets.
#[derive(LogicBlock, Ports, Default)]
pub struct PostedData {
    pub order: StreamSink<DataOrder>,
    pub payload: StreamSink<Beat>,
    pub completion: StreamSink<Beat>,
    pub source: StreamSource<ShiftBeat>,
    chosen: Signal<Local, Beat>,
    offered: Signal<Local, Bit>,
}

impl Logic for PostedData {
    #[hdl_gen]
    fn update(&mut self) {
        self.payload.ready.next = false;
        self.completion.ready.next = false;
        if self.order.beat.val().from_completions {
            self.chosen.next = self.completion.beat.val();
            self.offered.next = self.order.valid.val() & self.completion.valid.val();
            self.completion.ready.next = self.order.valid.val() & self.source.ready.val();
        } else {
            self.chosen.next = self.payload.beat.val();
            self.offered.next = self.order.valid.val() & self.payload.valid.val();
            self.payload.ready.next = self.order.valid.val() & self.source.ready.val();
        }
        self.source.valid.next = self.offered.val();
        self.source.beat.next.data = self.chosen.val().data;
        self.source.beat.next.bytes = self.chosen.val().bytes;
        self.source.beat.next.last = self.chosen.val().last;
        self.source.beat.next.error = self.chosen.val().error;
        self.source.beat.next.shift = bit_cast::<3, 2>(self.order.beat.val().offset);
        self.source.beat.next.drop_first = false;
        self.order.ready.next =
            self.source.ready.val() & self.offered.val() & self.chosen.val().last;
    }
}
