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

#[test]
fn frames_that_come_twice_change_nothing() {
    let twice = Box::new(|_, frame: Vec<u8>| {
        let again = Duration::from_micros(3);
        vec![(Duration::ZERO, frame.clone()), (again, frame)]
    });
    let options = WorldOptions { conduct: Some(twice), ..WorldOptions::default() };
    let models = World::pair([DeviceKind::Model; 2], options).unwrap();
    let mut pair = Pair::new(&mut Machine::with_world(models), 1500);
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    exchange(&mut pair);
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
