//! The host's memory, the same for both devices.

use super::layout::{BASE, BYTES, PAGE};
use ironwarp_model::{Fault, Host};
use ironwarp_sim::root_complex::INTERRUPT_ADDRESSES;
use ironwarp_sim::{HostMemory, Unmapped};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory at [`BASE`], and the interrupts that were written beside it. Clones share their content.
#[derive(Clone)]
pub struct Arena {
    octets: Arc<Mutex<Vec<u8>>>,
    /// The data of the interrupt messages.
    pub interrupts: Vec<u32>,
}

impl Arena {
    /// Memory with this content, [`BYTES`] octets.
    pub fn new(content: Vec<u8>) -> Self {
        assert_eq!(content.len(), BYTES);
        Self { octets: Arc::new(Mutex::new(content)), interrupts: Vec::new() }
    }

    /// The content, while nobody else looks at it.
    pub fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.octets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies octets out of the arena.
    ///
    /// # Errors
    /// Not all of them are in it.
    pub fn get(&self, address: u64, into: &mut [u8]) -> Result<(), Unmapped> {
        let octets = self.lock();
        let from = range(address, into.len()).and_then(|range| octets.get(range));
        into.copy_from_slice(from.ok_or(Unmapped(address))?);
        Ok(())
    }

    /// Copies octets into the arena.
    ///
    /// # Errors
    /// Not all of them would be in it; then nothing is changed.
    pub fn put(&self, address: u64, from: &[u8]) -> Result<(), Unmapped> {
        let mut octets = self.lock();
        let into = range(address, from.len()).and_then(|range| octets.get_mut(range));
        into.ok_or(Unmapped(address))?.copy_from_slice(from);
        Ok(())
    }
}

fn range(address: u64, length: usize) -> Option<std::ops::Range<usize>> {
    let first = usize::try_from(address.checked_sub(BASE)?).ok()?;
    Some(first..first.checked_add(length)?)
}

impl HostMemory for Arena {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unmapped> {
        self.get(address, into)
    }

    fn write(&mut self, address: u64, octets: &[u8]) -> Result<(), Unmapped> {
        self.put(address, octets)
    }
}

impl Host for Arena {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.get(address, into).map_err(|_| Fault)
    }

    /// As packets on the bus: what leads nowhere is lost, page by page.
    fn write(&mut self, mut address: u64, mut octets: &[u8]) {
        if INTERRUPT_ADDRESSES.contains(&address) {
            if let Ok(data) = octets.try_into() {
                self.interrupts.push(u32::from_le_bytes(data));
            }
            return;
        }
        while !octets.is_empty() {
            let room = (PAGE - address % PAGE) as usize;
            let (now, later) = octets.split_at(room.min(octets.len()));
            let _ = self.put(address, now);
            address = address.wrapping_add(now.len() as u64);
            octets = later;
        }
    }
}
