//! Protection domains' memory: STags whose keys cannot be guessed.

use crate::device::Device;
use crate::error::Error;
use crate::os::Region;
use crate::pci::Mapping;
use ironwarp_abi::context::MemoryRegionContext;
use ironwarp_abi::limits::{KEY_BITS, MR_BITS, MR_COUNT};
use ironwarp_abi::registers::MR_CONTEXTS;
use rand::rngs::StdRng;
use rand::Rng;
use std::collections::VecDeque;

/// What a memory region may be used for, beyond being read for this side's own sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Access {
    /// This side's own receives and RDMA Reads may write it.
    pub local_write: bool,
    /// The peer may read it (RDMA Read).
    pub remote_read: bool,
    /// The peer may write it (RDMA Write).
    pub remote_write: bool,
}

impl Access {
    /// Only this side's sends read it.
    pub const LOCAL_READ: Self =
        Self { local_write: false, remote_read: false, remote_write: false };
    /// This side's sends read it, its receives and RDMA Reads write it; the peer cannot name it.
    pub const LOCAL: Self = Self { local_write: true, ..Self::LOCAL_READ };
    /// In addition, the peer may write it.
    pub const REMOTE_WRITE: Self = Self { remote_write: true, ..Self::LOCAL };
    /// In addition, the peer may read it.
    pub const REMOTE_READ: Self = Self { remote_read: true, ..Self::LOCAL };
    /// In addition, the peer may read and write it.
    pub const REMOTE: Self = Self { remote_read: true, ..Self::REMOTE_WRITE };
}

/// What a registration names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration {
    /// The protection domain.
    pub pd: u16,
    /// The tagged offset of the first octet.
    pub base: u64,
    /// What is allowed.
    pub access: Access,
}

/// The word that holds the valid bit, the last one.
const VALID_WORD: usize = MemoryRegionContext::WORDS - 1;

/// The device's memory regions.
pub(crate) struct MemoryTable {
    /// Oldest first: an index, and with it an STag, rests as long as it can.
    free: VecDeque<usize>,
    mappings: Vec<Option<Mapping>>,
    random: StdRng,
}

impl MemoryTable {
    /// An empty table that takes its keys from `random`.
    pub fn new(random: StdRng) -> Self {
        let mappings = (0..MR_COUNT).map(|_| None).collect();
        Self { free: (0..MR_COUNT).collect(), mappings, random }
    }

    /// Registers a region whole; answers its STag.
    pub fn register(
        &mut self,
        device: &Device,
        region: &Region,
        what: Registration,
    ) -> Result<u32, Error> {
        let length = u32::try_from(region.len()).ok().filter(|length| *length > 0);
        let length = length.ok_or(Error::OutOfRange {
            what: "the length of a memory region",
            value: region.len() as u64,
            range: "1 to 4294967295 octets",
        })?;
        if what.base.checked_add(u64::from(length)).is_none() {
            let range = "such that the region's tagged offsets do not wrap";
            return Err(Error::OutOfRange { what: "the base", value: what.base, range });
        }
        let mapping = device.function().map_memory(region)?;
        let index = self.free.pop_front().ok_or(Error::Exhausted("memory region"))?;
        let key = self.fresh_key();
        let context = MemoryRegionContext {
            base: what.base,
            length,
            key,
            bus_address: mapping.bus_address(),
            pd: what.pd,
            local_read: true,
            local_write: what.access.local_write,
            remote_read: what.access.remote_read,
            remote_write: what.access.remote_write,
            valid: true,
        };
        self.mappings[index] = Some(mapping);
        if let Err(error) = device.write_context(MR_CONTEXTS, index, 0, &context.to_words()) {
            self.deregister(device, index)?;
            return Err(error);
        }
        Ok(key << MR_BITS | index as u32)
    }

    /// Regions that are registered.
    pub fn in_use(&self) -> usize {
        self.mappings.iter().flatten().count()
    }

    /// Invalidates a region; when this returns the device has seen it.
    pub fn deregister(&mut self, device: &Device, index: usize) -> Result<(), Error> {
        let slot = self.mappings.get_mut(index).filter(|slot| slot.is_some());
        let slot = slot.ok_or(Error::Gone("memory region"))?;
        // If the device cannot be told, the memory stays mapped: better a leak than a stray write.
        device.write_context(MR_CONTEXTS, index, VALID_WORD, &[0])?;
        // A read does not pass the write before it, and comes back after the device's own writes.
        device.read(ironwarp_abi::registers::DEVICE)?;
        *slot = None;
        self.free.push_back(index);
        Ok(())
    }

    /// A key other than zero: an STag of zero would name a region that nobody registered.
    //= rfc5042#6.1.1  It should be difficult to predict the next STag.
    fn fresh_key(&mut self) -> u32 {
        self.random.random_range(1..1 << KEY_BITS)
    }
}

/// A run of octets in a registered memory region of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    pub(crate) stag: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Buffer {
    /// No octets, in no region.
    pub const EMPTY: Self = Self { stag: 0, offset: 0, length: 0 };

    /// How many octets.
    pub fn len(&self) -> u32 {
        self.length
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Where an RDMA Write goes or an RDMA Read comes from: what the peer said of its memory region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteBuffer {
    /// The peer's STag.
    pub stag: u32,
    /// The tagged offset of the first octet.
    pub offset: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use rand::SeedableRng;

    const WHAT: Registration = Registration { pd: 3, base: 0, access: Access::REMOTE_WRITE };

    fn device(fake: &std::sync::Arc<Fake>) -> Device {
        Device::open(fake.clone(), [2, 0, 0, 0, 0, 1], 156).unwrap()
    }

    #[test]
    fn keys_are_fresh_and_the_record_is_written_and_cleared() {
        let fake = Fake::alone();
        let device = device(&fake);
        let mut table = MemoryTable::new(StdRng::seed_from_u64(7));
        let region = Region::new(5000).unwrap();
        let stag = table.register(&device, &region, WHAT).unwrap();
        let index = stag as usize % MR_COUNT;
        let context = fake.memory_region(index);
        assert_eq!((context.key, context.length, context.pd), (stag >> MR_BITS, 5000, 3));
        assert!(context.valid && context.remote_write && !context.remote_read);
        table.deregister(&device, index).unwrap();
        assert!(!fake.memory_region(index).valid);
        assert!(table.deregister(&device, index).is_err(), "it is gone");
        let again = table.register(&device, &region, WHAT).unwrap();
        assert_ne!(again >> MR_BITS, stag >> MR_BITS, "the key is fresh");
        assert_ne!(again as usize % MR_COUNT, index, "the index rests");
    }

    #[test]
    fn the_table_fills_up_without_harm() {
        let fake = Fake::alone();
        let device = device(&fake);
        let mut table = MemoryTable::new(StdRng::seed_from_u64(7));
        let region = Region::new(1).unwrap();
        for _ in 0..MR_COUNT {
            assert_ne!(table.register(&device, &region, WHAT).unwrap() >> MR_BITS, 0);
        }
        let full = table.register(&device, &region, WHAT);
        assert!(matches!(full, Err(Error::Exhausted(_))));
        table.deregister(&device, 9).unwrap();
        assert_eq!(table.register(&device, &region, WHAT).unwrap() as usize % MR_COUNT, 9);
        let empty = Region::new(0).unwrap();
        assert!(table.register(&device, &empty, WHAT).is_err());
        let wraps = Registration { base: u64::MAX, ..WHAT };
        assert!(table.register(&device, &region, wraps).is_err());
    }
}
