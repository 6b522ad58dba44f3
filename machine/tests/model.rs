//! Two behavioural models and their drivers: connect, write, send, close.

mod control;
mod pair;

use ironwarp_abi::configuration::ALL;
use ironwarp_driver::{
    Access, CompletionQueue, Context, Event, MemoryRegion, Operation, Options, QpState,
    QueuePairOptions, Reason, Region, StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Machine, World, WorldOptions};
use pair::{End, Pair, BYTES, PORT};
use std::sync::Arc;
use std::time::Duration;

fn pattern(seed: u8) -> Vec<u8> {
    (0..BYTES).map(|i| (i as u8).wrapping_mul(7) ^ (i >> 8) as u8 ^ seed).collect()
}

/// An RDMA Write and Sends both ways, and a close in order.
fn exchange(pair: &mut Pair) {
    let data = pattern(1);
    pair.a.memory.region().write(0, &data).unwrap();
    pair.b.qp.post_receive(10, pair.b.memory.buffer(0, 100).unwrap()).unwrap();
    let remote = pair.b.memory.remote(1000);
    let write = WorkRequest::write(1, pair.a.memory.buffer(0, BYTES - 1000).unwrap(), remote);
    pair.a.qp.post_send(write).unwrap();
    let words = pair.a.memory.buffer(5, 77).unwrap();
    pair.a.qp.post_send(WorkRequest::send_solicited(2, words)).unwrap();
    pair.run_until(|pair| pair.b.octets(0, 77) == data[5..82]);
    // The Send came after the Write, and so did its completion.
    assert_eq!(pair.b.octets(1000, BYTES - 1000), data[..BYTES - 1000]);
    assert_eq!(pair.b.done(), [(Operation::Receive, 10, 77)]);

    let answer = pattern(2);
    pair.a.qp.post_receive(11, pair.a.memory.buffer(0, 5000).unwrap()).unwrap();
    pair.b.memory.region().write(0, &answer).unwrap();
    let words = pair.b.memory.buffer(0, 5000).unwrap();
    pair.b.qp.post_send(WorkRequest::send(3, words)).unwrap();
    pair.run_until(|pair| pair.a.octets(0, 5000) == answer[..5000]);
    let mut done = pair.a.done();
    done.sort_by_key(|one| one.1);
    let length = BYTES as u32 - 1000;
    let expected =
        [(Operation::Write, 1, length), (Operation::Send, 2, 77), (Operation::Receive, 11, 5000)];
    assert_eq!(done, expected);

    pair.a.context.disconnect(&pair.a.qp).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    for end in [&mut pair.a, &mut pair.b] {
        let qp = end.qp.number();
        assert_eq!(end.events.drain(..).collect::<Vec<_>>(), [Event::Disconnected { qp }]);
        assert_eq!(end.qp.state().unwrap(), QpState::Closed);
        end.qp.reset().unwrap();
    }
    assert_eq!(pair.b.done(), [(Operation::Send, 3, 5000)]);
    pair.b.context.unlisten(PORT).unwrap();
}

#[test]
fn two_models_connect_write_send_and_close() {
    for mtu in [1500, 9000] {
        let mut pair = Pair::new(&mut Machine::new(), mtu);
        for (markers, crc) in [(false, true), (true, true), (false, false), (true, false)] {
            // Each side asks for the markers that it wants to receive.
            let request = StartupOptions { markers, crc, ..StartupOptions::default() };
            let reply = StartupOptions { markers: !markers, crc, ..StartupOptions::default() };
            let [a, b] = pair.connect(&request, &reply);
            assert_eq!((a.receive_markers, b.receive_markers), (markers, !markers));
            assert_eq!((a.crc, b.crc), (crc, crc));
            exchange(&mut pair);
        }
    }
}

/// The driver takes its counts and its window from the device, whatever that has.
#[test]
fn every_configuration_moves_data() {
    for (name, configuration) in ALL {
        let options = WorldOptions { configuration: *configuration, ..WorldOptions::default() };
        let models = World::pair([DeviceKind::Model; 2], options).unwrap();
        let mut pair = Pair::new(&mut Machine::with_world(models), 1500);
        assert_eq!(pair.a.context.configuration(), *configuration, "{name}");
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        exchange(&mut pair);
        // As many completion queues as there are, but for the driver's own two.
        let more = || pair.a.context.completion_queue(1).ok();
        let queues: Vec<CompletionQueue> = std::iter::from_fn(more).collect();
        assert_eq!(queues.len(), configuration.cq_count() - 2 - 1, "{name}");
    }
}

/// As equals, the side that accepted may speak first.
#[test]
fn equals_may_both_speak_first() {
    let mut pair = Pair::new(&mut Machine::new(), 1500);
    let request = StartupOptions { peer_to_peer: true, ..StartupOptions::default() };
    pair.connect(&request, &StartupOptions::default());
    pair.a.qp.post_receive(1, pair.a.memory.whole()).unwrap();
    pair.b.memory.region().write(0, b"first").unwrap();
    let words = pair.b.memory.buffer(0, 5).unwrap();
    pair.b.qp.post_send(WorkRequest::send(2, words)).unwrap();
    pair.run_until(|pair| pair.a.octets(0, 5) == b"first");
    assert_eq!(pair.a.done(), [(Operation::Receive, 1, 5)]);
}

/// Two models with a network between them, and their drivers.
fn through(network: &str) -> (Pair, Arc<World>) {
    let impairment = network.parse().unwrap();
    let options = WorldOptions { impairment, ..WorldOptions::default() };
    let models = World::pair([DeviceKind::Model; 2], options).unwrap();
    (Pair::new(&mut Machine::with_world(models.clone()), 1500), models)
}

/// What a network does without losing a frame or its place changes no octet.
#[test]
fn networks_that_only_take_their_time_change_nothing() {
    for (network, near) in [
        ("duplicate=100%", true),
        ("duplicate=20%,jitter=200us", true),
        ("delay=5ms", true),
        ("delay=40ms,jitter=10ms", false),
        ("rate=100mbit", true),
        ("rate=1gbit,queue=200,delay=100us,jitter=20us,duplicate=5%", true),
    ] {
        for seed in 0..3 {
            let (mut pair, world) = through(&format!("{network},seed={seed}"));
            pair.connect(&StartupOptions::default(), &StartupOptions::default());
            exchange(&mut pair);
            let [there, back] = world.network().unwrap().directions;
            // The window is smaller than the queue, and no clock runs out without need: but for a
            // round trip of more than the 40 ms that are waited before the first one is measured.
            assert_eq!((there.dropped, back.dropped), (0, 0), "{network},seed={seed}");
            let resent = there.resent + back.resent;
            assert!(resent == 0 || !near, "{network},seed={seed}: {resent} segments");
        }
    }
}

/// TCP's handshake and MPA's frames are software's, which sends again what was lost.
#[test]
fn a_startup_survives_losses() {
    let mut lost = 0;
    for seed in 0..20 {
        let text = "loss=20%,reorder=20%,corrupt=10%,duplicate=10%,delay=1ms,jitter=1ms";
        let (mut pair, world) = through(&format!("{text},seed={seed}"));
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        let [there, back] = world.network().unwrap().directions;
        lost += there.lost + there.corrupted + back.lost + back.corrupted;
    }
    assert!(lost > 20, "{lost} frames did not arrive in 20 startups");
}

/// A peer that writes where it may not ends the connection; both sides hear of it.
#[test]
fn a_write_outside_the_region_ends_the_connection() {
    let mut pair = Pair::new(&mut Machine::new(), 1500);
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    let remote = pair.b.memory.remote(BYTES as u64 - 10);
    let write = WorkRequest::write(1, pair.a.memory.buffer(0, 11).unwrap(), remote);
    pair.a.qp.post_send(write).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    let qp = Some(pair.b.qp.number());
    let reason = Reason::QueuePair(Status(ironwarp_abi::status::DDP_BOUNDS));
    assert_eq!(pair.b.events, [Event::Error { qp, reason }]);
    let qp = Some(pair.a.qp.number());
    assert_eq!(pair.a.events, [Event::Error { qp, reason: Reason::Reset }]);
}

#[test]
fn a_model_without_power_says_so() {
    let mut machine = Machine::new();
    let function = machine.open("model:").unwrap();
    assert!(function.bar_read32(0).is_err(), "memory space is off");
    assert!(function.bar_write32(0, 0).is_err());
    assert!(machine.open("model:2").is_err());
}

/// The caller's end of the link: a frame for nobody, and the model's answer to an ARP request.
#[test]
fn one_model_answers_the_caller() {
    let models = World::single(DeviceKind::Model, WorldOptions::default()).unwrap();
    let mut machine = Machine::with_world(models.clone());
    assert!(machine.open("model:1").is_err());
    let context = Context::open(machine.open("model:0").unwrap(), Options::station(1)).unwrap();
    let mac = [2, 0, 0, 0, 0, 9];
    let request = [
        &[0xff; 6][..],
        &mac,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
        &mac,
        &[10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1],
    ]
    .concat();
    models.send(request);
    let mut answers = 0;
    for _ in 0..100 {
        context.poll().unwrap();
        context.wait(Duration::from_millis(1)).unwrap();
        for frame in models.received() {
            let answer = frame.starts_with(&mac) && frame[12..14] == [8, 6] && frame[21] == 2;
            answers += usize::from(answer);
        }
    }
    assert_eq!(answers, 1);
}
