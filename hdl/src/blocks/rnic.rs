//! The whole device, as one block.
use crate::top::Rnic;

blocks! {
    rnic: Rnic::default(),
        [clock, reset, pcie_in, pcie_out, mac_in, mac_out, mac_address, mac_counts, max_payload,
        max_read, requester, bus_master_enable, msix_enable, msix_function_mask,
        completion_timeout_disable, stations];
}
