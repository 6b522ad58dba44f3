//! On-chip tables: single writer, one clock to read.
pub mod context_table;
pub mod dual_port_ram;
pub mod qp_field;
pub mod table;

pub use context_table::ContextTable;
pub use dual_port_ram::DualPortRam;
pub use qp_field::{field_number, QpField};
pub use table::Table;
