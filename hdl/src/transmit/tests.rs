//! The transmit engine in its world.
use crate::receive::records::*;
use crate::stream::bench::seeds;
use crate::transmit::bench::*;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::{opcode, SendRequest};
use ironwarp_abi::status;
use ironwarp_wire::mpa::stream::{Deframer, Framing};
use rand::Rng;
use rust_hdl::prelude::*;

pub(super) fn framing(context: &QueuePairContext) -> Framing {
    Framing { markers: context.send_markers, crc: context.crc }
}

pub(super) fn request(code: u8, offset: u64, length: u32) -> SendRequest {
    SendRequest {
        opcode: code,
        signaled: true,
        length,
        local_offset: BASE + offset,
        local_stag: STAG,
        ..Default::default()
    }
}

pub(super) fn send(offset: u64, length: u32) -> SendRequest {
    request(opcode::SEND, offset, length)
}

/// A peer: takes the segments of its queue pair in order, acknowledges, and keeps to a window.
pub(super) struct Peer {
    qp: usize,
    next: u32,
    /// What it has said: the sequence number after the window.
    limit: u32,
    seen: usize,
    deframer: Deframer,
    pub(super) ulpdus: Vec<Vec<u8>>,
    /// The largest multiple of the window scale that it offers.
    window: u32,
}

impl Peer {
    pub(super) fn new(qp: usize, context: &QueuePairContext) -> Self {
        Self {
            qp,
            next: context.send_next,
            limit: context.send_next.wrapping_add(context.send_window),
            seen: 0,
            deframer: Deframer::new(framing(context)),
            ulpdus: vec![],
            window: context.send_window >> context.send_window_shift,
        }
    }

    /// Takes what has come; says whether something has.
    pub(super) fn take(&mut self, world: &World) -> bool {
        let mut taken = false;
        for segment in &world.segments[self.seen..] {
            if segment.qp == self.qp && !segment.payload.is_empty() {
                assert_eq!(segment.number, self.next, "not the next segment");
                assert_eq!(segment.flags, 0x18, "PSH and ACK");
                self.next = self.next.wrapping_add(segment.payload.len() as u32);
                let room = self.limit.wrapping_sub(self.next);
                assert!(room < 1 << 31, "the window was not respected");
                self.deframer.push(&segment.payload);
                let before = self.ulpdus.len();
                while let Some(ulpdu) = self.deframer.next_ulpdu().expect("the stream is good") {
                    self.ulpdus.push(ulpdu);
                }
                assert_eq!(self.ulpdus.len(), before + 1, "one FPDU a segment");
                taken = true;
            }
        }
        self.seen = world.segments.len();
        taken
    }

    pub(super) fn acknowledge(&mut self, world: &mut World) {
        let shift = world.contexts[self.qp].send_window_shift;
        self.limit = self.next.wrapping_add(self.window << shift);
        world.acknowledgements.push_back((self.qp as u64, self.next, self.window as u16));
    }
}

/// The ULPDUs that a request must become.
pub(super) fn expected(world: &World, qp: usize, request: &SendRequest, message: &mut u32) -> Vec<Vec<u8>> {
    let write = request.opcode == opcode::WRITE;
    let (header, opcode) = match request.opcode {
        opcode::WRITE => (14, 0x40),
        opcode::SEND => (18, 0x43),
        _ => (18, 0x45),
    };
    let most = usize::from(world.contexts[qp].mulpdu) - header;
    let start = (request.local_offset - BASE) as usize;
    let octets = &world.buffer[start..start + request.length as usize];
    let mut pieces: Vec<&[u8]> = octets.chunks(most).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let count = pieces.len();
    let made = pieces.iter().enumerate().map(|(n, piece)| {
        let offset = n * most;
        let last = if n + 1 == count { 0x40 } else { 0 };
        let mut ulpdu = vec![if write { 0x81 } else { 0x01 } | last, opcode];
        if write {
            ulpdu.extend(request.remote_stag.to_be_bytes());
            ulpdu.extend((request.remote_offset + offset as u64).to_be_bytes());
        } else {
            ulpdu.extend([0; 8]);
            ulpdu.extend(message.to_be_bytes());
            ulpdu.extend((offset as u32).to_be_bytes());
        }
        ulpdu.extend(*piece);
        ulpdu
    });
    let made = made.collect();
    *message += u32::from(!write);
    made
}

pub(super) fn random_request(world: &mut World) -> SendRequest {
    let codes = [opcode::WRITE, opcode::SEND, opcode::SEND_SOLICITED];
    let code = codes[world.rng.random_range(0..3)];
    let lengths = [0, 1, 24, 700, 1440, world.rng.random_range(0..6000)];
    let length = lengths[world.rng.random_range(0..6)];
    let offset = world.rng.random_range(0..BUFFER_BYTES as u64 - u64::from(length));
    let mut made = request(code, offset, length);
    made.signaled = world.rng.random();
    if code == opcode::WRITE {
        made.remote_stag = world.rng.random();
        made.remote_offset = world.rng.random::<u64>() >> 1;
    }
    made
}

/// Posts ten random requests to a queue pair and notes the completions that they must bring; the
/// ULPDUs that they must become.
fn post_random(world: &mut World, qp: usize, told: &mut Vec<Told>) -> Vec<Vec<u8>> {
    let mut wanted = vec![];
    let mut message = 1;
    for number in 0..10 {
        let request = random_request(world);
        world.post(qp, &request);
        wanted.extend(expected(world, qp, &request, &mut message));
        if request.signaled {
            let (qp, cq) = (qp as u64, qp as u64 ^ 5);
            told.push((qp, 0, number, u64::from(request.length), cq));
        }
    }
    wanted
}

/// Posts raw frames of all sorts of lengths, and notes their completions; the frames.
fn post_raw(world: &mut World, told: &mut Vec<Told>) -> Vec<Vec<u8>> {
    let raw: Vec<(u64, u32)> = [14, 15, 21, 60, 64, 1514, 9014]
        .iter()
        .map(|length| (world.rng.random_range(0..100_000), *length))
        .collect();
    for (number, (offset, length)) in raw.iter().enumerate() {
        world.post(0, &request(opcode::RAW_FRAME, *offset, *length));
        told.push((0, 0, number as u64, u64::from(*length), 5));
    }
    raw.iter()
        .map(|(offset, length)| world.buffer[*offset as usize..][..*length as usize].to_vec())
        .collect()
}

/// Runs until no peer has taken anything for 3000 clocks.
pub(super) fn exchange(world: &mut World, peers: &mut [Peer]) {
    let mut quiet = 0;
    while quiet < 3000 {
        world.run(50);
        quiet += 50;
        for peer in &mut *peers {
            // An acknowledgement of nothing new and one of the future do no harm.
            if peer.take(world) {
                quiet = 0;
                if world.rng.random_bool(0.1) {
                    let future = peer.next.wrapping_add(1);
                    world.acknowledgements.push_back((peer.qp as u64, future, 9999));
                }
                peer.acknowledge(world);
            }
        }
    }
}

/// Three queue pairs and raw frames at once; every octet, every completion.
//= rfc9293#3.8.6
//= type=test
#[test]
fn requests_become_frames_and_complete() {
    for seed in seeds().into_iter().take(2) {
        let mut world = World::new(seed);
        world.configure();
        let streams = [3, 7, 12];
        let mut peers: Vec<Peer> =
            streams.iter().map(|qp| Peer::new(*qp, &world.contexts[*qp])).collect();
        for qp in [0, 3, 7, 12] {
            world.command(qp, true);
        }
        let mut told: Vec<Vec<Told>> = vec![vec![]; QPS];
        let wanted = streams.map(|qp| post_random(&mut world, qp, &mut told[qp]));
        let frames = post_raw(&mut world, &mut told[0]);
        for qp in [7, 0, 12, 3] {
            world.ring(qp);
        }
        exchange(&mut world, &mut peers);
        for (n, peer) in peers.iter().enumerate() {
            assert_eq!(peer.ulpdus.len(), wanted[n].len(), "SEED={seed} qp {}", peer.qp);
            assert!(peer.ulpdus == wanted[n], "SEED={seed} qp {}", peer.qp);
        }
        assert!(world.raw == frames, "SEED={seed}: the raw frames differ");
        for (qp, told) in told.iter().enumerate() {
            let got: Vec<Told> =
                world.completions.iter().filter(|c| c.0 == qp as u64).copied().collect();
            assert_eq!(&got, told, "SEED={seed} qp {qp}");
        }
        assert_eq!(world.events, [], "SEED={seed}");
        for peer in &peers {
            world.uut.query_qp.next = (peer.qp as u64).to_bits();
            world.run(2);
            assert_eq!(world.uut.query_send_next.val().to_u64() as u32, peer.next);
            assert_eq!(world.uut.query_send_unacknowledged.val().to_u64() as u32, peer.next);
        }
    }
}

/// Without an acknowledgement a request does not complete, and the window stops the stream.
#[test]
fn waits_for_the_window_and_the_acknowledgement() {
    let mut world = World::new(11);
    world.contexts[2].send_window = 3000;
    world.contexts[2].send_window_shift = 2;
    world.contexts[2].mulpdu = 1000;
    world.configure();
    world.command(2, true);
    world.post(2, &send(10, 900));
    world.post(2, &send(10, 5000));
    world.ring(2);
    world.run(4000);
    let octets = |world: &World| -> usize { world.segments.iter().map(|s| s.payload.len()).sum() };
    let sent = octets(&world);
    assert!(sent > 1900 && sent <= 3000, "{sent} octets against a window of 3000");
    assert!(world.completions.is_empty());
    // The first segment is acknowledged; the window shrinks to what is out.
    let start = world.contexts[2].send_next;
    let first = world.segments[0].payload.len() as u32;
    world.acknowledgements.push_back((2, start.wrapping_add(first), 500));
    world.run(2000);
    assert_eq!(world.completions, [(2, 0, 0, 900, 7)]);
    assert_eq!(octets(&world), sent, "a window of 2000 octets is full");
    // Old news changes nothing; then everything opens.
    world.acknowledgements.push_back((2, start, 60_000));
    world.run(500);
    assert_eq!(octets(&world), sent, "an old acknowledgement was taken");
    world.acknowledgements.push_back((2, start.wrapping_add(first), 10_000));
    world.run(4000);
    assert!(octets(&world) > 5900);
    let end = start.wrapping_add(octets(&world) as u32);
    world.acknowledgements.push_back((2, end.wrapping_sub(1), 10_000));
    world.run(300);
    assert_eq!(world.completions.len(), 1, "one octet is not acknowledged");
    world.acknowledgements.push_back((2, end, 10_000));
    world.run(300);
    assert_eq!(world.completions[1..], [(2, 0, 1, 5000, 7)]);
}

fn tell(world: &mut World, edge: ReceiveEdge) {
    world.uut.receive_edge.next = edge;
    world.clock();
    world.uut.receive_edge.next = ReceiveEdge::default();
}

/// Acknowledgements go with data if there is some, and alone if not.
#[test]
fn acknowledges_what_was_received() {
    let mut world = World::new(12);
    world.configure();
    world.command(4, true);
    world.command(5, true);
    let edge = |qp: u64, expected: u64, window: u64, acknowledge| ReceiveEdge {
        valid: true,
        qp: qp.to_bits(),
        generation: 1.into(),
        expected: expected.to_bits(),
        window: window.to_bits(),
        acknowledge,
    };
    tell(&mut world, edge(4, 0xdead_beef, 4321, true));
    world.run(100);
    let context = world.contexts[4];
    assert_eq!(world.segments.len(), 1);
    let ack = &world.segments[0];
    assert_eq!((ack.number, ack.acknowledgement), (context.send_next, 0xdead_beef));
    assert_eq!((ack.window, ack.flags, ack.payload.len()), (4321, 0x10, 0));
    // An edge that asks for nothing sends nothing, but is what the next frame says.
    tell(&mut world, edge(4, 0xdead_bef0, 1, false));
    world.run(100);
    assert_eq!(world.segments.len(), 1);
    world.post(4, &send(0, 5));
    world.post(5, &send(0, 5));
    world.ring(4);
    world.ring(5);
    world.run(1500);
    assert_eq!(world.segments.len(), 3);
    let data = world.segments.iter().find(|s| s.qp == 4 && s.flags == 0x18).expect("data");
    assert_eq!((data.acknowledgement, data.window), (0xdead_bef0, 1));
    // The other queue pair says what its context says.
    let other = world.segments.iter().find(|s| s.qp == 5).expect("data");
    let (number, shift) = (world.contexts[5].receive_next, world.contexts[5].receive_window_shift);
    assert_eq!(other.acknowledgement, number);
    assert_eq!(u32::from(other.window), (500_000 >> shift).min(65_535));
    // After data, an acknowledgement has the number after it.
    let after = data.number.wrapping_add(data.payload.len() as u32);
    tell(&mut world, edge(4, 7, 7, true));
    world.run(100);
    assert_eq!(world.segments[3].number, after);
    // Not for a queue pair that is not active.
    world.end(4, 1);
    world.run(20);
    tell(&mut world, edge(4, 8, 8, true));
    world.run(100);
    assert_eq!(world.segments.len(), 4);
}

/// What the host got wrong is told once, and stops only its queue pair.
#[test]
fn errors_stop_their_queue_pair() {
    let bad_stag = SendRequest { local_stag: STAG ^ 0x100, ..send(0, 10) };
    let mut spoiled = send(0, 10).to_bytes();
    spoiled[60] = 1;
    let cases: [(usize, [u8; 64], u8); 8] = [
        (1, bad_stag.to_bytes(), status::LOCAL_STAG),
        (1, send(BUFFER_BYTES as u64 - 9, 10).to_bytes(), status::LOCAL_BOUNDS),
        (1, request(99, 0, 0).to_bytes(), status::BAD_OPCODE),
        (1, spoiled, status::RESERVED_FIELD),
        (0, request(opcode::RAW_FRAME, 0, 13).to_bytes(), status::RAW_LENGTH),
        (1, request(opcode::RAW_FRAME, 0, 60).to_bytes(), status::BAD_OPCODE),
        // The bus refuses the payload.
        (1, send(70_000, 4000).to_bytes(), status::DMA_FAULT),
        (0, request(opcode::RAW_FRAME, 70_000, 4000).to_bytes(), status::DMA_FAULT),
    ];
    for (qp, octets, why) in cases {
        let mut world = World::new(13);
        world.configure();
        world.poison = Some(BUFFER + 70_000 + 2345);
        for qp in [0, 1, 2] {
            world.command(qp, true);
        }
        // Something good before it and after it.
        let good = if qp == 0 { request(opcode::RAW_FRAME, 0, 60) } else { send(0, 60) };
        world.post(qp, &good);
        world.ring(qp);
        world.run(1200);
        world.post_octets(qp, octets);
        world.post(qp, &good);
        world.post(2, &send(0, 3000));
        world.ring(qp);
        world.ring(2);
        world.run(4000);
        let cq = qp as u64 ^ 10;
        assert_eq!(world.events, [(qp as u64, u64::from(why), cq)], "qp {qp} status {why}");
        let frames = world.segments.iter().filter(|s| s.qp == qp).count() + world.raw.len();
        // A DMA fault shows late: whole segments of the message may have gone before it.
        assert!(frames == 1 || (why == status::DMA_FAULT && frames < 40), "status {why}");
        let other: usize =
            world.segments.iter().filter(|s| s.qp == 2).map(|s| s.payload.len()).sum();
        assert!(other > 3000, "the other queue pair was stopped, too");
        // A new start makes it good again.
        world.command(qp, false);
        world.command(qp, true);
        let before = world.segments.len() + world.raw.len();
        world.post(qp, &good);
        world.ring(qp);
        world.run(2000);
        let after = world.segments.len() + world.raw.len();
        assert_eq!(after, before + 1, "qp {qp} status {why}: {:?}", world.segments);
        assert_eq!(world.events.len(), 1);
    }
}

//= rfc5044#7.1.2  The Responder sends nothing before the Initiator's first FPDU.
//= type=test
#[test]
fn a_responder_waits_for_the_first_fpdu() {
    let mut world = World::new(14);
    world.contexts[6].await_first_fpdu = true;
    world.configure();
    world.command(6, true);
    world.post(6, &send(0, 10));
    world.ring(6);
    world.run(1000);
    assert!(world.segments.is_empty());
    world.open(6);
    world.run(1000);
    assert_eq!(world.segments.len(), 1);
}

/// What is under way when a queue pair stops never leaves, and does not disturb its next life.
#[test]
fn a_new_life_sees_nothing_of_the_old_one() {
    for seed in seeds().into_iter().take(3) {
        let mut world = World::new(seed);
        world.latency = 200;
        world.contexts[9].send_window = 1 << 20;
        world.configure();
        world.command(9, true);
        for n in 0..20 {
            world.post(9, &send(1000 * n, 900));
        }
        world.ring(9);
        let clocks = world.rng.random_range(10..700);
        world.run(clocks);
        let old = world.contexts[9];
        world.command(9, false);
        let cut = world.now;
        world.contexts[9].send_next = old.send_next.wrapping_add(0x4000_0000);
        world.configure();
        world.command(9, true);
        let start = world.contexts[9].send_next;
        let mut peer = Peer::new(9, &world.contexts[9]);
        // A frame whose header was built may still have left after the stop.
        world.post(9, &send(50_000, 100));
        world.ring(9);
        world.run(3000);
        peer.seen = world
            .segments
            .iter()
            .position(|s| s.clock > cut && s.number.wrapping_sub(start) < 1 << 20)
            .expect("the new life's segment");
        peer.take(&world);
        assert_eq!(peer.ulpdus.len(), 1, "SEED={seed}");
        assert_eq!(peer.ulpdus[0][18..], world.buffer[50_000..50_100], "SEED={seed}");
        assert_eq!(world.completions, [], "SEED={seed}");
        peer.acknowledge(&mut world);
        world.run(200);
        assert_eq!(world.completions.len(), 1, "SEED={seed}");
    }
}

/// Full frames at the rate of the wire, and small messages one per 20 clocks.
#[test]
fn keeps_the_rate() {
    for (length, count, markers, limit) in
        [(1440 * 12, 1, false, 192.0), (1428 * 12, 1, true, 192.0), (64, 40, false, 20.0)]
    {
        let mut world = World::new(15);
        world.pace = 1.0;
        world.latency = 150;
        world.contexts[3].mulpdu = if markers { 1442 } else { 1454 };
        world.contexts[3].send_markers = markers;
        world.contexts[3].send_window = 1 << 20;
        world.configure();
        world.command(3, true);
        let code = opcode::WRITE;
        for _ in 0..count {
            world.post(3, &request(code, 0, length));
        }
        world.ring(3);
        world.run(4000);
        let clocks = (world.ends.last().expect("frames").0 - world.ends[2].0) as f64;
        let each = clocks / (world.ends.len() - 3) as f64;
        let apart: Vec<u64> = world.ends.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        println!("{apart:?}");
        println!(
            "{length} octets, markers {markers}: {} frames, {each} clocks each",
            world.ends.len()
        );
        assert!(each <= limit, "{length} octets: {each} clocks a frame");
    }
}

/// Two queue pairs in turn cost no more than one.
#[test]
fn two_queue_pairs_share_the_rate() {
    let mut world = World::new(16);
    world.pace = 1.0;
    world.latency = 150;
    for qp in [3, 5] {
        world.contexts[qp].mulpdu = 1454;
        world.contexts[qp].send_markers = false;
        world.contexts[qp].send_window = 1 << 20;
    }
    world.configure();
    for qp in [3, 5] {
        world.command(qp, true);
        for _ in 0..20 {
            world.post(qp, &request(opcode::WRITE, 0, 64));
        }
        world.ring(qp);
    }
    world.run(2000);
    assert_eq!(world.segments.len(), 40);
    let clocks = (world.ends[39].0 - world.ends[2].0) as f64 / 37.0;
    println!("{clocks} clocks each");
    assert!(clocks <= 20.0, "{clocks} clocks a frame");
    // In turns, once both have work.
    let turns = world.segments[8..32].windows(2).filter(|pair| pair[0].qp != pair[1].qp).count();
    assert!(turns >= 20, "{turns} turns");
}

/// After a stop, or the end of a region, reads of payload and frames that are under way come to an
/// end before the fence does, and none begins after it; another queue pair goes on.
#[test]
fn a_fence_comes_out_behind_everything() {
    for seed in seeds().into_iter().take(6) {
        let mut world = World::new(seed);
        world.contexts[9].send_window = 1 << 20;
        world.configure();
        let (stop, wait) = (world.rng.random(), world.rng.random_range(1..900));
        world.command(9, true);
        for n in 0..40 {
            world.post(9, &send(1000 * n, 900));
        }
        world.ring(9);
        world.run(wait);
        world.held = true;
        world.run(100);
        if stop {
            world.command(9, false);
        } else {
            world.clear_region();
        }
        world.fence();
        world.run(200);
        let under_way = world.under_way();
        assert!(world.fenced.is_none() || !under_way, "SEED={seed}: the bus was held");
        world.held = false;
        world.run(4000);
        let fenced = world.fenced.expect("the fence came out");
        let last = world.reads.iter().max().copied().unwrap_or(0);
        assert!(last <= fenced, "SEED={seed}: memory was read after the fence");
        let last = world.segments.iter().map(|s| s.clock).max().unwrap_or(0);
        assert!(last <= fenced + 1, "SEED={seed}: a frame left after the fence");
        // SND.NXT is what has left on the wire.
        let sent: usize = world.segments.iter().map(|s| s.payload.len()).sum();
        world.uut.query_qp.next = 9.into();
        world.run(2);
        let number = world.contexts[9].send_next.wrapping_add(sent as u32);
        assert_eq!(world.uut.query_send_next.val().to_u64() as u32, number, "SEED={seed}");
        // The fence holds nobody else.
        world.configure();
        world.command(4, true);
        world.post(4, &send(0, 100));
        world.ring(4);
        world.run(2000);
        assert!(world.segments.iter().any(|s| s.qp == 4), "SEED={seed}");
    }
}

/// Every start of a queue pair is a life of its own, however many there were.
#[test]
fn segments_of_many_lives_ago_never_leave() {
    let mut world = World::new(17);
    world.contexts[9].send_window = 1 << 20;
    world.latency = 200;
    world.configure();
    world.command(9, true);
    for n in 0..10 {
        world.post(9, &send(1000 * n, 900));
    }
    world.ring(9);
    world.run(300);
    world.held = true;
    for starts in 1..20 {
        world.command(9, false);
        world.command(9, true);
        assert_eq!(world.generation[9], 1 + starts);
    }
    let cut = world.now;
    world.held = false;
    world.run(4000);
    assert!(world.segments.iter().all(|s| s.clock <= cut + 20), "a segment of an earlier life");
    assert_eq!(world.completions, []);
}

/// An error that is told after the next start is of the life before, and says so.
#[test]
fn an_event_carries_its_life() {
    let mut world = World::new(18);
    world.configure();
    world.command(1, true);
    world.stall_events = true;
    world.post(1, &SendRequest { local_stag: STAG ^ 0x100, ..send(0, 10) });
    world.ring(1);
    world.run(1000);
    world.command(1, false);
    world.command(1, true);
    world.stall_events = false;
    world.run(200);
    assert_eq!(world.events, [], "an event of the life before has no effect");
    world.post(1, &send(0, 10));
    world.ring(1);
    world.run(1000);
    assert_eq!(world.segments.len(), 1);
}
