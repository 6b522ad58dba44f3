//! The board's clocks.
use crate::cells::{ClockGate, Pll};
use rust_hdl::prelude::*;

/// 62.5 MHz for the device and 125 MHz for the line, out of the board's oscillator.
///
/// Neither runs before the PLL has locked, so that no flip-flop sees a clock that is too fast, and
/// every one begins with the value that it was configured with: power-on needs no other reset.
#[derive(LogicBlock, Default)]
pub struct Clocks {
    /// The oscillator, 100 MHz; in simulation 125 MHz, see [`Pll`].
    pub reference: Signal<In, Clock>,
    /// The device's clock, 62.5 MHz.
    pub core: Signal<Out, Clock>,
    /// The line's clock outwards, 125 MHz.
    pub line: Signal<Out, Clock>,
    pll: Pll,
    core_gate: ClockGate,
    line_gate: ClockGate,
}

impl Logic for Clocks {
    #[hdl_gen]
    fn update(&mut self) {
        self.pll.reference.next = self.reference.val();
        self.core_gate.clock.next = self.pll.slow.val();
        self.core_gate.open.next = self.pll.locked.val();
        self.core.next = self.core_gate.gated.val();
        self.line_gate.clock.next = self.pll.fast.val();
        self.line_gate.open.next = self.pll.locked.val();
        self.line.next = self.line_gate.gated.val();
    }
}
