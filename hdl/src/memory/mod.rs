//! On-chip tables: single writer, one clock to read.
pub mod context_table;
pub mod table;

pub use context_table::ContextTable;
pub use table::Table;
