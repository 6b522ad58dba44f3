//! What a network does to the frames that cross it, decided by a seed and nothing else.
//!
//! ```text
//!            +--------------------------- Path ---------------------------+
//!  send ---->| chance -> queue and line -> delay, jitter -> held back ... |----> receive
//!            +------------------------------------------------------------+
//!  lost, damaged, twice    rate, limit                     overtaken
//! ```
//!
//! An [`Impairment`] says what goes wrong, a [`Path`] does it to the frames of one direction, a
//! [`Link`] to those of both. There is no clock in here: whoever sends or receives says what time
//! it is in [`Picoseconds`], be it a simulation's or the computer's, and [`Path::due`] says when
//! to look again.

#[cfg(feature = "bulk")]
pub mod bulk;
mod chance;
mod counts;
mod damage;
mod impairment;
mod link;
mod packet;
mod path;
mod quantity;
mod resent;
mod time;

pub use counts::{Counts, Report};
pub use impairment::{Impairment, ImpairmentError};
pub use link::Link;
pub use path::Path;
pub use quantity::Share;
pub use time::{duration, picoseconds, Picoseconds};
