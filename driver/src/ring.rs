//! Rings in memory that host and device share: work queues and completion rings.

use crate::device::Device;
use crate::dma::DeviceMemory;
use crate::error::Error;
use ironwarp_abi::limits::{CQ_ENTRY_BITS_MAX, QUEUE_BITS_MAX};
use ironwarp_abi::queue::{CompletionEntry, SendRequest};

/// The size of an entry of a send or receive queue in octets.
const REQUEST_BYTES: usize = SendRequest::BYTES;

/// A send or receive queue: the host writes, the device reads.
pub(crate) struct WorkRing {
    memory: DeviceMemory,
    log2: u8,
    posted: u16,
}

impl WorkRing {
    /// A ring of at least `entries` entries.
    pub fn new(device: &Device, entries: usize) -> Result<Self, Error> {
        let log2 = log2(entries, 1 << QUEUE_BITS_MAX, "entries of a work queue")?;
        let memory = device.allocate(REQUEST_BYTES << log2)?;
        Ok(Self { memory, log2, posted: 0 })
    }

    /// log2 of the ring's entries.
    pub fn log2(&self) -> u8 {
        self.log2
    }

    /// The ring's entries.
    pub fn entries(&self) -> usize {
        1 << self.log2
    }

    /// Where the device finds the ring.
    pub fn bus_address(&self) -> u64 {
        self.memory.bus_address()
    }

    /// How many entries were ever written, modulo 2^16: the doorbell's value, and the number that
    /// the next entry's completion will carry.
    pub fn posted(&self) -> u16 {
        self.posted
    }

    /// Writes the next entry. The caller knows that it is free.
    pub fn push(&mut self, request: &[u8; REQUEST_BYTES]) -> Result<u16, Error> {
        let number = self.posted;
        let slot = usize::from(number) & (self.entries() - 1);
        self.memory.region().write(slot * REQUEST_BYTES, request)?;
        self.posted = number.wrapping_add(1);
        Ok(number)
    }

    /// Begins anew, as the device does when it starts a queue pair.
    pub fn clear(&mut self) {
        self.posted = 0;
    }
}

/// A completion ring: the device writes, the host reads.
pub(crate) struct CompletionRing {
    memory: DeviceMemory,
    log2: u8,
    consumed: u16,
}

impl CompletionRing {
    /// A ring that takes at least `entries` entries; its last place is for telling that it
    /// overflowed.
    pub fn new(device: &Device, entries: usize) -> Result<Self, Error> {
        let most = (1 << CQ_ENTRY_BITS_MAX) - 1;
        // Of no entries, and of too many, no ring is made.
        let places = if entries == 0 { 0 } else { entries.saturating_add(1) };
        let log2 = log2(places, most + 1, "entries of a completion queue and one")?;
        let memory = device.allocate(CompletionEntry::BYTES << log2)?;
        Ok(Self { memory, log2, consumed: 0 })
    }

    /// log2 of the ring's entries.
    pub fn log2(&self) -> u8 {
        self.log2
    }

    /// The entries that it takes.
    pub fn capacity(&self) -> usize {
        (1 << self.log2) - 1
    }

    /// Where the device finds the ring.
    pub fn bus_address(&self) -> u64 {
        self.memory.bus_address()
    }

    /// How many entries were ever consumed, modulo 2^16: the doorbell's value.
    pub fn consumed(&self) -> u16 {
        self.consumed
    }

    /// Consumes the next entry if the device has written it.
    pub fn pop(&mut self) -> Result<Option<CompletionEntry>, Error> {
        let at = (usize::from(self.consumed) & self.capacity()) * CompletionEntry::BYTES;
        // The phase is in the last word; once it is right, the words before it are there as well.
        let last =
            u64::from_le(self.memory.region().load_acquire(at + CompletionEntry::BYTES - 8)?);
        let first_pass = self.consumed >> self.log2 & 1 == 0;
        if (last >> 63 == 1) != first_pass {
            return Ok(None);
        }
        let mut bytes = [0; CompletionEntry::BYTES];
        self.memory.region().read(at, &mut bytes)?;
        self.consumed = self.consumed.wrapping_add(1);
        Ok(Some(CompletionEntry::from_bytes(&bytes)))
    }

    /// Begins anew, as the device does when it starts a completion queue.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.consumed = 0;
        self.memory.region().fill(0)
    }
}

fn log2(entries: usize, most: usize, what: &'static str) -> Result<u8, Error> {
    if entries == 0 || entries > most {
        let range = "at least 1 and at most what the device's contract allows";
        return Err(Error::OutOfRange { what, value: entries as u64, range });
    }
    // At most the contract's largest ring.
    Ok(u8::try_from(entries.next_power_of_two().ilog2()).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    fn device() -> Device {
        Device::open(Fake::alone(), [2, 0, 0, 0, 0, 1], 156).unwrap()
    }

    /// The phase flips with every pass, also where the count of entries wraps.
    #[test]
    fn entries_are_seen_once_and_in_order() {
        let device = device();
        for log2 in [1, 2, 3] {
            let mut ring = CompletionRing::new(&device, (1 << log2) - 1).unwrap();
            assert_eq!(ring.log2(), log2);
            for number in 0..70_000u32 {
                assert_eq!(ring.pop().unwrap(), None);
                let phase = number >> log2 & 1 == 0;
                let entry = CompletionEntry { length: number, phase, ..Default::default() };
                let slot = number as usize & ring.capacity();
                ring.memory.region().write(32 * slot, &entry.to_bytes()).unwrap();
                assert_eq!(ring.pop().unwrap(), Some(entry));
                assert_eq!(u32::from(ring.consumed()), (number + 1) & 0xffff);
            }
            ring.clear().unwrap();
            assert_eq!((ring.pop().unwrap(), ring.consumed()), (None, 0));
        }
    }

    #[test]
    fn sizes_have_limits() {
        let device = device();
        assert!(WorkRing::new(&device, 0).is_err());
        assert!(WorkRing::new(&device, (1 << QUEUE_BITS_MAX) + 1).is_err());
        assert_eq!(WorkRing::new(&device, 5).unwrap().entries(), 8);
        assert!(CompletionRing::new(&device, 0).is_err());
        assert!(CompletionRing::new(&device, usize::MAX).is_err());
        assert!(CompletionRing::new(&device, 1 << CQ_ENTRY_BITS_MAX).is_err());
        // A ring of 2^n holds one less.
        for (entries, capacity) in [(1, 1), (2, 3), (3, 3), (4, 7), (255, 255), (256, 511)] {
            assert_eq!(CompletionRing::new(&device, entries).unwrap().capacity(), capacity);
        }
        let largest = CompletionRing::new(&device, (1 << CQ_ENTRY_BITS_MAX) - 1).unwrap();
        assert_eq!(usize::from(largest.log2()), CQ_ENTRY_BITS_MAX);
    }
}
