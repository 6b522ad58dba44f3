//! On a bus without an IOMMU the pages of a buffer lie anywhere, and everything works all the same.

mod pair;

use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{Access, MemoryRegion, Operation, Region, StartupOptions, WorkRequest};
use ironwarp_machine::{DeviceKind, World, WorldOptions};
use pair::{End, Pair};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The devices that this build has.
const KINDS: &[DeviceKind] = &[
    DeviceKind::Model,
    #[cfg(feature = "sim")]
    DeviceKind::Sim,
];
/// Octets of a buffer, and of the file in whose middle it lies.
const BYTES: usize = 90_001;
const FILE_BYTES: usize = BYTES + 20_000;

/// A buffer in the middle of a file, which is filled with an octet.
struct Middle {
    file: Arc<File>,
    first: usize,
    memory: MemoryRegion,
}

impl Middle {
    fn new(end: &End, first: usize, octet: u8) -> Self {
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.write_all_at(&vec![octet; FILE_BYTES], 0).unwrap();
        let region = Region::of_file(file.clone(), first as u64, BYTES).unwrap();
        let memory = end.domain.register(&region, Access::REMOTE).unwrap();
        Self { file, first, memory }
    }

    /// The file.
    fn contents(&self) -> Vec<u8> {
        let mut contents = vec![0; FILE_BYTES];
        self.file.read_exact_at(&mut contents, 0).unwrap();
        contents
    }

    fn octets(&self, at: usize, length: usize) -> Vec<u8> {
        self.memory.region().to_vec(at, length).unwrap()
    }

    /// What the file holds after octets came into the buffer.
    fn after(&self, mut contents: Vec<u8>, at: usize, octets: &[u8]) -> Vec<u8> {
        contents[self.first + at..][..octets.len()].copy_from_slice(octets);
        contents
    }
}

/// A message between two buffers, from one place to another, and what both hold then.
fn message(pair: &mut Pair, rng: &mut StdRng, ends: [&Middle; 2], operation: Operation) {
    let length = match rng.random_range(0..3) {
        0 => rng.random_range(1..200),
        1 => rng.random_range(1..10_000),
        _ => rng.random_range(30_000..BYTES),
    };
    let [near_at, far_at] = [0, 1].map(|_| rng.random_range(0..=BYTES - length));
    let [near, far] = ends;
    let octets: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    let (from, from_at) =
        if operation == Operation::Read { (far, far_at) } else { (near, near_at) };
    from.memory.region().write(from_at, &octets).unwrap();
    let before = [near.contents(), far.contents()];
    let (local, remote) =
        (near.memory.buffer(near_at, length).unwrap(), far.memory.remote(far_at as u64));
    let expected = match operation {
        Operation::Read => [near.after(before[0].clone(), near_at, &octets), before[1].clone()],
        _ => [before[0].clone(), far.after(before[1].clone(), far_at, &octets)],
    };
    let request = match operation {
        Operation::Read => WorkRequest::read(1, local, remote),
        Operation::Write => WorkRequest::write(1, local, remote),
        _ => {
            let buffer = far.memory.buffer(far_at, BYTES - far_at).unwrap();
            pair.b.qp.post_receive(2, buffer).unwrap();
            WorkRequest::send(1, local)
        }
    };
    pair.a.qp.post_send(request).unwrap();
    pair.run_until(|pair| !pair.a.completions.is_empty());
    if operation == Operation::Send {
        pair.run_until(|pair| !pair.b.completions.is_empty());
        assert_eq!(pair.b.done(), [(Operation::Receive, 2, length as u32)]);
    }
    assert_eq!(pair.a.done(), [(operation, 1, length as u32)]);
    let what = format!("{operation:?} of {length} octets from {near_at} to {far_at}");
    assert!([near.contents(), far.contents()] == expected, "{what}");
    assert_eq!(from.octets(from_at, length), octets, "{what}");
}

fn scattered(kind: DeviceKind, mtu: usize, rounds: usize, seed: u64) {
    println!("SEED={seed} cargo test -p ironwarp-driver --test page_list");
    let mut rng = StdRng::seed_from_u64(seed);
    let options = WorldOptions { scatter: Some(seed), ..WorldOptions::default() };
    let world = World::pair([kind; 2], options).unwrap();
    let functions = [0, 1].map(|end| world.function(end).unwrap() as Arc<dyn PciFunction>);
    let mut pair = Pair::on(functions, mtu);
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    for _ in 0..rounds {
        // Lists come and go.
        let (first, second) = (rng.random_range(0..9_000), rng.random_range(0..9_000));
        let near = Middle::new(&pair.a, first, 0xaa);
        let far = Middle::new(&pair.b, second, 0xbb);
        for operation in [Operation::Write, Operation::Send, Operation::Read] {
            message(&mut pair, &mut rng, [&near, &far], operation);
            std::mem::swap(&mut pair.a, &mut pair.b);
            message(&mut pair, &mut rng, [&far, &near], operation);
            std::mem::swap(&mut pair.a, &mut pair.b);
        }
    }
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
fn scattered_buffers_are_read_and_written_to_the_octet() {
    for kind in KINDS {
        let rounds = if *kind == DeviceKind::Model { 20 } else { 3 };
        for (mtu, seed) in [(1500, seed()), (9000, seed() + 1)] {
            scattered(*kind, mtu, rounds, seed);
        }
    }
}
