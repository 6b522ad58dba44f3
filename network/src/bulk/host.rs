//! A host with one connection.

use super::{Congestion, Transfer};
use ironwarp_wire::ethernet::HEADER_BYTES;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};
use std::collections::VecDeque;

/// The port of the end that receives, and that of the end that sends.
const PORTS: [u16; 2] = [5001, 40_000];
/// Octets that are written or read at a time.
const CHUNK: usize = 64 * 1024;

/// The octet of the stream at a place.
fn octet(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

fn address(end: u8) -> Ipv4Address {
    Ipv4Address::new(10, 0, 0, 1 + end)
}

/// Whole frames for smoltcp and from it.
struct Queues {
    arrived: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    mtu: usize,
}

struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct Room<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for Queues {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Room<'_>)> {
        self.arrived.pop_front().map(|frame| (Arrived(frame), Room(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        Some(Room(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu + HEADER_BYTES;
        capabilities
    }
}

/// End 0, which connects and sends, or end 1, which listens and receives.
pub(super) struct Host {
    queues: Queues,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    chunk: Vec<u8>,
}

/// smoltcp's time.
fn instant(micros: u64) -> Instant {
    Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

fn socket(transfer: &Transfer) -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; transfer.window]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket.set_congestion_control(match transfer.congestion {
        Congestion::None => CongestionControl::None,
        Congestion::Reno => CongestionControl::Reno,
        Congestion::Cubic => CongestionControl::Cubic,
    });
    socket
}

impl Host {
    /// A host whose connection begins to open.
    pub fn new(end: u8, transfer: &Transfer) -> Self {
        let mut queues = Queues { arrived: VecDeque::new(), sent: Vec::new(), mtu: transfer.mtu };
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1 + end]).into());
        config.random_seed = end.into();
        let mut interface = Interface::new(config, &mut queues, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // There is room for one address.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(address(end)), 24));
        });
        let mut socket = socket(transfer);
        // Neither can fail: the socket is new, and addresses and ports are whole.
        let _ = match end {
            0 => {
                let peer = (address(1), PORTS[0]);
                socket.connect(interface.context(), peer, PORTS[1]).map_err(|_| ())
            }
            _ => socket.listen(PORTS[0]).map_err(|_| ()),
        };
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(socket);
        Self { queues, interface, sockets, socket, chunk: vec![0; CHUNK] }
    }

    fn tcp(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    /// The connection was made.
    pub fn is_open(&mut self) -> bool {
        self.tcp().may_send()
    }

    /// Takes a frame from the network.
    pub fn arrive(&mut self, frame: Vec<u8>) {
        self.queues.arrived.push_back(frame);
    }

    /// Lets TCP work; the frames that leave.
    pub fn poll(&mut self, micros: u64) -> Vec<Vec<u8>> {
        self.interface.poll(instant(micros), &mut self.queues, &mut self.sockets);
        std::mem::take(&mut self.queues.sent)
    }

    /// When TCP has something to do by itself, in microseconds.
    pub fn timer(&mut self, micros: u64) -> Option<u64> {
        let at = self.interface.poll_at(instant(micros), &self.sockets)?;
        u64::try_from(at.total_micros()).ok()
    }

    /// Writes the stream from an octet on as far as there is room; how many octets it took.
    pub fn write(&mut self, from: u64, end: u64) -> u64 {
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        let mut taken = 0;
        while from + taken < end && socket.can_send() {
            let room = socket.send_capacity() - socket.send_queue();
            let length = (end - from - taken).min(room as u64).min(CHUNK as u64) as usize;
            for (n, into) in self.chunk[..length].iter_mut().enumerate() {
                *into = octet(from + taken + n as u64);
            }
            match socket.send_slice(&self.chunk[..length]) {
                Ok(0) | Err(_) => break,
                Ok(octets) => taken += octets as u64,
            }
        }
        taken
    }

    /// Reads what has arrived of the stream from an octet on and compares it; how many octets that
    /// were.
    ///
    /// # Errors
    /// How many octets were right before the first that is not.
    pub fn read(&mut self, from: u64) -> Result<u64, u64> {
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        let mut given = 0;
        while socket.can_recv() {
            let Ok(length) = socket.recv_slice(&mut self.chunk) else { break };
            for octets in self.chunk[..length].iter() {
                if *octets != octet(from + given) {
                    return Err(given);
                }
                given += 1;
            }
        }
        Ok(given)
    }
}
