//! The RNIC with one of the mistakes of `ironwarp_hdl::mutation`.

use ironwarp_sim::{clock_rnic, Inputs, Outputs, Pins};
use verilator_sys::VerilatedModel;

/// What `verilator-sys` has made of the RTL with its mistakes.
mod verilated {
    include!(concat!(env!("OUT_DIR"), "/planted.rs"));
}

include!(concat!(env!("OUT_DIR"), "/mistakes.rs"));

/// The device with one mistake, or with none.
struct Planted {
    model: verilated::Planted,
}

impl Pins for Planted {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        clock_rnic!(self.model, inputs)
    }
}

/// The device with the mistake of this number, from 1; zero has none.
pub fn planted(mutant: u8) -> Box<dyn Pins> {
    let mut model = verilated::Planted::new();
    model.set_mutant(mutant);
    Box::new(Planted { model })
}
