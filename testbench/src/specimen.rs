//! A block that does nothing useful with ports of every size: what the harness tests itself on.
//!
//! Shared by the build script, which Verilates it, and by the tests.

use ironwarp_hdl::pins::Ports;
use rust_hdl::prelude::*;

/// Counts the clocks where `enable` is set, and sums two wide numbers.
#[derive(LogicBlock, Ports)]
pub struct Specimen {
    /// Rising edges count.
    pub clock: Signal<In, Clock>,
    /// Whether this clock counts.
    pub enable: Signal<In, Bit>,
    /// Added to `sum` in every clock that counts; 73 bits are three words.
    pub wide: Signal<In, Bits<73>>,
    /// How many clocks counted, modulo 2^12.
    pub count: Signal<Out, Bits<12>>,
    /// The exclusive or of all `wide` that counted, turned by one bit each time.
    pub mixed: Signal<Out, Bits<73>>,
    /// Bits 32:0 of `mixed`.
    pub part: Signal<Out, Bits<33>>,
    counter: DFF<Bits<12>>,
    mix: DFF<Bits<73>>,
    one: Constant<Bits<12>>,
    single: Constant<Bits<73>>,
    shifted: Signal<Local, Bits<73>>,
}

impl Default for Specimen {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            enable: Default::default(),
            wide: Default::default(),
            count: Default::default(),
            mixed: Default::default(),
            part: Default::default(),
            counter: Default::default(),
            mix: Default::default(),
            one: Constant::new(1_u32.to_bits()),
            single: Constant::new(1_u32.to_bits()),
            shifted: Default::default(),
        }
    }
}

impl Logic for Specimen {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, counter, mix);
        self.count.next = self.counter.q.val();
        self.mixed.next = self.mix.q.val();
        self.part.next = self.mix.q.val().get_bits::<33>(0);
        self.shifted.next = self.mix.q.val() << 1;
        if self.mix.q.val().get_bit(72) {
            self.shifted.next = (self.mix.q.val() << 1) | self.single.val();
        }
        if self.enable.val() {
            self.counter.d.next = self.counter.q.val() + self.one.val();
            self.mix.d.next = self.shifted.val() ^ self.wide.val();
        }
    }
}

/// A block whose Verilog means something else than its Rust: what the lint is there to prevent, and
/// what the lockstep harness must see.
#[derive(LogicBlock, Ports, Default)]
pub struct Misread {
    /// Compared with `b`, plus one.
    pub a: Signal<In, Bits<8>>,
    /// Compared with `a`.
    pub b: Signal<In, Bits<8>>,
    /// In Rust: `a + 1` modulo 256 is `b`. In Verilog: modulo 2^32.
    pub follows: Signal<Out, Bit>,
}

impl Logic for Misread {
    #[hdl_gen]
    fn update(&mut self) {
        self.follows.next = self.a.val() + 1 == self.b.val();
    }
}
