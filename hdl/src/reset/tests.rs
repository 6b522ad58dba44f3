//! Small blocks with and without reset.
use super::ResettableModules;
use crate::verilog::{emit, EmitError};
use rust_hdl::prelude::*;
use rust_hdl::widgets::edge_ff::EdgeDFF;

/// Counts; the first count is that after the power-on value.
#[derive(LogicBlock, Default)]
struct Counter {
    pub clock: Signal<In, Clock>,
    pub count: Signal<Out, Bits<4>>,
    state: DFF<Bits<4>>,
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.state.d.next = self.state.q.val() + 1;
        self.count.next = self.state.q.val();
    }
}

/// Passes a number on: nothing in it can be reset.
#[derive(LogicBlock, Default)]
struct Wire {
    pub from: Signal<In, Bits<4>>,
    pub to: Signal<Out, Bits<4>>,
}

impl Logic for Wire {
    #[hdl_gen]
    fn update(&mut self) {
        self.to.next = self.from.val();
    }
}

/// Has parts that are reset, one that its kernel resets otherwise, and memory.
#[derive(LogicBlock, Default)]
struct Device {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub total: Signal<Out, Bits<4>>,
    counter: [Counter; 2],
    lasting: Lasting,
    passing: Wire,
    memory: RAM<Bits<4>, 2>,
}

impl Logic for Device {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, lasting);
        for i in 0..2 {
            self.counter[i].clock.next = self.clock.val();
        }
        self.lasting.reset.next = false;
        self.memory.read_clock.next = self.clock.val();
        self.memory.write_clock.next = self.clock.val();
        self.memory.write_enable.next = true;
        self.memory.write_address.next = 0.into();
        self.memory.read_address.next = 0.into();
        self.memory.write_data.next = self.counter[0].count.val() ^ self.lasting.count.val();
        self.passing.from.next = self.memory.read_data.val() ^ self.counter[1].count.val();
        self.total.next = self.passing.to.val();
    }
}

/// Is reset by its own input.
#[derive(LogicBlock, Default)]
struct Lasting {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub count: Signal<Out, Bits<4>>,
    counter: Counter,
}

impl Logic for Lasting {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, counter);
        self.count.next = self.counter.count.val();
    }
}

/// Has a device below, and a flip-flop of its own.
#[derive(LogicBlock, Default)]
struct Board {
    pub clock: Signal<In, Clock>,
    pub total: Signal<Out, Bits<4>>,
    device: Device,
    counter: Counter,
}

impl Logic for Board {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, device, counter);
        self.device.reset.next = self.counter.count.val().any();
        self.total.next = self.device.total.val();
    }
}

/// The text of a module.
fn module<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.find(&format!("module {name}(")).unwrap_or_else(|| panic!("no {name}"));
    let end = text[start..].find("\nendmodule").unwrap();
    &text[start..start + end]
}

#[test]
fn what_is_below_a_reset_is_reset_and_nothing_else() {
    let text = emit(&mut Board::default()).unwrap();
    let reset = |path: &str| module(&text, path).contains("if (reset) q <= 4'h0; else q <= d;");
    for path in ["device$counter$0", "device$counter$1", "device$lasting$counter"] {
        assert!(reset(&format!("top${path}$state")), "{path}");
    }
    assert!(!module(&text, "top$counter$state").contains("reset"));
    assert!(!module(&text, "top$device$passing").contains("reset"));
    assert!(!module(&text, "top$device$memory").contains("reset"));
}

#[test]
fn parts_take_the_reset_of_their_block_unless_it_drives_their_own() {
    let text = emit(&mut Board::default()).unwrap();
    let device = module(&text, "top$device");
    assert_eq!(device.matches(".reset(reset)").count(), 2, "both counters\n{device}");
    assert!(device.contains(".reset(lasting$reset)") && device.contains("lasting$reset = "));
    assert!(module(&text, "top$device$lasting").contains(".reset(reset)"));
    assert!(module(&text, "top").contains(".reset(device$reset)"));
}

#[test]
fn a_block_without_reset_is_what_rust_hdl_prints() {
    let mut counter = Counter::default();
    counter.connect_all();
    let mut modules = ResettableModules::default();
    counter.accept("top", &mut modules);
    assert_eq!(modules.defines(), generate_verilog(&counter));
}

/// A register of hand-written Verilog.
#[derive(LogicBlock, Default)]
struct Foreign {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub q: Signal<Out, Bits<4>>,
    register: EdgeDFF<Bits<4>>,
}

impl Logic for Foreign {
    #[hdl_gen]
    fn update(&mut self) {
        self.register.clk.next = self.clock.val();
        self.register.d.next = 0.into();
        self.q.next = self.register.q.val();
    }
}

#[test]
fn a_register_that_cannot_be_reset_is_refused() {
    let refusal = emit(&mut Foreign::default()).unwrap_err();
    let EmitError::NoReset(paths) = refusal else { panic!("{refusal}") };
    assert_eq!(paths, ["top$register"]);
}
