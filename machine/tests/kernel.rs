//! Connections over the kernel's TCP: two models, and plain sockets as peers that do everything
//! wrong.

use ironwarp_driver::{
    Access, CompletionQueue, Context, Event, MemoryRegion, Operation, Options, QpState, QueuePair,
    QueuePairOptions, Reason, Region, RequestId, StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Network, World, WorldOptions};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const BYTES: usize = 400_000;
const SHORT: Duration = Duration::from_millis(200);
/// No test waits for this long but one that has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// A Request of revision 1 without private data, which asks for a CRC.
const REQUEST: &[u8] = b"MPA ID Req Frame\x40\x01\x00\x00";
const REPLY: &[u8] = b"MPA ID Rep Frame\x40\x01\x00\x00";

struct End {
    context: Context,
    cq: CompletionQueue,
    qp: QueuePair,
    memory: MemoryRegion,
    port: u16,
    events: RefCell<VecDeque<Event>>,
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl End {
    fn new() -> Self {
        let options = WorldOptions::default();
        let world = World::on_network(DeviceKind::Model, &Network::Tcp, options).unwrap();
        let options = Options { ip: Ipv4Addr::LOCALHOST, silence: LIMIT, ..Options::default() };
        let context = Context::open(world.function(0).unwrap(), options).unwrap();
        let domain = context.protection_domain().unwrap();
        let cq = context.completion_queue(256).unwrap();
        let qp = domain.queue_pair(&QueuePairOptions::new(&cq)).unwrap();
        let memory = domain.register(&Region::new(BYTES).unwrap(), Access::REMOTE).unwrap();
        Self { context, cq, qp, memory, port: 0, events: RefCell::default() }
    }

    fn listening() -> Self {
        let mut end = Self::new();
        while end.context.listen(end.port).is_err() {
            end.port = free_port();
        }
        end
    }

    fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }

    /// Waits for the next event, which comes alone.
    fn event(&self) -> Event {
        let event = self.next_event();
        assert!(self.events.borrow().is_empty(), "{:?}", self.events);
        event
    }

    fn next_event(&self) -> Event {
        let start = Instant::now();
        loop {
            self.events.borrow_mut().extend(self.context.poll().unwrap());
            if let Some(event) = self.events.borrow_mut().pop_front() {
                return event;
            }
            assert!(start.elapsed() < LIMIT, "nothing happens");
            self.cq.poll(99).unwrap();
            self.context.wait(Duration::from_millis(20)).unwrap();
        }
    }

    fn request(&self) -> RequestId {
        match self.event() {
            Event::ConnectRequest { request, .. } => request,
            other => panic!("a connection request should come, not {other:?}"),
        }
    }

    fn connect(&self, peer: SocketAddrV4, timeout: Duration) {
        let options = StartupOptions { timeout, enhanced: false, ..StartupOptions::default() };
        self.context.connect(&self.qp, peer, &options).unwrap();
    }

    /// The queue pair's connection ends with an error; it can be used again.
    fn fails(&self) -> Reason {
        match self.event() {
            Event::Error { qp, reason } => {
                assert_eq!(qp, Some(self.qp.number()));
                self.qp.reset().unwrap();
                reason
            }
            other => panic!("the connection should fail, not {other:?}"),
        }
    }
}

fn established(event: Event) {
    assert!(matches!(event, Event::Established { .. }), "{event:?}");
}

fn connected() -> (End, End) {
    let (a, b) = (End::new(), End::listening());
    a.context.connect(&a.qp, b.address(), &StartupOptions::default()).unwrap();
    both(&a, &b);
    let request = b.request();
    b.context.accept(request, &b.qp, &StartupOptions::default()).unwrap();
    established(b.event());
    established(a.event());
    (a, b)
}

/// Lets A send its Request, if only it can.
fn both(a: &End, _: &End) {
    for _ in 0..20 {
        assert!(a.context.poll().unwrap().is_empty());
        a.context.wait(Duration::from_millis(1)).unwrap();
    }
}

/// Runs both until B has completed so many work requests in all.
fn run_until(a: &End, b: &End, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "nothing happens");
        for end in [a, b] {
            assert!(end.context.poll().unwrap().is_empty());
            end.context.wait(Duration::from_micros(100)).unwrap();
        }
    }
}

#[test]
fn write_read_send_and_close_over_the_kernel() {
    let (a, b) = connected();
    let data: Vec<u8> = (0..BYTES).map(|n| (n * 7 / 8) as u8).collect();
    a.memory.region().write(0, &data[..200_000]).unwrap();
    b.memory.region().write(200_000, &data[200_000..]).unwrap();
    b.qp.post_receive(9, b.memory.buffer(0, 16).unwrap()).unwrap();
    let half = a.memory.buffer(0, 200_000).unwrap();
    a.qp.post_send(WorkRequest::write(1, half, b.memory.remote(0))).unwrap();
    let sink = a.memory.buffer(200_000, 200_000).unwrap();
    a.qp.post_send(WorkRequest::read(2, sink, b.memory.remote(200_000))).unwrap();
    a.qp.post_send(WorkRequest::send(3, a.memory.buffer(0, 16).unwrap())).unwrap();
    let done = RefCell::new(Vec::new());
    run_until(&a, &b, || {
        done.borrow_mut().extend(a.cq.poll(9).unwrap());
        done.borrow().len() == 3
    });
    let done: Vec<_> =
        done.into_inner().iter().map(|one| (one.id, one.operation, one.status)).collect();
    let ok = Status::SUCCESS;
    let expected = [(1, Operation::Write, ok), (2, Operation::Read, ok), (3, Operation::Send, ok)];
    assert_eq!(done, expected);
    assert_eq!(a.memory.region().to_vec(0, BYTES).unwrap(), data);
    assert_eq!(b.memory.region().to_vec(0, BYTES).unwrap(), data);
    a.context.disconnect(&a.qp).unwrap();
    run_until(&a, &b, || a.qp.state().unwrap() == QpState::Closed);
    assert!(matches!(b.event(), Event::Disconnected { .. }));
    assert!(matches!(a.event(), Event::Disconnected { .. }));
}

/// A context of its own counts the sockets of this process: tests run side by side, so the ports
/// are what is looked at.
fn is_closed(mut socket: TcpStream) {
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut rest = Vec::new();
    // Octets of a startup frame may come first; then the end, by FIN or by reset.
    let end = socket.read_to_end(&mut rest).map_err(|error| error.kind());
    let closed = matches!(end, Ok(_) | Err(std::io::ErrorKind::ConnectionReset));
    assert!(closed, "{end:?}");
}

/// Whatever a stranger says before a Request is whole, only its own connection ends.
#[test]
fn garbage_before_startup_ends_only_its_connection() {
    let end = End::listening();
    let early: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0; 600], REPLY, b"MPA ID Req Frame\x40\x07\x00\x00", b"M!"];
    for garbage in early {
        let mut stranger = TcpStream::connect(end.address()).unwrap();
        stranger.write_all(garbage).unwrap();
        let event = end.event();
        let startup = matches!(event, Event::Error { qp: None, reason: Reason::Startup(_) });
        assert!(startup, "{garbage:?}: {event:?}");
        is_closed(stranger);
    }
    for cut in [0, 1, 17, REQUEST.len() - 1] {
        let mut stranger = TcpStream::connect(end.address()).unwrap();
        stranger.write_all(&REQUEST[..cut]).unwrap();
        drop(stranger);
        let event = end.event();
        let reason = Reason::ClosedEarly;
        assert_eq!(event, Event::Error { qp: None, reason }, "cut at {cut}");
    }
    assert_eq!(end.qp.state().unwrap(), QpState::Idle);
}

/// What a peer does once the Responder's hardware has the connection.
fn after_startup(act: impl FnOnce(TcpStream) -> Option<TcpStream>) -> Reason {
    let end = End::listening();
    end.qp.post_receive(1, end.memory.whole()).unwrap();
    let mut last = None;
    // The same queue pair serves once more after whatever happened.
    let mut act = Some(act);
    for _ in 0..2 {
        let mut peer = TcpStream::connect(end.address()).unwrap();
        peer.write_all(REQUEST).unwrap();
        let request = end.request();
        end.context.accept(request, &end.qp, &StartupOptions::default()).unwrap();
        established(end.event());
        let mut reply = [0; REPLY.len()];
        peer.read_exact(&mut reply).unwrap();
        assert_eq!(reply, REPLY);
        let Some(act) = act.take() else { break };
        let peer = act(peer);
        last = Some(end.fails());
        peer.into_iter().for_each(is_closed);
    }
    last.unwrap()
}

#[test]
fn garbage_after_startup_ends_in_an_event() {
    let send = |octets: &'static [u8]| {
        after_startup(move |mut peer| {
            peer.write_all(octets).unwrap();
            Some(peer)
        })
    };
    // FPDUs with a wrong CRC: one of 14 octets, and one that is too short for a header.
    let crc = Reason::QueuePair(Status(ironwarp_abi::status::MPA_CRC));
    assert_eq!(send(b"\x00\x0e\xc1\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), crc);
    assert_eq!(send(&[0; 64]), crc);
}

#[test]
fn a_peer_that_breaks_off_inside_an_fpdu_ends_in_an_event() {
    let early = Reason::QueuePair(Status(ironwarp_abi::status::PEER_CLOSED_EARLY));
    let broken = after_startup(|mut peer| {
        peer.write_all(b"\x05\x00half an FPDU").unwrap();
        None
    });
    assert_eq!(broken, early);
}

#[test]
fn a_reset_ends_in_an_event() {
    let reset = after_startup(|peer| {
        let linger = socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO));
        linger.unwrap();
        None
    });
    assert_eq!(reset, Reason::Reset);
}

/// The Initiator's side: a server that is not there, says nothing, the wrong thing, or half of it.
#[test]
fn an_initiator_gets_over_bad_servers() {
    let end = End::new();
    let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    end.connect(nobody, LIMIT);
    assert_eq!(end.fails(), Reason::Reset);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let std::net::SocketAddr::V4(address) = server.local_addr().unwrap() else { panic!() };
    end.connect(address, SHORT);
    assert_eq!(end.fails(), Reason::Timeout, "it says nothing");
    drop(server.accept().unwrap());
    for (answer, startup) in [(&b"SSH-2.0-x\r\n"[..], true), (REQUEST, true), (&REPLY[..9], false)]
    {
        end.connect(address, LIMIT);
        let (mut peer, _) = server.accept().unwrap();
        let mut request = [0; REQUEST.len()];
        for _ in 0..20 {
            end.context.poll().unwrap();
            end.context.wait(Duration::from_millis(1)).unwrap();
        }
        peer.read_exact(&mut request).unwrap();
        assert_eq!(request, REQUEST);
        peer.write_all(answer).unwrap();
        drop(peer);
        let reason = end.fails();
        match startup {
            true => assert!(matches!(reason, Reason::Startup(_)), "{reason}"),
            false => assert_eq!(reason, Reason::ClosedEarly),
        }
    }
}

/// More strangers than there can be in startup: the oldest give way to those that come, and when
/// all have gone a connection comes to be.
#[test]
fn silent_strangers_do_not_use_anything_up() {
    let end = End::listening();
    let idle = end.context.usage();
    let mut strangers: Vec<_> =
        (0..100).map(|_| TcpStream::connect(end.address()).unwrap()).collect();
    let mut events = Vec::new();
    for _ in 0..100 {
        events.extend(end.context.poll().unwrap());
        end.context.wait(Duration::from_millis(1)).unwrap();
    }
    assert_eq!(events, [(); 36].map(|()| Event::Error { qp: None, reason: Reason::Timeout }));
    let turned = strangers.iter_mut().filter(|stranger| {
        stranger.set_nonblocking(true).unwrap();
        let error = stranger.peek(&mut [0]).map_err(|error| error.kind());
        error == Err(std::io::ErrorKind::ConnectionReset)
    });
    assert_eq!(turned.count(), 36);
    assert_eq!(end.context.usage().sockets, 64);
    drop(strangers);
    for _ in 0..64 {
        let reason = Reason::ClosedEarly;
        assert_eq!(end.next_event(), Event::Error { qp: None, reason });
    }
    assert_eq!(end.context.usage(), idle);
    let mut peer = TcpStream::connect(end.address()).unwrap();
    peer.write_all(REQUEST).unwrap();
    end.request();
}
