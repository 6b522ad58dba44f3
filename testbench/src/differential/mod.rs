//! The hardware and the model run one programme, and what they show is compared.
//!
//! One seed makes a [`programme`](Programme): driver calls at the host's contract, and frames of
//! scripted peers. The Verilated RTL and the behavioural model run it side by side; whenever both
//! are at rest, what they have sent, written and completed since the last rest is compared.

mod arena;
mod batch;
mod campaign;
mod chance;
mod compare;
mod draw;
mod event;
mod finding;
mod layout;
mod peer;
mod programme;
mod ring;
mod run;
mod script;
mod shrink;
mod side;

pub use campaign::{campaign, cores, Summary};
pub use compare::Difference;
pub use event::Event;
pub use finding::Finding;
pub use programme::{Programme, EVENTS_MIN};
pub use run::{run, Outcome, Records};
pub use shrink::shrink;
pub use side::{rnic, Make};
