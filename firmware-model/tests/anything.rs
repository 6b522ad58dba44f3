//! Whatever host and peer do, the device goes on: no panic, and no write outside the memory that
//! the host has shown it.

mod common;

use common::peer::{tagged, untagged, Peer, Tcp};
use common::*;
use ironwarp_abi::registers as reg;
use proptest::prelude::*;

/// An address that is often one of something.
fn address() -> impl Strategy<Value = u32> {
    let near = [0, reg::MSIX_TABLE, reg::MSIX_PENDING, reg::QP_DOORBELLS, reg::CQ_DOORBELLS];
    prop_oneof![
        any::<u32>(),
        (0..reg::BAR_BYTES / 4).prop_map(|word| 4 * word),
        (0..0x50u32).prop_map(|word| 4 * word),
        (0u32..4, 0u32..20, 0u32..20).prop_map(|(table, index, word)| reg::QP_CONTEXTS
            + (table << 16)
            + 256 * index
            + 4 * word),
        (0u32..2, 0u32..16, 0u32..2)
            .prop_map(|(kind, index, word)| (2 + kind) * 0x4_0000 + 4096 * index + 4 * word),
        (prop::sample::select(near.to_vec()), 0u32..64).prop_map(|(base, word)| base + 4 * word),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Write(u32, u32),
    Read(u32),
    Poll,
    Frame(Vec<u8>),
    Segment { offset: u32, acknowledged: u32, flags: u8, window: u16, payload: Vec<u8> },
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
        Just(Step::Poll),
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
        Step::Poll => {
            station.poll();
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
        station.context(reg::QP_CONTEXTS, 0, &raw.to_words());
        station.write(reg::QP_CONTROL, 1 << 8);
        for i in 0..4 {
            station.post_receive(QP, &buffer(200, 200 * i));
            station.post(&write_request(3000, 0, 0));
        }
        let mut peer = Peer::new(wish);
        for step in steps {
            play(&mut station, &mut peer, step);
        }
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
