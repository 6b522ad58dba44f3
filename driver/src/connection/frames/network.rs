//! The software stack: smoltcp's interface and sockets, with a tracker beside every connection.

use super::neighbours::{Heard, Neighbours};
use super::phy::Link;
use super::segment::{trim, Direction, Flow, Path, Segment};
use super::tracker::{Tracker, Verdict};
use crate::error::Error;
use crate::options::Options;
use ironwarp_wire::sequence::Sequence;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::socket::AnySocket;
use smoltcp::time::{Duration as SmolDuration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// The most that smoltcp keeps of a connection. What it has decides which window scale it offers:
/// one that lets the hardware advertise so much.
const RECEIVE_BYTES_MAX: usize = 256 * 1024;
/// A startup frame, and room to spare.
const SEND_BYTES: usize = 1024;
/// A peer that says nothing is given up by smoltcp as well.
const SILENCE: SmolDuration = SmolDuration::from_secs(10);

/// A frame that leaves, and what it is if it is TCP.
pub(crate) type Outgoing = (Vec<u8>, Option<Segment>);

/// The software stack.
pub(crate) struct Network {
    interface: Interface,
    sockets: SocketSet<'static>,
    link: Link,
    trackers: BTreeMap<Flow, Tracker>,
    /// Connections that the manager works on: their trackers stay until it forgets them.
    claimed: BTreeSet<Flow>,
    ports: BTreeSet<u16>,
    ip: Ipv4Addr,
    mac: [u8; 6],
    neighbours: Neighbours,
    /// What a socket has room for: never more than the hardware will advertise, so that a peer
    /// whose window shrinks at the hand-over does not exist.
    receive_bytes: usize,
}

impl Network {
    /// A stack with the station's addresses, whose connections have a receive window of `window`
    /// octets; sequence numbers follow from `seed`.
    pub fn new(options: &Options, window: u32, seed: u64, now: Duration) -> Self {
        let mut config = Config::new(EthernetAddress(options.mac).into());
        config.random_seed = seed;
        let mut link = Link::new(options.mtu);
        let mut interface = Interface::new(config, &mut link, instant(now));
        let address = IpCidr::new(IpAddress::Ipv4(options.ip), options.prefix);
        interface.update_ip_addrs(|addresses| {
            // There is room for one: the list was empty.
            let _ = addresses.push(address);
        });
        if let Some(gateway) = options.gateway {
            // There is room for one: the table was empty.
            let _ = interface.routes_mut().add_default_ipv4_route(gateway);
        }
        Self {
            interface,
            sockets: SocketSet::new(Vec::new()),
            link,
            trackers: BTreeMap::new(),
            claimed: BTreeSet::new(),
            ports: BTreeSet::new(),
            ip: options.ip,
            mac: options.mac,
            neighbours: Neighbours::new(options),
            receive_bytes: (window as usize).min(RECEIVE_BYTES_MAX),
        }
    }

    /// True if there is a way to an address.
    pub fn reaches(&self, ip: Ipv4Addr) -> bool {
        let unicast = !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast();
        unicast && self.neighbours.next_hop(ip).is_some() && ip != self.ip
    }

    /// The station that frames to an address go to first.
    pub fn next_hop(&self, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        self.neighbours.next_hop(ip)
    }

    /// What a frame says of a neighbour, if it is an ARP packet; `used` tells of an address if a
    /// connection's frames go there. smoltcp gets it in a shape that it takes.
    pub fn hear(&mut self, frame: &[u8], used: impl Fn(Ipv4Addr) -> bool) -> Option<Heard> {
        let heard = self.neighbours.hear(frame)?;
        let known = self.neighbours.learn(&heard, used(heard.ip));
        if known && !heard.to_us {
            self.link.arrived.push_back(self.neighbours.readdressed(&heard));
        }
        known.then_some(heard)
    }

    /// The reply to a host that asks whether our address is free ([`Neighbours`]).
    pub fn answer_to_probe(&self, frame: &[u8]) -> Option<Vec<u8>> {
        self.neighbours.answer_to_probe(frame)
    }

    /// A neighbour is at another hardware address from now on.
    pub fn follow(&mut self, heard: &Heard) {
        let neighbours = &self.neighbours;
        for (flow, tracker) in &mut self.trackers {
            if neighbours.next_hop(flow.remote_ip) == Some(heard.ip) {
                tracker.move_to(heard.mac);
            }
        }
    }

    /// A socket that waits for one connection to a port.
    pub fn listen(&mut self, port: u16) -> Result<SocketHandle, Error> {
        let mut socket = self.new_socket();
        let range = "1 to 65535";
        let wrong = |_| Error::OutOfRange { what: "the TCP port", value: port.into(), range };
        socket.listen(IpListenEndpoint::from(port)).map_err(wrong)?;
        self.ports.insert(port);
        Ok(self.sockets.add(socket))
    }

    /// SYNs to this port make no trackers any more.
    pub fn forget_port(&mut self, port: u16) {
        self.ports.remove(&port);
    }

    /// A socket that opens a connection.
    pub fn connect(
        &mut self,
        port: u16,
        peer: SocketAddrV4,
    ) -> Result<(SocketHandle, Flow), Error> {
        let mut socket = self.new_socket();
        let remote = IpEndpoint::new(IpAddress::Ipv4(*peer.ip()), peer.port());
        let local = IpListenEndpoint { addr: Some(IpAddress::Ipv4(self.ip)), port };
        let unreachable = |_| Error::Unreachable(*peer.ip());
        socket.connect(self.interface.context(), remote, local).map_err(unreachable)?;
        let flow = Flow {
            local_ip: self.ip,
            remote_ip: *peer.ip(),
            local_port: port,
            remote_port: peer.port(),
        };
        self.track(flow);
        self.claim(flow);
        Ok((self.sockets.add(socket), flow))
    }

    /// The manager works on a connection.
    pub fn claim(&mut self, flow: Flow) {
        self.claimed.insert(flow);
    }

    /// The manager no longer does: from now on smoltcp sees everything that comes on it. The
    /// tracker goes with the socket.
    pub fn forget(&mut self, flow: &Flow) {
        self.claimed.remove(flow);
        self.trackers.get_mut(flow).into_iter().for_each(Tracker::release);
    }

    /// The next hop is filled in when the first segment leaves.
    fn track(&mut self, flow: Flow) {
        let path = Path { flow, local_mac: self.mac, remote_mac: [0; 6] };
        self.trackers.insert(flow, Tracker::new(path));
    }

    fn new_socket(&self) -> Socket<'static> {
        let receive = SocketBuffer::new(vec![0; self.receive_bytes]);
        let mut socket = Socket::new(receive, SocketBuffer::new(vec![0; SEND_BYTES]));
        // Startup is one frame each way: acknowledge and send at once, whatever else a build of
        // smoltcp would do by itself.
        socket.set_congestion_control(CongestionControl::None);
        socket.set_ack_delay(None);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(SILENCE));
        socket
    }

    /// A socket by its handle, which the caller has not given to [`Network::remove`].
    pub fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    fn tcp(&self) -> impl Iterator<Item = &Socket<'static>> {
        self.sockets.iter().filter_map(|(_, socket)| Socket::downcast(socket))
    }

    /// How many sockets do more than listen.
    pub fn busy(&self) -> usize {
        self.tcp().filter(|socket| socket.state() != State::Listen).count()
    }

    /// The connection of a socket, if it has one.
    pub fn flow(&self, handle: SocketHandle) -> Option<Flow> {
        flow_of(self.sockets.get::<Socket<'_>>(handle))
    }

    /// What is known of a connection.
    pub fn tracker(&self, flow: &Flow) -> Option<&Tracker> {
        self.trackers.get(flow)
    }

    /// Takes a socket away; nothing leaves on its behalf any more.
    pub fn remove(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
    }

    /// True if a port is in use by a socket.
    pub fn uses_port(&self, port: u16) -> bool {
        self.tcp().any(|socket| {
            socket.listen_endpoint().port == port
                || socket.local_endpoint().is_some_and(|local| local.port == port)
        })
    }

    /// A frame for the stack, and what it is if it is TCP. Answers what is to be sent at once in
    /// place of what smoltcp would say.
    pub fn receive(&mut self, frame: Vec<u8>, segment: Option<&Segment>) -> Option<Segment> {
        let Some(segment) = segment else {
            self.link.arrived.push_back(frame);
            return None;
        };
        let flow = segment.path.flow;
        if segment.opens() && self.ports.contains(&flow.local_port) && !self.has_socket(&flow) {
            self.track(flow);
        }
        let Some(tracker) = self.trackers.get_mut(&flow) else {
            self.link.arrived.push_back(frame);
            return None;
        };
        match tracker.inbound(segment) {
            Verdict::Keep => self.link.arrived.push_back(frame),
            Verdict::Trim(length) => self.link.arrived.extend(trim(&frame, length)),
            Verdict::Drop => {}
            Verdict::Challenge => return Some(tracker.challenge()),
            // Of a connection that we open, the manager sees it, and resets it.
            Verdict::Refuse if segment.opens() => {
                self.trackers.remove(&flow);
                let reset = Segment::bare(segment.path, Sequence(0), segment.end(), 0);
                return Some(Segment { rst: true, ..reset });
            }
            Verdict::Refuse => {}
        }
        None
    }

    /// True if a connection has a socket.
    pub fn has_socket(&self, flow: &Flow) -> bool {
        self.flows().any(|other| other == *flow)
    }

    fn flows(&self) -> impl Iterator<Item = Flow> + '_ {
        self.tcp().filter_map(flow_of)
    }

    /// Lets the stack work; answers the frames that are to leave.
    pub fn poll(&mut self, now: Duration) -> Vec<Outgoing> {
        self.interface.poll(instant(now), &mut self.link, &mut self.sockets);
        let mut outgoing = Vec::new();
        for frame in self.link.sent.drain(..) {
            let segment = Segment::parse(&frame, Direction::Out);
            if let Some(segment) = &segment {
                if let Some(tracker) = self.trackers.get_mut(&segment.path.flow) {
                    tracker.outbound(segment);
                }
            }
            outgoing.push((frame, segment));
        }
        // A SYN that no socket took leaves nothing behind.
        let flows: BTreeSet<Flow> = self.flows().collect();
        self.trackers.retain(|flow, _| flows.contains(flow) || self.claimed.contains(flow));
        outgoing
    }

    /// When the stack has something to do by itself.
    pub fn timer(&mut self, now: Duration) -> Option<Duration> {
        let delay = self.interface.poll_delay(instant(now), &self.sockets)?;
        Some(now + Duration::from_micros(delay.total_micros()))
    }
}

fn flow_of(socket: &Socket<'_>) -> Option<Flow> {
    if matches!(socket.state(), State::Closed | State::Listen) {
        return None;
    }
    let (local, remote) = (socket.local_endpoint()?, socket.remote_endpoint()?);
    let (IpAddress::Ipv4(local_ip), IpAddress::Ipv4(remote_ip)) = (local.addr, remote.addr);
    Some(Flow { local_ip, remote_ip, local_port: local.port, remote_port: remote.port })
}

fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
