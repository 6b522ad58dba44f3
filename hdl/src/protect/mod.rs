//! The protection gate: the only block that makes a bus address out of an STag.
pub mod gate;
pub mod records;
pub mod refusal_status;

pub use gate::Gate;
pub use refusal_status::RefusalStatus;
