//! Keeps the rest of what a reset has cut on its way in from what comes after.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Passes packets. What still comes of a packet that was on its way when the inlet was closed is
/// dropped. Packets that begin while it is closed wait, or are dropped, too, if they come from a
/// wire.
#[derive(LogicBlock, Ports)]
pub struct Inlet {
    pub clock: Signal<In, Clock>,
    /// Nothing passes in this clock.
    pub closed: Signal<In, Bit>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    open: DFF<Bit>,
    dropping: DFF<Bit>,
    take: Signal<Local, Bit>,
    open_next: Signal<Local, Bit>,
    lossy: Constant<Bit>,
}

impl Inlet {
    /// For a sender that can wait.
    pub fn waiting() -> Self {
        Self::new(false)
    }

    /// For a wire: `sink.ready` is always set, and `source.ready` must be.
    pub fn dropping() -> Self {
        Self::new(true)
    }

    fn new(lossy: bool) -> Self {
        Self {
            clock: Default::default(),
            closed: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            open: Default::default(),
            dropping: Default::default(),
            take: Default::default(),
            open_next: Default::default(),
            lossy: Constant::new(lossy),
        }
    }
}

impl Logic for Inlet {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, open, dropping);
        self.take.next = self.lossy.val()
            | self.dropping.q.val()
            | (self.source.ready.val() & !self.closed.val());
        self.sink.ready.next = self.take.val();
        self.source.valid.next =
            self.sink.valid.val() & !self.dropping.q.val() & !self.closed.val();
        self.source.beat.next = self.sink.beat.val();

        self.open_next.next = self.open.q.val();
        if self.sink.valid.val() & self.take.val() {
            self.open_next.next = !self.sink.beat.val().last;
        }
        self.open.d.next = self.open_next.val();
        self.dropping.d.next = self.open_next.val() & (self.dropping.q.val() | self.closed.val());
    }
}
