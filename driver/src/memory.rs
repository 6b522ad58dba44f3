//! Protection domains' memory: STags whose keys cannot be guessed.

use crate::device::Device;
use crate::dma::DeviceMemory;
use crate::error::Error;
use crate::numbered::Numbered;
use crate::os::{write_barrier, Region};
use crate::page_list::PageList;
use ironwarp_abi::context::{region_of, stag, MemoryRegionContext};
use ironwarp_abi::limits::NUMBER_BITS;
use rand::rngs::StdRng;
use rand::Rng;

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
    /// The consumer's key of the STag, or one drawn at random.
    pub key: Option<u8>,
}

/// A memory region that the device has.
struct Registered {
    /// What the device may reach: the memory, and the list of its pages if they are scattered.
    _memory: (DeviceMemory, Option<PageList>),
    /// The protection domain.
    pd: u16,
}

/// The device's memory regions.
pub(crate) struct MemoryTable {
    /// A region's number rests as long as it can, and with it an STag.
    regions: Numbered<Registered>,
    mr_bits: usize,
    random: StdRng,
}

impl MemoryTable {
    /// An empty table that takes its STags from `random`.
    pub fn new(device: &Device, random: StdRng) -> Self {
        let mr_bits = device.capabilities().configuration.mr_bits;
        Self { regions: Numbered::new("memory region", 0..1 << mr_bits), mr_bits, random }
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
        let writes = what.access.local_write || what.access.remote_write;
        if writes && !region.is_writable() {
            return Err(Error::ReadOnly);
        }
        let number = self.regions.vacant()?;
        let memory = device.map(region)?;
        let list = PageList::of(device, &memory)?;
        let stag = self.fresh_stag(number, what.key);
        let context = MemoryRegionContext {
            base: what.base,
            length: length.into(),
            bus_address: list.as_ref().map_or(memory.bus_address(), PageList::bus_address),
            paged: list.is_some(),
            page_log2: list.as_ref().map_or(0, |list| list.log2),
            first_offset: list.as_ref().map_or(0, |list| list.first_offset),
            stag,
            pd: what.pd,
            local_read: true,
            local_write: what.access.local_write,
            remote_read: what.access.remote_read,
            remote_write: what.access.remote_write,
            valid: true,
        };
        self.regions.insert(number, Registered { _memory: (memory, list), pd: what.pd });
        write_barrier();
        if let Err(error) = device.commit(number, &context) {
            self.deregister(device, stag)?;
            return Err(error);
        }
        Ok(stag)
    }

    /// Regions that are registered.
    pub fn in_use(&self) -> usize {
        self.regions.len()
    }

    /// Invalidates a region; when this returns the device touches its memory no more. Answers its
    /// protection domain.
    pub fn deregister(&mut self, device: &Device, stag: u32) -> Result<u16, Error> {
        // The number of a region has at most 24 bits.
        let number = u32::try_from(region_of(stag, self.mr_bits)).unwrap_or(u32::MAX);
        self.regions.get(number)?;
        // If the device cannot be told, or does not say that it is done, the memory stays mapped:
        // better a leak than a stray write.
        device.commit(number, &MemoryRegionContext::default())?;
        device.fence()?;
        self.regions.remove(number).map(|region| region.pd)
    }

    /// The STag of region `number`: what no number and no key say of it is drawn at random, and
    /// not zero, so that no region has the STag zero.
    //= rfc5042#6.1.1  It should be difficult to predict the next STag.
    fn fresh_stag(&mut self, number: u32, key: Option<u8>) -> u32 {
        let above = match NUMBER_BITS - self.mr_bits {
            0 => 0,
            bits => self.random.random_range(1..1 << bits),
        };
        let key = key.unwrap_or_else(|| self.random.random_range(1..=u8::MAX));
        stag(above << self.mr_bits | number, key)
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
    use crate::pci::PciFunction;
    use ironwarp_abi::configuration::{BOARD, REFERENCE};
    use ironwarp_abi::limits::KEY_BITS;
    use rand::SeedableRng;
    use std::time::Duration;

    const WHAT: Registration =
        Registration { pd: 3, base: 0, access: Access::REMOTE_WRITE, key: None };

    fn device(fake: &std::sync::Arc<Fake>) -> (Device, MemoryTable) {
        let device = Device::open(fake.clone(), [2, 0, 0, 0, 0, 1], 156).unwrap();
        let table = MemoryTable::new(&device, StdRng::seed_from_u64(7));
        (device, table)
    }

    #[test]
    fn stags_are_fresh_and_the_record_is_written_and_cleared() {
        let fake = Fake::alone();
        let (device, mut table) = device(&fake);
        let number = |stag| region_of(stag, REFERENCE.mr_bits);
        let region = Region::new(5000).unwrap();
        let stag = table.register(&device, &region, WHAT).unwrap();
        let context = fake.memory_region(number(stag));
        assert_eq!((context.stag, context.length, context.pd), (stag, 5000, 3));
        assert!(context.valid && context.remote_write && !context.remote_read);
        table.deregister(&device, stag).unwrap();
        assert!(!fake.memory_region(number(stag)).valid);
        assert!(table.deregister(&device, stag).is_err(), "it is gone");
        let again = table.register(&device, &region, WHAT).unwrap();
        assert_ne!(again >> KEY_BITS >> REFERENCE.mr_bits, stag >> KEY_BITS >> REFERENCE.mr_bits);
        assert_ne!(again & 0xff, stag & 0xff, "the key is fresh, too");
        assert_ne!(number(again), number(stag), "the number rests");
        for key in [0, 0x5a, 0xff] {
            let stag = table.register(&device, &region, Registration { key: Some(key), ..WHAT });
            assert_eq!(stag.unwrap() & 0xff, u32::from(key), "as the consumer has it");
        }
    }

    #[test]
    fn the_table_fills_up_without_harm() {
        let fake = Fake::with_configuration(BOARD);
        let (device, mut table) = device(&fake);
        let region = Region::new(1).unwrap();
        let stags: Vec<u32> = (0..BOARD.mr_count())
            .map(|_| table.register(&device, &region, WHAT).unwrap())
            .inspect(|stag| assert_ne!(stag >> KEY_BITS >> BOARD.mr_bits, 0))
            .collect();
        let full = table.register(&device, &region, WHAT);
        assert!(matches!(full, Err(Error::Exhausted(_))));
        table.deregister(&device, stags[9]).unwrap();
        let again = table.register(&device, &region, WHAT).unwrap();
        assert_eq!(region_of(again, BOARD.mr_bits), 9);
        table.deregister(&device, again).unwrap();
        let empty = Region::new(0).unwrap();
        assert!(table.register(&device, &empty, WHAT).is_err());
        let wraps = Registration { base: u64::MAX, ..WHAT };
        assert!(table.register(&device, &region, wraps).is_err());
    }

    /// While the device is not done with a region, that is neither unmapped nor given back.
    #[test]
    fn a_region_is_unmapped_behind_the_fence() {
        let fake = Fake::alone();
        let (device, mut table) = device(&fake);
        let region = Region::from_slice(b"before").unwrap();
        let stag = table.register(&device, &region, WHAT).unwrap();
        let at = fake.memory_region(region_of(stag, REFERENCE.mr_bits)).bus_address;
        let (delay, start) = (Duration::from_millis(3), fake.now());
        fake.delay_fences(delay);
        fake.write_before_fence(at, b"late!!");
        table.deregister(&device, stag).unwrap();
        assert!(fake.now() >= start + delay, "it waits");
        assert_eq!(region.to_vec(0, 6).unwrap(), b"late!!", "it was mapped until then");
        assert!(!fake.is_mapped(at), "and no longer");
        assert_eq!(fake.complaints(), Vec::<String>::new());
    }

    /// Without a fence the memory is lost, and its number with it; but nothing hangs.
    #[test]
    fn without_a_fence_the_memory_is_leaked() {
        let fake = Fake::alone();
        let (device, mut table) = device(&fake);
        let region = Region::new(100).unwrap();
        let stags = [(); 2].map(|()| table.register(&device, &region, WHAT).unwrap());
        let addresses =
            stags.map(|stag| fake.memory_region(region_of(stag, REFERENCE.mr_bits)).bus_address);
        fake.delay_fences(Duration::MAX);
        let start = fake.now();
        let refused = table.deregister(&device, stags[0]);
        assert!(matches!(refused, Err(Error::NotFenced)), "{refused:?}");
        let waited = fake.now() - start;
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
        // A device that is silent is waited for once.
        assert!(matches!(table.deregister(&device, stags[1]), Err(Error::NotFenced)));
        assert_eq!(fake.now() - start, waited);
        assert_eq!(table.in_use(), 2);
        drop((table, device));
        assert!(addresses.iter().all(|at| fake.is_mapped(*at)), "for good");
    }

    /// A device that was slow is trusted again once it has answered.
    #[test]
    fn a_late_fence_is_no_later_one() {
        let fake = Fake::alone();
        let (device, mut table) = device(&fake);
        let region = Region::new(100).unwrap();
        let stag = table.register(&device, &region, WHAT).unwrap();
        fake.delay_fences(Duration::from_secs(8));
        assert!(table.deregister(&device, stag).is_err());
        fake.wait(fake.interrupts(), Duration::from_secs(10)).unwrap();
        fake.delay_fences(Duration::from_millis(1));
        let start = fake.now();
        table.deregister(&device, stag).unwrap();
        assert!(fake.now() >= start + Duration::from_millis(1), "the old entry is not enough");
        assert_eq!(table.in_use(), 0);
    }
}
