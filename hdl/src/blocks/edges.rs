//! The blocks that others instantiate.

use super::BlockEntry;
use crate::verilog::edge::Edge;

const RNIC: Edge = Edge {
    structure: "Rnic",
    sources: &[include_str!("../top.rs"), include_str!("../mac/records.rs")],
    bits: &[("stations", ironwarp_abi::trace::ALL)],
};

const MAC: Edge = Edge {
    structure: "Mac",
    sources: &[include_str!("../mac/top.rs"), include_str!("../mac/records.rs")],
    bits: &[],
};

/// The block with its edge, if it has one.
pub(super) fn on(entry: BlockEntry) -> BlockEntry {
    match entry.name {
        "rnic" => entry.with_edge(&RNIC),
        "mac" => entry.with_edge(&MAC),
        _ => entry,
    }
}
