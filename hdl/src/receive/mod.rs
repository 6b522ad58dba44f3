//! receive
pub mod records;
