//! TCP over frames of the raw queue: smoltcp before the hand-over, the hardware after it, and a
//! closer in the end.

mod backlog;
mod close;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod handover;
mod neighbours;
mod network;
mod phy;
mod reply;
pub(super) mod segment;
mod tracker;

pub(crate) use segment::Flow;

use super::tcp::{Abort, HandOver, Opened, Outcome, Tcp, TcpId, TcpState, TcpUsage};
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::options::{Options, Repair};
use crate::window::Query;
use backlog::Backlog;
use close::{reset, Closer};
use handover::{context, mac_bits};
use ironwarp_abi::context::NextHopContext;
use ironwarp_wire::mpa::fpdu;
use ironwarp_wire::sequence::Sequence;
use neighbours::Heard;
use network::{Network, Outgoing};
use rand::rngs::StdRng;
use rand::Rng;
use reply::{readdress, Reply};
use segment::{Direction, Path, Segment};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::ops::RangeInclusive;
use std::time::Duration;
use tracker::Tracker;

/// How long a socket may take to close that MPA has no more use for.
const LINGER: Duration = Duration::from_secs(5);
/// Where local ports of connections that we open come from (RFC 6335 s. 6).
const EPHEMERAL: RangeInclusive<u16> = 49152..=65535;

/// Who runs a connection.
enum Stage {
    /// smoltcp.
    Software {
        /// Its part of it.
        socket: SocketHandle,
        /// The last startup frame, which leaves when the hardware is armed.
        held: Option<Held>,
    },
    /// The hardware.
    Hardware {
        /// The queue pair.
        qp: u32,
        /// The ends and the link.
        path: Path,
        /// The Reply, as long as it may have been lost.
        reply: Option<Reply>,
    },
    /// Nobody, for a moment.
    Stopped {
        /// The ends and the link.
        path: Path,
        /// Where the stream stood.
        query: Query,
    },
    /// A closer.
    Closing(Closer),
    /// smoltcp, and nobody cares.
    Lingering {
        /// Its part of it.
        socket: SocketHandle,
        /// When it has to be over; from the next poll on.
        deadline: Option<Duration>,
    },
}

/// Frames of smoltcp's that wait, up to the sequence number `end`.
struct Held {
    end: Sequence,
    frames: Vec<Vec<u8>>,
}

struct Connection {
    flow: Flow,
    stage: Stage,
}

/// All TCP connections over frames.
pub(crate) struct Frames {
    network: Network,
    listeners: BTreeMap<u16, Backlog>,
    connections: BTreeMap<TcpId, Connection>,
    opened: VecDeque<Opened>,
    closed: VecDeque<(TcpId, Outcome)>,
    next_id: u32,
    random: StdRng,
    mtu: usize,
    receive_window: u32,
    repair: Repair,
    time_wait: Duration,
}

impl Frames {
    /// None yet.
    pub fn new(options: &Options, window: u32, mut random: StdRng, now: Duration) -> Self {
        Self {
            network: Network::new(options, window, random.random(), now),
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            opened: VecDeque::new(),
            closed: VecDeque::new(),
            next_id: 0,
            random,
            mtu: options.mtu,
            receive_window: window,
            repair: options.repair,
            time_wait: options.time_wait,
        }
    }

    fn add(&mut self, socket: SocketHandle, flow: Flow) -> TcpId {
        let id = TcpId::vacant(&mut self.next_id, &self.connections);
        let stage = Stage::Software { socket, held: None };
        self.connections.insert(id, Connection { flow, stage });
        id
    }

    fn uses_port(&self, port: u16) -> bool {
        let mut flows = self.connections.values().map(|connection| connection.flow);
        self.network.uses_port(port) || flows.any(|flow| flow.local_port == port)
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

    /// A connection that smoltcp runs, with its flow.
    fn software(&mut self, id: TcpId) -> Option<(SocketHandle, &mut Option<Held>, Flow)> {
        let connection = self.connections.get_mut(&id)?;
        match &mut connection.stage {
            Stage::Software { socket, held } => Some((*socket, held, connection.flow)),
            _ => None,
        }
    }

    /// A frame from the raw queue goes to whoever has its connection.
    fn take_frame(
        &mut self,
        hardware: &mut Hardware,
        frame: Vec<u8>,
        now: Duration,
    ) -> Result<(), Error> {
        let Some(segment) = Segment::parse(&frame, Direction::In) else {
            return self.take_other(hardware, frame);
        };
        let flow = segment.path.flow;
        let stages = self.connections.values_mut().filter(|connection| connection.flow == flow);
        for stage in stages.map(|connection| &mut connection.stage) {
            match stage {
                // It passed the hardware on its way between two owners: the peer sends it again.
                Stage::Hardware { .. } | Stage::Stopped { .. } => return Ok(()),
                Stage::Closing(closer) => {
                    let answer = closer.segment_from_peer(&segment, now);
                    let send = |answer| hardware.raw.send(&hardware.device, answer);
                    return answer.map_or(Ok(()), send);
                }
                Stage::Software { .. } | Stage::Lingering { .. } => {}
            }
        }
        if !segment.opens() || self.network.has_socket(&flow) {
            let answer = self.network.receive(frame, Some(&segment));
            let send = |answer: Segment| hardware.raw.send(&hardware.device, answer.emit());
            return answer.map_or(Ok(()), send);
        }
        let (network, backlog) = (&mut self.network, self.listeners.get_mut(&flow.local_port));
        if !backlog.is_none_or(|backlog| backlog.make_room(network, now)) {
            return Ok(());
        }
        if let Some(answer) = self.network.receive(frame, Some(&segment)) {
            hardware.raw.send(&hardware.device, answer.emit())?;
        }
        // Behind it the next one may come, which needs a socket of its own.
        self.work(hardware, now)
    }

    /// Lets the stack work.
    fn work(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for outgoing in self.network.poll(now) {
            self.send_frame(hardware, outgoing)?;
        }
        self.greet(now);
        Ok(())
    }

    /// A frame that is no segment: smoltcp's, unless it is ARP that smoltcp does not understand.
    fn take_other(&mut self, hardware: &mut Hardware, frame: Vec<u8>) -> Result<(), Error> {
        if let Some(answer) = self.network.answer_to_probe(&frame) {
            return hardware.raw.send(&hardware.device, answer);
        }
        let (network, connections) = (&mut self.network, &self.connections);
        let remote = |connection: &Connection| connection.flow.remote_ip;
        let ips: BTreeSet<_> = connections.values().map(remote).collect();
        let used: BTreeSet<_> = ips.into_iter().filter_map(|ip| network.next_hop(ip)).collect();
        let heard = network.hear(&frame, |ip| used.contains(&ip));
        self.network.receive(frame, None);
        heard.map_or(Ok(()), |heard| self.follow(hardware, &heard))
    }

    /// The connections that go by way of a neighbour follow it to its hardware address, whoever has
    /// them.
    //= rfc1122#2.3.2.1  An out-of-date entry is flushed: frames do not go on to where nobody is.
    fn follow(&mut self, hardware: &mut Hardware, heard: &Heard) -> Result<(), Error> {
        self.network.follow(heard);
        for connection in self.connections.values_mut() {
            if self.network.next_hop(connection.flow.remote_ip) != Some(heard.ip) {
                continue;
            }
            match &mut connection.stage {
                Stage::Hardware { qp, path, reply } if path.remote_mac != heard.mac => {
                    let remote_mac = mac_bits(heard.mac);
                    hardware.device.commit(*qp, &NextHopContext { remote_mac })?;
                    path.remote_mac = heard.mac;
                    reply.iter_mut().for_each(|reply| reply.move_to(heard.mac));
                }
                Stage::Stopped { path, .. } => path.remote_mac = heard.mac,
                Stage::Closing(closer) => closer.move_to(heard.mac),
                Stage::Software { held: Some(held), .. } => {
                    readdress(&mut held.frames, heard.mac);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A frame from smoltcp leaves, is held until the hardware is armed, or is one too many.
    fn send_frame(
        &mut self,
        hardware: &mut Hardware,
        (frame, segment): Outgoing,
    ) -> Result<(), Error> {
        let flow = segment.map(|segment| segment.path.flow);
        for connection in self.connections.values_mut() {
            if Some(connection.flow) != flow {
                continue;
            }
            match &mut connection.stage {
                Stage::Hardware { .. } | Stage::Stopped { .. } => return Ok(()),
                Stage::Software { held: Some(held), .. } => {
                    held.frames.push(frame);
                    return Ok(());
                }
                _ => {}
            }
        }
        hardware.raw.send(&hardware.device, frame)
    }

    /// Takes connections that have opened from their listeners.
    fn greet(&mut self, now: Duration) {
        let mut opened = Vec::new();
        for (port, backlog) in &mut self.listeners {
            let sockets = backlog.take_opened(&mut self.network, now);
            opened.extend(sockets.into_iter().map(|socket| (*port, socket)));
        }
        for (port, socket) in opened {
            match self.network.flow(socket) {
                Some(flow) => {
                    self.network.claim(flow);
                    let peer = SocketAddrV4::new(flow.remote_ip, flow.remote_port);
                    let id = self.add(socket, flow);
                    self.opened.push_back(Opened { id, port, peer });
                }
                None => self.network.remove(socket),
            }
        }
    }

    /// Everything of connections that is due by time.
    fn tick(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        let network = &mut self.network;
        let mut over = Vec::new();
        for (id, connection) in &mut self.connections {
            match &mut connection.stage {
                Stage::Hardware { qp, reply, .. } => {
                    let Some(sent) = reply else { continue };
                    if !sent.repeat(hardware, *qp, now)? {
                        *reply = None;
                    }
                }
                Stage::Closing(closer) => {
                    if let Some(frame) = closer.tick(now) {
                        hardware.raw.send(&hardware.device, frame)?;
                    }
                    self.closed.extend(closer.take_outcome().map(|outcome| (*id, outcome)));
                    over.extend(closer.is_done().then_some(*id));
                }
                Stage::Lingering { socket, deadline } => {
                    let deadline = *deadline.get_or_insert(now + LINGER);
                    // smoltcp's TIME-WAIT repeats the last acknowledgement; that can end by the
                    // deadline.
                    if network.socket(*socket).state() == State::Closed || now >= deadline {
                        network.remove(*socket);
                        over.push(*id);
                    }
                }
                Stage::Software { .. } | Stage::Stopped { .. } => {}
            }
        }
        over.iter().for_each(|id| drop(self.connections.remove(id)));
        Ok(())
    }
}

impl Tcp for Frames {
    fn listen(&mut self, port: u16) -> Result<(), Error> {
        if self.uses_port(port) {
            return Err(Error::PortInUse(port));
        }
        self.listeners.insert(port, Backlog::new(port, &mut self.network)?);
        Ok(())
    }

    fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        let backlog = self.listeners.remove(&port).ok_or(Error::Gone("listener"))?;
        backlog.close(&mut self.network);
        Ok(())
    }

    fn connect(&mut self, peer: SocketAddrV4) -> Result<TcpId, Error> {
        if !self.network.reaches(*peer.ip()) {
            return Err(Error::Unreachable(*peer.ip()));
        }
        let port = self.free_port()?;
        let (socket, flow) = self.network.connect(port, peer)?;
        Ok(self.add(socket, flow))
    }

    fn poll(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        for frame in hardware.raw.poll(&hardware.device)? {
            self.take_frame(hardware, frame, now)?;
        }
        self.work(hardware, now)?;
        self.tick(hardware, now)
    }

    fn timer(&mut self, now: Duration) -> Option<Duration> {
        let stack = self.network.timer(now);
        let timers = self.connections.values().filter_map(|connection| match &connection.stage {
            Stage::Hardware { reply, .. } => reply.as_ref().map(Reply::timer),
            Stage::Closing(closer) => closer.timer(),
            Stage::Lingering { deadline, .. } => Some(deadline.unwrap_or(now)),
            Stage::Software { .. } | Stage::Stopped { .. } => None,
        });
        timers.chain(stack).min()
    }

    fn take_opened(&mut self) -> Option<Opened> {
        self.opened.pop_front()
    }

    fn state(&mut self, id: TcpId) -> TcpState {
        let Some((socket, _, flow)) = self.software(id) else {
            return TcpState::Gone(Reason::Reset);
        };
        let tracker = self.network.tracker(&flow);
        if tracker.is_some_and(Tracker::is_cramped) {
            return TcpState::Gone(Reason::Local(Error::Cramped.to_string()));
        }
        let reset = tracker.is_some_and(Tracker::was_reset);
        match self.network.socket(socket).state() {
            State::Closed if reset => TcpState::Gone(Reason::Reset),
            // A socket that goes back to listening, or is closed by smoltcp's own timer.
            State::Closed | State::Listen => TcpState::Gone(Reason::Timeout),
            State::SynSent | State::SynReceived => TcpState::Opening,
            State::CloseWait => TcpState::PeerClosed,
            _ => TcpState::Open,
        }
    }

    fn send(&mut self, id: TcpId, frame: &[u8], last: bool) -> bool {
        let Some((socket, _, flow)) = self.software(id) else { return false };
        let Some(tracker) = self.network.tracker(&flow) else { return false };
        let end = tracker.send_next() + frame.len() as u32;
        let taken = self.network.socket(socket).send_slice(frame) == Ok(frame.len());
        if let Some((_, held, _)) = self.software(id).filter(|_| taken && last) {
            *held = Some(Held { end, frames: Vec::new() });
        }
        taken
    }

    fn receive(&mut self, id: TcpId, most: usize, received: &mut Vec<u8>) -> bool {
        let Some((socket, ..)) = self.software(id) else { return false };
        let taken = self.network.socket(socket).recv(|octets| {
            let count = octets.len().min(most);
            received.extend_from_slice(&octets[..count]);
            (count, count)
        });
        taken.is_ok_and(|count| count > 0)
    }

    fn is_ready(&mut self, id: TcpId) -> bool {
        let Some((_, held, flow)) = self.software(id) else { return false };
        let end = held.as_ref().map(|held| held.end);
        let tracker = self.network.tracker(&flow);
        tracker.is_some_and(|tracker| match end {
            Some(end) => tracker.send_next() == end,
            None => tracker.is_quiet(),
        })
    }

    fn hand_over(
        &mut self,
        id: TcpId,
        hardware: &mut Hardware,
        to: &HandOver,
        now: Duration,
    ) -> Result<u32, Error> {
        let Some((socket, held, flow)) = self.software(id) else {
            return Err(Error::Gone("connection"));
        };
        let held = held.take();
        let snapshot = self.network.tracker(&flow).and_then(|tracker| tracker.snapshot());
        let snapshot = snapshot.ok_or(Error::Gone("state of the connection"))?;
        if !fpdu::has_room(snapshot.peer_mss.into(), to.agreement.send_markers) {
            return Err(Error::Cramped);
        }
        let record = context(&snapshot, to, self.mtu, self.receive_window, &self.repair);
        hardware.arm(to.qp, Some(flow), &record)?;
        self.network.forget(&flow);
        self.network.remove(socket);
        // The hardware is armed: whatever the Reply brings about finds it ready.
        let send = |held: Held| Reply::send(held.frames, record.receive_next, hardware, now);
        let reply = held.map(send).transpose()?;
        let stage = Stage::Hardware { qp: to.qp, path: snapshot.path, reply };
        self.connections.insert(id, Connection { flow, stage });
        Ok(record.receive_next)
    }

    fn stop(&mut self, id: TcpId, hardware: &mut Hardware, qp: u32) -> Result<(), Error> {
        let connection = self.connections.get_mut(&id).ok_or(Error::Gone("connection"))?;
        let Stage::Hardware { path, .. } = connection.stage else { return Ok(()) };
        hardware.flows.remove(&hardware.device, qp)?;
        let query = hardware.halt(qp)?;
        connection.stage = Stage::Stopped { path, query };
        Ok(())
    }

    fn close(&mut self, id: TcpId, peer_fin: Option<u32>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.stage {
            Stage::Software { socket, .. } => {
                self.network.socket(socket).close();
                self.network.forget(&connection.flow);
                connection.stage = Stage::Lingering { socket, deadline: None };
            }
            Stage::Stopped { path, query } => {
                let send_next = Sequence(query.send_next);
                let closer = match peer_fin {
                    Some(fin) => Closer::passive(path, send_next, Sequence(fin)),
                    None => Closer::active(path, send_next, Sequence(query.receive_next)),
                };
                connection.stage = Stage::Closing(closer.with_time_wait(self.time_wait));
            }
            _ => {}
        }
    }

    fn abort(&mut self, id: TcpId, hardware: &mut Hardware, how: &Abort) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        match connection.stage {
            Stage::Software { socket, .. } => {
                self.network.socket(socket).abort();
                self.network.forget(&connection.flow);
                connection.stage = Stage::Lingering { socket, deadline: None };
            }
            Stage::Stopped { path, query } => {
                self.connections.remove(&id);
                if !how.by_peer {
                    let next = Sequence(query.receive_next) + u32::from(how.peer_fin.is_some());
                    let frame = reset(path, Sequence(query.send_next), next);
                    hardware.raw.send(&hardware.device, frame)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn usage(&self) -> TcpUsage {
        TcpUsage { connections: self.connections.len(), sockets: self.network.busy() }
    }

    fn take_closed(&mut self) -> Option<(TcpId, Outcome)> {
        self.closed.pop_front()
    }
}
