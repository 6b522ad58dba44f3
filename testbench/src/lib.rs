//! What is proved: scenarios, lockstep, conformance, faults, interoperability.

pub mod differential;
#[cfg(feature = "large")]
pub mod large;
pub mod load;
#[cfg(feature = "blocks")]
pub mod lockstep;
#[cfg(feature = "blocks")]
pub mod specimen;
pub mod stand_in;
pub mod station;

/// Every leaf block, Verilated.
#[cfg(feature = "blocks")]
pub mod verilated {
    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}
