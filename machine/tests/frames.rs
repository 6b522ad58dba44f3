//! Connections over frames, with a peer that does everything wrong.

mod crowd;
mod neighbour;
mod stranger;

use ironwarp_driver::{
    Access, CompletionQueue, Context, Error, Event, MemoryRegion, Options, QueuePair,
    QueuePairOptions, Reason, Region, RequestId, StartupOptions, Status, Usage, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Network, World, WorldOptions};
use smoltcp::iface::SocketHandle;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};
use stranger::Stranger;
use tempfile::TempDir;

const IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PORT: u16 = 7000;
const BYTES: usize = 4096;
const SHORT: Duration = Duration::from_millis(300);
/// Connections that nobody stands behind, at a time.
const HALF_OPEN: usize = 20;
/// No test waits for this long but one that has failed.
const LIMIT: Duration = Duration::from_secs(90);

/// Frames of revision 1 without private data, which ask for a CRC.
const REQUEST: &[u8] = b"MPA ID Req Frame\x40\x01\x00\x00";
const REPLY: &[u8] = b"MPA ID Rep Frame\x40\x01\x00\x00";
/// An RDMA Write of no octets, but for its CRC.
const NO_CRC: &[u8] = b"\x00\x0e\xc1\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The same with the right CRC in place of zeros: after it, the Responder may send.
fn first_fpdu() -> Vec<u8> {
    let (covered, _) = NO_CRC.split_at(16);
    [covered, &ironwarp_wire::mpa::crc::of(covered).to_le_bytes()].concat()
}

const CRC: Reason = Reason::QueuePair(Status(ironwarp_abi::status::MPA_CRC));
const CLOSED_EARLY: Reason = Reason::QueuePair(Status(ironwarp_abi::status::PEER_CLOSED_EARLY));

/// A station with its driver, and the stranger at the other end of its link.
struct Scene {
    context: Context,
    cq: CompletionQueue,
    qp: QueuePair,
    memory: MemoryRegion,
    events: VecDeque<Event>,
    peer: Stranger,
    /// What is in use when there is no connection.
    idle: Usage,
    _folder: TempDir,
}

impl Scene {
    fn new(kind: DeviceKind) -> Self {
        Self::with_silence(kind, LIMIT)
    }

    fn with_silence(kind: DeviceKind, silence: Duration) -> Self {
        Self::with_patience(kind, silence, None)
    }

    fn with_patience(kind: DeviceKind, silence: Duration, keep_alive: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [local, remote] = ["card", "stranger"].map(|name| folder.path().join(name));
        let peer = Stranger::new(&remote, &local);
        let network = Network::Dgram { local, remote };
        let world = World::on_network(kind, &network, WorldOptions::default()).unwrap();
        let time_wait = Duration::from_millis(1);
        let options = Options { ip: IP, silence, keep_alive, time_wait, ..Options::default() };
        let context = Context::open(world.function(0).unwrap(), options).unwrap();
        let domain = context.protection_domain().unwrap();
        let cq = context.completion_queue(256).unwrap();
        let qp = domain.queue_pair(&QueuePairOptions::new(&cq)).unwrap();
        let memory = domain.register(&Region::new(BYTES).unwrap(), Access::REMOTE).unwrap();
        context.listen(PORT).unwrap();
        let (events, idle) = (VecDeque::new(), context.usage());
        Self { context, cq, qp, memory, events, peer, idle, _folder: folder }
    }

    fn step(&mut self) {
        self.peer.poll();
        self.events.extend(self.context.poll().unwrap());
        self.cq.poll(99).unwrap();
        self.peer.poll();
        self.context.wait(Duration::from_millis(1)).unwrap();
    }

    fn until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < LIMIT, "nothing happens: {:?}", self.events);
            self.step();
        }
    }

    /// The next event, which comes alone.
    fn event(&mut self) -> Event {
        self.until(|scene| !scene.events.is_empty());
        let event = self.events.pop_front().unwrap();
        assert!(self.events.is_empty(), "{event:?} and {:?}", self.events);
        event
    }

    /// A connection of the stranger's, open as far as TCP goes.
    fn knock(&mut self) -> SocketHandle {
        let socket = self.peer.connect(IP, PORT);
        self.until(|scene| scene.peer.is_open(socket));
        socket
    }

    fn request(&mut self) -> RequestId {
        match self.event() {
            Event::ConnectRequest { request, .. } => request,
            other => panic!("a connection request should come, not {other:?}"),
        }
    }

    fn established(&mut self) {
        let event = self.event();
        assert!(matches!(event, Event::Established { .. }), "{event:?}");
    }

    /// The hardware has a connection that the stranger has opened, with these octets first.
    fn serve(&mut self, first: &[u8]) -> SocketHandle {
        let socket = self.knock();
        self.peer.send(socket, first);
        let request = self.request();
        self.context.accept(request, &self.qp, &StartupOptions::default()).unwrap();
        self.established();
        socket
    }

    /// The same, and the stranger has its Reply.
    fn serve_politely(&mut self) -> SocketHandle {
        let socket = self.serve(REQUEST);
        self.hears(socket, REPLY);
        socket
    }

    fn hears(&mut self, socket: SocketHandle, octets: &[u8]) {
        let mut heard = None;
        self.until(|scene| {
            heard = scene.peer.received(socket, octets.len());
            heard.is_some()
        });
        assert_eq!(heard.unwrap(), octets);
    }

    /// The queue pair's connection ends with an error, and can be used again.
    fn fails(&mut self) -> Reason {
        match self.event() {
            Event::Error { qp, reason } => {
                assert_eq!(qp, Some(self.qp.number()));
                self.qp.reset().unwrap();
                reason
            }
            other => panic!("the connection should fail, not {other:?}"),
        }
    }

    /// A connection without a queue pair ends with an error.
    fn forgets(&mut self) -> Reason {
        match self.event() {
            Event::Error { qp: None, reason } => reason,
            other => panic!("a connection in startup should fail, not {other:?}"),
        }
    }

    /// All that the connection took is free again.
    fn is_idle(&mut self) {
        self.until(|scene| scene.context.usage() == scene.idle);
    }

    /// The stranger's side is over as well.
    fn is_over(&mut self, socket: SocketHandle) {
        self.until(|scene| scene.peer.is_closed(socket));
        self.is_idle();
    }

    /// A good connection comes to be, and is closed in order by the stranger.
    fn serves_well(&mut self) {
        let socket = self.serve_politely();
        self.peer.tcp(socket).close();
        let event = self.event();
        assert!(matches!(event, Event::Disconnected { .. }), "{event:?}");
        self.qp.reset().unwrap();
        self.is_idle();
    }

    fn connect(&mut self, ip: Ipv4Addr, port: u16, timeout: Duration) {
        let options = StartupOptions { timeout, enhanced: false, ..StartupOptions::default() };
        self.context.connect(&self.qp, SocketAddrV4::new(ip, port), &options).unwrap();
    }

    /// A connection to the stranger, who has heard the Request.
    fn ask(&mut self, port: u16, timeout: Duration) -> SocketHandle {
        let socket = self.peer.listen(port);
        self.connect(stranger::IP, port, timeout);
        self.hears(socket, REQUEST);
        socket
    }
}

#[test]
fn garbage_before_startup_ends_only_its_connection() {
    let mut scene = Scene::new(DeviceKind::Model);
    let early: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0; 600], REPLY, b"MPA ID Req Frame\x40\x07\x00\x00", b"M!"];
    for garbage in early {
        let socket = scene.knock();
        scene.peer.send(socket, garbage);
        let reason = scene.forgets();
        assert!(matches!(reason, Reason::Startup(_)), "{garbage:?}: {reason}");
        scene.is_over(socket);
    }
    for cut in [0, 1, 17, REQUEST.len() - 1] {
        let socket = scene.knock();
        scene.peer.send(socket, &REQUEST[..cut]);
        scene.peer.tcp(socket).close();
        assert_eq!(scene.forgets(), Reason::ClosedEarly, "cut at {cut}");
        scene.is_over(socket);
        let socket = scene.knock();
        scene.peer.send(socket, &REQUEST[..cut]);
        scene.step();
        scene.peer.tcp(socket).abort();
        assert_eq!(scene.forgets(), Reason::Reset, "cut at {cut}");
        scene.is_over(socket);
    }
    scene.serves_well();
}

#[test]
fn a_peer_that_leaves_while_the_application_decides_is_forgotten() {
    let mut scene = Scene::new(DeviceKind::Model);
    for reason in [Reason::ClosedEarly, Reason::Reset] {
        let socket = scene.knock();
        scene.peer.send(socket, REQUEST);
        let request = scene.request();
        match reason {
            Reason::Reset => scene.peer.tcp(socket).abort(),
            _ => scene.peer.tcp(socket).close(),
        }
        assert_eq!(scene.forgets(), reason);
        let late = scene.context.accept(request, &scene.qp, &StartupOptions::default());
        assert!(matches!(late, Err(Error::Gone(_))), "{late:?}");
        scene.is_over(socket);
    }
    scene.serves_well();
}

/// What a peer does once the hardware has the connection, and what comes of it.
fn after_startup(kind: DeviceKind) {
    let mut scene = Scene::new(kind);
    let garbage: [(&[u8], Reason); 3] = [
        (NO_CRC, CRC),
        (&[0; 64], CRC),
        // Longer than what MPA lets a segment of this size hold.
        (&[0xff; 64], Reason::QueuePair(Status(ironwarp_abi::status::MPA_LENGTH))),
    ];
    for (octets, reason) in garbage {
        let socket = scene.serve_politely();
        scene.peer.send(socket, octets);
        assert_eq!(scene.fails(), reason, "{octets:?}");
        scene.is_over(socket);
    }
    let socket = scene.serve_politely();
    scene.peer.send(socket, b"\x05\x00half an FPDU");
    scene.peer.tcp(socket).close();
    assert_eq!(scene.fails(), CLOSED_EARLY);
    scene.is_over(socket);
    let socket = scene.serve_politely();
    scene.peer.tcp(socket).abort();
    assert_eq!(scene.fails(), Reason::Reset);
    scene.is_over(socket);
    // What comes with the Request is the hardware's once that has the connection.
    let socket = scene.serve(&[REQUEST, NO_CRC].concat());
    assert_eq!(scene.fails(), CRC);
    scene.is_over(socket);
    scene.serves_well();
}

#[test]
fn what_a_peer_does_after_startup_ends_in_an_event() {
    after_startup(DeviceKind::Model);
}

#[cfg(feature = "sim")]
#[test]
fn what_a_peer_does_after_startup_ends_in_an_event_of_the_rtl() {
    after_startup(DeviceKind::Sim);
}

#[test]
fn an_initiator_gets_over_bad_servers() {
    let mut scene = Scene::new(DeviceKind::Model);
    scene.connect(Ipv4Addr::new(10, 0, 0, 9), 80, SHORT);
    assert_eq!(scene.fails(), Reason::Timeout, "nobody has the address");
    scene.is_idle();
    scene.connect(stranger::IP, 80, LIMIT);
    assert_eq!(scene.fails(), Reason::Reset, "nobody listens");
    scene.is_idle();
    scene.ask(81, SHORT);
    assert_eq!(scene.fails(), Reason::Timeout, "it says nothing");
    scene.is_idle();
    for (port, answer, startup) in
        [(82, &b"SSH-2.0-x\r\n"[..], true), (83, REQUEST, true), (84, &REPLY[..9], false)]
    {
        let socket = scene.ask(port, LIMIT);
        scene.peer.send(socket, answer);
        scene.peer.tcp(socket).close();
        match (startup, scene.fails()) {
            (true, reason) => assert!(matches!(reason, Reason::Startup(_)), "{reason}"),
            (false, reason) => assert_eq!(reason, Reason::ClosedEarly),
        }
        scene.is_over(socket);
    }
    let socket = scene.ask(85, LIMIT);
    scene.peer.tcp(socket).abort();
    assert_eq!(scene.fails(), Reason::Reset);
    scene.is_over(socket);
    for octets in [&[0; 64][..], NO_CRC] {
        let socket = scene.ask(86, LIMIT);
        scene.peer.send(socket, &[REPLY, octets].concat());
        scene.established();
        assert_eq!(scene.fails(), CRC);
        scene.is_over(socket);
    }
    scene.serves_well();
}

#[test]
fn a_peer_that_goes_silent_is_given_up() {
    let mut scene = Scene::with_silence(DeviceKind::Model, SHORT);
    let socket = scene.ask(90, LIMIT);
    scene.peer.send(socket, REPLY);
    scene.established();
    scene.peer.silent = true;
    scene.qp.post_send(WorkRequest::send(1, scene.memory.buffer(0, 100).unwrap())).unwrap();
    assert_eq!(scene.fails(), Reason::Timeout);
    scene.is_idle();
}

/// Peers that finish startup and say nothing are let go after the keep-alive; one that is there and
/// has nothing to say stays as long as it answers, and hears only that it is asked.
#[test]
fn peers_that_are_not_there_are_let_go() {
    let mut scene = Scene::with_patience(DeviceKind::Model, SHORT, Some(SHORT));
    for silent in [true, false] {
        scene.serve_politely();
        scene.peer.silent = silent;
        assert_eq!(scene.fails(), Reason::Timeout, "it never used its connection");
        scene.is_idle();
        scene.peer.start_anew();
    }
    let socket = scene.serve_politely();
    scene.peer.send(socket, &first_fpdu());
    let start = Instant::now();
    while start.elapsed() < 6 * SHORT {
        scene.step();
        assert_eq!(scene.events, [], "after {:?}", start.elapsed());
    }
    // Empty RDMA Writes, once in a while: but for the CRC, as ours are.
    let heard = scene.peer.received(socket, 20).unwrap();
    assert_eq!(heard[..4], NO_CRC[..4]);
    let heard = heard.len() + scene.peer.tcp(socket).recv_queue();
    assert!(heard % 20 == 0 && (2..=6).contains(&(heard / 20)), "{heard} octets");
    // It can be used as ever, and then its peer is gone.
    scene.memory.region().write(0, b"still here").unwrap();
    let buffer = scene.memory.buffer(0, 10).unwrap();
    scene.qp.post_send(WorkRequest::send(1, buffer)).unwrap();
    scene.step();
    scene.peer.silent = true;
    assert_eq!(scene.fails(), Reason::Timeout);
    scene.is_idle();
    scene.peer.start_anew();
    scene.serves_well();
}

/// Strangers that stop at every step of startup are given up after the same time, and so are SYNs
/// that nobody stands behind.
#[test]
fn silence_at_every_step_of_startup_uses_nothing_up() {
    let mut scene = Scene::new(DeviceKind::Model);
    scene.knock();
    for cut in [1, REQUEST.len() - 1, REQUEST.len()] {
        let socket = scene.knock();
        scene.peer.send(socket, &REQUEST[..cut]);
    }
    scene.request();
    for half_open in 1..=HALF_OPEN {
        scene.peer.connect(IP, PORT);
        scene.peer.poll();
        scene.peer.silent = true;
        scene.until(|scene| scene.context.usage().sockets == 4 + half_open);
        // It does not hear the answer.
        scene.step();
        scene.peer.silent = half_open == HALF_OPEN;
    }
    assert_eq!(scene.context.usage().connections, 4);
    for _ in 0..4 {
        scene.until(|scene| !scene.events.is_empty());
        let event = scene.events.pop_front().unwrap();
        assert_eq!(event, Event::Error { qp: None, reason: Reason::Timeout });
    }
    scene.is_idle();
    scene.peer.start_anew();
    scene.serves_well();
}

/// The station goes away with a connection, and another one is about to be rejected: both peers
/// hear of it.
fn goes_away(kind: DeviceKind) {
    let mut scene = Scene::new(kind);
    let served = scene.serve_politely();
    let rejected = scene.knock();
    scene.peer.send(rejected, REQUEST);
    let request = scene.request();
    scene.context.reject(request, b"no").unwrap();
    let Scene { context, cq, qp, memory, mut peer, _folder, .. } = scene;
    drop((qp, memory, cq, context));
    let start = Instant::now();
    while !peer.is_closed(served) || !peer.has_heard_the_end(rejected) {
        assert!(start.elapsed() < LIMIT, "nothing is heard");
        peer.poll();
    }
    let reply = peer.received(rejected, REPLY.len() + 2).unwrap();
    assert_eq!(reply, b"MPA ID Rep Frame\x60\x01\x00\x02no");
}

#[test]
fn a_station_that_goes_away_says_so() {
    goes_away(DeviceKind::Model);
}

#[cfg(feature = "sim")]
#[test]
fn a_station_that_goes_away_says_so_with_the_rtl() {
    goes_away(DeviceKind::Sim);
}

/// Frames of any octets, and damaged copies of all that TCP sends, change nothing.
#[test]
fn noise_on_the_wire_changes_nothing() {
    let mut scene = Scene::new(DeviceKind::Model);
    scene.peer.make_noise();
    for number in 0..200_usize {
        let octet = |at: usize| ((at * number * 31) >> 3) as u8 ^ number as u8;
        let mut frame: Vec<u8> = (0..14 + number * 7 % 1500).map(octet).collect();
        if number % 2 == 0 {
            frame[12..14].copy_from_slice(&[8, 0]);
        }
        scene.peer.send_frame(&frame);
        scene.step();
    }
    for _ in 0..3 {
        scene.serves_well();
    }
    let socket = scene.serve_politely();
    scene.peer.send(socket, NO_CRC);
    assert_eq!(scene.fails(), CRC);
    scene.is_over(socket);
}
