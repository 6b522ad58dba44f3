//! A connection that software still runs: TCP open and MPA startup.
//!
//! ```text
//!   Initiator:  Opening --established--> AwaitReply --accepted--> Settling --quiet--> hardware
//!   Responder:  AwaitRequest --Request--> Deciding --accept--> Replying --Reply built--> hardware
//! ```

use super::event::{Agreement, PeerStartup, ReadDepths, StartupOptions};
use super::negotiation::{check_reply, Role, Terms};
use super::network::Network;
use super::segment::Flow;
use crate::error::Reason;
use ironwarp_wire::mpa::startup::{Kind, Parsed, StartupRepr};
use ironwarp_wire::sequence::Sequence;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::net::SocketAddrV4;
use std::time::Duration;

/// How far startup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Initiator: TCP opens.
    Opening,
    /// Initiator: the Request is on its way.
    AwaitReply,
    /// Initiator: the Reply accepts; acknowledgements are on their way.
    Settling {
        /// Not handed over before this moment.
        until: Duration,
    },
    /// Responder: TCP is open.
    AwaitRequest,
    /// Responder: the application decides.
    Deciding,
    /// Responder: the Reply is being built.
    Replying,
}

/// What is next for a connection.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing yet.
    Wait,
    /// Something changed: look again.
    Again,
    /// The Request is here.
    Requested,
    /// The stream is quiet: hand it over.
    HandOver,
    /// The peer refused.
    Refused,
    /// It ends here.
    Fail(Reason),
}

/// A connection in startup.
pub(crate) struct Startup {
    /// Which side this is.
    pub role: Role,
    /// How far it has come.
    pub phase: Phase,
    /// smoltcp's part of it.
    pub socket: SocketHandle,
    /// Its ends.
    pub flow: Flow,
    /// When to give up.
    pub deadline: Duration,
    /// The queue pair, once it has one.
    pub qp: Option<u8>,
    /// Initiator: how long to wait after the Reply.
    settle: Duration,
    /// What the peer's frame said.
    pub peer: Option<PeerStartup>,
    /// The Request's terms.
    pub request: Option<Terms>,
    /// The Reply's terms.
    pub reply: Option<Terms>,
    /// What this side offered.
    pub reads: ReadDepths,
    /// Initiator: say ready-to-receive first.
    pub ready_to_receive: bool,
    /// Responder: frames of the Reply, which leave when the hardware is armed.
    pub held: Vec<Vec<u8>>,
    private_data: Vec<u8>,
    received: Vec<u8>,
    send_end: Option<Sequence>,
}

impl Startup {
    /// The Initiator's side of a connection that opens.
    pub fn initiator(
        socket: SocketHandle,
        flow: Flow,
        qp: u8,
        options: &StartupOptions,
        settle: Duration,
        now: Duration,
    ) -> Self {
        Self {
            role: Role::Initiator,
            phase: Phase::Opening,
            settle,
            qp: Some(qp),
            request: Some(Terms::of_request(options)),
            reads: options.reads,
            private_data: options.private_data.clone(),
            ..Self::responder(socket, flow, now + options.timeout)
        }
    }

    /// The Responder's side of a connection that has opened.
    pub fn responder(socket: SocketHandle, flow: Flow, deadline: Duration) -> Self {
        Self {
            role: Role::Responder,
            phase: Phase::AwaitRequest,
            socket,
            flow,
            deadline,
            qp: None,
            settle: Duration::ZERO,
            peer: None,
            request: None,
            reply: None,
            reads: ReadDepths::MAX,
            ready_to_receive: false,
            held: Vec::new(),
            private_data: Vec::new(),
            received: Vec::new(),
            send_end: None,
        }
    }

    /// Responder: sends the Reply. True if it went to the socket whole.
    pub fn answer(&mut self, network: &mut Network, reply: Terms, frame: &[u8]) -> bool {
        let Some(tracker) = network.tracker(&self.flow) else { return false };
        let end = tracker.send_next() + frame.len() as u32;
        if network.socket(self.socket).send_slice(frame) != Ok(frame.len()) {
            return false;
        }
        (self.reply, self.send_end, self.phase) = (Some(reply), Some(end), Phase::Replying);
        true
    }

    /// Moves on as far as it goes without the application or the hardware.
    pub fn step(&mut self, network: &mut Network, now: Duration) -> Step {
        if let Some(reason) = self.lost(network) {
            return Step::Fail(reason);
        }
        //= rfc5044#7.1.2  A reasonable timeout covers the startup.
        if now >= self.deadline {
            return Step::Fail(Reason::Timeout);
        }
        match self.phase {
            Phase::Opening => self.send_request(network),
            Phase::AwaitReply | Phase::AwaitRequest => self.read_frame(network, now),
            Phase::Settling { until } => match network.tracker(&self.flow) {
                Some(tracker) if tracker.is_quiet() && now >= until => Step::HandOver,
                _ => Step::Wait,
            },
            Phase::Deciding => Step::Wait,
            Phase::Replying => {
                let sent = network.tracker(&self.flow).map(|tracker| tracker.send_next());
                if sent == self.send_end {
                    Step::HandOver
                } else {
                    Step::Wait
                }
            }
        }
    }

    /// When [`Startup::step`] has something to do by itself.
    pub fn timer(&self, now: Duration) -> Duration {
        match self.phase {
            Phase::Settling { until } if until > now => until.min(self.deadline),
            _ => self.deadline,
        }
    }

    /// The TCP connection is gone, or the peer has closed it too early.
    fn lost(&self, network: &mut Network) -> Option<Reason> {
        let reset = network.tracker(&self.flow).is_some_and(|tracker| tracker.was_reset());
        match network.socket(self.socket).state() {
            State::Closed if reset => Some(Reason::Reset),
            // A socket that goes back to listening, or is closed by smoltcp's own timer.
            State::Closed | State::Listen => Some(Reason::Timeout),
            State::CloseWait
                if self.phase != Phase::AwaitReply && self.phase != Phase::AwaitRequest =>
            {
                Some(Reason::ClosedEarly)
            }
            _ => None,
        }
    }

    fn send_request(&mut self, network: &mut Network) -> Step {
        let socket = network.socket(self.socket);
        if !socket.may_send() {
            return Step::Wait;
        }
        let frame = self.request.map(|terms| terms.frame(Kind::Request, &self.private_data));
        match frame {
            Some(Ok(frame)) if socket.send_slice(&frame) == Ok(frame.len()) => {
                self.phase = Phase::AwaitReply;
                Step::Again
            }
            _ => Step::Fail(Reason::Local("the Request could not be sent".into())),
        }
    }

    fn read_frame(&mut self, network: &mut Network, now: Duration) -> Step {
        let socket = network.socket(self.socket);
        // The tracker lets nothing through behind the frame, so this reads no octet too many.
        while socket.can_recv() {
            let received = &mut self.received;
            let read = socket.recv(|octets| {
                received.extend_from_slice(octets);
                (octets.len(), ())
            });
            if read.is_err() {
                break;
            }
        }
        let closed = !socket.may_recv();
        let parsed = match self.role {
            Role::Initiator => StartupRepr::parse_reply(&self.received),
            Role::Responder => StartupRepr::parse_request(&self.received),
        };
        match parsed {
            //= rfc5044#7.1.2  An improperly formatted frame closes the TCP connection.
            Err(error) => Step::Fail(Reason::Startup(error)),
            //= rfc5044#7.1.1  So does one that the peer cuts short.
            Ok(Parsed::Incomplete { .. }) if closed => Step::Fail(Reason::ClosedEarly),
            Ok(Parsed::Incomplete { .. }) => Step::Wait,
            Ok(Parsed::Frame { frame, .. }) => {
                let address = SocketAddrV4::new(self.flow.remote_ip, self.flow.remote_port);
                let (terms, kind) = (Terms::of(&frame), frame.kind);
                self.peer = Some(PeerStartup::of(&frame, address));
                self.take_frame(terms, kind, now)
            }
        }
    }

    fn take_frame(&mut self, terms: Terms, kind: Kind, now: Duration) -> Step {
        match (kind, self.request) {
            (Kind::Request, _) => {
                (self.request, self.phase) = (Some(terms), Phase::Deciding);
                Step::Requested
            }
            (Kind::Reply { rejected: true }, _) => Step::Refused,
            (Kind::Reply { rejected: false }, Some(request)) => match check_reply(&request, &terms)
            {
                Ok(ready_to_receive) => {
                    self.ready_to_receive = ready_to_receive;
                    self.reply = Some(terms);
                    self.phase = Phase::Settling { until: now + self.settle };
                    Step::Again
                }
                Err(reason) => Step::Fail(reason),
            },
            (Kind::Reply { .. }, None) => Step::Fail(Reason::Negotiation("a Reply to no Request")),
        }
    }

    /// What both frames come to, once both are known.
    pub fn agreement(&self) -> Option<Agreement> {
        Some(Agreement::of(self.role, &self.request?, &self.reply?, self.reads))
    }
}
