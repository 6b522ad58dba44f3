//! What is proved: scenarios, lockstep, conformance, faults, interoperability.

pub mod specimen;

/// Every leaf block, Verilated.
pub mod verilated {
    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}
