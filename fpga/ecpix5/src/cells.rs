//! The ECP5's own cells, each with what it does in simulation; `cells.v` says the same in Verilog.
use rust_hdl::prelude::*;

/// The Verilog of a block that is one cell.
fn instance(code: String) -> Verilog {
    Verilog::Wrapper(Wrapper { code, cores: String::new() })
}

/// IDDRX1F: a pin's value at both edges of the clock, given together at the next rising edge.
#[derive(LogicBlock, Default)]
pub struct DoubleRateInput {
    pub clock: Signal<In, Clock>,
    pub pin: Signal<In, Bit>,
    /// The value at the rising edge,
    pub rising: Signal<Out, Bit>,
    /// and at the falling edge after it.
    pub falling: Signal<Out, Bit>,
    _rise: bool,
    _fall: bool,
}

impl Logic for DoubleRateInput {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.rising.next = self._rise;
            self.falling.next = self._fall;
            self._rise = self.pin.val();
        }
        if self.clock.neg_edge() {
            self._fall = self.pin.val();
        }
    }

    fn connect(&mut self) {
        self.rising.connect();
        self.falling.connect();
    }

    fn hdl(&self) -> Verilog {
        instance(
            "IDDRX1F ddr(.SCLK(clock), .RST(1'b0), .D(pin), .Q0(rising), .Q1(falling));".to_owned(),
        )
    }
}

/// ODDRX1F: two values a clock on one pin.
#[derive(LogicBlock, Default)]
pub struct DoubleRateOutput {
    pub clock: Signal<In, Clock>,
    /// The pin while the clock is high, from the next rising edge,
    pub high: Signal<In, Bit>,
    /// and while it is low after that.
    pub low: Signal<In, Bit>,
    pub pin: Signal<Out, Bit>,
    _high: bool,
    _low: bool,
}

impl Logic for DoubleRateOutput {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self._high = self.high.val();
            self._low = self.low.val();
        }
        self.pin.next = if self.clock.val().clk { self._high } else { self._low };
    }

    fn connect(&mut self) {
        self.pin.connect();
    }

    fn hdl(&self) -> Verilog {
        instance("ODDRX1F ddr(.SCLK(clock), .RST(1'b0), .D0(high), .D1(low), .Q(pin));".to_owned())
    }
}

/// DELAYG: a delay between logic and pin, in taps of 25 ps. Simulation has no such time.
#[derive(LogicBlock)]
pub struct PinDelay {
    pub now: Signal<In, Bit>,
    pub later: Signal<Out, Bit>,
    _taps: u8,
}

impl PinDelay {
    /// A delay of `taps`, at most 127.
    pub fn new(taps: u8) -> Self {
        assert!(taps < 128, "a DELAYG has 127 taps");
        Self { now: Default::default(), later: Default::default(), _taps: taps }
    }
}

impl Logic for PinDelay {
    fn update(&mut self) {
        self.later.next = self.now.val();
    }

    fn connect(&mut self) {
        self.later.connect();
    }

    fn hdl(&self) -> Verilog {
        let taps = self._taps;
        instance(format!("DELAYG #(.DEL_VALUE({taps})) delay(.A(now), .Z(later));"))
    }
}

/// EHXPLLL: 125 MHz and 62.5 MHz out of 100 MHz.
///
/// ```text
/// 100 MHz / 4 * 5 = 125 MHz = fast; 125 MHz * 5 = 625 MHz, the oscillator's; 625 MHz / 10 = slow
/// ```
/// In simulation `reference` is driven at the frequency of `fast`, since nothing else is known
/// there.
#[derive(LogicBlock, Default)]
pub struct Pll {
    pub reference: Signal<In, Clock>,
    pub fast: Signal<Out, Clock>,
    pub slow: Signal<Out, Clock>,
    pub locked: Signal<Out, Bit>,
    _half: bool,
    _clocks: u8,
}

impl Logic for Pll {
    fn update(&mut self) {
        if self.reference.pos_edge() {
            self._half = !self._half;
            self._clocks = (self._clocks + 1).min(16);
        }
        self.fast.next = self.reference.val();
        self.slow.next = Clock { clk: self._half };
        self.locked.next = self._clocks == 16;
    }

    fn connect(&mut self) {
        self.fast.connect();
        self.slow.connect();
        self.locked.connect();
    }

    fn hdl(&self) -> Verilog {
        instance(
            "(* FREQUENCY_PIN_CLKI = \"100\" *)
(* FREQUENCY_PIN_CLKOP = \"125\" *)
(* FREQUENCY_PIN_CLKOS = \"62.5\" *)
(* ICP_CURRENT = \"12\" *) (* LPF_RESISTOR = \"8\" *)
EHXPLLL #(
    .CLKI_DIV(4), .CLKFB_DIV(5), .FEEDBK_PATH(\"CLKOP\"),
    .CLKOP_ENABLE(\"ENABLED\"), .CLKOP_DIV(5), .CLKOP_CPHASE(4),
    .CLKOS_ENABLE(\"ENABLED\"), .CLKOS_DIV(10), .CLKOS_CPHASE(4)
) pll(
    .CLKI(reference), .CLKFB(fast), .CLKOP(fast), .CLKOS(slow), .LOCK(locked),
    .PHASESEL1(1'b0), .PHASESEL0(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),
    .STDBY(1'b0), .PLLWAKESYNC(1'b0), .RST(1'b0), .ENCLKOP(1'b0), .ENCLKOS(1'b0)
);"
            .to_owned(),
        )
    }
}

/// DCCA: a clock that begins to run, on its network, when it is allowed to.
#[derive(LogicBlock, Default)]
pub struct ClockGate {
    pub clock: Signal<In, Clock>,
    pub open: Signal<In, Bit>,
    pub gated: Signal<Out, Clock>,
    _open: bool,
}

impl Logic for ClockGate {
    fn update(&mut self) {
        if self.clock.neg_edge() {
            self._open = self.open.val();
        }
        self.gated.next = Clock { clk: self.clock.val().clk && self._open };
    }

    fn connect(&mut self) {
        self.gated.connect();
    }

    fn hdl(&self) -> Verilog {
        // Without a name to keep, reports would call the clock after any of its users.
        instance(
            "(* keep *) wire ticks;
assign gated = ticks;
DCCA gate(.CLKI(clock), .CE(open), .CLKO(ticks));"
                .to_owned(),
        )
    }
}

/// DCCA, always open: a bit that thousands of flip-flops want, on one of the clocks' networks
/// instead of the wires that everything else fights for.
#[derive(LogicBlock, Default)]
pub struct GlobalBuffer {
    pub here: Signal<In, Bit>,
    pub everywhere: Signal<Out, Bit>,
}

impl Logic for GlobalBuffer {
    fn update(&mut self) {
        self.everywhere.next = self.here.val();
    }

    fn connect(&mut self) {
        self.everywhere.connect();
    }

    fn hdl(&self) -> Verilog {
        instance("DCCA buffer(.CLKI(here), .CE(1'b1), .CLKO(everywhere));".to_owned())
    }
}
