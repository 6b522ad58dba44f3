//! The root complex, seen from a device that is a test.

mod bench;

use bench::{answer, enable, msix, one, seeds, Handle};
use ironwarp_sim::tlp::{Completion, Request, Status, Tlp, PAGE};
use ironwarp_sim::{
    Error, HostMemory, Misconduct, Options, OwnedMemory, RootComplexOptions, Simulation, Split,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

const LOW: u64 = 0x10_0000;
const HIGH: u64 = 0x12_3456_0000;
const VECTOR_ADDRESS: u64 = 0xfee0_1000;

fn rough(seed: u64) -> Options {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let root_complex = RootComplexOptions {
        read_latency_ns: random.random_range(0..2000),
        read_jitter_ns: random.random_range(0..2000),
        write_latency_ns: random.random_range(0..500),
        reorder: random.random(),
        split: [Split::Largest, Split::Smallest, Split::Random][random.random_range(0..3)],
        back_pressure: random.random_range(0.0..0.5),
        bubbles: random.random_range(0.0..0.5),
        max_payload: 128 << random.random_range(0..3),
        max_read: 128 << random.random_range(0..6),
        ..Default::default()
    };
    Options { seed, root_complex, ..Default::default() }
}

/// A read that the device waits for.
struct Waiting {
    request: Request,
    octets: Vec<u8>,
}

/// Copies memory by DMA as a device would: reads with many tags, checks every completion, writes
/// what came, and interrupts at the end.
struct Copier {
    state: Handle,
    random: ChaCha8Rng,
    source: u64,
    target: u64,
    length: u64,
    asked: u64,
    written: u64,
    waiting: HashMap<u8, Waiting>,
}

impl Copier {
    fn step(&mut self) {
        let arrived = std::mem::take(&mut self.state.lock().tlps_in);
        for packet in arrived {
            match Tlp::parse(&packet.octets).unwrap() {
                Tlp::Completion(completion) => self.complete(&completion),
                other => panic!("{other:?}"),
            }
        }
        let tag = self.random.random_range(0..=255);
        if self.asked < self.length && self.waiting.len() < 32 && !self.waiting.contains_key(&tag) {
            let address = self.source + self.asked;
            let most = (self.length - self.asked).min(PAGE - address % PAGE);
            let most = most.min(self.state.lock().max_read as u64 - address % 4);
            let length = self.random.random_range(1..=most);
            let requester = self.state.lock().requester;
            let request = Request::of(requester, tag, address, length as usize);
            self.waiting.insert(tag, Waiting { request, octets: Vec::new() });
            self.state.lock().send_tlp(&Tlp::Read(request));
            self.asked += length;
        }
    }

    fn complete(&mut self, completion: &Completion) {
        let waiting = self.waiting.get_mut(&completion.tag).expect("a tag that waits");
        let (address, length) = waiting.request.span();
        let from = address + waiting.octets.len() as u64;
        assert_eq!(completion.status, Status::Success);
        assert_eq!(completion.requester, waiting.request.requester);
        assert_eq!(usize::from(completion.remaining), length - waiting.octets.len());
        assert_eq!(u64::from(completion.lower_address), from & 0x7f);
        assert!(completion.payload.len() <= self.state.lock().max_payload);
        let lead = (from % 4) as usize;
        let count = (completion.payload.len() - lead).min(length - waiting.octets.len());
        waiting.octets.extend_from_slice(&completion.payload[lead..lead + count]);
        if waiting.octets.len() < length {
            assert_eq!((from + count as u64) % 64, 0, "a cut off the boundary");
            return;
        }
        let Waiting { octets, .. } = self.waiting.remove(&completion.tag).unwrap();
        self.write(address - self.source + self.target, &octets);
        self.written += length as u64;
        if self.written == self.length {
            self.write(VECTOR_ADDRESS, &9u32.to_le_bytes());
        }
    }

    fn write(&mut self, mut address: u64, mut octets: &[u8]) {
        let mut state = self.state.lock();
        while !octets.is_empty() {
            let room = (PAGE - address % PAGE).min(state.max_payload as u64 - address % 4);
            let count = octets.len().min(room as usize);
            let request = Request::of(state.requester, 0, address, count);
            let mut payload = vec![0x55; (address % 4) as usize];
            payload.extend_from_slice(&octets[..count]);
            payload.resize(4 * usize::from(request.dwords), 0x55);
            state.send_tlp(&Tlp::Write(request, payload));
            (address, octets) = (address + count as u64, &octets[count..]);
        }
    }
}

fn copy(seed: u64) -> (u64, u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed + 1000);
    let (mut simulation, state, mut memory) = one(rough(seed));
    state.lock().refuse = random.random_range(0.0..0.5);
    let length = random.random_range(1..20_000u64);
    let (source, target) =
        (HIGH + random.random_range(0..5000), LOW + random.random_range(0..5000));
    memory.map(HIGH, 25_000);
    memory.map(LOW, 25_000);
    let content: Vec<u8> = (0..length).map(|_| random.random()).collect();
    memory.write(source, &content).unwrap();
    let (asked, written, waiting) = (0, 0, HashMap::new());
    let mut copier = Copier { state, random, source, target, length, asked, written, waiting };
    // One device copies at a small fraction of the link's rate when it asks for single octets.
    for _ in 0..30 * length + 10_000 {
        copier.step();
        simulation.step();
        if simulation.take_interrupts(0).unwrap() == [9] {
            break;
        }
    }
    assert_eq!(simulation.violations(), []);
    assert_eq!(simulation.faults(), []);
    let mut copied = vec![0; length as usize];
    memory.read(target, &mut copied).unwrap();
    assert!(copied == content, "the copy differs, or the interrupt passed a write");
    let mut around = [0; 1];
    memory.read(target + length, &mut around).unwrap();
    assert_eq!(around, [0], "written beyond the end");
    let moved = simulation.progress();
    assert_eq!((moved.octets_read[0], moved.octets_written[0]), (length, length));
    (simulation.clock(), moved.octets_read[0])
}

/// Reads and writes of any alignment arrive whole, whatever the splits, the order, the pauses.
#[test]
fn memory_is_copied_exactly() {
    for seed in seeds(150) {
        let result = std::panic::catch_unwind(|| copy(seed));
        assert!(result.is_ok(), "SEED={seed} cargo test -p ironwarp-sim memory_is_copied");
    }
}

/// Two runs with one seed agree to the clock.
#[test]
fn a_seed_decides_everything() {
    assert_eq!(copy(5), copy(5));
    assert_ne!(copy(5), copy(6));
}

fn step_until(simulation: &mut Simulation, limit: u64, mut done: impl FnMut() -> bool) -> u64 {
    let start = simulation.clock();
    while !done() {
        assert!(simulation.clock() < start + limit, "nothing happened in {limit} clocks");
        simulation.step();
    }
    simulation.clock() - start
}

/// The latency of a read is what the options say: 1 us is 157 clocks, and a few for the TLPs.
#[test]
fn reads_take_their_time() {
    let (mut simulation, state, memory) = one(Options::default());
    memory.map(LOW, 64);
    let read = Tlp::Read(Request::of(0x100, 1, LOW, 8));
    state.lock().send_tlp(&read);
    let clocks = step_until(&mut simulation, 1000, || !state.lock().tlps_in.is_empty());
    assert!((158..=163).contains(&clocks), "{clocks}");
}

/// A read sees the write before it, though the write takes longer (table 2-40, row B).
#[test]
fn a_read_does_not_pass_a_write() {
    let root_complex =
        RootComplexOptions { read_latency_ns: 10, write_latency_ns: 5000, ..Default::default() };
    let (mut simulation, state, memory) = one(Options { root_complex, ..Default::default() });
    memory.map(LOW, 64);
    let write = Tlp::Write(Request::of(0x100, 0, LOW, 4), vec![1, 2, 3, 4]);
    state.lock().send_tlp(&write);
    state.lock().send_tlp(&Tlp::Read(Request::of(0x100, 1, LOW, 4)));
    step_until(&mut simulation, 2000, || !state.lock().tlps_in.is_empty());
    let answer = state.lock().tlps_in.pop_front().unwrap();
    match Tlp::parse(&answer.octets).unwrap() {
        Tlp::Completion(completion) => assert_eq!(completion.payload, [1, 2, 3, 4]),
        other => panic!("{other:?}"),
    }
}

/// BAR accesses reach the device in order; a read's answer comes back.
#[test]
fn registers_are_written_and_read() {
    for bar_address in [0xe000_0000, 0x20_0000_0000] {
        let root_complex = RootComplexOptions { bar_address, ..Default::default() };
        let (mut simulation, state, _) = one(Options { root_complex, ..Default::default() });
        state.lock().answer = Some(Box::new(|request| answer(request, request.address as u32)));
        simulation.bar_write32(0, 0x10, 0x0102_0304).unwrap();
        assert_eq!(simulation.bar_read32(0, 0xf_fffc).unwrap(), bar_address as u32 | 0xf_fffc);
        assert_eq!(simulation.bar_read32(0, 0x44).unwrap(), bar_address as u32 | 0x44);
        let write = Tlp::parse(&state.lock().tlps_in.pop_front().unwrap().octets).unwrap();
        let Tlp::Write(request, payload) = write else { panic!("{write:?}") };
        assert_eq!((request.span(), payload), ((bar_address + 0x10, 4), vec![4, 3, 2, 1]));
        assert_eq!(simulation.violations(), []);
    }
}

/// What cannot be a register, is not enabled, or is not answered, is an error that says so.
#[test]
fn bar_accesses_fail_clearly() {
    let (mut simulation, state, _) = one(Options::default());
    let error = |result: Result<u32, Error>| result.unwrap_err().to_string();
    assert!(matches!(simulation.bar_read32(0, 2), Err(Error::BarAddress(2))));
    assert!(matches!(simulation.bar_write32(0, 1 << 20, 0), Err(Error::BarAddress(_))));
    assert!(matches!(simulation.bar_read32(1, 0), Err(Error::NoSuchNic(1))));
    assert!(error(simulation.bar_read32(0, 0)).contains("10000 clocks"));
    state.lock().answer = Some(Box::new(|request| Completion {
        status: Status::Unsupported,
        payload: Vec::new(),
        ..answer(request, 0)
    }));
    assert!(error(simulation.bar_read32(0, 0)).contains("unsupported request"));
    assert_eq!(simulation.violations(), []);
    simulation.config_write(0, 4, &[0]).unwrap();
    assert!(error(simulation.bar_read32(0, 0)).contains("memory space is disabled"));
}

/// Answers that do not fit the question are the device's fault (s. 2.2.9).
#[test]
fn wrong_answers_are_seen() {
    let wrong: [fn(Completion) -> Completion; 6] = [
        |c| Completion { tag: c.tag ^ 1, ..c },
        |c| Completion { completer: 0x200, ..c },
        |c| Completion { requester: 0x100, ..c },
        |c| Completion { remaining: 8, ..c },
        |c| Completion { lower_address: 0, ..c },
        |c| Completion { payload: vec![0; 8], ..c },
    ];
    for (case, wrong) in wrong.into_iter().enumerate() {
        let (mut simulation, state, _) = one(Options::default());
        state.lock().answer = Some(Box::new(move |request| wrong(answer(request, 1))));
        assert!(simulation.bar_read32(0, 0x48).is_err(), "case {case}");
        let violations = simulation.violations();
        assert_eq!(violations.len(), 1, "case {case}");
        assert!(matches!(violations[0].misconduct, Misconduct::Answer(_)), "case {case}");
    }
}

/// The device's conduct towards memory is checked, rule by rule.
#[test]
fn misconduct_is_seen() {
    let read = |address, octets| Tlp::Read(Request::of(0x100, 1, address, octets));
    let write = |address, octets: usize| {
        Tlp::Write(Request::of(0x100, 0, address, octets), vec![0; octets])
    };
    let name = |requester| Tlp::Read(Request::of(requester, 1, LOW, 4));
    let holes = Request { first_enables: 0b0101, ..Request::of(0x100, 1, LOW, 4) };
    let cases: Vec<(Tlp, Misconduct)> = vec![
        (read(LOW, 516), Misconduct::ReadSize { address: LOW, octets: 516, limit: 512 }),
        (write(LOW, 260), Misconduct::PayloadSize { address: LOW, octets: 260, limit: 256 }),
        (read(LOW + 4092, 8), Misconduct::Boundary { address: LOW + 4092, octets: 8 }),
        (name(0x101), Misconduct::Identity { got: 0x101, expected: 0x100 }),
        (
            Tlp::Read(holes),
            Misconduct::ByteEnables { address: LOW, dwords: 1, first: 0b0101, last: 0 },
        ),
        (write(VECTOR_ADDRESS, 8), Misconduct::Interrupt { address: VECTOR_ADDRESS, octets: 8 }),
    ];
    for (tlp, expected) in cases {
        let (mut simulation, state, memory) = one(Options::default());
        memory.map(LOW, 0x2000);
        state.lock().send_tlp(&tlp);
        simulation.run(500);
        let found: Vec<_> = simulation.violations().into_iter().map(|v| v.misconduct).collect();
        assert_eq!(found, [expected]);
    }
}

/// A tag names one read at a time; afterwards it can be used again (s. 2.2.6.2).
#[test]
fn a_tag_is_used_once_at_a_time() {
    let (mut simulation, state, memory) = one(Options::default());
    memory.map(LOW, 64);
    let read = Tlp::Read(Request::of(0x100, 200, LOW, 4));
    state.lock().send_tlp(&read);
    simulation.run(300);
    state.lock().send_tlp(&read);
    simulation.run(300);
    assert_eq!(simulation.violations(), []);
    state.lock().send_tlp(&read);
    state.lock().send_tlp(&read);
    simulation.run(300);
    let violations = simulation.violations();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].misconduct, Misconduct::TagInUse(200));
}

/// Octets that are no TLP are reported; a packet marked as an error is dropped in silence.
#[test]
fn malformed_packets_are_seen() {
    let (mut simulation, state, _) = one(Options::default());
    state.lock().send_raw_tlp(vec![0; 11], false);
    state.lock().send_raw_tlp(vec![0; 11], true);
    state.lock().send_raw_tlp(vec![0; 5000], false);
    simulation.run(700);
    let found: Vec<_> = simulation.violations().into_iter().map(|v| v.misconduct).collect();
    assert!(matches!(found[..], [Misconduct::Malformed(_), Misconduct::Endless(_)]), "{found:?}");
}

/// Memory that is not there: reads are refused, writes are lost, both are recorded as faults and
/// not as the device's misconduct.
#[test]
fn unmapped_memory_is_a_fault() {
    let (mut simulation, state, memory) = one(Options::default());
    memory.map(LOW, 64);
    state.lock().send_tlp(&Tlp::Read(Request::of(0x100, 1, HIGH, 100)));
    state.lock().send_tlp(&Tlp::Write(Request::of(0x100, 0, LOW + 60, 8), vec![1; 8]));
    simulation.run(500);
    let answer = state.lock().tlps_in.pop_front().unwrap();
    match Tlp::parse(&answer.octets).unwrap() {
        Tlp::Completion(completion) => assert_eq!(completion.status, Status::Unsupported),
        other => panic!("{other:?}"),
    }
    let mut end = [7; 4];
    memory.read(LOW + 60, &mut end).unwrap();
    assert_eq!(end, [0; 4], "half a write was done");
    assert_eq!(simulation.violations(), []);
    let faults: Vec<_> =
        simulation.faults().iter().map(|f| (f.write, f.address, f.octets)).collect();
    assert_eq!(faults, [(true, LOW + 60, 8), (false, HIGH, 100)]);
}

fn interrupt(state: &Handle, vector: u32) {
    let request = Request::of(0x100, 0, VECTOR_ADDRESS, 4);
    state.lock().send_tlp(&Tlp::Write(request, vector.to_le_bytes().to_vec()));
}

/// Interrupts come with their vector, in order. While the function is masked, or MSI-X is off, they
/// are misconduct (s. 7.7.2.2), but for what was on its way.
#[test]
fn interrupts_are_delivered() {
    for (control, expected) in [(0xc000, Misconduct::MsixMasked(6)), (0, Misconduct::MsixOff(6))] {
        let (mut simulation, state, _) = one(Options::default());
        interrupt(&state, 3);
        interrupt(&state, 4);
        assert_eq!(simulation.run_until_interrupt(0, 1000).unwrap(), Some(3));
        assert_eq!(simulation.run_until_any_interrupt(1000), Some((0, 4)));
        assert_eq!(simulation.run_until_interrupt(0, 10).unwrap(), None);
        msix(&mut simulation, 0, control);
        interrupt(&state, 5);
        simulation.run(500);
        assert_eq!(simulation.take_interrupts(0).unwrap(), [5]);
        assert_eq!(simulation.violations(), []);
        interrupt(&state, 6);
        simulation.run(500);
        assert_eq!(simulation.take_interrupts(0).unwrap(), []);
        let [violation] = &simulation.violations()[..] else { panic!("none or many") };
        assert_eq!(violation.misconduct, expected);
    }
}

/// A reset makes everything as it was; requests of a function that is not enabled are refused.
#[test]
fn reset_starts_anew() {
    let (mut simulation, state, memory) = one(Options::default());
    memory.map(LOW, 64);
    interrupt(&state, 1);
    state.lock().send_tlp(&Tlp::Read(Request::of(0x100, 1, LOW, 64)));
    simulation.run(50);
    simulation.reset(0).unwrap();
    simulation.run(500);
    assert_eq!(simulation.take_interrupts(0).unwrap(), []);
    assert!(state.lock().tlps_in.is_empty(), "an answer to a read from before the reset");
    state.lock().send_tlp(&Tlp::Read(Request::of(0x100, 1, LOW, 64)));
    simulation.run(500);
    assert_eq!(simulation.violations()[0].misconduct, Misconduct::NotMaster { address: LOW });
    enable(&mut simulation, 0);
    state.lock().send_tlp(&Tlp::Read(Request::of(0x100, 1, LOW, 64)));
    simulation.run(500);
    assert_eq!(state.lock().tlps_in.len(), 1);
}

fn sizes(state: &Handle) -> (usize, usize) {
    let state = state.lock();
    (state.max_payload, state.max_read)
}

/// Sizes in device control reach the pins.
#[test]
fn device_control_drives_the_pins() {
    let (mut simulation, state, _) = one(Options::default());
    assert_eq!(sizes(&state), (256, 512));
    assert_eq!(state.lock().requester, 0x100);
    simulation.config_write(0, 0x48, &(2u16 << 5 | 5 << 12).to_le_bytes()).unwrap();
    simulation.step();
    assert_eq!(sizes(&state), (512, 4096));
}

/// What configuration space allows and forbids reaches the pins.
#[test]
fn configuration_space_drives_the_enables() {
    let (mut simulation, state, _) = one(Options::default());
    assert_eq!(state.lock().enables, [true, true, false, false]);
    msix(&mut simulation, 0, 0x4000);
    simulation.config_write(0, 4, &2u16.to_le_bytes()).unwrap();
    simulation.config_write(0, 0x68, &(1u16 << 4).to_le_bytes()).unwrap();
    simulation.step();
    assert_eq!(state.lock().enables, [false, false, true, true]);
}

/// A simulation can be handed to another thread.
#[test]
fn a_simulation_is_send() {
    fn send<T: Send>() {}
    send::<Simulation>();
    send::<OwnedMemory>();
}
