//! complete
pub mod records;
