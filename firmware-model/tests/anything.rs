//! Whatever host and peer do, the device goes on: no panic, and no write outside the memory that
//! the host has shown it.

mod common;

use common::peer::{tagged, untagged, Peer, Tcp};
use common::*;
use ironwarp_abi::context::{
    region_of, table, CompletionQueueContext, FlowContext, MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::registers as reg;
use proptest::prelude::*;

/// An address that is often one of something.
fn address() -> impl Strategy<Value = u32> {
    let (pages, queues) = (DEVICE.qp_doorbell(0, 0), DEVICE.cq_doorbell(0, 0));
    let near = [0, reg::MSIX_TABLE, reg::MSIX_PENDING, reg::CONTEXT_WINDOW, pages, queues];
    prop_oneof![
        any::<u32>(),
        (0..DEVICE.bar_bytes() / 4).prop_map(|word| 4 * word),
        (0..0x51u32).prop_map(|word| 4 * word),
        (0..reg::CONTEXT_WINDOW_WORDS as u32 + 2).prop_map(|word| reg::CONTEXT_WINDOW + 4 * word),
        (0u32..16, 0u32..2).prop_map(move |(index, word)| pages + 4096 * index + 4 * word),
        (0u32..16, 0u32..2).prop_map(move |(index, word)| queues + 4096 * index + 4 * word),
        (prop::sample::select(near.to_vec()), 0u32..64).prop_map(|(base, word)| base + 4 * word),
    ]
}

/// A number that is often one of the device's, and often one of those in use.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![Just(QP), Just(CQ), 0u32..8, 0u32..DEVICE.qp_count() as u32 + 2, any::<u32>()]
        .prop_map(|number| number & 0xff_ffff)
}

/// A record that the device may take: for which table, for which object, and its words.
fn record() -> impl Strategy<Value = (u8, u32, Vec<u32>)> {
    let flags = (any::<u16>(), any::<bool>(), any::<bool>());
    prop_oneof![
        (number(), number(), number(), any::<u16>(), flags).prop_map(
            |(qp, a, b, mulpdu, flags)| {
                let context = QueuePairContext {
                    send_cq: a,
                    receive_cq: b,
                    mulpdu,
                    send_queue_log2: flags.0 as u8 & 15,
                    await_first_fpdu: flags.1,
                    send_markers: flags.2,
                    retries: (flags.0 >> 4) as u8 & 15,
                    sack: flags.0 >> 8 & 1 != 0,
                    reassembly_log2: (flags.0 >> 9) as u8 % (EARLY_LOG2 + 1),
                    reassembly: MEMORY + EARLY,
                    ..context(0, PLAIN)
                };
                (table::QUEUE_PAIR, qp, context.to_words().to_vec())
            }
        ),
        (number(), 0u8..16, 0u8..20).prop_map(|(cq, log2, vector)| {
            let context = CompletionQueueContext { ring: MEMORY + CQ_RING, log2, vector };
            (table::COMPLETION_QUEUE, cq, context.to_words().to_vec())
        }),
        (number(), any::<bool>(), 0u64..1 << 40, flags).prop_map(|(at, sink, length, flags)| {
            let region = MemoryRegionContext {
                length,
                stag: if sink { SINK_STAG } else { SOURCE_STAG },
                bus_address: MEMORY + SINK,
                pd: PD,
                remote_read: flags.1,
                remote_write: flags.2,
                valid: flags.0 & 1 != 0,
                ..MemoryRegionContext::default()
            };
            let number = region_of(region.stag, DEVICE.mr_bits) as u32;
            let place = if flags.0 & 2 != 0 { number } else { at };
            (table::MEMORY_REGION, place, region.to_words().to_vec())
        }),
        (number(), number(), any::<bool>()).prop_map(|(qp, next, valid)| {
            let QueuePairContext { remote_ip, local_ip, local_port, remote_port, .. } =
                context(0, PLAIN);
            let flow = FlowContext { remote_ip, local_ip, local_port, remote_port, next, valid };
            (table::FLOW, qp, flow.to_words().to_vec())
        }),
        (0u32..300, number()).prop_map(|(bucket, first)| (table::FLOW_BUCKET, bucket, vec![first])),
        (number(), any::<u32>()).prop_map(|(qp, low)| (table::NEXT_HOP, qp, vec![low])),
        (0u8..16, number(), prop::collection::vec(any::<u32>(), 0..33)),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Write(u32, u32),
    Read(u32),
    Commit(u8, u32, Vec<u32>),
    /// One of `QP_CONTROL`, `CQ_CONTROL`, and the other word.
    Control(bool, u32, bool),
    Fence(u16),
    Poll,
    /// Without a look at the frames.
    Work,
    Frame(Vec<u8>),
    Segment {
        offset: u32,
        acknowledged: u32,
        flags: u8,
        window: u16,
        payload: Vec<u8>,
    },
    Ulpdu(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let small = prop_oneof![0u32..4, 0x100u32..0x110, any::<u32>()];
    let ulpdu = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        (any::<u64>(), 0usize..300)
            .prop_map(|(offset, length)| { tagged(SINK_STAG, offset >> 40, &vec![7; length]) }),
        (0u32..4, 0u32..3, any::<bool>(), 0usize..300)
            .prop_map(|(message, offset, last, n)| untagged(message, offset, last, &vec![9; n])),
    ];
    prop_oneof![
        (address(), small).prop_map(|(address, value)| Step::Write(address, value)),
        address().prop_map(Step::Read),
        record().prop_map(|(table, index, words)| Step::Commit(table, index, words)),
        (any::<bool>(), number(), any::<bool>())
            .prop_map(|(is_qp, index, enable)| Step::Control(is_qp, index, enable)),
        any::<u16>().prop_map(Step::Fence),
        Just(Step::Poll),
        Just(Step::Work),
        prop::collection::vec(any::<u8>(), 0..128).prop_map(Step::Frame),
        (
            0u32..40,
            any::<u32>(),
            any::<u8>(),
            any::<u16>(),
            prop::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(offset, acknowledged, flags, window, payload)| {
                Step::Segment { offset, acknowledged, flags, window, payload }
            }),
        ulpdu.prop_map(Step::Ulpdu),
    ]
}

fn play(station: &mut Station, peer: &mut Peer, step: Step) {
    match step {
        Step::Write(address, value) => station.bar(address, value),
        Step::Read(address) => {
            station.device.bar_read32(address);
        }
        Step::Commit(table, index, words) => station.commit(table, index, &words),
        Step::Control(is_qp, index, enable) => {
            let register = if is_qp { reg::QP_CONTROL } else { reg::CQ_CONTROL };
            station.write(register, index | if enable { ENABLE } else { 0 });
        }
        Step::Fence(number) => station.write(reg::FENCE, number.into()),
        Step::Poll => {
            station.poll();
        }
        Step::Work => {
            station.device_rests();
        }
        Step::Frame(frame) => station.receive(&frame),
        Step::Segment { offset, acknowledged, flags, window, payload } => {
            let sequence = peer.next.wrapping_sub(20).wrapping_add(offset);
            peer.emit(station, &Tcp { sequence, acknowledged, flags, window, payload });
        }
        Step::Ulpdu(ulpdu) => peer.send(station, &ulpdu),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_makes_the_device_panic(
        steps in prop::collection::vec(step(), 0..60), markers: bool, crc: bool,
    ) {
        let wish = Wish { markers, crc, ..PLAIN };
        let mut station = Station::new(0);
        station.start(&context(0, wish));
        let mut raw = context(0, wish);
        raw.receive_queue += 0x4000;
        station.start_pair(0, &raw);
        for i in 0..4 {
            station.post_receive(QP, &buffer(200, 200 * i));
            station.post(&write_request(3000, 0, 0));
        }
        let mut peer = Peer::new(wish);
        for step in steps {
            play(&mut station, &mut peer, step);
        }
        // Once the frames are taken, no fence hangs.
        station.write(reg::FENCE, 0x1234);
        (0..2).for_each(|_| {
            station.poll();
        });
        station.poll();
        prop_assert_eq!(station.read(reg::FENCED), 0x1234);
    }

    /// Every frame that a peer can make of a good one by changing a few octets.
    #[test]
    fn changed_frames_write_only_where_they_may(
        changes in prop::collection::vec((0usize..120, any::<u8>()), 1..4), checked: bool,
    ) {
        let wish = Wish { crc: false, ..PLAIN };
        let mut station = Station::new(0);
        station.start(&context(0, wish));
        station.post_receive(QP, &buffer(100, 0));
        let mut peer = Peer::new(wish);
        let fpdu = peer.fpdu(&untagged(1, 0, true, &[3; 60]));
        let mut segment = peer.data(&fpdu);
        let mut frame = peer.frame(&segment);
        for (at, value) in &changes {
            if checked {
                let at = at % segment.payload.len();
                segment.payload[at] = *value;
            } else {
                let at = at % frame.len();
                frame[at] = *value;
            }
        }
        station.receive(&if checked { peer.frame(&segment) } else { frame });
        station.poll();
        prop_assert_eq!(station.memory.lost, 0);
        let sink = SINK as usize;
        let region = sink..sink + REGION_BYTES as usize;
        let octets = &station.memory.octets;
        let ring = CQ_RING as usize..CQ_RING as usize + 64;
        for (at, octet) in octets.iter().enumerate() {
            let ours = region.contains(&at) || ring.contains(&at) || at < CQ_RING as usize;
            prop_assert!(ours || *octet == 0, "octet {at:#x}");
        }
    }
}
