//! The protection gate: the only block that makes a bus address out of an STag; and the walker that
//! finds the pages of what is no run on the bus.
pub mod gate;
pub mod line_reads;
pub mod page_cache;
pub mod page_walker;
pub mod records;
pub mod refusal_status;

pub use gate::Gate;
pub use line_reads::LineReads;
pub use page_cache::PageCache;
pub use page_walker::PageWalker;
pub use refusal_status::RefusalStatus;
