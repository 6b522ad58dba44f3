//! protect
pub mod records;
