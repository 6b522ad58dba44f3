//! The backends: what stands behind a PCI function.

#[cfg(feature = "sim")]
pub mod sim;
