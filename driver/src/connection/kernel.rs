//! TCP of the kernel: sockets that do not block, before and after a queue pair has them.

use super::tcp::{Abort, HandOver, Opened, Outcome, Tcp, TcpId, TcpState, TcpUsage};
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::options::Options;
use crate::pci::{KernelStreams, PciFunction};
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, Type};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How often sockets are looked at that startup or closing waits for.
const TICK: Duration = Duration::from_millis(1);
/// How often listeners are looked at.
const LISTEN_TICK: Duration = Duration::from_millis(5);
/// How long the peer may take to close its side after ours.
const FIN_WAIT: Duration = Duration::from_secs(60);

/// Connections that may wait for the peer to close its side: each has a descriptor. Of more, the
/// oldest are reset.
const CLOSINGS_MAX: usize = 64;

/// Who has a connection.
enum Stage {
    /// The kernel opens it.
    Opening(TcpStream),
    /// It is open, and startup reads and writes it.
    Software(TcpStream),
    /// A queue pair has it.
    Hardware,
    /// A queue pair gave it back.
    Stopped(TcpStream),
    /// Our direction is closed; the other one has to be by the deadline.
    Closing(TcpStream, Option<Duration>),
    /// It never came to be.
    Failed(Reason),
}

/// All connections over sockets of the kernel.
pub(crate) struct Kernel {
    function: Arc<dyn PciFunction>,
    ip: Ipv4Addr,
    silence: Duration,
    listeners: BTreeMap<u16, TcpListener>,
    next_accept: Duration,
    connections: BTreeMap<TcpId, Stage>,
    opened: VecDeque<Opened>,
    closed: VecDeque<(TcpId, Outcome)>,
    next_id: u32,
}

impl Kernel {
    /// None yet.
    pub fn new(function: Arc<dyn PciFunction>, options: &Options) -> Self {
        Self {
            function,
            ip: options.ip,
            silence: options.silence,
            listeners: BTreeMap::new(),
            next_accept: Duration::ZERO,
            connections: BTreeMap::new(),
            opened: VecDeque::new(),
            closed: VecDeque::new(),
            next_id: 0,
        }
    }

    fn streams(&self) -> Result<&dyn KernelStreams, Error> {
        self.function.kernel_streams().ok_or(Error::Gone("kernel TCP of the device"))
    }

    fn add(&mut self, stage: Stage) -> TcpId {
        let id = TcpId::vacant(&mut self.next_id, &self.connections);
        self.connections.insert(id, stage);
        id
    }

    fn set_up(&self, socket: SockRef<'_>) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // The kernel watches the peer's acknowledgements as the driver does over frames.
        socket.set_tcp_user_timeout(Some(self.silence))
    }

    /// A socket that begins to connect.
    fn open(&self, peer: SocketAddrV4) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        self.set_up(SockRef::from(&socket))?;
        if !self.ip.is_unspecified() {
            socket.bind(&SocketAddrV4::new(self.ip, 0).into())?;
        }
        match socket.connect(&peer.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
                Err(error)
            }
            _ => Ok(socket.into()),
        }
    }

    fn accept(&mut self) {
        let mut accepted = Vec::new();
        for (port, listener) in &self.listeners {
            loop {
                match listener.accept() {
                    Ok((stream, SocketAddr::V4(peer))) => accepted.push((*port, stream, peer)),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        if error.kind() != ErrorKind::WouldBlock {
                            tracing::warn!(%error, port, "a connection could not be accepted");
                        }
                        break;
                    }
                }
            }
        }
        for (port, stream, peer) in accepted {
            match self.set_up(SockRef::from(&stream)) {
                Ok(()) => {
                    let id = self.add(Stage::Software(stream));
                    self.opened.push_back(Opened { id, port, peer });
                }
                // The peer was gone before it was greeted.
                Err(error) => tracing::debug!(%error, %peer, "a connection is gone again"),
            }
        }
    }
}

/// Why a socket failed.
fn reason(error: &io::Error) -> Reason {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
    match error.kind() {
        ConnectionRefused | ConnectionReset | ConnectionAborted | BrokenPipe => Reason::Reset,
        TimedOut => Reason::Timeout,
        _ => Reason::Local(error.to_string()),
    }
}

/// Ends a connection with a reset.
fn reset(stream: TcpStream) {
    // If it fails, dropping the socket closes the connection all the same.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// What an opening socket has come to.
fn opening(stream: &TcpStream) -> TcpState {
    match stream.take_error() {
        Ok(Some(error)) | Err(error) => TcpState::Gone(reason(&error)),
        Ok(None) if stream.peer_addr().is_ok() => TcpState::Open,
        Ok(None) => TcpState::Opening,
    }
}

/// What an open socket has come to.
fn open(stream: &TcpStream) -> TcpState {
    match stream.peek(&mut [0]) {
        Ok(0) => TcpState::PeerClosed,
        Ok(_) => TcpState::Open,
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => TcpState::Open,
            _ => TcpState::Gone(reason(&error)),
        },
    }
}

/// How closing has ended, if it has. The socket is read to its end: nothing may come any more.
fn closing(stream: &mut TcpStream, late: bool) -> Option<Outcome> {
    match stream.read(&mut [0; 64]) {
        Ok(0) => Some(Outcome::Closed),
        //= rfc9293#3.6.1  Data that comes after the receiver is gone is answered with a reset.
        Ok(_) => Some(Outcome::Data),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => late.then_some(Outcome::Timeout),
            ErrorKind::TimedOut => Some(Outcome::Timeout),
            _ => Some(Outcome::PeerReset),
        },
    }
}

impl Tcp for Kernel {
    fn listen(&mut self, port: u16) -> Result<(), Error> {
        if port == 0 {
            let range = "1 to 65535";
            return Err(Error::OutOfRange { what: "the TCP port", value: 0, range });
        }
        let listener = TcpListener::bind((self.ip, port)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => Error::PortInUse(port),
            _ => Error::System { what: "listening to a TCP port", source },
        })?;
        self.listeners.insert(port, listener);
        Ok(())
    }

    fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        self.listeners.remove(&port).map(drop).ok_or(Error::Gone("listener"))
    }

    fn connect(&mut self, peer: SocketAddrV4) -> Result<TcpId, Error> {
        use ErrorKind::{ConnectionRefused, HostUnreachable, InvalidInput, NetworkUnreachable};
        let stage = match self.open(peer) {
            Ok(stream) => Stage::Opening(stream),
            Err(source) => match source.kind() {
                ConnectionRefused => Stage::Failed(Reason::Reset),
                HostUnreachable | NetworkUnreachable | InvalidInput => {
                    return Err(Error::Unreachable(*peer.ip()));
                }
                _ => return Err(Error::System { what: "opening a TCP connection", source }),
            },
        };
        Ok(self.add(stage))
    }

    fn poll(&mut self, _: &mut Hardware, now: Duration) -> Result<(), Error> {
        if now >= self.next_accept && !self.listeners.is_empty() {
            self.next_accept = now + LISTEN_TICK;
            self.accept();
        }
        let mut ended = Vec::new();
        let closings =
            self.connections.values().filter(|stage| matches!(stage, Stage::Closing(..)));
        let mut too_many = closings.count().saturating_sub(CLOSINGS_MAX);
        for (id, stage) in &mut self.connections {
            let Stage::Closing(stream, deadline) = stage else { continue };
            let crowded = too_many > 0;
            too_many = too_many.saturating_sub(1);
            let late = crowded || now >= *deadline.get_or_insert(now + FIN_WAIT);
            ended.extend(closing(stream, late).map(|outcome| (*id, outcome)));
        }
        for (id, outcome) in ended {
            if let Some(Stage::Closing(stream, _)) = self.connections.remove(&id) {
                if matches!(outcome, Outcome::Data | Outcome::Timeout) {
                    reset(stream);
                }
            }
            self.closed.push_back((id, outcome));
        }
        Ok(())
    }

    fn timer(&mut self, now: Duration) -> Option<Duration> {
        let waits = |stage: &Stage| !matches!(stage, Stage::Hardware);
        let tick = self.connections.values().any(waits).then_some(now + TICK);
        let accept = (!self.listeners.is_empty()).then_some(self.next_accept);
        tick.into_iter().chain(accept).min()
    }

    fn take_opened(&mut self) -> Option<Opened> {
        self.opened.pop_front()
    }

    fn state(&mut self, id: TcpId) -> TcpState {
        let state = match self.connections.get(&id) {
            Some(Stage::Opening(stream)) => opening(stream),
            Some(Stage::Software(stream)) => return open(stream),
            Some(Stage::Failed(reason)) => return TcpState::Gone(reason.clone()),
            _ => return TcpState::Gone(Reason::Reset),
        };
        if state == TcpState::Open {
            if let Some(Stage::Opening(stream)) = self.connections.remove(&id) {
                self.connections.insert(id, Stage::Software(stream));
            }
        }
        state
    }

    /// The octets that the hand-over brings about wait in the socket, so a last frame need not
    /// wait for it.
    fn send(&mut self, id: TcpId, frame: &[u8], _: bool) -> bool {
        let Some(Stage::Software(stream)) = self.connections.get_mut(&id) else { return false };
        // A socket that has sent nothing yet has room for a startup frame.
        matches!(stream.write(frame), Ok(count) if count == frame.len())
    }

    fn receive(&mut self, id: TcpId, most: usize, received: &mut Vec<u8>) -> bool {
        let Some(Stage::Software(stream)) = self.connections.get_mut(&id) else { return false };
        let start = received.len();
        received.resize(start + most, 0);
        let count = stream.read(&mut received[start..]).unwrap_or(0);
        received.truncate(start + count);
        count > 0
    }

    fn is_ready(&mut self, _: TcpId) -> bool {
        true
    }

    fn hand_over(
        &mut self,
        id: TcpId,
        hardware: &mut Hardware,
        to: &HandOver,
        _: Duration,
    ) -> Result<u32, Error> {
        let Some(Stage::Software(stream)) = self.connections.remove(&id) else {
            return Err(Error::Gone("connection"));
        };
        let system = |source| Error::System { what: "the size of TCP segments", source };
        let emss = SockRef::from(&stream).tcp_mss().map_err(system)?;
        self.streams()?.attach(to.qp, stream)?;
        let context = to.context(emss as usize);
        if let Err(error) = hardware.arm(to.qp, None, &context) {
            if let Some(stream) = self.streams()?.detach(to.qp) {
                reset(stream);
            }
            return Err(error);
        }
        self.connections.insert(id, Stage::Hardware);
        Ok(context.receive_next)
    }

    fn stop(&mut self, id: TcpId, hardware: &mut Hardware, qp: u32) -> Result<(), Error> {
        if !matches!(self.connections.get(&id), Some(Stage::Hardware)) {
            return Ok(());
        }
        hardware.halt(qp)?;
        let stage = match self.streams()?.detach(qp) {
            Some(stream) => Stage::Stopped(stream),
            None => Stage::Failed(Reason::Reset),
        };
        self.connections.insert(id, stage);
        Ok(())
    }

    fn close(&mut self, id: TcpId, _: Option<u32>) {
        match self.connections.remove(&id) {
            Some(Stage::Software(stream) | Stage::Stopped(stream)) => {
                // If the peer is gone, reading says so.
                let _ = stream.shutdown(Shutdown::Write);
                self.connections.insert(id, Stage::Closing(stream, None));
            }
            _ => self.closed.push_back((id, Outcome::PeerReset)),
        }
    }

    fn abort(&mut self, id: TcpId, _: &mut Hardware, how: &Abort) -> Result<(), Error> {
        use Stage::{Closing, Opening, Software, Stopped};
        match self.connections.remove(&id) {
            Some(Opening(stream) | Software(stream) | Stopped(stream) | Closing(stream, _))
                if !how.by_peer =>
            {
                reset(stream);
            }
            _ => {}
        }
        Ok(())
    }

    fn usage(&self) -> TcpUsage {
        let failed = |stage: &&Stage| matches!(stage, Stage::Failed(_));
        let connections = self.connections.len();
        let open = connections - self.connections.values().filter(failed).count();
        TcpUsage { connections, sockets: open }
    }

    fn take_closed(&mut self) -> Option<(TcpId, Outcome)> {
        self.closed.pop_front()
    }
}
