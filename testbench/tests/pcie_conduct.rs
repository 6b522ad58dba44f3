//! The Verilated RTL with a host that answers wrongly, late or not at all, and one that forbids the
//! device to ask. Sections are those of the PCI Express base specification.

use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{opcode, CompletionEntry, SendRequest};
use ironwarp_abi::{registers, status};
use ironwarp_sim::{
    HostMemory, Mishap, MishapOptions, Options, RootComplexOptions, Simulation, Split,
};
use ironwarp_testbench::station::{control, Peer, Segment, Station};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BUFFERS: u64 = 0x2_0000_0000;
const BUFFER_BYTES: usize = 16_384;
const SEND_NEXT: u32 = 1000;
const RECEIVE_NEXT: u32 = 77;
/// Length of an FPDU and the header of a tagged DDP segment, in octets.
const HEADER_BYTES: usize = 2 + 14;
/// Microseconds, of which the device has one in a clock since nobody has set its time base.
const TIMEOUT: u32 = 8000;
const MSIX_CONTROL: u16 = 0x82;

/// Queue pairs 1 and 2, each with a connection, a protection domain and a buffer of its own.
struct Bench {
    station: Station,
    peers: [Peer; 2],
    stags: [u32; 2],
    /// FPDUs with payload that have come of each.
    fpdus: [usize; 2],
}

fn buffer(index: usize) -> u64 {
    BUFFERS + 0x1_0000 * index as u64
}

/// What the buffers hold: nothing alike at any two places.
fn octet(index: usize, at: usize) -> u8 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index as u32 * 20);
    (mixed >> 40) as u8
}

impl Bench {
    fn new(root_complex: RootComplexOptions, seed: u64) -> Self {
        let mut station = Station::new(Options { root_complex, seed, ..Options::default() });
        station.write(registers::COMPLETION_TIMEOUT, TIMEOUT);
        let stags = [0, 1].map(|index| {
            let octets: Vec<u8> = (0..BUFFER_BYTES).map(|at| octet(index, at)).collect();
            station.memory.map(buffer(index), BUFFER_BYTES);
            station.memory.write(buffer(index), &octets).unwrap();
            let region = MemoryRegionContext {
                length: BUFFER_BYTES as u64,
                stag: 0x34 + index as u32,
                bus_address: buffer(index),
                pd: index as u16,
                local_read: true,
                ..Default::default()
            };
            station.register(index as u32, region)
        });
        let peers = [1, 2].map(|qp| Peer::new(qp, RECEIVE_NEXT, SEND_NEXT));
        let mut bench = Self { station, peers, stags, fpdus: [0; 2] };
        (0..2).for_each(|index| bench.start(index));
        bench
    }

    fn start(&mut self, index: usize) {
        let qp = index as u32 + 1;
        self.station.write(registers::QP_CONTROL, control(qp, false));
        self.station.simulation.run(3000);
        self.frames();
        let context = QueuePairContext {
            crc: true,
            pd: index as u16,
            mulpdu: 1442,
            send_next: SEND_NEXT,
            send_window: 0xffff,
            receive_next: RECEIVE_NEXT,
            receive_window: 0xffff,
            ..Default::default()
        };
        self.station.start(qp, context);
        self.peers[index] = Peer::new(qp, RECEIVE_NEXT, SEND_NEXT);
    }

    /// Writes octets of the buffer to the same place of the peer's.
    fn post(&mut self, index: usize, at: usize, length: usize) {
        let request = SendRequest {
            opcode: opcode::WRITE,
            signaled: true,
            length: length as u32,
            local_offset: at as u64,
            local_stag: self.stags[index],
            remote_stag: 7,
            remote_offset: at as u64,
        };
        self.station.post_send(index as u32 + 1, &request);
    }

    /// Takes what came on the wire: nothing but a queue pair's own octets, each in its place.
    fn frames(&mut self) {
        for frame in self.station.simulation.take_frames() {
            let parsed = self.peers.iter_mut().enumerate().find_map(|(index, peer)| {
                let segment = peer.frames.reversed().parse(&frame.octets).ok()?;
                Some((index, segment))
            });
            let (index, segment) = parsed.expect("a segment of either connection");
            self.check(index, &segment);
            let peer = &mut self.peers[index];
            if segment.sequence == peer.expected {
                peer.expected = peer.expected.wrapping_add(segment.payload.len() as u32);
            }
        }
    }

    fn check(&mut self, index: usize, segment: &Segment) {
        let Some(fpdu) = segment.payload.get(..).filter(|payload| !payload.is_empty()) else {
            return;
        };
        let ulpdu = usize::from(u16::from_be_bytes([fpdu[0], fpdu[1]]));
        let offset = u64::from_be_bytes(fpdu[8..16].try_into().unwrap()) as usize;
        let payload = &fpdu[HEADER_BYTES..2 + ulpdu];
        for (n, &found) in payload.iter().enumerate() {
            assert_eq!(found, octet(index, offset + n), "queue pair {index} at {offset} + {n}");
        }
        self.fpdus[index] += 1;
    }

    fn run(&mut self, clocks: u64) -> Vec<CompletionEntry> {
        self.station.simulation.run(clocks);
        self.frames();
        self.station.completions()
    }

    /// Both peers acknowledge what has come.
    fn acknowledge(&mut self) -> Vec<CompletionEntry> {
        for index in 0..2 {
            self.peers[index].send(&mut self.station, &[]);
        }
        self.run(2000)
    }

    fn active(&mut self, index: usize) -> bool {
        let state = self.station.query(index as u32 + 1, registers::QUERY_STATE);
        registers::QUERY_STATE.get(state, "active") == 1
    }

    fn mishaps(&self, mishap: Mishap) -> u64 {
        self.station.simulation.mishaps(0).unwrap()[mishap as usize]
    }
}

/// A root complex with one kind of mishap, once, at some bus addresses.
fn once(mishap: Mishap, at: std::ops::RangeInclusive<u64>) -> RootComplexOptions {
    let mishaps = MishapOptions { at, most: 1, ..MishapOptions::only(mishap, 1.0) };
    RootComplexOptions { mishaps, split: Split::Smallest, ..RootComplexOptions::default() }
}

fn failed(entries: &[CompletionEntry], qp: u32) -> bool {
    entries.iter().any(|entry| entry.qp == qp && entry.status == status::DMA_FAULT)
}

/// s. 2.8: a piece of a payload read does not come; its queue pair ends, the other one goes on, and
/// the one that ended can be started again.
#[test]
fn completion_timeout_of_payload_ends_one_queue_pair() {
    for piece in [0, 192, 448] {
        let at = buffer(0) + piece..=buffer(0) + piece;
        let mut bench = Bench::new(once(Mishap::Lost, at), 1);
        bench.post(0, 0, 1400);
        (0..4).for_each(|n| bench.post(1, 1000 * n, 1000));
        let entries = bench.run(u64::from(TIMEOUT) / 4);
        assert!(!failed(&entries, 1), "too early");
        let entries = bench.run(2 * u64::from(TIMEOUT));
        assert_eq!(bench.mishaps(Mishap::Lost), 1);
        assert!(failed(&entries, 1), "{entries:?}");
        assert!(!bench.active(0) && bench.active(1));
        assert_eq!(bench.fpdus, [0, 4]);
        let done = bench.acknowledge();
        assert_eq!(done.iter().filter(|entry| entry.qp == 2).count(), 4);
        bench.start(0);
        bench.post(0, 0, 1400);
        bench.run(4000);
        assert_eq!(bench.fpdus, [1, 4]);
        // The pieces behind the one that is lost are not the next ones.
        let behind = 7 - piece as u32 / 64;
        assert_eq!(bench.station.read(registers::COUNT_TLP_UNEXPECTED), behind);
    }
}

/// The same for the fetch of work requests.
#[test]
fn completion_timeout_of_a_request_ends_one_queue_pair() {
    // The station's rings: queue pair 1 sends from here on.
    let ring = 0x1_0000_0000 + 0x2_0000;
    let mut bench = Bench::new(once(Mishap::Lost, ring..=ring + 0xffff), 1);
    bench.post(0, 0, 100);
    bench.post(1, 0, 100);
    let entries = bench.run(3 * u64::from(TIMEOUT));
    assert_eq!(bench.mishaps(Mishap::Lost), 1);
    assert!(failed(&entries, 1), "{entries:?}");
    bench.post(1, 100, 100);
    bench.run(3000);
    assert_eq!(bench.fpdus, [0, 2]);
    assert!(!bench.active(0) && bench.active(1));
}

/// The attack: one read is answered in eight pieces, one of them bad; the rest comes later, when
/// the other queue pair's reads are under way. Foreign octets never leave (`Bench::check`).
#[test]
fn a_bad_piece_never_lets_foreign_octets_out() {
    let kinds = [Mishap::Poisoned, Mishap::Unsupported, Mishap::Aborted, Mishap::Miscounted];
    for mishap in kinds {
        for seed in 0..6 {
            eprintln!("{mishap:?}, seed {seed}");
            let piece = buffer(0) + 64 * (seed % 8);
            let root_complex = RootComplexOptions {
                reorder: true,
                read_jitter_ns: 2500,
                ..once(mishap, piece..=piece)
            };
            let mut bench = Bench::new(root_complex, seed);
            for n in 0..8 {
                bench.post(0, 512 * n, 512);
                bench.post(1, 1500 * n, 1400);
            }
            let entries = bench.run(4 * u64::from(TIMEOUT));
            assert_eq!(bench.mishaps(mishap), 1);
            assert!(failed(&entries, 1), "{entries:?}");
            assert_eq!(bench.fpdus[1], 8, "the other one goes on");
            assert!(!bench.active(0) && bench.active(1));
        }
    }
}

/// s. 2.3.2: completions that come twice, longer, or for somebody else are counted, and the octets
/// on the wire are the right ones.
#[test]
fn unexpected_completions_are_dropped_and_counted() {
    for mishap in [Mishap::Twice, Mishap::Longer, Mishap::Foreign] {
        let at = buffer(0)..=buffer(1) - 1;
        let mut bench = Bench::new(once(mishap, at), 3);
        bench.post(0, 0, 1400);
        bench.post(1, 0, 1400);
        let entries = bench.run(3 * u64::from(TIMEOUT));
        assert_eq!(bench.mishaps(mishap), 1);
        // Where the first piece is dropped, the seven behind it are not the next ones.
        let counted = bench.station.read(registers::COUNT_TLP_UNEXPECTED);
        let twice = mishap == Mishap::Twice;
        let expected = match mishap {
            Mishap::Twice => 1,
            _ => 8,
        };
        assert_eq!(counted, expected, "{mishap:?}");
        assert_eq!(failed(&entries, 1), !twice);
        assert_eq!(bench.fpdus, [usize::from(twice), 1]);
    }
}

fn campaign(seed: u64) -> (usize, usize) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let chances = [(); 9].map(|()| random.random_range(0.0..0.002));
    let mishaps = MishapOptions {
        chances,
        late_ns: random.random_range(100..40_000),
        at: BUFFERS..=BUFFERS + 0xf_ffff,
        ..MishapOptions::default()
    };
    let root_complex = RootComplexOptions {
        mishaps,
        reorder: random.random(),
        read_jitter_ns: random.random_range(0..2000),
        split: [Split::Largest, Split::Smallest, Split::Random][random.random_range(0..3)],
        max_read: 128 << random.random_range(0..3),
        ..RootComplexOptions::default()
    };
    let mut bench = Bench::new(root_complex, seed);
    let (mut faults, mut entries) = (0, vec![]);
    for _ in 0..12 {
        for index in 0..2 {
            for _ in 0..6 {
                let at = random.random_range(0..BUFFER_BYTES - 1440);
                bench.post(index, at, random.random_range(1..1440));
            }
        }
        entries.extend(bench.run(4000));
        for index in 0..2 {
            let active = bench.active(index);
            // The device runs on while it is asked.
            entries.extend(bench.acknowledge());
            let fault = failed(&entries, index as u32 + 1);
            if fault || !active {
                assert!(fault, "queue pair {index} ended otherwise: {entries:?}");
                faults += 1;
                bench.start(index);
                // What it told until then is of a life that is over.
                entries.extend(bench.station.completions());
                entries.retain(|entry| entry.qp != index as u32 + 1);
            }
        }
    }
    // When the host answers as it should again, everybody goes on.
    bench.run(3 * u64::from(TIMEOUT));
    (bench.fpdus.iter().sum(), faults)
}

/// All mishaps at once: every octet on the wire is right, a queue pair ends with `DMA_FAULT` or not
/// at all.
#[test]
fn no_mishap_puts_a_wrong_octet_on_the_wire() {
    let seeds = match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..12).collect(),
    };
    let (mut fpdus, mut faults) = (0, 0);
    for &seed in &seeds {
        eprintln!("SEED={seed} cargo test -p ironwarp-testbench --test pcie_conduct no_mishap");
        let (sent, ended) = campaign(seed);
        (fpdus, faults) = (fpdus + sent, faults + ended);
    }
    println!("{fpdus} FPDUs, {faults} faults");
    assert!(seeds.len() == 1 || fpdus > 1000 && faults > 10, "{fpdus} FPDUs, {faults} faults");
}

fn command(simulation: &mut Simulation, value: u16) {
    simulation.config_write(0, 4, &value.to_le_bytes()).unwrap();
}

/// s. 7.5.1.1.3: without bus mastering the device asks for nothing and answers all the same; what
/// waited is done afterwards. The root complex reports every request in between.
#[test]
fn without_bus_mastering_nothing_is_asked() {
    let mut bench = Bench::new(RootComplexOptions::default(), 1);
    command(&mut bench.station.simulation, 2);
    bench.run(300);
    for index in 0..2 {
        (0..3).for_each(|n| bench.post(index, 2000 * n, 2000));
    }
    bench.run(3 * u64::from(TIMEOUT));
    assert_eq!(bench.fpdus, [0, 0]);
    command(&mut bench.station.simulation, 6);
    bench.run(4000);
    assert_eq!(bench.fpdus, [6, 6]);
    // In the middle of it.
    for index in 0..2 {
        (0..3).for_each(|n| bench.post(index, 2000 * n, 2000));
    }
    command(&mut bench.station.simulation, 2);
    bench.run(3 * u64::from(TIMEOUT));
    assert!(bench.fpdus[0] + bench.fpdus[1] < 24);
    assert!(bench.active(0) && bench.active(1));
    command(&mut bench.station.simulation, 6);
    bench.run(4000);
    assert_eq!(bench.fpdus, [12, 12]);
    assert_eq!(bench.acknowledge().len(), 12);
}

/// s. 7.7.2.2: while MSI-X is off, or the function masked, interrupts are pending; they are sent
/// when that ends.
#[test]
fn interrupts_wait_for_msix_and_the_function_mask() {
    let mut bench = Bench::new(RootComplexOptions::default(), 1);
    for (word, value) in [0xfee0_0000, 0, 0x55, 0].into_iter().enumerate() {
        let at = registers::MSIX_TABLE + 4 * word as u32;
        bench.station.simulation.bar_write32(0, at, value).unwrap();
    }
    for (n, (forbidding, command_bits)) in
        [(0x0000, 6), (0xc000, 6), (0x4000, 6)].into_iter().enumerate()
    {
        let simulation = &mut bench.station.simulation;
        simulation.config_write(0, MSIX_CONTROL, &u16::to_le_bytes(forbidding)).unwrap();
        command(simulation, command_bits);
        simulation.run(300);
        let arm = REFERENCE.cq_doorbell(0, registers::DOORBELL_ARM);
        simulation.bar_write32(0, arm, 1).unwrap();
        bench.post(0, 0, 100);
        bench.run(3000);
        assert_eq!(bench.acknowledge().len(), 1);
        let simulation = &mut bench.station.simulation;
        assert_eq!(simulation.bar_read32(0, registers::MSIX_PENDING).unwrap(), 1, "case {n}");
        assert_eq!(simulation.take_interrupts(0).unwrap(), []);
        simulation.config_write(0, MSIX_CONTROL, &0x8000_u16.to_le_bytes()).unwrap();
        simulation.run(1000);
        assert_eq!(simulation.take_interrupts(0).unwrap(), [0x55], "case {n}");
        assert_eq!(simulation.bar_read32(0, registers::MSIX_PENDING).unwrap(), 0);
        assert_eq!(simulation.violations(), []);
    }
}
