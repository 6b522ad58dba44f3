//! On-chip tables: single writer, one clock to read.
pub mod context_field;
pub mod context_table;
pub mod dual_port_ram;
pub mod fresh_table;
pub mod qp_field;
pub mod table;

pub use context_field::field;
pub(crate) use context_field::is_name;
pub use context_table::ContextTable;
pub use dual_port_ram::DualPortRam;
pub use fresh_table::FreshTable;
pub use qp_field::{field_number, QpField};
pub use table::Table;
