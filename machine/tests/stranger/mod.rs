//! A peer that is the test: smoltcp's TCP at the other end of a pair of datagram sockets. It does
//! what it is told, right or wrong.

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Where the stranger is.
pub const IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const BUFFER_BYTES: usize = 1 << 16;
const FRAME_BYTES_MAX: usize = 1514;

/// The sockets' side of the link.
struct Link {
    socket: UnixDatagram,
    remote: PathBuf,
    /// Before each frame, a copy of it with one octet changed: the next one to change.
    noise: Option<usize>,
}

impl Link {
    fn receive_frame(&self) -> Option<Vec<u8>> {
        let mut frame = vec![0; FRAME_BYTES_MAX];
        let length = self.socket.recv(&mut frame).ok()?;
        frame.truncate(length);
        Some(frame)
    }

    /// A frame that finds no room is lost, and TCP sends it again.
    fn send_frame(&mut self, frame: &[u8]) {
        if let Some(at) = &mut self.noise {
            let mut bad = frame.to_vec();
            let length = bad.len();
            bad[*at % length] ^= 0x41;
            *at += 1;
            let _ = self.socket.send_to(&bad, &self.remote);
        }
        let _ = self.socket.send_to(frame, &self.remote);
    }
}

struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for &mut Link {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.send_frame(&frame);
        result
    }
}

impl Device for Link {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = &'a mut Link;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, &mut Link)> {
        self.receive_frame().map(|frame| (Arrived(frame), self))
    }

    fn transmit(&mut self, _: Instant) -> Option<&mut Link> {
        Some(self)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES_MAX;
        capabilities
    }
}

/// The peer.
pub struct Stranger {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    next_port: u16,
    /// It says nothing any more, whatever it hears.
    pub silent: bool,
}

impl Stranger {
    /// With a link from the socket at `local` to the one at `remote`.
    pub fn new(local: &Path, remote: &Path) -> Self {
        let socket = UnixDatagram::bind(local).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut link = Link { socket, remote: remote.to_owned(), noise: None };
        let config = Config::new(EthernetAddress(MAC).into());
        let mut interface = Interface::new(config, &mut link, Instant::now());
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(IpAddress::Ipv4(IP), 24)).unwrap();
        });
        let sockets = SocketSet::new(Vec::new());
        Self { link, interface, sockets, next_port: 40_000, silent: false }
    }

    /// From now on a damaged copy goes ahead of each frame.
    pub fn make_noise(&mut self) {
        self.link.noise = Some(0);
    }

    /// Sends a frame of the test's own.
    pub fn send_frame(&mut self, frame: &[u8]) {
        self.link.send_frame(frame);
    }

    /// Knows nothing of its connections, and speaks again.
    pub fn start_anew(&mut self) {
        self.sockets = SocketSet::new(Vec::new());
        self.silent = false;
    }

    /// Works on what has arrived.
    pub fn poll(&mut self) {
        if self.silent {
            while self.link.receive_frame().is_some() {}
            return;
        }
        self.interface.poll(Instant::now(), &mut self.link, &mut self.sockets);
    }

    fn add(&mut self) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        self.sockets.add(socket)
    }

    /// Begins to connect.
    pub fn connect(&mut self, ip: Ipv4Addr, port: u16) -> SocketHandle {
        self.next_port += 1;
        self.connect_from(self.next_port, ip, port)
    }

    /// Begins to connect from a port of the test's choosing.
    pub fn connect_from(&mut self, local: u16, ip: Ipv4Addr, port: u16) -> SocketHandle {
        let handle = self.add();
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        socket.connect(self.interface.context(), (ip, port), local).unwrap();
        handle
    }

    /// Has another hardware address from now on, and hears nothing that is sent to the old one.
    pub fn move_to(&mut self, mac: [u8; 6]) {
        self.interface.set_hardware_addr(EthernetAddress(mac).into());
    }

    /// Waits for one connection.
    pub fn listen(&mut self, port: u16) -> SocketHandle {
        let handle = self.add();
        self.tcp(handle).listen(port).unwrap();
        handle
    }

    /// One of its sockets.
    pub fn tcp(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Gives octets to a socket that has room for them.
    pub fn send(&mut self, handle: SocketHandle, octets: &[u8]) {
        assert_eq!(self.tcp(handle).send_slice(octets), Ok(octets.len()));
    }

    /// The socket's connection was made.
    pub fn is_open(&mut self, handle: SocketHandle) -> bool {
        self.tcp(handle).may_send()
    }

    /// The socket's connection has come to nothing.
    pub fn is_closed(&mut self, handle: SocketHandle) -> bool {
        self.tcp(handle).state() == State::Closed
    }

    /// The other side has closed the socket's connection in order.
    pub fn has_heard_the_end(&mut self, handle: SocketHandle) -> bool {
        self.tcp(handle).state() == State::CloseWait
    }

    /// What has arrived, once it is so many octets.
    pub fn received(&mut self, handle: SocketHandle, octets: usize) -> Option<Vec<u8>> {
        let socket = self.tcp(handle);
        let mut into = vec![0; octets];
        (socket.recv_queue() >= octets).then(|| socket.recv_slice(&mut into).unwrap())?;
        Some(into)
    }
}
