//! The hardware and the model run one programme, and what they show is compared.
//!
//! ```text
//!   seed --> programme --> script --> the same accesses and frames --> Verilated RTL --> compare
//!            (events)      (host, peers)                           --> model ---------->
//! ```
//!
//! One seed makes a [`Programme`]: driver calls at the host's contract, and frames of scripted
//! peers, who follow the model's streams. Whenever both devices are at rest, what they have sent,
//! written to memory, completed and interrupted since the last rest is compared, and registers
//! where the programme reads them. The first difference ends a programme; [`shrink`] cuts the
//! programme down to the events that it takes.
//!
//! # What may differ
//!
//! The model has no clock. So, between two rests:
//!
//! - Segments of different queue pairs, and raw frames, leave in any order among each other.
//! - Acknowledgements may be merged or repeated, alone or with data: their numbers never go back
//!   nor beyond the model's last one, and the last is the model's. The window with the last one
//!   may lack octets that had arrived but were still on chip.
//! - Entries of a completion queue that come from different queue pairs, or from the send and the
//!   receive queue of one, come in any order among each other. If a completion queue overflows,
//!   only the number of entries counts.
//! - Interrupts of different vectors come in any order.
//! - When a queue pair ends, octets and completions of its send queue that were due at that moment
//!   may have left or not, and what was received may have been acknowledged or not.
//!   From then on its `QUERY_SEND_` registers are not compared, if so.
//! - `COUNT_FRAMES_SENT` and `TIME` are not compared, and `TIME_BASE` is written at first.
//!
//! Everything else is the same, octet by octet. Where a programme would leave more than this to
//! chance, the devices come to rest first: `batch` has the list of these races. What remains ends
//! the programme, and is counted ([`Outcome::raced`]).

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
#[cfg(feature = "planted")]
mod planted;
mod programme;
mod reads;
mod ring;
mod run;
mod script;
mod shrink;
mod side;

pub use campaign::{campaign, cores, Summary};
pub use compare::Difference;
pub use event::Event;
pub use finding::Finding;
#[cfg(feature = "planted")]
pub use planted::planted;
pub use programme::{Programme, EVENTS_MIN};
pub use run::{run, Outcome, Records};
pub use shrink::shrink;
pub use side::{rnic, Make};
