//! A connection that software still runs: TCP open and MPA startup.
//!
//! ```text
//!   Initiator:  Opening --established--> AwaitReply --accepted--> Settling --quiet--> hardware
//!   Responder:  AwaitRequest --Request--> Deciding --accept--> Replying --Reply built--> hardware
//! ```

use super::event::{Agreement, PeerStartup, ReadDepths, StartupOptions};
use super::negotiation::{check_reply, Role, Terms};
use super::tcp::{Opened, Tcp, TcpId, TcpState};
use crate::error::Reason;
use ironwarp_wire::mpa::startup::{Kind, Parsed, StartupRepr};
use std::net::{Ipv4Addr, SocketAddrV4};
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
    /// Its TCP connection.
    pub tcp: TcpId,
    /// The local port, of a Responder.
    pub port: u16,
    address: SocketAddrV4,
    /// When to give up.
    pub deadline: Duration,
    /// The queue pair, once it has one.
    pub qp: Option<u32>,
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
    private_data: Vec<u8>,
    received: Vec<u8>,
}

impl Startup {
    /// The Initiator's side of a connection that opens.
    pub fn initiator(
        tcp: TcpId,
        peer: SocketAddrV4,
        qp: u32,
        options: &StartupOptions,
        settle: Duration,
        now: Duration,
    ) -> Self {
        let opened = Opened { id: tcp, port: 0, peer };
        Self {
            role: Role::Initiator,
            phase: Phase::Opening,
            settle,
            qp: Some(qp),
            request: Some(Terms::of_request(options)),
            reads: options.reads,
            private_data: options.private_data.clone(),
            ..Self::responder(&opened, now + options.timeout)
        }
    }

    /// The Responder's side of a connection that has opened.
    pub fn responder(opened: &Opened, deadline: Duration) -> Self {
        Self {
            role: Role::Responder,
            phase: Phase::AwaitRequest,
            tcp: opened.id,
            port: opened.port,
            address: opened.peer,
            deadline,
            qp: None,
            settle: Duration::ZERO,
            peer: None,
            request: None,
            reply: None,
            reads: ReadDepths::MAX,
            ready_to_receive: false,
            private_data: Vec::new(),
            received: Vec::new(),
        }
    }

    /// The peer's address.
    pub fn source(&self) -> Ipv4Addr {
        *self.address.ip()
    }

    /// Responder: sends the Reply. True if TCP took it whole.
    pub fn answer(&mut self, tcp: &mut dyn Tcp, reply: Terms, frame: &[u8]) -> bool {
        let taken = tcp.send(self.tcp, frame, true);
        if taken {
            (self.reply, self.phase) = (Some(reply), Phase::Replying);
        }
        taken
    }

    /// Moves on as far as it goes without the application or the hardware.
    pub fn step(&mut self, tcp: &mut dyn Tcp, now: Duration) -> Step {
        let state = tcp.state(self.tcp);
        if let TcpState::Gone(reason) = state {
            return Step::Fail(reason);
        }
        //= rfc5044#7.1.2  A reasonable timeout covers the startup.
        if now >= self.deadline {
            return Step::Fail(Reason::Timeout);
        }
        let closed = state == TcpState::PeerClosed;
        match self.phase {
            Phase::AwaitReply | Phase::AwaitRequest => self.read_frame(tcp, closed, now),
            _ if closed => Step::Fail(Reason::ClosedEarly),
            Phase::Opening if state == TcpState::Open => self.send_request(tcp),
            Phase::Opening | Phase::Deciding => Step::Wait,
            Phase::Settling { until } if now < until => Step::Wait,
            Phase::Settling { .. } | Phase::Replying => match tcp.is_ready(self.tcp) {
                true => Step::HandOver,
                false => Step::Wait,
            },
        }
    }

    /// When [`Startup::step`] has something to do by itself.
    pub fn timer(&self, now: Duration) -> Duration {
        match self.phase {
            Phase::Settling { until } if until > now => until.min(self.deadline),
            _ => self.deadline,
        }
    }

    fn send_request(&mut self, tcp: &mut dyn Tcp) -> Step {
        let frame = self.request.map(|terms| terms.frame(Kind::Request, &self.private_data));
        match frame {
            Some(Ok(frame)) if tcp.send(self.tcp, &frame, false) => {
                self.phase = Phase::AwaitReply;
                Step::Again
            }
            _ => Step::Fail(Reason::Local("the Request could not be sent".into())),
        }
    }

    fn read_frame(&mut self, tcp: &mut dyn Tcp, closed: bool, now: Duration) -> Step {
        loop {
            let parsed = match self.role {
                Role::Initiator => StartupRepr::parse_reply(&self.received),
                Role::Responder => StartupRepr::parse_request(&self.received),
            };
            let need = match parsed {
                //= rfc5044#7.1.2  An improperly formatted frame closes the TCP connection.
                Err(error) => return Step::Fail(Reason::Startup(error)),
                Ok(Parsed::Incomplete { need }) => need,
                Ok(Parsed::Frame { frame, .. }) => {
                    let (terms, kind) = (Terms::of(&frame), frame.kind);
                    self.peer = Some(PeerStartup::of(&frame, self.address));
                    return self.take_frame(terms, kind, now);
                }
            };
            // No octet is taken that belongs to the first FPDU.
            if !tcp.receive(self.tcp, need, &mut self.received) {
                return match closed {
                    //= rfc5044#7.1.1  A frame that the peer cuts short ends the connection, too.
                    true => Step::Fail(Reason::ClosedEarly),
                    false => Step::Wait,
                };
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
