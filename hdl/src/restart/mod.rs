//! What a reset is besides flip-flops: memories, and packets that it cuts.
pub mod inlet;
pub mod outlet;
pub mod restart_block;
pub mod sweep;
#[cfg(test)]
mod tests;

pub use inlet::Inlet;
pub use outlet::Outlet;
pub use restart_block::Restart;
pub use sweep::Sweep;
