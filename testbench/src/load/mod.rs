//! Control under load: what hosts do to queue pairs, regions and next hops while traffic runs, and
//! what holds then on each device by itself.
#![doc = include_str!("../../../docs/control-under-load.md")]

mod fact;
mod host;
mod judge;
mod ledger;
mod memory;
mod pattern;
mod peer;
mod plan;
mod run;
mod side;
mod standing;
mod sweep;
mod tap;
#[cfg(test)]
mod tests;

pub use plan::{Act, Plan};
pub use run::{run, Breach, On, Outcome};
pub use sweep::{sweep, Finding, Sweep};
