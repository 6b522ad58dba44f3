//! All connections of a station, from the first SYN to the end of TIME-WAIT.

use super::close::{Closer, Outcome};
use super::event::{Event, RequestId, StartupOptions};
use super::handover::context;
use super::live::{Fate, Live};
use super::negotiation::{Role, Terms};
use super::network::{Network, Outgoing};
use super::segment::{Direction, Flow, Segment};
use super::silence::Silence;
use super::startup::{Phase, Startup, Step};
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::options::Options;
use crate::state::QpEvent;
use ironwarp_abi::status;
use ironwarp_wire::mpa::startup::Kind;
use rand::rngs::StdRng;
use rand::Rng;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Connections to one port that can be in the TCP handshake at a time.
const BACKLOG: usize = 8;
/// How long a Responder waits for the Request and for its application.
const RESPONDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a socket may take to close that MPA has no more use for.
const LINGER: Duration = Duration::from_secs(5);
/// Rounds of the stack in one poll: each answers what the one before brought.
const ROUNDS_MAX: usize = 16;
/// Where local ports of connections that we open come from (RFC 6335 s. 6).
const EPHEMERAL: RangeInclusive<u16> = 49152..=65535;

/// A socket on its way out.
struct Lingering {
    socket: SocketHandle,
    deadline: Duration,
}

/// A TCP connection being closed, for a queue pair that may be gone already.
struct Closing {
    qp: Option<u8>,
    closer: Closer,
}

/// All connections.
pub(crate) struct Connections {
    network: Network,
    listeners: BTreeMap<u16, Vec<SocketHandle>>,
    startups: BTreeMap<u32, Startup>,
    live: BTreeMap<u8, Live>,
    closing: Vec<Closing>,
    lingering: Vec<Lingering>,
    events: Vec<Event>,
    next_id: u32,
    random: StdRng,
    mtu: usize,
    time_wait: Duration,
    settle: Duration,
    silence: Duration,
}

impl Connections {
    /// None yet.
    pub fn new(options: &Options, mut random: StdRng, now: Duration) -> Self {
        Self {
            network: Network::new(options, random.random(), now),
            listeners: BTreeMap::new(),
            startups: BTreeMap::new(),
            live: BTreeMap::new(),
            closing: Vec::new(),
            lingering: Vec::new(),
            events: Vec::new(),
            next_id: 0,
            random,
            mtu: options.mtu,
            time_wait: options.time_wait,
            settle: options.settle,
            silence: options.silence,
        }
    }

    /// Takes what has happened.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Waits for connections to a port.
    pub fn listen(&mut self, port: u16) -> Result<(), Error> {
        if self.uses_port(port) {
            return Err(Error::PortInUse(port));
        }
        let sockets = (0..BACKLOG).map(|_| self.network.listen(port));
        let sockets = sockets.collect::<Result<_, _>>()?;
        self.listeners.insert(port, sockets);
        Ok(())
    }

    /// No longer waits.
    pub fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        let sockets = self.listeners.remove(&port).ok_or(Error::Gone("listener"))?;
        self.network.forget_port(port);
        for socket in sockets {
            self.network.remove(socket);
        }
        Ok(())
    }

    /// Opens a connection.
    pub fn connect(
        &mut self,
        hardware: &mut Hardware,
        qp: u8,
        peer: SocketAddrV4,
        options: &StartupOptions,
        now: Duration,
    ) -> Result<(), Error> {
        if !self.network.reaches(*peer.ip()) {
            return Err(Error::Unreachable(*peer.ip()));
        }
        // What cannot be sent is refused here, not when TCP is open.
        Terms::of_request(options).frame(Kind::Request, &options.private_data)?;
        let port = self.free_port()?;
        hardware.qp(qp)?.apply(QpEvent::Start)?;
        match self.network.connect(port, peer) {
            Ok((socket, flow)) => {
                let startup = Startup::initiator(socket, flow, qp, options, self.settle, now);
                self.add(startup);
                Ok(())
            }
            Err(error) => {
                hardware.qp(qp)?.apply(QpEvent::Abandon)?;
                Err(error)
            }
        }
    }

    fn add(&mut self, startup: Startup) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.startups.insert(id, startup);
        id
    }

    fn uses_port(&self, port: u16) -> bool {
        let live = self.live.values().map(|live| live.path.flow);
        let closing = self.closing.iter().map(|closing| closing.closer.path().flow);
        self.network.uses_port(port) || live.chain(closing).any(|flow| flow.local_port == port)
    }

    /// A port that nothing uses, chosen by chance so that a peer's segments of old are not taken
    /// for new (RFC 6056).
    fn free_port(&mut self) -> Result<u16, Error> {
        for _ in 0..1000 {
            let port = self.random.random_range(EPHEMERAL);
            if !self.uses_port(port) {
                return Ok(port);
            }
        }
        Err(Error::Exhausted("local TCP port"))
    }

    /// Accepts a request: the Reply leaves once the hardware is armed.
    pub fn accept(
        &mut self,
        hardware: &mut Hardware,
        request: RequestId,
        qp: u8,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        let startup = waiting(&mut self.startups, request)?;
        let terms = startup.request.ok_or(Error::Gone("connection request"))?;
        let reply = Terms::of_reply(&terms, options);
        let frame = reply.frame(Kind::Reply { rejected: false }, &options.private_data)?;
        hardware.qp(qp)?.apply(QpEvent::Start)?;
        (startup.qp, startup.reads) = (Some(qp), options.reads);
        if !startup.answer(&mut self.network, reply, &frame) {
            // The connection is gone; the next poll says so.
            startup.deadline = Duration::ZERO;
        }
        Ok(())
    }

    /// Refuses a request and closes its connection.
    //= rfc5044#7.1.2  The Reply has the Rejected Connection bit; MPA exits.
    pub fn reject(&mut self, request: RequestId, private_data: &[u8]) -> Result<(), Error> {
        let startup = waiting(&mut self.startups, request)?;
        let terms = startup.request.ok_or(Error::Gone("connection request"))?;
        let reply = Terms::of_reply(&terms, &StartupOptions::default());
        let frame = reply.frame(Kind::Reply { rejected: true }, private_data)?;
        let (socket, flow) = (startup.socket, startup.flow);
        self.startups.remove(&request.0);
        // If the connection is gone already there is nobody to tell.
        let _ = self.network.socket(socket).send_slice(&frame);
        self.network.socket(socket).close();
        self.linger(socket, &flow, None);
        Ok(())
    }

    /// Closes an open connection in order.
    pub fn disconnect(
        &mut self,
        hardware: &mut Hardware,
        qp: u8,
        now: Duration,
    ) -> Result<(), Error> {
        hardware.qp(qp)?.apply(QpEvent::Disconnect)?;
        let live = self.live.get_mut(&qp).ok_or(Error::Gone("connection"))?;
        live.drain(now);
        Ok(())
    }

    /// The queue pair goes away: its connection is reset, and nothing more is said of it.
    pub fn abandon(&mut self, hardware: &mut Hardware, qp: u8) -> Result<(), Error> {
        let mine = |startup: &Startup| startup.qp == Some(qp);
        let ids: Vec<u32> =
            self.startups.iter().filter(|(_, s)| mine(s)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(startup) = self.startups.remove(&id) else { continue };
            self.network.socket(startup.socket).abort();
            self.linger(startup.socket, &startup.flow, None);
        }
        if let Some(mut live) = self.live.remove(&qp) {
            live.fail(hardware, Reason::QueuePair(crate::status::Status(status::FLUSHED)))?;
        }
        for closing in self.closing.iter_mut().filter(|closing| closing.qp == Some(qp)) {
            closing.qp = None;
        }
        Ok(())
    }

    /// Lets smoltcp finish with a socket: until it is closed, or `now` and a while have passed.
    fn linger(&mut self, socket: SocketHandle, flow: &Flow, now: Option<Duration>) {
        self.network.forget(flow);
        // Without a time it is filled in at the next poll.
        let deadline = now.map_or(Duration::MAX, |now| now + LINGER);
        self.lingering.push(Lingering { socket, deadline });
    }

    /// Works on everything.
    pub fn poll(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for frame in hardware.raw.poll(&hardware.device)? {
            self.take_frame(hardware, frame, now)?;
        }
        for _ in 0..ROUNDS_MAX {
            for outgoing in self.network.poll(now) {
                self.send(hardware, outgoing)?;
            }
            self.greet();
            if !self.step_startups(hardware, now)? {
                break;
            }
        }
        self.poll_live(hardware, now)?;
        self.poll_closing(hardware, now)?;
        self.poll_lingering(now);
        Ok(())
    }

    /// A frame from the raw queue goes to whoever has its connection.
    fn take_frame(
        &mut self,
        hardware: &mut Hardware,
        frame: Vec<u8>,
        now: Duration,
    ) -> Result<(), Error> {
        let segment = Segment::parse(&frame, Direction::In);
        let Some(segment) = segment else {
            self.network.receive(frame, None);
            return Ok(());
        };
        let flow = segment.path.flow;
        if self.is_live(&flow) {
            // It passed the hardware on its way between two owners: the peer sends it again.
            return Ok(());
        }
        let mut closing = self.closing.iter_mut();
        if let Some(closing) = closing.find(|closing| closing.closer.path().flow == flow) {
            if let Some(answer) = closing.closer.segment_from_peer(&segment, now) {
                hardware.raw.send(&hardware.device, answer)?;
            }
            return Ok(());
        }
        self.network.receive(frame, Some(&segment));
        Ok(())
    }

    fn is_live(&self, flow: &Flow) -> bool {
        self.live.values().any(|live| live.path.flow == *flow)
    }

    /// A frame from smoltcp leaves, is held until the hardware is armed, or is one too many.
    fn send(&mut self, hardware: &mut Hardware, (frame, segment): Outgoing) -> Result<(), Error> {
        if let Some(Segment { path, .. }) = segment {
            if self.is_live(&path.flow) {
                return Ok(());
            }
            let mut startups = self.startups.values_mut();
            let replying = |s: &&mut Startup| s.flow == path.flow && s.phase == Phase::Replying;
            if let Some(startup) = startups.find(replying) {
                startup.held.push(frame);
                return Ok(());
            }
        }
        hardware.raw.send(&hardware.device, frame)
    }

    /// Takes connections that have opened from their listeners.
    fn greet(&mut self) {
        let mut opened = Vec::new();
        for (port, sockets) in &mut self.listeners {
            for socket in sockets {
                let replace = match self.network.socket(*socket).state() {
                    State::Listen | State::SynReceived => false,
                    State::Closed => {
                        self.network.remove(*socket);
                        true
                    }
                    _ => {
                        opened.push(*socket);
                        true
                    }
                };
                if !replace {
                    continue;
                }
                // Listening to a port that is listened to does not fail.
                if let Ok(fresh) = self.network.listen(*port) {
                    *socket = fresh;
                }
            }
        }
        for socket in opened {
            match self.network.flow(socket) {
                Some(flow) => {
                    self.network.claim(flow);
                    // The time of birth is filled in at the first step.
                    let startup = Startup::responder(socket, flow, Duration::MAX);
                    self.add(startup);
                }
                None => self.network.remove(socket),
            }
        }
    }

    /// True if one of them moved.
    fn step_startups(&mut self, hardware: &mut Hardware, now: Duration) -> Result<bool, Error> {
        let mut moved = false;
        for id in self.startups.keys().copied().collect::<Vec<_>>() {
            let Some(startup) = self.startups.get_mut(&id) else { continue };
            if startup.deadline == Duration::MAX {
                startup.deadline = now + RESPONDER_TIMEOUT;
            }
            match startup.step(&mut self.network, now) {
                Step::Wait => continue,
                Step::Again => {}
                Step::Requested => {
                    let request = RequestId(id);
                    let port = startup.flow.local_port;
                    if let Some(startup) = startup.peer.clone() {
                        self.events.push(Event::ConnectRequest { request, port, startup });
                    }
                }
                Step::HandOver => self.hand_over(hardware, id, now)?,
                Step::Refused => self.refused(hardware, id, now)?,
                Step::Fail(reason) => self.fail_startup(hardware, id, reason, now)?,
            }
            moved = true;
        }
        Ok(moved)
    }

    /// The stream is quiet: the hardware takes it.
    fn hand_over(&mut self, hardware: &mut Hardware, id: u32, now: Duration) -> Result<(), Error> {
        let Some(mut startup) = self.startups.remove(&id) else { return Ok(()) };
        let snapshot = self.network.tracker(&startup.flow).and_then(|tracker| tracker.snapshot());
        let (Some(snapshot), Some(agreement), Some(qp), Some(peer)) =
            (snapshot, startup.agreement(), startup.qp, startup.peer.take())
        else {
            self.startups.insert(id, startup);
            let reason = Reason::Local("the connection's state is not known".into());
            return self.fail_startup(hardware, id, reason, now);
        };
        let record = context(&snapshot, &agreement, startup.role, self.mtu);
        if let Err(error) = hardware.arm(qp, startup.flow, &record) {
            self.startups.insert(id, startup);
            return self.fail_startup(hardware, id, Reason::Local(error.to_string()), now);
        }
        self.network.forget(&startup.flow);
        self.network.remove(startup.socket);
        let mut live = Live::new(qp, snapshot.path, Silence::new(self.silence, now));
        if startup.role == Role::Responder {
            // The hardware is armed: whatever the Reply brings about finds it ready.
            for frame in &startup.held {
                hardware.raw.send(&hardware.device, frame.clone())?;
            }
            live.keep_reply(startup.held, record.receive_next, now);
        }
        self.live.insert(qp, live);
        if startup.ready_to_receive {
            let (queue_pair, device) = hardware.qp_and_device(qp)?;
            queue_pair.post_ready_to_receive(device)?;
        }
        self.events.push(Event::Established { qp, startup: peer, agreement });
        Ok(())
    }

    //= rfc5044#7.1.2  A rejected Initiator exits MPA; here the TCP connection is closed, too.
    fn refused(&mut self, hardware: &mut Hardware, id: u32, now: Duration) -> Result<(), Error> {
        let Some(startup) = self.startups.remove(&id) else { return Ok(()) };
        self.network.socket(startup.socket).close();
        self.linger(startup.socket, &startup.flow, Some(now));
        if let (Some(qp), Some(peer)) = (startup.qp, startup.peer) {
            hardware.qp(qp)?.apply(QpEvent::Abandon)?;
            self.events.push(Event::Rejected { qp, startup: peer });
        }
        Ok(())
    }

    fn fail_startup(
        &mut self,
        hardware: &mut Hardware,
        id: u32,
        reason: Reason,
        now: Duration,
    ) -> Result<(), Error> {
        let Some(startup) = self.startups.remove(&id) else { return Ok(()) };
        self.network.socket(startup.socket).abort();
        self.linger(startup.socket, &startup.flow, Some(now));
        if let Some(qp) = startup.qp {
            hardware.qp(qp)?.apply(QpEvent::Abandon)?;
        }
        self.events.push(Event::Error { qp: startup.qp, reason });
        Ok(())
    }

    fn poll_live(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for qp in self.live.keys().copied().collect::<Vec<_>>() {
            let Some(live) = self.live.get_mut(&qp) else { continue };
            match live.poll(hardware, now)? {
                Fate::Lives => continue,
                Fate::Closing(closer) => {
                    let closer = closer.with_time_wait(self.time_wait);
                    self.closing.push(Closing { qp: Some(qp), closer });
                }
                Fate::Ended(reason) => self.events.push(Event::Error { qp: Some(qp), reason }),
            }
            self.live.remove(&qp);
        }
        Ok(())
    }

    fn poll_closing(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for Closing { qp, closer } in &mut self.closing {
            if let Some(frame) = closer.tick(now) {
                hardware.raw.send(&hardware.device, frame)?;
            }
            let (Some(outcome), Some(qp)) = (closer.take_outcome(), *qp) else { continue };
            self.events.push(match outcome {
                Outcome::Closed => Event::Disconnected { qp },
                Outcome::PeerReset => Event::Error { qp: Some(qp), reason: Reason::Reset },
                Outcome::Timeout => Event::Error { qp: Some(qp), reason: Reason::Timeout },
                Outcome::Data => {
                    let reason = Reason::Local("the peer sent data after the end".into());
                    Event::Error { qp: Some(qp), reason }
                }
            });
        }
        self.closing.retain(|closing| !closing.closer.is_done());
        Ok(())
    }

    fn poll_lingering(&mut self, now: Duration) {
        let network = &mut self.network;
        self.lingering.retain_mut(|lingering| {
            lingering.deadline = lingering.deadline.min(now + LINGER);
            let state = network.socket(lingering.socket).state();
            // smoltcp's TIME-WAIT repeats the last acknowledgement; that can end by the deadline.
            let over = state == State::Closed || now >= lingering.deadline;
            if over {
                network.remove(lingering.socket);
            }
            !over
        });
    }

    /// How long until something is due by itself.
    pub fn next_timer(&mut self, now: Duration) -> Option<Duration> {
        let stack = self.network.timer(now);
        let startups = self.startups.values().map(|startup| startup.timer(now));
        let live = self.live.values().filter_map(|live| live.timer(now));
        let closing = self.closing.iter().filter_map(|closing| closing.closer.timer());
        let lingering = self.lingering.iter().map(|lingering| lingering.deadline);
        let timers = startups.chain(live).chain(closing).chain(lingering).chain(stack);
        timers.min().map(|timer| timer.saturating_sub(now))
    }
}

/// A request that waits for the application.
fn waiting(
    startups: &mut BTreeMap<u32, Startup>,
    request: RequestId,
) -> Result<&mut Startup, Error> {
    let startup = startups.get_mut(&request.0);
    let startup = startup.filter(|startup| startup.phase == Phase::Deciding);
    startup.ok_or(Error::Gone("connection request"))
}
