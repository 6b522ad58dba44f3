//! Pulses from one clock to another.
use crate::pins::Ports;
use crate::stream::synchroniser::Synchroniser;
use rust_hdl::prelude::*;

/// One pulse out for one in, each one clock of its side long. Pulses in that are not three clocks
/// of the other side apart may come out as fewer.
#[derive(LogicBlock, Ports, Default)]
pub struct PulseCrossing {
    pub sink_clock: Signal<In, Clock>,
    pub sink: Signal<In, Bit>,
    pub source_clock: Signal<In, Clock>,
    pub source: Signal<Out, Bit>,
    /// Changes with every pulse.
    parity: DFF<Bit>,
    synchroniser: Synchroniser<Bit>,
    seen: DFF<Bit>,
}

impl Logic for PulseCrossing {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, sink_clock, parity);
        dff_setup!(self, source_clock, seen);
        clock!(self, source_clock, synchroniser);
        self.parity.d.next = self.parity.q.val() ^ self.sink.val();
        self.synchroniser.foreign.next = self.parity.q.val();
        self.seen.d.next = self.synchroniser.known.val();
        self.source.next = self.seen.q.val() ^ self.synchroniser.known.val();
    }
}
