//! What is proved: scenarios, lockstep, conformance, faults, interoperability.

pub mod lockstep;
pub mod specimen;
pub mod station;

/// Every leaf block, Verilated.
pub mod verilated {
    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}
