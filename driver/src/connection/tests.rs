//! Two drivers open, use and close connections over a pipe of frames.

mod batches;
mod life;
mod neighbour;
mod startup;
mod threads;

use super::frames::segment::tests::mirrored;
use super::frames::segment::{Direction, Segment};
use crate::error::Reason;
use crate::fake::Fake;
use crate::{
    Access, CompletionQueue, Context, Error, Event, MemoryRegion, Operation, Options, PeerStartup,
    ProtectionDomain, QpState, QueuePair, QueuePairOptions, ReceiveWindow, Region, RequestId,
    StartupOptions, Status, WorkRequest,
};
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::status;
use ironwarp_wire::sequence::Sequence;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PORT: u16 = 7000;

/// One end.
struct End {
    fake: Arc<Fake>,
    context: Context,
    cq: CompletionQueue,
    qp: QueuePair,
    memory: MemoryRegion,
    _domain: ProtectionDomain,
    events: Vec<Event>,
}

impl End {
    fn new(fake: Arc<Fake>, options: Options) -> Self {
        let context = Context::open(fake.clone(), options).unwrap();
        let domain = context.protection_domain().unwrap();
        let cq = context.completion_queue(256).unwrap();
        let qp = domain.queue_pair(&QueuePairOptions::new(&cq)).unwrap();
        let memory = domain.register(&Region::new(4096).unwrap(), Access::LOCAL).unwrap();
        Self { fake, context, cq, qp, memory, _domain: domain, events: Vec::new() }
    }

    fn post_receive(&self, id: u64) {
        self.qp.post_receive(id, self.memory.whole()).unwrap();
    }

    fn poll(&mut self) {
        self.events.extend(self.context.poll().unwrap());
    }

    fn started_with(&self) -> QueuePairContext {
        self.fake.queue_pair(self.qp.number()).expect("the queue pair is active")
    }

    fn take_request(&mut self) -> (RequestId, PeerStartup) {
        match self.events.drain(..).collect::<Vec<_>>().as_slice() {
            [Event::ConnectRequest { request, port: PORT, startup }] => (*request, startup.clone()),
            other => panic!("a connection request should come, not {other:?}"),
        }
    }

    fn take_only(&mut self) -> Event {
        match self.events.drain(..).collect::<Vec<_>>().as_slice() {
            [event] => event.clone(),
            other => panic!("one event should come, not {other:?}"),
        }
    }
}

/// Initiator and Responder.
struct Pair {
    a: End,
    b: End,
}

fn peer() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT)
}

impl Pair {
    fn new() -> Self {
        Self::with_mtus(1500, 1500)
    }

    fn with_mtus(a: usize, b: usize) -> Self {
        let seed = |number| Some(u64::from(number));
        let options = |number, mtu| Options { mtu, seed: seed(number), ..Options::station(number) };
        Self::with_options(options(1, a), options(2, b))
    }

    fn with_options(a: Options, b: Options) -> Self {
        let (left, right) = Fake::pair();
        Self { a: End::new(left, a), b: End::new(right, b) }
    }

    /// Runs both ends for a while of device time, or until `done`.
    fn run(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) {
        let start = self.a.context.now();
        while !done(self) && self.a.context.now() < start + limit {
            self.a.poll();
            self.b.poll();
            self.b.context.arm().unwrap();
            self.a.context.wait(Duration::from_micros(200)).unwrap();
        }
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        self.run(Duration::from_secs(30), &done);
        assert!(done(self), "A had {:?}, B had {:?}", self.a.events, self.b.events);
    }

    fn request(&mut self, options: &StartupOptions) -> (RequestId, PeerStartup) {
        self.b.context.listen(PORT).unwrap();
        self.a.context.connect(&self.a.qp, peer(), options).unwrap();
        self.run_until(|pair| !pair.b.events.is_empty());
        self.b.take_request()
    }

    /// Connects; answers both sides' events.
    fn connect(&mut self, request: &StartupOptions, reply: &StartupOptions) -> [Event; 2] {
        let (id, _) = self.request(request);
        self.b.context.accept(id, &self.b.qp, reply).unwrap();
        self.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        [self.a.take_only(), self.b.take_only()]
    }

    fn connected() -> Self {
        let mut pair = Self::new();
        let options = StartupOptions::default();
        let [a, b] = pair.connect(&options, &options);
        assert!(matches!(a, Event::Established { .. }), "{a:?}");
        assert!(matches!(b, Event::Established { .. }), "{b:?}");
        pair.a.fake.take_owned();
        pair.b.fake.take_owned();
        pair
    }

    fn finish(self) {
        assert_eq!((self.a.fake.complaints(), self.b.fake.complaints()), (vec![], vec![]));
    }
}

/// Keeps every TCP segment that a station sends.
fn tap(fake: &Fake) -> Arc<Mutex<Vec<Segment>>> {
    let segments = Arc::new(Mutex::new(Vec::new()));
    let sink = segments.clone();
    fake.filter(move |frame| {
        sink.lock().unwrap().extend(Segment::parse(frame, Direction::Out));
        true
    });
    segments
}

/// Both contexts continue the stream where the startup frames ended, and fit each other.
#[test]
fn the_hardware_gets_the_stream_where_software_left_it() {
    let mut pair = Pair::with_mtus(9000, 1500);
    let (from_a, from_b) = (tap(&pair.a.fake), tap(&pair.b.fake));
    let request = StartupOptions { markers: true, ..StartupOptions::with_private_data(b"request") };
    let (id, startup) = pair.request(&request);
    assert_eq!((startup.private_data.as_slice(), startup.revision), (&b"request"[..], 2));
    let reply = StartupOptions::with_private_data(&[7; 508]);
    pair.b.context.accept(id, &pair.b.qp, &reply).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    let (a, b) = (pair.a.started_with(), pair.b.started_with());
    assert_eq!((a.send_next, b.send_next), (b.receive_next, a.receive_next));
    let last = |segments: &[Segment]| {
        segments
            .iter()
            .map(Segment::end)
            .reduce(|last, end| if end.is_after(last) { end } else { last })
    };
    assert_eq!(last(&from_a.lock().unwrap()), Some(Sequence(a.send_next)));
    assert_eq!(last(&from_b.lock().unwrap()), Some(Sequence(b.send_next)));
    assert_eq!((a.local_ip, a.local_port), (b.remote_ip, b.remote_port));
    assert_eq!((b.local_ip, b.local_port), (0x0a00_0002, PORT));
    assert_eq!((a.local_mac, b.local_mac), (b.remote_mac, a.remote_mac));
    let window = pair.a.context.configuration().receive_window_max();
    assert_eq!((a.receive_window, a.receive_window_shift), (window, 0));
    // The smaller of the two MTUs, and markers from B to A only.
    assert_eq!((a.mulpdu, b.mulpdu), (1454, 1442));
    assert_eq!((a.send_markers, a.receive_markers), (false, true));
    assert_eq!((b.send_markers, b.receive_markers), (true, false));
    assert!(!a.await_first_fpdu && b.await_first_fpdu && a.crc && b.crc);
    // What the other side can hold was offered; of A's, the Reply takes something.
    let reply = 20 + 4 + 508;
    assert_eq!((a.send_window, b.send_window), (window, window - reply));
    assert_eq!((pair.a.fake.flows().len(), pair.b.fake.flows().len()), (1, 1));
    let Event::Established { startup, .. } = pair.a.take_only() else { panic!("not established") };
    assert_eq!((startup.private_data, startup.peer), (vec![7; 508], peer()));
    pair.finish();
}

/// A window that the device cannot hold is for those who ask for it, and scaled.
#[test]
fn a_larger_window_is_an_explicit_wish() {
    for (wish, window, shift) in [
        (ReceiveWindow::Beyond(256 * 1024), 256 * 1024, 3),
        (ReceiveWindow::UpTo(256 * 1024), REFERENCE.receive_window_max(), 0),
        (ReceiveWindow::UpTo(5000), 5000, 0),
    ] {
        let options = |number| Options { receive_window: wish, ..Options::station(number) };
        let mut pair = Pair::with_options(options(1), options(2));
        pair.connect(&StartupOptions::default(), &StartupOptions::default());
        for (ours, peers) in [(&pair.a, &pair.b), (&pair.b, &pair.a)] {
            let (ours, peers) = (ours.started_with(), peers.started_with());
            assert_eq!((ours.receive_window, ours.receive_window_shift), (window, shift));
            // Software promised no more than the hardware keeps.
            assert!(peers.send_window <= window && peers.send_window_shift == shift, "{wish:?}");
        }
        pair.finish();
    }
}

//= rfc5044#7.1.2
//= type=test
/// The Responder's hardware is armed before its Reply leaves.
#[test]
fn the_reply_leaves_after_the_hardware_is_armed() {
    let mut pair = Pair::new();
    let (id, _) = pair.request(&StartupOptions::default());
    let armed = Arc::new(Mutex::new(Vec::new()));
    let sink = armed.clone();
    pair.b.fake.watch(move |frame, flows| {
        let segment = Segment::parse(frame, Direction::Out);
        if segment.is_some_and(|segment| !segment.payload.is_empty()) {
            sink.lock().unwrap().push(flows);
        }
    });
    pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
    assert!(pair.b.fake.flows().is_empty());
    pair.run_until(|pair| !pair.a.events.is_empty());
    assert_eq!(*armed.lock().unwrap(), [1], "one Reply, after the flow entry became valid");
    pair.finish();
}

/// Neither FIN nor RST leaves when smoltcp's socket is taken away, and the last pure
/// acknowledgement of the Reply reaches the Responder's hardware.
#[test]
fn the_hand_over_is_silent() {
    let mut pair = Pair::new();
    let (from_a, from_b) = (tap(&pair.a.fake), tap(&pair.b.fake));
    let options = StartupOptions::default();
    pair.connect(&options, &options);
    pair.run(Duration::from_secs(20), |_| false);
    for segments in [&from_a, &from_b] {
        let segments = segments.lock().unwrap();
        assert!(segments.iter().all(|segment| !segment.rst && !segment.fin), "{segments:?}");
    }
    let owned = pair.b.fake.take_owned();
    let send_next = Sequence(pair.b.started_with().send_next);
    let last = Segment::parse(&owned[0], Direction::In).unwrap();
    assert_eq!((last.acknowledged, last.payload.len()), (Some(send_next), 0));
    assert_eq!((pair.a.events.len(), pair.b.events.len()), (0, 0));
    pair.finish();
}

#[test]
fn work_flows_once_the_connection_is_open() {
    let mut pair = Pair::new();
    pair.b.post_receive(1);
    let early = WorkRequest::send(2, pair.a.memory.whole());
    assert!(matches!(pair.a.qp.post_send(early), Err(Error::State(QpState::Idle))));
    let options = StartupOptions::default();
    pair.connect(&options, &options);
    pair.b.post_receive(3);
    pair.a.qp.post_send(early).unwrap();
    pair.a.qp.post_send(WorkRequest::send(4, pair.a.memory.whole()).unsignaled()).unwrap();
    let sent = pair.a.cq.poll(10).unwrap();
    assert_eq!(sent.iter().map(|done| done.id).collect::<Vec<_>>(), [2]);
    assert_eq!((sent[0].status, sent[0].operation), (Status::SUCCESS, Operation::Send));
    // The receive that was posted before the connection was announced with it.
    pair.b.fake.deliver(pair.b.qp.number(), 100);
    let received = pair.b.cq.poll(10).unwrap();
    assert_eq!((received.len(), received[0].id, received[0].length), (1, 1, 100));
    pair.finish();
}

//= rfc6581#9.2
//= type=test
/// As equals, the Initiator's first work request is an empty RDMA Write, of which its
/// application does not hear.
#[test]
fn equals_begin_with_an_empty_write() {
    let mut pair = Pair::new();
    let request = StartupOptions { peer_to_peer: true, ..StartupOptions::default() };
    pair.connect(&request, &StartupOptions::default());
    let send = ironwarp_abi::registers::DOORBELL_SEND;
    assert_eq!(pair.a.fake.doorbell(pair.a.qp.number(), send), 1);
    assert_eq!(pair.b.fake.doorbell(pair.b.qp.number(), send), 0);
    pair.run(Duration::from_millis(1), |_| false);
    assert!(pair.a.cq.poll(10).unwrap().is_empty());
    pair.finish();
}

#[test]
fn revision_one_is_answered_in_kind() {
    let mut pair = Pair::new();
    let request =
        StartupOptions { enhanced: false, crc: false, ..StartupOptions::with_private_data(b"one") };
    let reply = StartupOptions { crc: false, ..StartupOptions::default() };
    let [a, b] = pair.connect(&request, &reply);
    for event in [a, b] {
        let Event::Established { startup, agreement, .. } = event else { panic!("{event:?}") };
        assert_eq!((startup.revision, startup.reads, agreement.crc), (1, None, false));
    }
    assert!(!pair.a.started_with().crc && !pair.b.started_with().crc);
    pair.finish();
}

//= rfc5044#7.1.2
//= type=test
#[test]
fn a_rejected_request_leaves_the_queue_pair_idle() {
    let mut pair = Pair::new();
    let (id, _) = pair.request(&StartupOptions::default());
    pair.b.context.reject(id, b"no").unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let Event::Rejected { qp, startup } = pair.a.take_only() else { panic!("not rejected") };
    assert_eq!((qp, startup.private_data.as_slice()), (pair.a.qp.number(), &b"no"[..]));
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Idle);
    assert!(matches!(pair.b.context.reject(id, b"no"), Err(Error::Gone(_))), "only once");
    // The same queue pair, the same port, again.
    pair.a.context.connect(&pair.a.qp, peer(), &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.b.events.is_empty());
    let (id, _) = pair.b.take_request();
    pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    pair.finish();
}

/// Both sides hear of it, work that is left is flushed, and the queue pairs can be used again.
#[test]
fn closing_in_order_from_either_side_and_from_both() {
    for (by_a, by_b) in [(true, false), (false, true), (true, true)] {
        let mut pair = Pair::connected();
        let (from_a, from_b) = (tap(&pair.a.fake), tap(&pair.b.fake));
        pair.b.post_receive(9);
        for (end, closes) in [(&pair.a, by_a), (&pair.b, by_b)] {
            if closes {
                end.context.disconnect(&end.qp).unwrap();
                let twice = end.context.disconnect(&end.qp);
                assert!(matches!(twice, Err(Error::State(QpState::Draining))));
            }
        }
        pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        for end in [&mut pair.a, &mut pair.b] {
            assert_eq!(end.take_only(), Event::Disconnected { qp: end.qp.number() });
            assert_eq!(end.qp.state().unwrap(), QpState::Closed);
            assert!(end.fake.flows().is_empty());
            assert!(end.fake.queue_pair(end.qp.number()).is_none());
        }
        let flushed = pair.b.cq.poll(10).unwrap();
        assert_eq!(
            flushed.iter().map(|done| (done.id, done.status)).collect::<Vec<_>>(),
            [(9, Status::FLUSHED)]
        );
        pair.run(Duration::from_secs(2), |_| false);
        for segments in [&from_a, &from_b] {
            let segments = segments.lock().unwrap();
            assert_eq!(segments.iter().filter(|segment| segment.fin).count(), 1);
            assert!(segments.iter().all(|segment| !segment.rst), "{segments:?}");
        }
        pair.a.qp.reset().unwrap();
        pair.b.qp.reset().unwrap();
        pair.b.context.unlisten(PORT).unwrap();
        let options = StartupOptions::default();
        let [a, _] = pair.connect(&options, &options);
        assert!(matches!(a, Event::Established { .. }), "{a:?}");
        pair.finish();
    }
}

//= rfc9293#3.6
//= type=test
/// The peer's FIN came first, maybe right behind its last message: to close then as well is no
/// error, at whatever moment, our FIN leaves, and the end is told once.
#[test]
fn closing_after_the_peer_is_no_error() {
    for moment in [QpState::Open, QpState::Draining, QpState::Closed] {
        let mut pair = Pair::connected();
        pair.a.post_receive(1);
        let (number, fin) = (pair.a.qp.number(), pair.a.started_with().receive_next);
        let from_a = tap(&pair.a.fake);
        pair.a.fake.deliver(number, 100);
        pair.a.fake.event(number, status::PEER_CLOSED, fin);
        let mut done = Vec::new();
        for _ in 0..9 {
            if pair.a.qp.state().unwrap() == moment {
                pair.a.context.disconnect(&pair.a.qp).unwrap();
            }
            pair.a.poll();
            done.extend(pair.a.cq.poll(9).unwrap());
            pair.a.context.wait(Duration::from_micros(15)).unwrap();
        }
        assert_eq!(pair.a.qp.state().unwrap(), QpState::Closed, "{moment:?}");
        assert_eq!((done.len(), done[0].length), (1, 100), "what came before the end counts");
        let sent = {
            let segments = from_a.lock().unwrap();
            let fins: Vec<_> = segments.iter().filter(|segment| segment.fin).collect();
            assert_eq!(fins.len(), 1, "{moment:?}: {segments:?}");
            assert_eq!(fins[0].acknowledged, Some(Sequence(fin) + 1));
            fins[0].clone()
        };
        let acknowledgement = Segment {
            fin: false,
            sequence: Sequence(fin) + 1,
            acknowledged: Some(sent.sequence + 1),
            ..mirrored(&sent)
        };
        pair.a.fake.inject(acknowledgement.emit());
        pair.run(Duration::from_millis(5), |_| false);
        assert_eq!(pair.a.take_only(), Event::Disconnected { qp: number });
        pair.a.context.disconnect(&pair.a.qp).unwrap();
        pair.a.qp.reset().unwrap();
        let idle = pair.a.context.disconnect(&pair.a.qp);
        assert!(matches!(idle, Err(Error::State(QpState::Idle))), "{idle:?}");
    }
}

/// An error of the queue pair resets the connection; both applications hear why.
#[test]
fn an_error_resets_the_connection() {
    let mut pair = Pair::connected();
    pair.a.post_receive(5);
    pair.a.fake.event(pair.a.qp.number(), status::DDP_STAG, 0);
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    let reason = Reason::QueuePair(Status(status::DDP_STAG));
    assert_eq!(pair.a.take_only(), Event::Error { qp: Some(pair.a.qp.number()), reason });
    let reason = Reason::Reset;
    assert_eq!(pair.b.take_only(), Event::Error { qp: Some(pair.b.qp.number()), reason });
    assert_eq!(pair.a.cq.poll(9).unwrap()[0].status, Status::FLUSHED);
    for end in [&pair.a, &pair.b] {
        assert_eq!(end.qp.state().unwrap(), QpState::Error);
        assert!(end.fake.flows().is_empty());
        assert!(end.qp.post_receive(1, end.memory.whole()).is_err());
        end.qp.reset().unwrap();
    }
    pair.finish();
}

#[test]
fn a_dropped_queue_pair_resets_its_connection_and_frees_its_number() {
    let mut pair = Pair::connected();
    let replacement = {
        let domain = pair.a.context.protection_domain().unwrap();
        domain.queue_pair(&QueuePairOptions {
            send_entries: 1,
            receive_entries: 1,
            ..QueuePairOptions::new(&pair.a.cq)
        })
    };
    drop(std::mem::replace(&mut pair.a.qp, replacement.unwrap()));
    pair.run_until(|pair| !pair.b.events.is_empty());
    assert!(matches!(pair.b.take_only(), Event::Error { reason: Reason::Reset, .. }));
    assert!(pair.a.events.is_empty(), "{:?}", pair.a.events);
    pair.finish();
}

#[test]
fn nobody_listens() {
    let mut pair = Pair::new();
    pair.a.context.connect(&pair.a.qp, peer(), &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let reason = Reason::Reset;
    assert_eq!(pair.a.take_only(), Event::Error { qp: Some(pair.a.qp.number()), reason });
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Idle);
    pair.finish();
}

#[test]
fn a_silent_peer_times_out() {
    let mut pair = Pair::new();
    pair.b.fake.filter(|_| false);
    let timeout = Duration::from_millis(300);
    let options = StartupOptions { timeout, ..StartupOptions::default() };
    let start = pair.a.context.now();
    pair.a.context.connect(&pair.a.qp, peer(), &options).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let reason = Reason::Timeout;
    assert_eq!(pair.a.take_only(), Event::Error { qp: Some(pair.a.qp.number()), reason });
    let took = pair.a.context.now() - start;
    assert!(took >= timeout && took < timeout + Duration::from_millis(1), "{took:?}");
    pair.finish();
}

/// An Initiator that is told to settle leaves the peer alone for a while after its Reply.
#[test]
fn the_initiator_settles_before_its_first_fpdu() {
    let settle = Duration::from_millis(5);
    for settle in [Duration::ZERO, settle] {
        let initiator = Options { settle, seed: Some(1), ..Options::station(1) };
        let responder = Options { settle, seed: Some(2), ..Options::station(2) };
        let mut pair = Pair::with_options(initiator, responder);
        let (id, _) = pair.request(&StartupOptions::default());
        pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
        let start = pair.a.context.now();
        pair.run_until(|pair| !pair.b.events.is_empty());
        let answered = pair.b.context.now() - start;
        pair.run_until(|pair| !pair.a.events.is_empty());
        let settled = pair.a.context.now() - start;
        assert!(answered < Duration::from_millis(1), "the Responder does not wait: {answered:?}");
        let slack = Duration::from_millis(1);
        assert!(settled >= settle && settled < settle + slack, "{settled:?}");
        pair.finish();
    }
}

/// A peer that acknowledges nothing is given up; one that owes nothing may be silent.
#[test]
fn a_peer_that_acknowledges_nothing_is_given_up() {
    let silence = Duration::from_millis(400);
    let options = |number| Options { silence, seed: Some(7), ..Options::station(number) };
    let mut pair = Pair::with_options(options(1), options(2));
    pair.connect(&StartupOptions::default(), &StartupOptions::default());
    let send_next = pair.a.started_with().send_next;
    pair.run(2 * silence, |_| false);
    assert!(pair.a.events.is_empty() && pair.b.events.is_empty());
    // The request asks for no completion, so it may be on its way: the hardware is asked.
    pair.a.qp.post_send(WorkRequest::send(1, pair.a.memory.whole()).unsignaled()).unwrap();
    pair.run(2 * silence, |_| false);
    assert!(pair.a.events.is_empty(), "all was acknowledged");
    let sent = send_next.wrapping_add(4096);
    pair.a.fake.set(ironwarp_abi::registers::QUERY_SEND_NEXT, sent);
    let start = pair.a.context.now();
    pair.run(2 * silence, |pair| !pair.a.events.is_empty());
    let (qp, reason) = (Some(pair.a.qp.number()), Reason::Timeout);
    assert_eq!(pair.a.take_only(), Event::Error { qp, reason });
    let took = pair.a.context.now() - start;
    assert!(took >= silence && took < 2 * silence, "{took:?}");
    assert_eq!(pair.a.cq.poll(9).unwrap()[0].status, Status::FLUSHED);
    assert!(pair.a.fake.flows().is_empty());
    pair.a.qp.reset().unwrap();
    pair.finish();
}

/// A Reply that is lost is sent again, although no socket of smoltcp's is left to do it.
#[test]
fn a_lost_reply_is_repeated() {
    let mut pair = Pair::new();
    let (id, _) = pair.request(&StartupOptions::default());
    let mut replies = 0;
    pair.b.fake.filter(move |frame| {
        let segment = Segment::parse(frame, Direction::Out);
        let has_data = segment.is_some_and(|segment| !segment.payload.is_empty());
        replies += u32::from(has_data);
        !has_data || replies > 2
    });
    pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    assert!(matches!(pair.a.take_only(), Event::Established { .. }));
    assert_eq!(pair.a.started_with().receive_next, pair.b.started_with().send_next);
    pair.finish();
}

/// Octets of the first FPDU in the Reply's segment, as Linux's siw sends them, reach neither
/// smoltcp nor an acknowledgement: the hardware gets them when the peer sends them again.
#[test]
fn octets_behind_the_reply_are_left_to_the_hardware() {
    let mut pair = Pair::new();
    let (id, _) = pair.request(&StartupOptions::default());
    let from_a = tap(&pair.a.fake);
    let to_a = pair.a.fake.clone();
    pair.b.fake.filter(move |frame| {
        let segment = Segment::parse(frame, Direction::Out).unwrap();
        if segment.payload.is_empty() {
            return true;
        }
        let mut payload = segment.payload.clone();
        payload.extend_from_slice(&[0x5a; 48]);
        to_a.inject(Segment { payload, ..segment }.emit());
        false
    });
    pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty());
    let (a, b) = (pair.a.started_with(), pair.b.started_with());
    assert_eq!(a.receive_next, b.send_next);
    let acknowledged = from_a.lock().unwrap().iter().filter_map(|s| s.acknowledged).next_back();
    assert_eq!(acknowledged, Some(Sequence(a.receive_next)));
    pair.finish();
}

//= rfc5044#7.1.1
//= type=test
/// A stream that does not begin with a Request is closed, and no Reply is sent.
#[test]
fn a_bad_request_closes_the_connection() {
    let mut pair = Pair::new();
    pair.b.context.listen(PORT).unwrap();
    let to_b = pair.b.fake.clone();
    pair.a.fake.filter(move |frame| match Segment::parse(frame, Direction::Out) {
        Some(segment) if !segment.payload.is_empty() => {
            let mut payload = segment.payload.clone();
            payload[9] ^= 1;
            to_b.inject(Segment { payload, ..segment }.emit());
            false
        }
        _ => true,
    });
    let from_b = tap(&pair.b.fake);
    pair.a.context.connect(&pair.a.qp, peer(), &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
    let event = pair.b.take_only();
    assert!(matches!(event, Event::Error { qp: None, reason: Reason::Startup(_) }), "{event:?}");
    assert!(matches!(pair.a.take_only(), Event::Error { reason: Reason::Reset, .. }));
    assert!(from_b.lock().unwrap().iter().all(|segment| segment.payload.is_empty()));
    pair.finish();
}

#[test]
fn wrong_uses_are_refused() {
    let mut pair = Pair::new();
    let options = StartupOptions::default();
    let connect = |ip: [u8; 4]| {
        let peer = SocketAddrV4::new(ip.into(), PORT);
        pair.a.context.connect(&pair.a.qp, peer, &options)
    };
    for ip in [[10, 0, 1, 2], [10, 0, 0, 1], [224, 0, 0, 1], [0, 0, 0, 0]] {
        assert!(matches!(connect(ip), Err(Error::Unreachable(_))), "{ip:?}");
    }
    let long = StartupOptions::with_private_data(&[0; 509]);
    assert!(matches!(pair.a.context.connect(&pair.a.qp, peer(), &long), Err(Error::Startup(_))));
    assert_eq!(pair.a.qp.state().unwrap(), QpState::Idle);
    let foreign = pair.a.context.connect(&pair.b.qp, peer(), &options);
    assert!(matches!(foreign, Err(Error::Foreign(_))));
    assert!(pair.b.context.listen(0).is_err());
    pair.b.context.listen(PORT).unwrap();
    assert!(matches!(pair.b.context.listen(PORT), Err(Error::PortInUse(PORT))));
    pair.b.context.unlisten(PORT).unwrap();
    assert!(matches!(pair.b.context.unlisten(PORT), Err(Error::Gone(_))));
    assert!(matches!(pair.a.context.disconnect(&pair.a.qp), Err(Error::State(_))));
    let (id, _) = pair.request(&options);
    pair.a.context.accept(id, &pair.a.qp, &options).unwrap_err();
    pair.finish();
}
