//! Silence that the peer asked for.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A PAUSE frame's time begins anew with every frame, and ends with a time of zero (IEEE 802.3
/// section 31B.2). A quantum is 512 bit times: 64 clocks of the line. Time passes in silence alone:
/// of a frame that is being sent, the end is awaited first (figure 31B-2).
#[derive(LogicBlock, Ports, Default)]
pub struct PauseTimer {
    pub clock: Signal<In, Clock>,
    /// Quanta; always ready.
    pub sink: StreamSink<Bits<16>>,
    /// A frame is being sent.
    pub sending: Signal<In, Bit>,
    /// Begin no frame.
    pub hold: Signal<Out, Bit>,
    left: DFF<Bits<22>>,
    holding: DFF<Bit>,
    less: Signal<Local, Bits<22>>,
    one: crate::literal::Literal<22, 1>,
}

impl Logic for PauseTimer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, left, holding);
        self.sink.ready.next = true;
        self.less.next = self.left.q.val() - self.one.val();
        // No time passes before the sender knows of it: it may just begin a frame.
        self.holding.d.next = self.left.q.val().any();
        if self.sink.valid.val() {
            self.left.d.next = bit_cast::<22, 16>(self.sink.beat.val()) << 6;
        } else if self.holding.q.val() & !self.sending.val() & self.left.q.val().any() {
            self.left.d.next = self.less.val();
        }
        self.hold.next = self.holding.q.val();
    }
}
