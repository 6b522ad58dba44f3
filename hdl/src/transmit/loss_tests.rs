//! The transmit engine at a network that loses: what is lost is sent again, the same octets at the
//! same place.
use crate::receive::records::ReadAsked;
use crate::stream::bench::seeds;
use crate::transmit::bench::*;
use crate::transmit::read_tests::{read, read_request};
use crate::transmit::tests::{expected, framing, random_request, send};
use ironwarp_abi::queue::{opcode, SendRequest};
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::Deframer;
use rand::Rng;
use rust_hdl::prelude::*;
use std::collections::BTreeMap;

/// The opcode octet of a Read Response.
const RESPONSE: u8 = 0x42;

/// A peer behind a network that loses in both directions.
struct Peer {
    qp: usize,
    first: u32,
    next: u32,
    seen: usize,
    /// What has arrived behind a gap, by its place in the stream, if it keeps such things.
    early: Option<BTreeMap<u32, Vec<u8>>>,
    /// Every segment that was ever seen, lost or not.
    segments: BTreeMap<u32, Vec<u8>>,
    repeated: u64,
    deframer: Deframer,
    ulpdus: Vec<Vec<u8>>,
    loss: f64,
}

impl Peer {
    fn new(qp: usize, world: &World, loss: f64, keeps: bool) -> Self {
        let context = &world.contexts[qp];
        Self {
            qp,
            first: context.send_next,
            next: context.send_next,
            seen: 0,
            early: keeps.then(BTreeMap::new),
            segments: BTreeMap::new(),
            repeated: 0,
            deframer: Deframer::new(framing(context)),
            ulpdus: vec![],
            loss,
        }
    }

    fn take(&mut self, world: &mut World) {
        let came: Vec<Segment> = world.segments[self.seen..].to_vec();
        self.seen = world.segments.len();
        let qp = self.qp;
        for segment in came.iter().filter(|s| s.qp == qp && !s.payload.is_empty()) {
            let place = segment.number.wrapping_sub(self.first);
            match self.segments.get(&place) {
                Some(before) => {
                    assert!(*before == segment.payload, "other octets at {place}");
                    self.repeated += 1;
                }
                None => drop(self.segments.insert(place, segment.payload.clone())),
            }
            if world.rng.random_bool(self.loss) {
                continue;
            }
            if segment.number == self.next {
                self.deliver(&segment.payload);
            } else if let Some(early) = &mut self.early {
                early.insert(place, segment.payload.clone());
            }
            while let Some(payload) = self.early_next() {
                self.deliver(&payload);
            }
            if !world.rng.random_bool(self.loss) {
                let shift = world.contexts[self.qp].send_window_shift;
                let window = world.contexts[self.qp].send_window >> shift;
                world.acknowledgements.push_back((self.qp as u64, self.next, window as u16));
            }
        }
    }

    fn early_next(&mut self) -> Option<Vec<u8>> {
        let place = self.next.wrapping_sub(self.first);
        self.early.as_mut()?.remove(&place)
    }

    fn deliver(&mut self, payload: &[u8]) {
        self.next = self.next.wrapping_add(payload.len() as u32);
        self.deframer.push(payload);
        while let Some(ulpdu) = self.deframer.next_ulpdu().expect("the stream is good") {
            self.ulpdus.push(ulpdu);
        }
    }

    /// The ULPDUs of Read Responses, and the others.
    fn split(&self) -> [Vec<&Vec<u8>>; 2] {
        let (responses, others) = self.ulpdus.iter().partition(|ulpdu| ulpdu[1] == RESPONSE);
        [responses, others]
    }
}

fn exchange(world: &mut World, peers: &mut [Peer], done: impl Fn(&World) -> bool) {
    for _ in 0..8000 {
        world.run(50);
        peers.iter_mut().for_each(|peer| peer.take(world));
        if done(world) {
            return;
        }
    }
    panic!("it does not end: {:?} {:?}", world.completions, world.events);
}

/// What a Read Request of the peer shall become.
fn response(world: &World, qp: usize, asked: &ReadAsked) -> Vec<Vec<u8>> {
    let request = SendRequest {
        remote_stag: asked.sink_stag.to_u64() as u32,
        remote_offset: asked.sink_offset.to_u64(),
        local_offset: asked.source_offset.to_u64(),
        length: asked.length.to_u64() as u32,
        opcode: opcode::WRITE,
        ..Default::default()
    };
    let mut ulpdus = expected(world, qp, &request, &mut 0);
    ulpdus.iter_mut().for_each(|ulpdu| ulpdu[1] = RESPONSE);
    ulpdus
}

fn ask(world: &mut World, qp: usize, length: u64) -> Vec<Vec<u8>> {
    let offset = world.rng.random_range(0..BUFFER_BYTES as u64 - length);
    let asked = ReadAsked {
        qp: (qp as u64).to_bits(),
        generation: 0.into(),
        sink_stag: 0x7777_1234.into(),
        sink_offset: 0x1234_5678_9abc_u64.to_bits(),
        length: length.to_bits(),
        source_stag: u64::from(STAG).to_bits(),
        source_offset: (BASE + offset).to_bits(),
    };
    world.ask(asked);
    response(world, qp, &asked)
}

/// Work requests of all kinds and Read Responses, at peers that lose up to a fifth of what comes,
/// and of what they say.
//= rfc9293#3.8.1
//= type=test
#[test]
fn what_is_lost_is_sent_again() {
    for (n, seed) in seeds().into_iter().take(1).enumerate() {
        let mut world = World::new(seed);
        let loss = [0.1, 0.05][n % 2];
        let streams = [3, 7, 12];
        for qp in streams {
            world.contexts[qp].retries = 15;
            world.contexts[qp].read_in = 8;
            world.contexts[qp].read_out = 8;
        }
        world.configure();
        let mut peers: Vec<Peer> =
            streams.iter().map(|qp| Peer::new(*qp, &world, loss, qp % 2 == 1)).collect();
        streams.iter().for_each(|qp| world.command(*qp, true));
        let (mut posted, mut responses) = (vec![vec![]; 3], vec![vec![]; 3]);
        let (mut messages, mut reads) = ([1; 3], [0; 3]);
        for number in 0..6_u32 {
            for (at, qp) in streams.into_iter().enumerate() {
                if world.rng.random_bool(0.1) && reads[at] < 8 {
                    let request = read(u64::from(number), 5);
                    reads[at] += 1;
                    world.post(qp, &request);
                    posted[at].push(read_request(reads[at], &request));
                } else {
                    let request = SendRequest { signaled: true, ..random_request(&mut world) };
                    world.post(qp, &request);
                    posted[at].extend(expected(&world, qp, &request, &mut messages[at]));
                }
            }
        }
        for qp in streams {
            world.ring(qp);
        }
        for at in 0..3 {
            for _ in 0..4 {
                let length = world.rng.random_range(0..2000);
                responses[at].extend(ask(&mut world, streams[at], length));
                peers.iter_mut().for_each(|peer| peer.take(&mut world));
            }
            for _ in 0..reads[at] {
                world.finish_read(streams[at]);
            }
        }
        exchange(&mut world, &mut peers, |world| world.completions.len() == 18);
        for _ in 0..100 {
            world.run(50);
            peers.iter_mut().for_each(|peer| peer.take(&mut world));
        }
        assert_eq!(world.events, [], "SEED={seed}");
        for (at, peer) in peers.iter().enumerate() {
            let [came, others] = peer.split();
            assert!(came.into_iter().eq(responses[at].iter()), "SEED={seed} responses of {at}");
            assert!(others.into_iter().eq(posted[at].iter()), "SEED={seed} requests of {at}");
            let numbers: Vec<u64> =
                world.completions.iter().filter(|c| c.0 == peer.qp as u64).map(|c| c.2).collect();
            assert!(numbers.into_iter().eq(0..6), "SEED={seed} completions of {at}");
            assert!(peer.repeated > 0 || loss < 0.09, "SEED={seed}: nothing was lost");
        }
        assert_eq!(world.read_sent.len(), reads.iter().sum::<u32>() as usize, "SEED={seed}");
        let repeated: u64 = peers.iter().map(|peer| peer.repeated).sum();
        assert_eq!(world.counts[0], repeated, "SEED={seed}");
    }
}

/// The third duplicate brings the lost segment back long before the timer would.
//= rfc5681#3.2
//= type=test
#[test]
fn the_third_duplicate_repeats_at_once() {
    let mut world = World::new(5);
    world.retransmit_min = 10_000;
    world.contexts[2].retries = 3;
    world.contexts[2].mulpdu = 1000;
    world.configure();
    world.command(2, true);
    let peer = Peer::new(2, &world, 0.0, false);
    world.post(2, &send(0, 6000));
    world.ring(2);
    while world.segments.len() < 7 {
        world.run(10);
        assert!(world.now < 20_000, "seven segments");
    }
    let sent = world.segments.len();
    let window = (world.contexts[2].send_window >> world.contexts[2].send_window_shift) as u16;
    for duplicates in 0..4 {
        assert_eq!(world.segments.len(), sent, "after {duplicates} duplicates");
        // The first one tells the window.
        world.acknowledgements.push_back((2, peer.first, window));
        world.run(300);
    }
    while world.segments.len() < 2 * sent {
        world.run(10);
        assert_eq!(world.counts[1], 0, "the timer has expired");
        assert!(world.now < 40_000, "nothing is repeated");
    }
    for (one, other) in world.segments[..sent].iter().zip(&world.segments[sent..]) {
        assert_eq!((one.number, &one.payload), (other.number, &other.payload));
    }
    assert_eq!(world.counts[0], sent as u64);
}

/// A peer that says nothing: the waits double, and then it is given up.
//= rfc6298#5
//= type=test
#[test]
fn a_silent_peer_is_given_up() {
    let mut world = World::new(6);
    world.retransmit_min = 10;
    world.contexts[2].retries = 3;
    world.configure();
    world.command(2, true);
    world.post(2, &send(0, 10));
    world.ring(2);
    let mut times = vec![];
    while world.events.is_empty() {
        let before = world.segments.len();
        world.run(10);
        times.extend((world.segments.len() > before).then_some(world.now / MICROSECOND));
        assert!(world.now < 8_000_000, "it waits for ever: {times:?}");
    }
    assert_eq!(world.events, [(2, u64::from(status::PEER_SILENT), 2 ^ 10)]);
    times.push(world.now / MICROSECOND);
    let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(world.counts, [3, 3], "{waits:?}");
    // Not measured: four times the least, and twice as long each time.
    for (n, wait) in waits.iter().enumerate() {
        let expected = 4 * world.retransmit_min << n;
        assert!((expected - 10..expected + 40).contains(wait), "{waits:?}");
    }
    assert_eq!(world.completions, []);
}

/// A queue pair without retries repeats nothing.
#[test]
fn without_retries_nothing_is_repeated() {
    let mut world = World::new(7);
    world.configure();
    world.command(2, true);
    world.post(2, &send(0, 3000));
    world.ring(2);
    world.run(2000);
    let sent = world.segments.len();
    for _ in 0..6 {
        let window = (world.contexts[2].send_window >> world.contexts[2].send_window_shift) as u16;
        world.acknowledgements.push_back((2, world.contexts[2].send_next, window));
    }
    world.run(10_000);
    assert_eq!((world.segments.len(), world.counts), (sent, [0, 0]));
}

/// A message of a megabyte is not walked from its beginning: behind a loss at its end the lost
/// segment leaves within microseconds.
#[test]
fn a_long_message_goes_back_a_little() {
    let mut world = World::new(8);
    world.latency = 50;
    world.pace = 1.0;
    world.contexts[2].retries = 3;
    world.contexts[2].mulpdu = 1400;
    world.contexts[2].send_window_shift = 0;
    world.configure();
    world.command(2, true);
    let mut peer = Peer::new(2, &world, 0.0, true);
    world.post(2, &send(0, 900_000));
    world.ring(2);
    while peer.next.wrapping_sub(peer.first) < 800_000 {
        world.run(20);
        peer.take(&mut world);
    }
    // One is lost, and what comes behind it is answered by duplicates.
    let (lost, before) = (peer.next, world.segments.len());
    let window = world.contexts[2].send_window as u16;
    world.run(800);
    peer.take(&mut world);
    world.acknowledgements.clear();
    let start = world.now;
    for _ in 0..4 {
        world.acknowledgements.push_back((2, lost, window));
    }
    let repeats = |world: &World| {
        world.segments[before..].iter().filter(|s| s.number == lost).count() == 2
    };
    while !repeats(&world) {
        world.run(1);
        assert!(world.now < start + 2000, "it walks a long way");
    }
}
