//! The host's memory under one device.

use ironwarp_sim::{HostMemory, Unmapped};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bus address of the first octet.
pub const BASE: u64 = 0x1_0000_0000;
/// Octets in all.
pub const BYTES: usize = 0x100_0000;

/// Memory at [`BASE`]. Clones share their content.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Vec<u8>>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(vec![0; BYTES])))
    }
}

fn range(address: u64, length: usize) -> Result<std::ops::Range<usize>, Unmapped> {
    let first = address.checked_sub(BASE).and_then(|first| usize::try_from(first).ok());
    let range = first.and_then(|first| Some(first..first.checked_add(length)?));
    range.filter(|range| range.end <= BYTES).ok_or(Unmapped(address))
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies octets out.
    ///
    /// # Errors
    /// Not all of them are memory.
    pub fn get(&self, address: u64, into: &mut [u8]) -> Result<(), Unmapped> {
        into.copy_from_slice(&self.lock()[range(address, into.len())?]);
        Ok(())
    }

    /// Copies octets in.
    ///
    /// # Errors
    /// Not all of them are memory; then none is written.
    pub fn put(&self, address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        self.lock()[range(address, octets.len())?].copy_from_slice(octets);
        Ok(())
    }
}

impl HostMemory for Memory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unmapped> {
        self.get(address, into)
    }

    fn write(&mut self, address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        self.put(address, octets)
    }
}
