//! Two models and their drivers on a link that loses frames, from the handshake on.

mod pair;

use ironwarp_abi::status;
use ironwarp_driver::{Event, Operation, Reason, StartupOptions, Status, WorkRequest};
use ironwarp_machine::{DeviceKind, Machine, World, WorldOptions};
use pair::{Pair, BYTES};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// A link that loses so many of a thousand frames, which follow from a seed, and all of them while
/// it is cut.
fn lossy(seed: u64, lost: u64, cut: Arc<AtomicBool>) -> Pair {
    let mut chance = seed;
    let conduct = Box::new(move |_, frame: Vec<u8>| {
        // SplitMix64.
        chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (chance ^ chance >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (mixed ^ mixed >> 31) % 1000 < lost || cut.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => vec![(Duration::ZERO, frame)],
        }
    });
    let options = WorldOptions { conduct: Some(conduct), ..WorldOptions::default() };
    let models = World::pair([DeviceKind::Model; 2], options).unwrap();
    Pair::new(&mut Machine::with_world(models), 1500)
}

fn pattern(seed: u8) -> Vec<u8> {
    (0..BYTES).map(|i| (i as u8).wrapping_mul(7) ^ (i >> 8) as u8 ^ seed).collect()
}

#[test]
fn what_is_lost_arrives_and_the_connection_closes_in_order() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut pair = lossy(seed, 20, Arc::default());
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        let [first, second] = [1, 2].map(|it| pattern(seed as u8 + it));
        let half = BYTES / 2;
        pair.a.memory.region().write(0, &first[..half]).unwrap();
        pair.b.memory.region().write(half, &second[half..]).unwrap();
        pair.b.qp.post_receive(10, pair.b.memory.buffer(0, 100).unwrap()).unwrap();
        pair.a.qp.post_receive(11, pair.a.memory.buffer(half, 100).unwrap()).unwrap();
        for (end, peer, at) in [(&pair.a, &pair.b, 0), (&pair.b, &pair.a, half)] {
            let source = end.memory.buffer(at, half).unwrap();
            let remote = peer.memory.remote(at as u64);
            end.qp.post_send(WorkRequest::write(1, source, remote)).unwrap();
            end.qp.post_send(WorkRequest::send(2, end.memory.buffer(at, 77).unwrap())).unwrap();
        }
        let all = |end: &pair::End| end.completions.len() == 3;
        pair.run_until(|pair| all(&pair.a) && all(&pair.b));
        assert_eq!(pair.b.octets(100, half - 100), first[100..half]);
        assert_eq!(pair.a.octets(half + 100, half - 100), second[half + 100..]);
        for end in [&mut pair.a, &mut pair.b] {
            let sends: Vec<_> =
                end.done().into_iter().filter(|(what, ..)| *what != Operation::Receive).collect();
            let expected = [(Operation::Write, 1, half as u32), (Operation::Send, 2, 77)];
            assert_eq!(sends, expected);
        }
        pair.a.context.disconnect(&pair.a.qp).unwrap();
        pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        for end in [&mut pair.a, &mut pair.b] {
            let qp = end.qp.number();
            assert_eq!(end.events.drain(..).collect::<Vec<_>>(), [Event::Disconnected { qp }]);
            end.qp.reset().unwrap();
        }
    }
}

#[test]
fn a_connection_whose_peer_is_cut_off_ends() {
    let cut = Arc::new(AtomicBool::new(false));
    let mut pair = lossy(0, 0, cut.clone());
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    cut.store(true, Ordering::Relaxed);
    let start = pair.a.context.now();
    let source = pair.a.memory.buffer(0, 5000).unwrap();
    pair.a.qp.post_send(WorkRequest::write(1, source, pair.b.memory.remote(0))).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let reason = Reason::QueuePair(Status(status::PEER_SILENT));
    assert_eq!(pair.a.events, [Event::Error { qp: Some(pair.a.qp.number()), reason }]);
    // 40 ms before anything is measured, doubled eight times.
    let silent = pair.a.context.now() - start;
    assert!((20_440..20_460).contains(&silent.as_millis()), "{silent:?}");
}
