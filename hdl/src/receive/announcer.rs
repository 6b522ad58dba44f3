//! Announces where payload goes, in one request or page by page.
use crate::pcie::records::WriteRequest;
use crate::pins::Ports;
use crate::protect::records::Piece;
use crate::receive::notes::Delivery;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Of a delivery with pieces, makes a request of every piece if it is to be written, and throws
/// them away if not. A run's request passes in the same clock.
#[derive(LogicBlock, Ports, Default)]
pub struct Announcer {
    pub clock: Signal<In, Clock>,
    /// A delivery begins. None may while `walking`.
    pub begins: Signal<In, Bit>,
    pub delivery: Signal<In, Delivery>,
    /// Pieces of it are to come.
    pub walking: Signal<Out, Bit>,
    /// Of each delivery in pages up to a last one.
    pub pieces: StreamSink<Piece>,
    /// The request of a run, while no delivery has pieces.
    pub run_valid: Signal<In, Bit>,
    pub run_address: Signal<In, Bits<64>>,
    pub run_bytes: Signal<In, Bits<16>>,
    pub write: StreamSource<WriteRequest>,
    under_way: DFF<Bit>,
    announcing: DFF<Bit>,
}

impl Logic for Announcer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, under_way, announcing);
        self.walking.next = self.under_way.q.val();
        self.write.valid.next = self.run_valid.val();
        self.write.beat.next.address = self.run_address.val();
        self.write.beat.next.bytes = self.run_bytes.val();
        self.write.beat.next.more = false;
        self.pieces.ready.next = self.under_way.q.val() & !self.announcing.q.val();
        if self.under_way.q.val() & self.announcing.q.val() {
            self.write.valid.next = self.pieces.valid.val();
            self.write.beat.next.address = self.pieces.beat.val().address;
            self.write.beat.next.bytes = self.pieces.beat.val().bytes;
            self.write.beat.next.more = !self.pieces.beat.val().last;
            self.pieces.ready.next = self.write.ready.val();
        }
        if self.pieces.valid.val() & self.pieces.ready.val() & self.pieces.beat.val().last {
            self.under_way.d.next = false;
        }
        if self.begins.val() {
            self.under_way.d.next = self.delivery.val().paged & !self.delivery.val().fence;
            self.announcing.d.next = self.delivery.val().write;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("announcer", &mut Announcer::default());
    }
}
