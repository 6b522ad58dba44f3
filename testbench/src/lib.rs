//! What is proved: scenarios, lockstep, conformance, faults, interoperability.

pub mod lockstep;
pub mod specimen;

/// Every leaf block, Verilated.
pub mod verilated {
    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}
