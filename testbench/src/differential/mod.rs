#![doc = include_str!("../../../docs/differential.md")]

mod arena;
#[cfg(test)]
mod at_pins;
mod batch;
mod campaign;
mod chance;
mod compare;
mod draw;
mod event;
mod finding;
mod layout;
mod pair;
mod peer;
#[cfg(feature = "planted")]
mod planted;
mod programme;
#[cfg(test)]
mod races;
mod reads;
mod regions;
mod reset;
mod rest;
mod ring;
mod run;
mod script;
mod shrink;
mod side;
mod stray;

pub use batch::Race;
pub use campaign::{campaign, cores, Summary};
pub use chance::Chance;
pub use compare::Difference;
pub use event::Event;
pub use finding::Finding;
#[cfg(feature = "planted")]
pub use planted::{planted, MISTAKES};
pub use programme::{Programme, EVENTS_MIN};
pub use reset::{reset, Open, Reset};
pub use run::{run, Outcome, Records};
pub use shrink::shrink;
pub use side::{quick_bus, rnic, Make};
