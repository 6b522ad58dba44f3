//! control
pub mod records;
