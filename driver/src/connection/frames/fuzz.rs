//! What the fuzzer calls: the stack as frames from the wire meet it, without a device.

use super::close::Closer;
use super::network::Network;
use super::segment::{trim, Direction, Flow, Path, Segment};
use crate::options::Options;
use ironwarp_wire::mpa::startup::{FRAME_BYTES_MAX, HEADER_BYTES};
use ironwarp_wire::sequence::Sequence;
use smoltcp::iface::SocketHandle;
use std::net::Ipv4Addr;
use std::time::Duration;

const PORT: u16 = 7000;
const PEER_MAC: [u8; 6] = [2, 0x49, 0x57, 0, 0, 2];
/// The receive window.
const WINDOW: u32 = 32 * 1024;
/// Where the peer's stream begins; it wraps soon.
const PEER_FIRST: Sequence = Sequence(u32::MAX - 300);

/// A segment of the peer's, with numbers close to the right ones.
#[derive(Clone, Copy, Debug)]
pub struct Near<'a> {
    /// How far it begins from where the peer's stream is.
    pub sequence: i8,
    /// How far it acknowledges from what was sent.
    pub acknowledged: i8,
    /// Bit 0: FIN; bit 1: SYN; bit 2: RST; bit 4: ACK.
    pub flags: u8,
    /// Window field.
    pub window: u16,
    /// The payload.
    pub payload: &'a [u8],
}

/// A listening stack, and two connections that the hardware has given back, of which one side or
/// the other closes first.
pub struct Stack {
    network: Network,
    listener: SocketHandle,
    closers: [Closer; 2],
    path: Path,
    now: Duration,
    /// What the stack sends next, and the peer.
    ours: Sequence,
    peers: Sequence,
    /// The connection that the stack has, and what it has read from it.
    flow: Option<Flow>,
    received: usize,
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

impl Stack {
    /// Nothing has arrived yet.
    pub fn new() -> Self {
        let options = Options::default();
        let mut network = Network::new(&options, WINDOW, 1, Duration::ZERO);
        let listener = network.listen(PORT).expect("a port");
        let path = Path {
            flow: Flow {
                local_ip: options.ip,
                remote_ip: Ipv4Addr::new(10, 0, 0, 2),
                local_port: PORT,
                remote_port: 40_000,
            },
            local_mac: options.mac,
            remote_mac: PEER_MAC,
        };
        let next = Sequence(77);
        let closers =
            [Closer::active(path, next, PEER_FIRST), Closer::passive(path, next, PEER_FIRST)];
        let now = Duration::ZERO;
        let (ours, peers) = (Sequence(0), PEER_FIRST);
        let (flow, received) = (None, 0);
        let mut stack = Self { network, listener, closers, path, now, ours, peers, flow, received };
        stack.pass(Duration::ZERO);
        stack
    }

    /// A frame arrives.
    pub fn frame(&mut self, frame: &[u8]) {
        let segment = Segment::parse(frame, Direction::In);
        check(frame, segment.as_ref());
        if let Some(segment) = &segment {
            for closer in &mut self.closers {
                sound(self.path, closer.segment_from_peer(segment, self.now));
            }
        }
        let answer = self.network.receive(frame.to_vec(), segment.as_ref());
        if let Some(answer) = answer {
            let read = Segment::parse(&answer.emit(), Direction::Out);
            assert!(!answer.syn && read == Some(answer));
        }
        self.pass(Duration::ZERO);
    }

    /// A segment of the connection arrives. What is in order moves the peer's stream on.
    pub fn segment(&mut self, what: &Near<'_>) {
        let near = |number: Sequence, by: i8| Sequence(number.0.wrapping_add_signed(by.into()));
        let flag = |bit: u8| what.flags >> bit & 1 != 0;
        let flow = self.path.flow;
        let segment = Segment {
            path: Path {
                flow: Flow {
                    local_ip: flow.remote_ip,
                    remote_ip: flow.local_ip,
                    local_port: flow.remote_port,
                    remote_port: flow.local_port,
                },
                local_mac: self.path.remote_mac,
                remote_mac: self.path.local_mac,
            },
            sequence: near(self.peers, what.sequence),
            acknowledged: flag(4).then(|| near(self.ours, what.acknowledged)),
            window: what.window,
            syn: flag(1),
            fin: flag(0),
            rst: flag(2),
            mss: flag(1).then_some(what.window),
            window_scale: flag(1).then_some(what.window as u8),
            sack_permitted: flag(1) && what.window & 1 == 0,
            payload: what.payload.into(),
        };
        let frame = segment.emit();
        if what.sequence == 0 {
            let flags = u32::from(segment.syn) + u32::from(segment.fin);
            self.peers = self.peers + what.payload.len() as u32 + flags;
        }
        self.frame(&frame);
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        for (frame, segment) in self.network.poll(self.now) {
            assert_eq!(Segment::parse(&frame, Direction::Out), segment);
            if let Some(segment) = segment.filter(|segment| segment.path.flow == self.path.flow) {
                self.ours = segment.end();
            }
        }
        for closer in &mut self.closers {
            sound(self.path, closer.tick(self.now));
        }
        self.follow();
        let socket = self.network.socket(self.listener);
        while let Ok(count @ 1..) = socket.recv(|octets| (octets.len(), octets.len())) {
            self.received += count;
        }
        // What follows the longest of startup frames is for the hardware alone.
        assert!(self.received <= FRAME_BYTES_MAX, "{} octets", self.received);
    }

    /// Does what the connection manager does with a socket that opens or closes.
    fn follow(&mut self) {
        let flow = self.network.flow(self.listener);
        if flow == self.flow {
            return;
        }
        if let Some(before) = std::mem::replace(&mut self.flow, flow) {
            self.network.forget(&before);
        }
        self.received = 0;
        match flow {
            Some(flow) => self.network.claim(flow),
            None => {
                self.network.remove(self.listener);
                self.listener = self.network.listen(PORT).expect("a port");
            }
        }
    }
}

/// A frame that closes a connection is a segment of it.
fn sound(path: Path, frame: Option<Vec<u8>>) {
    let Some(frame) = frame else { return };
    let segment = Segment::parse(&frame, Direction::Out).expect("a segment");
    assert_eq!((segment.path, segment.syn), (path, false));
}

/// The parser and the scissors agree with each other, whatever the octets.
fn check(frame: &[u8], read: Option<&Segment>) {
    let Some(segment) = read else { return };
    let out = Segment::parse(frame, Direction::Out).expect("whatever the direction");
    assert_eq!(out.path.remote_mac, segment.path.local_mac);
    assert_eq!((out.sequence, &out.payload), (segment.sequence, &segment.payload));
    let whole = segment.payload.len();
    for length in [0, whole / 2, whole.saturating_sub(1), whole, HEADER_BYTES] {
        let cut = trim(frame, length);
        assert_eq!(cut.is_some(), length <= whole);
        let Some(cut) = cut else { continue };
        let again = Segment::parse(&cut, Direction::In).expect("a segment still");
        let expected =
            Segment { fin: false, payload: segment.payload[..length].into(), ..segment.clone() };
        assert_eq!(again, expected);
    }
}
