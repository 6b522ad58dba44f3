//! The control plane against what `ironwarp_abi` says.
use super::bench::{field, Bench, Told};
use super::Control;
use crate::configuration::*;
use crate::stream::bench::seeds;
use ironwarp_abi::registers::{self, Access, Register};
use ironwarp_abi::{limits, registers::*};
use rand::Rng;
use rust_hdl::prelude::*;

#[test]
fn constants_read_as_the_abi_says() {
    let mut bench = Bench::new(0);
    assert_eq!(bench.register(&DEVICE), DEVICE_MAGIC);
    assert_eq!(bench.register(&VERSION), ABI_VERSION);
    let f = |name, value: usize| field(&CAPABILITIES, name, value as u32);
    let expected = f("qp", CONFIGURATION.qp_bits)
        | f("cq", CONFIGURATION.cq_bits)
        | f("mr", CONFIGURATION.mr_bits)
        | f("buckets", CONFIGURATION.bucket_bits);
    assert_eq!(bench.register(&CAPABILITIES), expected);
    let f = |name, value: usize| field(&SIZES, name, value as u32);
    let expected = f("wqe_cache", limits::WQE_CACHE_BITS)
        | f("outstanding", limits::OUTSTANDING_BITS)
        | f("stream_ring", CONFIGURATION.stream_ring_bits)
        | f("vectors", limits::VECTOR_COUNT)
        | f("elements", limits::SGE_MAX);
    assert_eq!(bench.register(&SIZES), expected);
}

/// A register reads back what it takes: of those that name an object, one that exists.
#[test]
fn every_register_keeps_to_its_access() {
    let mut bench = Bench::new(1);
    for register in registers::ALL {
        let number = ["QUERY_QP", "FENCE_QUEUE"].contains(&register.name);
        let value = if number { 0xff00_0003 } else { 0xa5c3_96ff };
        let before = bench.register(register);
        bench.write(register.address, value);
        let after = bench.register(register);
        let mask = register
            .fields
            .iter()
            .fold(0u32, |mask, bits| mask | u32::MAX >> (31 - (bits.high - bits.low)) << bits.low);
        match register.access {
            Access::ReadWrite => assert_eq!(after, value & mask, "{}", register.name),
            Access::WriteOnly => assert_eq!(after, 0, "{}", register.name),
            Access::ReadOnly if ["TIME", "FENCED", "COUNT_REFUSED"].contains(&register.name) => {}
            Access::ReadOnly => assert_eq!(after, before, "{}", register.name),
        }
    }
    assert_eq!(bench.uut.mac_address.val().to_u64(), 0x96ff_a5c3_96ff);
    let elsewhere = [CONFIGURATION.qp_doorbell(1, 0), CONFIGURATION.cq_doorbell(1, 0)];
    for address in [0xffc, CONTEXT_WINDOW, 3 << CONFIGURATION.area_bits()]
        .into_iter()
        .chain(elsewhere)
        .chain([AREA_QP, AREA_CQ].map(|area| (area << CONFIGURATION.area_bits()) + MSIX_TABLE))
    {
        assert_eq!(bench.read(address), 0, "{address:#x}");
    }
}

#[test]
fn the_flow_key_has_three_words() {
    let mut bench = Bench::new(2);
    for (n, register) in [FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2].iter().enumerate() {
        bench.write(register.address, (0x1111_1111 * (n as u32 + 1)) | 0x8000_0000);
    }
    let key = bench.uut.flow_key.val();
    let word =
        |n: usize| (0..32).fold(0_u32, |w, bit| w | u32::from(key.get_bit(32 * n + bit)) << bit);
    assert_eq!([word(0), word(1), word(2)], [0x9111_1111, 0xa222_2222, 0xb333_3333]);
}

#[test]
fn time_counts_from_the_write_of_its_base() {
    let mut bench = Bench::new(2);
    bench.writes.eagerness = 1.0;
    bench.write(TIME_BASE.address, 10);
    bench.run(400);
    let time = bench.register(&TIME);
    assert!((49..=52).contains(&time), "{time}");
}

#[test]
fn counters_count_in_the_order_of_their_registers() {
    let mut bench = Bench::new(3);
    let counters: Vec<&Register> =
        registers::ALL.iter().filter(|r| r.name.starts_with("COUNT_")).collect();
    let at = counters.iter().position(|r| r.name == "COUNT_REFUSED").unwrap();
    let (others, rest) = counters.split_at(at);
    let (refused, later) = rest.split_first().unwrap();
    for (n, register) in later.iter().enumerate() {
        bench.uut.later_counts.next = (1u64 << n).to_bits();
        bench.run(n + 1);
        bench.uut.later_counts.next = 0.into();
        assert_eq!(bench.register(register), n as u32 + 1, "{}", register.name);
    }
    for (n, register) in others.iter().enumerate() {
        assert_eq!(register.address, counters[0].address + 4 * n as u32);
        bench.uut.counts.next = (1u64 << n).to_bits();
        bench.run(n + 1);
        bench.uut.counts.next = 0.into();
    }
    for (n, register) in others.iter().enumerate() {
        assert_eq!(bench.register(register), n as u32 + 1, "{}", register.name);
    }
    assert_eq!((bench.register(refused), refused.name), (0, "COUNT_REFUSED"));
    assert_eq!(bench.read(refused.address + 4), 0);
}

#[test]
fn queries_go_through() {
    let mut bench = Bench::new(4);
    bench.write(QUERY_QP.address, 11);
    assert_eq!(bench.uut.query_qp.val().to_u64(), 11);
    bench.uut.query_send_next.next = 0xffff_0001_u64.to_bits();
    bench.uut.query_send_unacknowledged.next = 0x1234_5678_u64.to_bits();
    bench.uut.query_receive_next.next = 0x9abc_def0_u64.to_bits();
    bench.uut.query_send_window.next = 0x0001_0000_u64.to_bits();
    assert_eq!(bench.register(&QUERY_SEND_NEXT), 0, "it has never run");
    assert_eq!(bench.register(&QUERY_STATE), 0, "it has never run");
    bench.start(11, true);
    assert_eq!(bench.register(&QUERY_SEND_NEXT), 0xffff_0001);
    assert_eq!(bench.register(&QUERY_SEND_UNACKNOWLEDGED), 0x1234_5678);
    assert_eq!(bench.register(&QUERY_RECEIVE_NEXT), 0x9abc_def0);
    assert_eq!(bench.register(&QUERY_SEND_WINDOW), 0x0001_0000);
    assert_eq!(bench.register(&QUERY_STATE), 0x301, "first generation, active, started");
}

/// Numbers that the device does not have are refused, counted, and never cut (field input B10).
#[test]
fn numbers_out_of_range_are_refused() {
    let mut bench = Bench::new(5);
    bench.write(QUERY_QP.address, 3);
    bench.write(FENCE_QUEUE.address, 2);
    let mut refused = 0;
    let (qps, cqs) = (QP_COUNT as u32, CQ_COUNT as u32);
    for far in [0, 1, 1 << 20] {
        for (register, count) in
            [(QUERY_QP, qps), (FENCE_QUEUE, cqs), (QP_CONTROL, qps), (CQ_CONTROL, cqs)]
        {
            let data = (count + far + 3) & 0xff_ffff | 1 << 24;
            bench.write(register.address, data);
            refused += 1;
            assert_eq!(bench.refused(), refused, "{} {data:#x}", register.name);
        }
    }
    assert_eq!((bench.register(&QUERY_QP), bench.register(&FENCE_QUEUE)), (3, 2));
    assert!(bench.told.is_empty(), "{:?}", bench.told);
    // The last ones that there are.
    bench.start(qps - 1, true);
    bench.write(CQ_CONTROL.address, (cqs - 1) | (1 << 24));
    assert_eq!((bench.told.len(), bench.refused()), (2, refused));
}

/// Random writes all over the BAR against a model of the address map.
#[test]
fn writes_become_the_right_broadcasts() {
    for seed in seeds().into_iter().take(6) {
        let mut bench = Bench::new(seed);
        let mut expected = vec![];
        let area = CONFIGURATION.area_bits();
        for _ in 0..600 {
            let page = bench.rng.random_range(0..4_u32) << area
                | bench.rng.random_range(0..1_u32 << (area - 12)) << 12;
            let address = match bench.rng.random_range(0..3) {
                0 => bench.rng.random_range(0..CONFIGURATION.bar_bytes()),
                1 => page | bench.rng.random_range(0..16),
                _ => CQ_CONTROL.address,
            } & !3;
            // No register that begins something longer: those have tests of their own.
            let registers = [QP_CONTROL, COMMIT, FENCE].map(|register| register.address);
            if registers.contains(&address) {
                continue;
            }
            let data = bench.rng.random::<u32>() & 0xff00_003f;
            bench.post(address, data);
            let (object, word) = (address >> 12 & ((1 << (area - 12)) - 1), address & 0xfff);
            let posted = u64::from(data & 0xffff).to_bits();
            match (address >> area, word) {
                (AREA_QP, DOORBELL_SEND | DOORBELL_RECEIVE) if object < QP_COUNT as u32 => {
                    expected.push(Told::QpBell(super::QpDoorbell {
                        valid: true,
                        receive: word == DOORBELL_RECEIVE,
                        qp: u64::from(object).to_bits(),
                        posted,
                    }));
                }
                (AREA_CQ, DOORBELL_CONSUMED | DOORBELL_ARM) if object < CQ_COUNT as u32 => {
                    expected.push(Told::CqBell(super::CqDoorbell {
                        valid: true,
                        arm: word == DOORBELL_ARM,
                        cq: u64::from(object).to_bits(),
                        consumed: posted,
                    }));
                }
                _ if address == CQ_CONTROL.address && data & 0xff_ffff < CQ_COUNT as u32 => {
                    expected.push(Told::Cq(super::records::CqCommand {
                        valid: true,
                        cq: u64::from(data & 0xffff).to_bits(),
                        enable: data >> 24 & 1 == 1,
                    }));
                }
                _ => {}
            }
        }
        bench.settle();
        let got: Vec<_> = bench.told.iter().map(|(_, told)| *told).collect();
        assert_eq!(got, expected, "SEED={seed}");
    }
}

/// Interrupts of every vector, masked and not, against a model: none is lost, none invented.
#[test]
fn interrupts_wait_while_masked() {
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
            bench.interrupts.queue.push_back(u64::from(vector).to_bits());
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
fn the_kernels_and_the_verilog_are_sound() {
    crate::queue::elaborate("control", &mut Control::default());
}
