//! The lives of queue pairs: the one mechanism that says what belongs to an earlier one.
//!
//! ```text
//! Control ---- QpChange, a broadcast ----> LifeWatch: may this record still act?
//!                                     +--> LifeTable: state that begins anew with each life
//! ```
//! Every record that crosses an engine's border carries a queue pair and its generation; who takes
//! it looks the queue pair up and drops what is of another generation or of a queue pair that is
//! not active. What an engine does itself for a queue pair it drops when the life changes under it.
pub mod counter;
pub mod filter;
pub mod records;
pub mod table;
pub mod watch;

pub use counter::LifeCounter;
pub use filter::LifeFilter;
pub use records::{Life, QpChange};
pub use table::LifeTable;
pub use watch::LifeWatch;
