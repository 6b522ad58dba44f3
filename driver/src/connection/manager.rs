//! All connections of a station, from the first SYN to the end of TIME-WAIT.

use super::crowd::one_too_many;
use super::event::{Event, RequestId, StartupOptions};
use super::frames::Frames;
use super::keep_alive::KeepAlive;
use super::kernel::Kernel;
use super::live::{Fate, Live};
use super::negotiation::{Role, Terms};
use super::silence::Silence;
use super::startup::{Phase, Startup, Step};
use super::tcp::{Abort, HandOver, Outcome, Tcp, TcpId, TcpUsage};
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::options::Options;
use crate::state::{QpEvent, QpState};
use ironwarp_abi::status;
use ironwarp_wire::mpa::startup::Kind;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

/// Connections of peers in startup. For one more, a peer that has not said what it wants must go.
const STARTUPS_MAX: usize = 64;
/// How long a Responder waits for the Request and for its application.
const RESPONDER_TIMEOUT: Duration = Duration::from_secs(10);
/// Rounds of the stack in one poll: each answers what the one before brought.
const ROUNDS_MAX: usize = 16;

/// All connections.
pub(crate) struct Connections {
    tcp: Box<dyn Tcp>,
    startups: BTreeMap<u32, Startup>,
    live: BTreeMap<u32, Live>,
    /// Connections being closed whose queue pair is still there.
    closing: BTreeMap<TcpId, u32>,
    events: Vec<Event>,
    next_id: u32,
    settle: Duration,
    silence: Duration,
    keep_alive: Option<Duration>,
}

impl Connections {
    /// None yet: over sockets of the kernel if the device has that, else over frames.
    pub fn new(hardware: &Hardware, options: &Options, random: StdRng) -> Self {
        let function = hardware.device.function();
        let tcp: Box<dyn Tcp> = match function.kernel_streams() {
            Some(_) => Box::new(Kernel::new(function.clone(), options)),
            None => {
                let device = &hardware.device.capabilities().configuration;
                let window = options.receive_window.octets(device);
                Box::new(Frames::new(options, window, random, function.now()))
            }
        };
        Self {
            tcp,
            startups: BTreeMap::new(),
            live: BTreeMap::new(),
            closing: BTreeMap::new(),
            events: Vec::new(),
            next_id: 0,
            settle: options.settle,
            silence: options.silence,
            keep_alive: options.keep_alive,
        }
    }

    /// What TCP has in use.
    pub fn tcp_usage(&self) -> TcpUsage {
        self.tcp.usage()
    }

    /// Takes what has happened.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Waits for connections to a port.
    pub fn listen(&mut self, port: u16) -> Result<(), Error> {
        self.tcp.listen(port)
    }

    /// No longer waits.
    pub fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        self.tcp.unlisten(port)
    }

    /// Opens a connection.
    pub fn connect(
        &mut self,
        hardware: &mut Hardware,
        qp: u32,
        peer: SocketAddrV4,
        options: &StartupOptions,
        now: Duration,
    ) -> Result<(), Error> {
        // What cannot be sent is refused here, not when TCP is open.
        Terms::of_request(options).frame(Kind::Request, &options.private_data)?;
        hardware.qp(qp)?.apply(QpEvent::Start)?;
        match self.tcp.connect(peer) {
            Ok(id) => {
                self.add(Startup::initiator(id, peer, qp, options, self.settle, now));
                Ok(())
            }
            Err(error) => {
                hardware.qp(qp)?.apply(QpEvent::Abandon)?;
                Err(error)
            }
        }
    }

    fn add(&mut self, startup: Startup) {
        self.startups.insert(self.next_id, startup);
        self.next_id = self.next_id.wrapping_add(1);
    }

    /// Accepts a request: the Reply leaves once the hardware is armed.
    pub fn accept(
        &mut self,
        hardware: &mut Hardware,
        request: RequestId,
        qp: u32,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        let startup = waiting(&mut self.startups, request)?;
        let terms = startup.request.ok_or(Error::Gone("connection request"))?;
        let reply = Terms::of_reply(&terms, options);
        let frame = reply.frame(Kind::Reply { rejected: false }, &options.private_data)?;
        hardware.qp(qp)?.apply(QpEvent::Start)?;
        (startup.qp, startup.reads) = (Some(qp), options.reads);
        if !startup.answer(&mut *self.tcp, reply, &frame) {
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
        let id = startup.tcp;
        self.startups.remove(&request.0);
        // If the connection is gone already there is nobody to tell.
        let _ = self.tcp.send(id, &frame, false);
        self.tcp.close(id, None);
        Ok(())
    }

    /// Closes an open connection in order. If the peer was first, that goes on already.
    pub fn disconnect(
        &mut self,
        hardware: &mut Hardware,
        qp: u32,
        now: Duration,
    ) -> Result<(), Error> {
        let state = hardware.qp(qp)?.state();
        let by_peer = self.live.get(&qp).is_some_and(Live::is_closed_by_peer);
        if state == QpState::Closed || state == QpState::Draining && by_peer {
            return Ok(());
        }
        hardware.qp(qp)?.apply(QpEvent::Disconnect)?;
        let live = self.live.get_mut(&qp).ok_or(Error::Gone("connection"))?;
        live.drain(now);
        Ok(())
    }

    /// The queue pair goes away: its connection is reset, and nothing more is said of it.
    pub fn abandon(&mut self, hardware: &mut Hardware, qp: u32) -> Result<(), Error> {
        let mine = |startup: &Startup| startup.qp == Some(qp);
        let ids: Vec<u32> =
            self.startups.iter().filter(|(_, s)| mine(s)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(startup) = self.startups.remove(&id) else { continue };
            self.tcp.abort(startup.tcp, hardware, &Abort::default())?;
        }
        if let Some(mut live) = self.live.remove(&qp) {
            let reason = Reason::QueuePair(crate::status::Status(status::FLUSHED));
            live.fail(&mut *self.tcp, hardware, reason)?;
        }
        self.closing.retain(|_, closing| *closing != qp);
        Ok(())
    }

    /// Works on everything.
    pub fn poll(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for _ in 0..ROUNDS_MAX {
            self.tcp.poll(hardware, now)?;
            self.greet(hardware, now)?;
            if !self.step_startups(hardware, now)? {
                break;
            }
        }
        self.poll_live(hardware, now)?;
        self.poll_closing();
        Ok(())
    }

    /// Connections that peers have opened.
    fn greet(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        while let Some(opened) = self.tcp.take_opened() {
            if self.make_room(hardware)? {
                self.add(Startup::responder(&opened, now + RESPONDER_TIMEOUT));
            } else {
                self.tcp.abort(opened.id, hardware, &Abort::default())?;
            }
        }
        Ok(())
    }

    /// Makes room for a peer that has opened a connection; false if all are about to be answered.
    fn make_room(&mut self, hardware: &mut Hardware) -> Result<bool, Error> {
        let is_peers = |startup: &&Startup| startup.role == Role::Responder;
        if self.startups.values().filter(is_peers).count() < STARTUPS_MAX {
            return Ok(true);
        }
        let mut silent: Vec<_> =
            self.startups.iter().filter(|(_, it)| it.phase == Phase::AwaitRequest).collect();
        silent.sort_by_key(|(_, startup)| startup.deadline);
        let silent = silent.into_iter().map(|(id, startup)| (*id, startup.source()));
        let Some(id) = one_too_many(silent) else { return Ok(false) };
        self.fail_startup(hardware, id, Reason::Timeout)?;
        Ok(true)
    }

    /// True if one of them moved.
    fn step_startups(&mut self, hardware: &mut Hardware, now: Duration) -> Result<bool, Error> {
        let mut moved = false;
        for id in self.startups.keys().copied().collect::<Vec<_>>() {
            let Some(startup) = self.startups.get_mut(&id) else { continue };
            match startup.step(&mut *self.tcp, now) {
                Step::Wait => continue,
                Step::Again => {}
                Step::Requested => {
                    let request = RequestId(id);
                    let port = startup.port;
                    if let Some(startup) = startup.peer.clone() {
                        self.events.push(Event::ConnectRequest { request, port, startup });
                    }
                }
                Step::HandOver => self.hand_over(hardware, id, now)?,
                Step::Refused => self.refused(hardware, id)?,
                Step::Fail(reason) => self.fail_startup(hardware, id, reason)?,
            }
            moved = true;
        }
        Ok(moved)
    }

    /// The stream is quiet: the hardware takes it.
    fn hand_over(&mut self, hardware: &mut Hardware, id: u32, now: Duration) -> Result<(), Error> {
        let Some(startup) = self.startups.get_mut(&id) else { return Ok(()) };
        let role = startup.role;
        let (Some(agreement), Some(qp), Some(peer)) =
            (startup.agreement(), startup.qp, startup.peer.take())
        else {
            let reason = Reason::Local("the connection's state is not known".into());
            return self.fail_startup(hardware, id, reason);
        };
        let to = HandOver { qp, role, agreement };
        hardware.qp(qp)?.speaks_first(startup.ready_to_receive);
        let first = match self.tcp.hand_over(startup.tcp, hardware, &to, now) {
            Ok(first) => first,
            Err(error) => return self.fail_startup(hardware, id, Reason::Local(error.to_string())),
        };
        let tcp = startup.tcp;
        self.startups.remove(&id);
        let silence = Silence::new(self.silence, now);
        //= rfc5044#7.1.2  The Responder sends nothing before the first FPDU.
        let first = (role == Role::Responder).then_some(first);
        let keep_alive = self.keep_alive.map(|limit| KeepAlive::new(limit, first, now));
        self.live.insert(qp, Live::new(qp, tcp, silence, keep_alive));
        self.events.push(Event::Established { qp, startup: peer, agreement });
        Ok(())
    }

    //= rfc5044#7.1.2  A rejected Initiator exits MPA; here the TCP connection is closed, too.
    fn refused(&mut self, hardware: &mut Hardware, id: u32) -> Result<(), Error> {
        let Some(startup) = self.startups.remove(&id) else { return Ok(()) };
        self.tcp.close(startup.tcp, None);
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
    ) -> Result<(), Error> {
        let Some(startup) = self.startups.remove(&id) else { return Ok(()) };
        self.tcp.abort(startup.tcp, hardware, &Abort::default())?;
        if let Some(qp) = startup.qp {
            hardware.qp(qp)?.apply(QpEvent::Abandon)?;
        }
        self.events.push(Event::Error { qp: startup.qp, reason });
        Ok(())
    }

    fn poll_live(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for qp in self.live.keys().copied().collect::<Vec<_>>() {
            let Some(live) = self.live.get_mut(&qp) else { continue };
            match live.poll(&mut *self.tcp, hardware, now)? {
                Fate::Lives => continue,
                Fate::Closing => drop(self.closing.insert(live.tcp, qp)),
                Fate::Ended(reason) => self.events.push(Event::Error { qp: Some(qp), reason }),
            }
            self.live.remove(&qp);
        }
        Ok(())
    }

    fn poll_closing(&mut self) {
        while let Some((id, outcome)) = self.tcp.take_closed() {
            let Some(qp) = self.closing.remove(&id) else { continue };
            let reason = match outcome {
                Outcome::Closed => {
                    self.events.push(Event::Disconnected { qp });
                    continue;
                }
                Outcome::PeerReset => Reason::Reset,
                Outcome::Timeout => Reason::Timeout,
                Outcome::Data => Reason::Local("the peer sent data after the end".into()),
            };
            self.events.push(Event::Error { qp: Some(qp), reason });
        }
    }

    /// Before the device is let go: peers that wait for an answer to their Request are reset, and
    /// what was said last, such as a Reply that rejects or a FIN, is on its way.
    pub fn say_last_words(&mut self, hardware: &mut Hardware) -> Result<(), Error> {
        for startup in std::mem::take(&mut self.startups).into_values() {
            self.tcp.abort(startup.tcp, hardware, &Abort::default())?;
        }
        let now = hardware.device.function().now();
        self.tcp.poll(hardware, now)
    }

    /// How long until something is due by itself.
    pub fn next_timer(&mut self, now: Duration) -> Option<Duration> {
        let startups = self.startups.values().map(|startup| startup.timer(now));
        let live = self.live.values().map(|live| live.timer(now));
        let timers = startups.chain(live).chain(self.tcp.timer(now));
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
