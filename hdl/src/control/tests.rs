//! The control plane against what `ironwarp_abi` says.
use super::records::*;
use super::Control;
use crate::pcie::bench::{Feeder, Taker};
use crate::pcie::records::BarWrite;
use crate::receive::ring_sizes::BANK_BITS;
use crate::stream::bench::{edge, rng, seeds, settle};
use ironwarp_abi::registers::{self, Access, Register};
use ironwarp_abi::{limits, queue, status};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;

/// The block and what it said.
struct Bench {
    uut: Control<BANK_BITS>,
    rng: ChaCha8Rng,
    writes: Feeder<BarWrite>,
    reads: Feeder<Bits<20>>,
    answers: Taker<Bits<32>>,
    events: [Feeder<QpEvent>; 2],
    completions: Taker<crate::complete::records::Completion>,
    interrupts: Feeder<Bits<8>>,
    messages: Taker<MsixMessage>,
    contexts: Vec<ContextWrite>,
    doorbells: Vec<Doorbell>,
    qp_commands: Vec<Command>,
    cq_commands: Vec<Command>,
    clocks: u64,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut uut = Control::<BANK_BITS>::default();
        uut.connect_all();
        uut.messages_enabled.next = true;
        Self {
            uut,
            rng: rng(seed),
            writes: Feeder::new(0.7),
            reads: Feeder::new(1.0),
            answers: Taker::new(0.5),
            events: [Feeder::new(0.8), Feeder::new(0.8)],
            completions: Taker::new(0.3),
            interrupts: Feeder::new(0.8),
            messages: Taker::new(0.4),
            contexts: vec![],
            doorbells: vec![],
            qp_commands: vec![],
            cq_commands: vec![],
            clocks: 0,
        }
    }

    fn clock(&mut self) {
        let (uut, rng) = (&mut self.uut, &mut self.rng);
        self.writes.offer(&mut uut.bar_write, rng);
        self.reads.offer(&mut uut.bar_read, rng);
        self.answers.ready(&mut uut.bar_answer, rng);
        self.events[0].offer(&mut uut.event_send, rng);
        self.events[1].offer(&mut uut.event_receive, rng);
        self.completions.ready(&mut uut.event_completion, rng);
        self.interrupts.offer(&mut uut.interrupt, rng);
        self.messages.ready(&mut uut.interrupt_write, rng);
        settle!(self.uut);
        let uut = &self.uut;
        self.writes.moved(&uut.bar_write);
        self.reads.moved(&uut.bar_read);
        self.answers.moved(&uut.bar_answer);
        self.events[0].moved(&uut.event_send);
        self.events[1].moved(&uut.event_receive);
        self.completions.moved(&uut.event_completion);
        self.interrupts.moved(&uut.interrupt);
        self.messages.moved(&uut.interrupt_write);
        let broadcasts = (uut.context_write.val(), uut.doorbell.val());
        self.contexts.extend(Some(broadcasts.0).filter(|context| context.valid));
        self.doorbells.extend(Some(broadcasts.1).filter(|doorbell| doorbell.valid));
        self.qp_commands.extend(Some(uut.qp_command.val()).filter(|command| command.valid));
        self.cq_commands.extend(Some(uut.cq_command.val()).filter(|command| command.valid));
        edge!(self.uut);
        self.clocks += 1;
    }

    fn run(&mut self, clocks: usize) {
        (0..clocks).for_each(|_| self.clock());
    }

    fn write(&mut self, address: u32, data: u32) {
        self.writes.queue.push_back(BarWrite { address: address.to_bits(), data: data.to_bits() });
        while !self.writes.queue.is_empty() {
            self.clock();
        }
        self.run(4);
    }

    fn read(&mut self, address: u32) -> u32 {
        let before = self.answers.got.len();
        self.reads.queue.push_back(address.to_bits());
        while self.answers.got.len() == before {
            self.clock();
        }
        self.answers.got[before].to_u64() as u32
    }

    fn register(&mut self, register: &Register) -> u32 {
        self.read(register.address)
    }
}

/// A value whose every field is as given.
fn field(register: &Register, name: &str, value: u32) -> u32 {
    let bits = register.fields.iter().find(|bits| bits.name == name).expect(name);
    let width = bits.high - bits.low + 1;
    assert!(u64::from(value) < 1 << width);
    value << bits.low
}

#[test]
fn constants_read_as_the_abi_says() {
    use registers::*;
    let mut bench = Bench::new(0);
    assert_eq!(bench.register(&DEVICE), DEVICE_MAGIC);
    assert_eq!(bench.register(&VERSION), ABI_VERSION);
    let f = |name, value: usize| field(&CAPABILITIES, name, value as u32);
    let expected = f("qp", limits::QP_BITS)
        | f("cq", limits::CQ_BITS)
        | f("mr", limits::MR_BITS)
        | f("flow", limits::FLOW_BITS)
        | f("vectors", limits::VECTOR_COUNT)
        | f("sge", limits::SGE_MAX);
    assert_eq!(bench.register(&CAPABILITIES), expected);
    let f = |name, value: usize| field(&SIZES, name, value as u32);
    let expected = f("wqe_cache", limits::WQE_CACHE_BITS)
        | f("outstanding", limits::OUTSTANDING_BITS)
        | f("stream_ring", limits::STREAM_RING_BITS);
    assert_eq!(bench.register(&SIZES), expected);
}

#[test]
fn every_register_keeps_to_its_access() {
    let mut bench = Bench::new(1);
    for register in registers::ALL {
        let before = bench.register(register);
        bench.write(register.address, 0xa5c3_96ff);
        let after = bench.register(register);
        let mask = register
            .fields
            .iter()
            .fold(0u32, |mask, bits| mask | u32::MAX >> (31 - (bits.high - bits.low)) << bits.low);
        match register.access {
            Access::ReadWrite => assert_eq!(after, 0xa5c3_96ff & mask, "{}", register.name),
            Access::WriteOnly => assert_eq!(after, 0, "{}", register.name),
            Access::ReadOnly if register.name == "TIME" => {}
            Access::ReadOnly => assert_eq!(after, before, "{}", register.name),
        }
    }
    assert_eq!(bench.uut.mac_address.val().to_u64(), 0x96ff_a5c3_96ff);
    for address in [0xffc, 0x3000, 0x1_fffc, registers::QP_CONTEXTS, registers::QP_DOORBELLS] {
        assert_eq!(bench.read(address), 0, "{address:#x}");
    }
}

#[test]
fn time_counts_from_the_write_of_its_base() {
    let mut bench = Bench::new(2);
    bench.writes.eagerness = 1.0;
    bench.write(registers::TIME_BASE.address, 10);
    bench.run(400);
    let time = bench.register(&registers::TIME);
    assert!((40..=44).contains(&time), "{time}");
}

#[test]
fn counters_count_in_the_order_of_their_registers() {
    let mut bench = Bench::new(3);
    let counters: Vec<&Register> =
        registers::ALL.iter().filter(|r| r.name.starts_with("COUNT_")).collect();
    for (n, register) in counters.iter().enumerate() {
        assert_eq!(register.address, counters[0].address + 4 * n as u32);
        bench.uut.counts.next = (1u64 << n).to_bits();
        bench.run(n + 1);
        bench.uut.counts.next = 0.into();
    }
    for (n, register) in counters.iter().enumerate() {
        assert_eq!(bench.register(register), n as u32 + 1, "{}", register.name);
    }
}

#[test]
fn queries_go_through() {
    use registers::*;
    let mut bench = Bench::new(4);
    bench.write(QUERY_QP.address, 11);
    assert_eq!(bench.uut.query_qp.val().to_u64(), 11);
    bench.uut.query_send_next.next = 0xffff_0001_u32.to_bits();
    bench.uut.query_send_unacknowledged.next = 0x1234_5678_u32.to_bits();
    bench.uut.query_receive_next.next = 0x9abc_def0_u32.to_bits();
    bench.uut.query_send_window.next = 0x0001_0000_u32.to_bits();
    assert_eq!(bench.register(&QUERY_SEND_NEXT), 0, "it has never run");
    bench.write(QP_CONTROL.address, 1 << 8 | 11);
    assert_eq!(bench.register(&QUERY_SEND_NEXT), 0xffff_0001);
    assert_eq!(bench.register(&QUERY_SEND_UNACKNOWLEDGED), 0x1234_5678);
    assert_eq!(bench.register(&QUERY_RECEIVE_NEXT), 0x9abc_def0);
    assert_eq!(bench.register(&QUERY_SEND_WINDOW), 0x0001_0000);
}

/// What a doorbell at this address rings for.
fn bell_kind(address: u32) -> u64 {
    use registers::*;
    match (address < CQ_DOORBELLS, address & 0xfff) {
        (true, DOORBELL_SEND) => doorbell_kind::SEND,
        (true, _) => doorbell_kind::RECEIVE,
        (false, DOORBELL_CONSUMED) => doorbell_kind::CONSUMED,
        (false, _) => doorbell_kind::ARM,
    }
}

/// Random writes all over the BAR against a model of the address map.
#[test]
fn writes_become_the_right_broadcasts() {
    use registers::*;
    for seed in seeds().into_iter().take(6) {
        let mut bench = Bench::new(seed);
        let (mut contexts, mut doorbells, mut commands) = (vec![], vec![], vec![]);
        for _ in 0..600 {
            let base = [QP_CONTEXTS, CQ_CONTEXTS, MR_CONTEXTS, FLOW_CONTEXTS, 0, QP_DOORBELLS]
                [bench.rng.random_range(0..6)];
            let near = bench.rng.random_range(0..0x1_0000u32);
            let far = bench.rng.random_range(0..BAR_BYTES);
            let bell = bench.rng.random_range(0..0x80u32) << 12 | bench.rng.random_range(0..16);
            let address = match bench.rng.random_range(0..4) {
                0 => far,
                1 => QP_DOORBELLS + bell,
                2 => QP_CONTROL.address + (near & 4),
                _ => base + near,
            } & !3;
            let (data, page) = (bench.rng.random::<u32>() & 0xffff_ff3f, address & 0xfff);
            let write = BarWrite { address: address.to_bits(), data: data.to_bits() };
            bench.writes.queue.push_back(write);
            let (index, word) = (address >> 8 & 0xff, address >> 2 & 0x3f);
            let count = match address & 0xf_0000 {
                QP_CONTEXTS => limits::QP_COUNT,
                CQ_CONTEXTS => limits::CQ_COUNT,
                MR_CONTEXTS => limits::MR_COUNT,
                FLOW_CONTEXTS => limits::FLOW_COUNT,
                _ => 0,
            } as u32;
            if index < count {
                contexts.push((u64::from(address >> 16), index, word, data));
            }
            if address >= QP_DOORBELLS && page < 8 {
                let object = address >> 12 & 0x3f;
                if object < 16 {
                    doorbells.push((bell_kind(address), object, data & 0xffff));
                }
            }
            if [QP_CONTROL.address, CQ_CONTROL.address].contains(&address) && data & 0xff < 16 {
                let of_qp = address == QP_CONTROL.address;
                commands.push((of_qp, data & 0xff, data >> 8 & 1 == 1));
            }
        }
        bench.run(1500);
        let got = bench.contexts.iter().map(|c| {
            let data = c.data.to_u64() as u32;
            (c.table.to_u64(), c.index.to_u64() as u32, c.word.to_u64() as u32, data)
        });
        let got: Vec<_> = got.collect();
        assert_eq!(got, contexts, "SEED={seed}");
        let got = bench.doorbells.iter();
        let got: Vec<_> = got
            .map(|d| (d.kind.to_u64(), d.index.to_u64() as u32, d.value.to_u64() as u32))
            .collect();
        assert_eq!(got, doorbells, "SEED={seed}");
        for (queue_pair, got) in [(true, &bench.qp_commands), (false, &bench.cq_commands)] {
            let expected: Vec<_> = commands.iter().filter(|c| c.0 == queue_pair).collect();
            assert_eq!(got.len(), expected.len(), "SEED={seed}");
            for (command, &&(_, index, enable)) in got.iter().zip(&expected) {
                let got = (command.index.to_u64() as u32, command.enable);
                assert_eq!(got, (index, enable), "SEED={seed}");
            }
        }
    }
}

fn event(qp: u64, status: u8, cq: u64, sequence: u64) -> QpEvent {
    QpEvent {
        qp: qp.to_bits(),
        status: status.to_bits(),
        cq: cq.to_bits(),
        sequence: sequence.to_bits(),
    }
}

fn start(bench: &mut Bench, qp: u32, enable: bool) {
    let control = &registers::QP_CONTROL;
    let data = field(control, "index", qp) | field(control, "enable", u32::from(enable));
    bench.write(control.address, data);
}

#[test]
fn only_the_first_event_of_a_queue_pair_is_told() {
    let mut bench = Bench::new(5);
    let active = &registers::QP_ACTIVE;
    for qp in 0..16 {
        start(&mut bench, qp, true);
    }
    start(&mut bench, 9, false);
    assert_eq!(bench.register(active), 0xfdff);
    // Two reasons at once for 0 and 3, none yet for the others; 9 was stopped before.
    for qp in [0, 3, 9] {
        bench.events[0].queue.push_back(event(qp, status::BAD_OPCODE, qp + 1, 0));
        bench.events[1].queue.push_back(event(qp, status::PEER_CLOSED, qp + 1, 0x1000 + qp));
    }
    bench.run(200);
    assert_eq!(bench.register(active), 0xfdf6);
    let told: Vec<u64> = bench.completions.got.iter().map(|c| c.qp.to_u64()).collect();
    assert_eq!(told, [0, 3]);
    for completion in &bench.completions.got {
        assert_eq!(completion.kind.to_u64(), u64::from(queue::kind::EVENT));
        assert_eq!(completion.cq.to_u64(), completion.qp.to_u64() + 1);
        let closed = completion.status.to_u64() == u64::from(status::PEER_CLOSED);
        let sequence = if closed { 0x1000 + completion.qp.to_u64() } else { 0 };
        assert_eq!(completion.sequence.to_u64(), sequence);
    }
    // A queue pair that is started again can fail again.
    start(&mut bench, 3, true);
    assert_eq!(bench.register(active), 0xfdfe);
    bench.events[1].queue.push_back(event(3, status::MPA_CRC, 4, 7));
    bench.run(50);
    assert_eq!(bench.register(active), 0xfdf6);
    assert_eq!(bench.completions.got.len(), 3);
}

/// Interrupts of every vector, masked alone or all together, against a model: none is lost, none
/// invented.
#[test]
fn interrupts_wait_while_masked() {
    use registers::{MSIX_PENDING, MSIX_TABLE};
    let mut bench = Bench::new(6);
    let entry = |vector: u32| (0xfee0_0000 + 16 * vector, 0x4000_0000 | vector, 0x100 + vector);
    for vector in 0..limits::VECTOR_COUNT as u32 {
        let (low, high, data) = entry(vector);
        let at = MSIX_TABLE + 16 * vector;
        assert_eq!(bench.read(at + 12), 1, "masked after power-on");
        bench.write(at, low);
        bench.write(at + 4, high);
        bench.write(at + 8, data);
        assert_eq!([0, 4, 8].map(|word| bench.read(at + word)), [low, high, data]);
    }
    assert_eq!(bench.read(MSIX_TABLE + 16 * limits::VECTOR_COUNT as u32), 0);
    let (mut unmasked, mut pending, mut sent) = (0u32, 0u32, 0);
    for n in 0..400 {
        // PCI Express Base Specification, s. 7.7.2.2: the enables of the whole function.
        let enabled = n / 20 % 3 != 1;
        bench.uut.messages_enabled.next = enabled && bench.uut.messages_enabled.val();
        let vector = bench.rng.random_range(0..18u32);
        if bench.rng.random() {
            bench.interrupts.queue.push_back(vector.to_bits());
            pending |= 1 << vector & 0xffff;
        } else if vector < 16 {
            let mask = bench.rng.random_range(0..2u32);
            bench.write(MSIX_TABLE + 16 * vector + 12, mask);
            unmasked = unmasked & !(1 << vector) | (1 - mask) << vector;
        }
        bench.uut.messages_enabled.next = enabled;
        bench.run(160);
        let sendable = if enabled { pending & unmasked } else { 0 };
        let due: Vec<u32> = (0..16u32).filter(|n| sendable >> n & 1 == 1).collect();
        pending &= !sendable;
        let got = &bench.messages.got[sent..];
        sent = bench.messages.got.len();
        let mut vectors: Vec<u32> = got.iter().map(|m| m.data.to_u64() as u32 - 0x100).collect();
        vectors.sort_unstable();
        assert_eq!(vectors, due);
        for message in got {
            let (low, high, _) = entry(message.data.to_u64() as u32 - 0x100);
            assert_eq!(message.address.to_u64(), u64::from(high) << 32 | u64::from(low));
        }
        assert_eq!(bench.read(MSIX_PENDING), pending);
    }
    assert!(sent > 50);
}

#[test]
fn the_verilog_is_sound() {
    let mut uut = Control::<BANK_BITS>::default();
    uut.connect_all();
    yosys_validate("ironwarp_control", &generate_verilog(&uut)).unwrap();
}
