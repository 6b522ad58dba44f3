//! pcie
pub mod records;
