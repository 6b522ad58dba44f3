//! Signals from another clock.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Two flip-flops in a row. Of a `foreign` signal of more than one bit no more than one may change
/// at a time, as in a Gray code.
#[derive(LogicBlock, Ports, Default)]
pub struct Synchroniser<T: Synth> {
    pub clock: Signal<In, Clock>,
    /// A flip-flop's output in another clock.
    pub foreign: Signal<In, T>,
    /// The same, one to two clocks later.
    pub known: Signal<Out, T>,
    caught: DFF<T>,
    settled: DFF<T>,
}

impl<T: Synth> Logic for Synchroniser<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, caught, settled);
        self.caught.d.next = self.foreign.val();
        self.settled.d.next = self.caught.q.val();
        self.known.next = self.settled.q.val();
    }
}
