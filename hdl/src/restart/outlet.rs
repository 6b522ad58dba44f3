//! Ends what a reset has cut on its way out.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Passes packets. A packet that has begun when its sender is reset ends with one more beat that
/// says `error`; a beat that was offered and not taken is withdrawn.
///
/// `sink` must offer nothing from the clock after `reset_asked` until `ending` is over.
#[derive(LogicBlock, Ports, Default)]
pub struct Outlet {
    pub clock: Signal<In, Clock>,
    /// The sender is reset at the end of this clock.
    pub reset_asked: Signal<In, Bit>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// A packet's end waits to be taken.
    pub ending: Signal<Out, Bit>,
    open: DFF<Bit>,
    cut: DFF<Bit>,
    open_next: Signal<Local, Bit>,
    octets: Literal<4, 1>,
}

impl Logic for Outlet {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, open, cut);
        self.sink.ready.next = self.source.ready.val();
        self.source.valid.next = self.sink.valid.val() | self.cut.q.val();
        self.source.beat.next = self.sink.beat.val();
        if self.cut.q.val() {
            self.source.beat.next.data = 0.into();
            self.source.beat.next.bytes = self.octets.val();
            self.source.beat.next.last = true;
            self.source.beat.next.error = true;
        }
        self.ending.next = self.cut.q.val();

        self.open_next.next = self.open.q.val();
        if self.cut.q.val() {
            self.open_next.next = !self.source.ready.val();
        } else if self.sink.valid.val() & self.source.ready.val() {
            self.open_next.next = !self.sink.beat.val().last;
        }
        self.open.d.next = self.open_next.val();
        self.cut.d.next = self.open_next.val() & (self.cut.q.val() | self.reset_asked.val());
    }
}
