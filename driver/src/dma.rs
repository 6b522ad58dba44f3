//! Memory that a device was given, and when it is taken back.

use crate::os::Region;
use crate::pci::{Mapping, Run};
use crate::sync::{AtomicBool, Ordering};
use std::sync::Arc;

/// Memory that the device can reach until this is dropped; which happens after a fence, or before
/// the device ever heard of it. If nobody knows any more what the device does, the memory stays
/// mapped, and its pages are never used for anything else: better a leak than a stray write.
pub(crate) struct DeviceMemory {
    /// Always there before the drop.
    mapping: Option<Mapping>,
    bus_address: u64,
    runs: Vec<Run>,
    region: Region,
    untold: Arc<AtomicBool>,
}

impl DeviceMemory {
    /// Memory of a device that sets `untold` when nobody knows what it does.
    pub fn new(mapping: Mapping, untold: &Arc<AtomicBool>) -> Self {
        let (bus_address, runs) = (mapping.bus_address(), mapping.runs().to_vec());
        let (region, untold) = (mapping.region().clone(), untold.clone());
        Self { mapping: Some(mapping), bus_address, runs, region, untold }
    }

    /// The memory.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where its pages lie.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Where the device finds its first octet, and the others behind it if there is one run.
    pub fn bus_address(&self) -> u64 {
        self.bus_address
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        if self.untold.load(Ordering::Relaxed) {
            let octets = self.region.mapped_bytes();
            tracing::warn!(octets, "memory is lost: the device may still be using it");
            std::mem::forget(self.mapping.take());
        }
    }
}
