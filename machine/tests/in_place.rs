//! The application's memory is used where it is, and what is not mapped is not touched.

mod pair;

use ironwarp_driver::os::EventFd;
use ironwarp_driver::pci::{Mapping, PciFunction, Unmap};
use ironwarp_driver::{
    Access, Error, Event, QueuePairOptions, Reason, Region, StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::{DeviceKind, World, WorldOptions};
use pair::Pair;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// The devices that this build has.
const KINDS: &[DeviceKind] = &[
    DeviceKind::Model,
    #[cfg(feature = "sim")]
    DeviceKind::Sim,
];

fn functions(kind: DeviceKind) -> [Arc<dyn PciFunction>; 2] {
    let world = World::pair([kind; 2], WorldOptions::default()).unwrap();
    [0, 1].map(|end| world.function(end).unwrap() as Arc<dyn PciFunction>)
}

fn pattern(octets: usize) -> Vec<u8> {
    (0..octets).map(|n| (n * 7 + n / 251) as u8).collect()
}

/// A vector is written into the middle of a file, to the octet, without a copy of either; and one
/// page is in two regions.
#[test]
fn vectors_and_files_are_read_and_written_where_they_are() {
    for kind in KINDS {
        let mut pair = Pair::on(functions(*kind), 1500);
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(30_001).unwrap();
        let whole = Region::of_file(file.clone(), 0, 30_001).unwrap();
        whole.fill(0xee).unwrap();
        let (first, second) = ((4_091, 9_999), (14_090, 77));
        let mut targets = Vec::new();
        for (offset, octets) in [first, second] {
            let region = Region::of_file(file.clone(), offset, octets).unwrap();
            targets.push(pair.b.domain.register(&region, Access::REMOTE_WRITE).unwrap());
        }
        let data = pattern(9_999);
        let address = data.as_ptr() as usize;
        let vector = Region::from_vec(data);
        let source = pair.a.domain.register(&vector, Access::LOCAL_READ).unwrap();
        for (id, target) in (0..).zip(&targets) {
            let octets = target.region().len();
            let buffer = source.buffer(0, octets).unwrap();
            let write = WorkRequest::write(id, buffer, target.remote(0));
            pair.a.qp.post_send(write).unwrap();
        }
        let last = targets[1].region().clone();
        pair.run_until(|_| last.to_vec(0, 77).unwrap() == pattern(77));
        pair.run_until(|pair| pair.a.completions.len() == 2);
        drop(source);
        let data = vector.into_vec().unwrap();
        assert_eq!((data.as_ptr() as usize, &data), (address, &pattern(9_999)), "{kind}");
        let mut expected = vec![0xee; 30_001];
        for (offset, octets) in [first, second] {
            expected[offset as usize..][..octets].copy_from_slice(&pattern(octets));
        }
        assert_eq!(contents(&file, 30_001), expected, "{kind}: nothing around them");
    }
}

fn contents(file: &File, octets: usize) -> Vec<u8> {
    let mut contents = vec![0; octets];
    file.read_exact_at(&mut contents, 0).unwrap();
    contents
}

/// A function whose IOMMU forgets what it is told to map, if it is to.
struct Forgetful {
    function: Arc<dyn PciFunction>,
    forgets: Arc<AtomicBool>,
}

/// There is nothing to unmap.
struct Nothing;

impl Unmap for Nothing {
    fn unmap(&self, _: u64, _: usize) {}
}

impl PciFunction for Forgetful {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.function.config_read32(offset)
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.function.config_write32(offset, value)
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.function.bar_read32(offset)
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.function.bar_write32(offset, value)
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.function.allocate_dma(bytes)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        let mapping = self.function.map_memory(region)?;
        match self.forgets.load(Ordering::Relaxed) {
            false => Ok(mapping),
            true => Ok(Mapping::new(region.clone(), mapping.bus_address(), Arc::new(Nothing))),
        }
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        self.function.enable_interrupts(vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.function.interrupt(vector)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        self.function.wait(limit)
    }

    fn now(&self) -> Duration {
        self.function.now()
    }

    fn reset(&self) -> Result<(), Error> {
        self.function.reset()
    }
}

/// The bus refuses; the queue pair that asked ends and says why, and the device goes on with the
/// next one.
#[test]
fn what_is_not_mapped_ends_its_queue_pair_alone() {
    for kind in KINDS {
        let forgets = Arc::new(AtomicBool::new(false));
        let functions = functions(*kind).map(|function| {
            Arc::new(Forgetful { function, forgets: forgets.clone() }) as Arc<dyn PciFunction>
        });
        let mut pair = Pair::on(functions, 1500);
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        forgets.store(true, Ordering::Relaxed);
        let unmapped = Region::from_slice(&pattern(5_000)).unwrap();
        let unmapped = pair.a.domain.register(&unmapped, Access::LOCAL_READ).unwrap();
        forgets.store(false, Ordering::Relaxed);
        let write = WorkRequest::write(1, unmapped.whole(), pair.b.memory.remote(0));
        pair.a.qp.post_send(write).unwrap();
        pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        let reason = Reason::QueuePair(Status(ironwarp_abi::status::DMA_FAULT));
        let ended = Event::Error { qp: Some(pair.a.qp.number()), reason };
        assert_eq!(pair.a.events, [ended], "{kind}");
        assert_eq!(pair.b.octets(0, 5_000), [0; 5_000], "{kind}: nothing of it has left");

        for end in [&mut pair.a, &mut pair.b] {
            end.events.clear();
            end.completions.clear();
            end.qp = end.domain.queue_pair(&QueuePairOptions::new(&end.cq)).unwrap();
        }
        pair.b.context.unlisten(pair::PORT).unwrap();
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        pair.a.memory.region().write(0, &pattern(5_000)).unwrap();
        let buffer = pair.a.memory.buffer(0, 5_000).unwrap();
        pair.a.qp.post_send(WorkRequest::write(2, buffer, pair.b.memory.remote(0))).unwrap();
        pair.run_until(|pair| pair.b.octets(0, 5_000) == pattern(5_000));
    }
}

/// A slice is lent for the time of a call, and is the application's again behind it.
#[test]
fn a_slice_is_lent_and_comes_back() {
    for kind in KINDS {
        let mut pair = Pair::on(functions(*kind), 1500);
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        pair.a.memory.region().write(0, &pattern(3_000)).unwrap();
        let mut octets = vec![0xee; 3_010];
        let domain = pair.b.context.protection_domain().unwrap();
        let empty = domain.lend(&mut [], Access::REMOTE_WRITE, |_| ());
        assert!(matches!(empty, Err(Error::OutOfRange { .. })), "{empty:?}");
        // The queue pair's own domain: of another, the peer could not write it.
        let domain = std::mem::replace(&mut pair.b.domain, domain);
        let moved = domain.lend(&mut octets[5..3_005], Access::REMOTE_WRITE, |lent| {
            let buffer = pair.a.memory.buffer(0, 3_000).unwrap();
            pair.a.qp.post_send(WorkRequest::write(1, buffer, lent.remote(0))).unwrap();
            pair.run_until(|pair| pair.a.completions.len() == 1);
            let mut first = [0; 10];
            lent.read(0, &mut first).unwrap();
            lent.write(0, b"mine").unwrap();
            first.to_vec()
        });
        assert_eq!(moved.unwrap(), pattern(10));
        assert_eq!(octets[..9], *b"\xee\xee\xee\xee\xeemine", "{kind}");
        assert_eq!(octets[9..3_005], pattern(3_000)[4..], "{kind}");
        assert_eq!(octets[3_005..], [0xee; 5], "{kind}");
    }
}
