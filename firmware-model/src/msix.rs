//! Interrupts: the MSI-X table and its pending bits (PCI Express base specification, MSI-X).
//!
//! The capability in configuration space belongs to whoever plugs the device in.

use crate::host::Host;
use ironwarp_abi::limits::VECTOR_COUNT;

/// In an entry's last word: the vector is masked.
const MASKED: u32 = 1;

#[derive(Debug, Clone, Copy)]
struct Entry {
    address: u64,
    data: u32,
    masked: bool,
}

/// The vectors. All are masked at first.
#[derive(Debug)]
pub(crate) struct Msix {
    entries: [Entry; VECTOR_COUNT],
    pending: u32,
    /// Messages may be sent; else every vector is as if masked.
    allowed: bool,
}

impl Msix {
    pub fn new() -> Self {
        let entry = Entry { address: 0, data: 0, masked: true };
        Self { entries: [entry; VECTOR_COUNT], pending: 0, allowed: true }
    }

    /// A word of an entry.
    pub fn read(&self, vector: usize, word: u32) -> u32 {
        self.entries.get(vector).map_or(0, |entry| match word {
            0 => entry.address as u32,
            1 => (entry.address >> 32) as u32,
            2 => entry.data,
            _ => u32::from(entry.masked),
        })
    }

    /// Bit n says that vector n has an interrupt to send once it is unmasked.
    pub fn pending(&self) -> u32 {
        self.pending
    }

    /// Writes a word of an entry. What is pending is sent when the mask goes.
    pub fn write(&mut self, vector: usize, word: u32, value: u32, host: &mut dyn Host) {
        let Some(entry) = self.entries.get_mut(vector) else { return };
        match word {
            // The address is one of words: its low two bits are zero.
            0 => entry.address = entry.address >> 32 << 32 | u64::from(value & !0b11),
            1 => entry.address = u64::from(value) << 32 | entry.address & 0xffff_ffff,
            2 => entry.data = value,
            _ => entry.masked = value & MASKED != 0,
        }
        self.send_pending(vector, host);
    }

    /// Allows messages, or forbids them (s. 7.7.2.2). What is pending is sent when they are
    /// allowed.
    pub fn allow(&mut self, allowed: bool, host: &mut dyn Host) {
        self.allowed = allowed;
        (0..VECTOR_COUNT).for_each(|vector| self.send_pending(vector, host));
    }

    fn send_pending(&mut self, vector: usize, host: &mut dyn Host) {
        if self.pending >> vector & 1 != 0 {
            self.pending &= !(1 << vector);
            self.raise(vector, host);
        }
    }

    /// Sends a vector's message, or notes that it is pending. A vector that is not there is none.
    pub fn raise(&mut self, vector: usize, host: &mut dyn Host) {
        match self.entries.get(vector) {
            Some(entry) if entry.masked || !self.allowed => self.pending |= 1 << vector,
            Some(entry) => host.write(entry.address, &entry.data.to_le_bytes()),
            None => {}
        }
    }
}
