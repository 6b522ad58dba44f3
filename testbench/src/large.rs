//! The RNIC of the configuration *large*.

use ironwarp_sim::{clock_rnic, Inputs, Outputs, Pins};
use verilator_sys::VerilatedModel;

/// What `verilator-sys` has made of the RTL.
mod verilated {
    include!(concat!(env!("OUT_DIR"), "/large.rs"));
}

/// The device, as it is after power-on.
#[derive(Default)]
pub struct Large {
    model: verilated::Large,
}

impl Pins for Large {
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        clock_rnic!(self.model, inputs)
    }
}
