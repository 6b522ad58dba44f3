//! The server: reads each ping from its client and writes it back.

use super::endpoint::Endpoint;
use super::error::Error;
use super::message::{text, Info, SIZE_MAX};
use super::Notice;
use ironwarp_driver::{
    Completion, Context, Event, MemoryRegion, Operation, PeerStartup, RequestId, StartupOptions,
    WorkRequest,
};
use std::collections::BTreeMap;

/// Number of the message that says go ahead: rping's clients look at its length only.
const GO_AHEAD: usize = 0;
const READ: u64 = 3;
const WRITE: u64 = 4;

/// What a client is expected to do next, or what is under way for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The client announces where its data is.
    AwaitSource,
    /// The data is being read.
    Reading,
    /// The client announces where it wants the data.
    AwaitSink,
    /// The data is being written.
    Writing,
}

/// A connection to a client.
struct Session {
    end: Endpoint,
    data: MemoryRegion,
    state: State,
    /// Octets of the ping.
    size: u32,
    pings: u64,
}

impl Session {
    fn new(context: &Context) -> Result<Self, Error> {
        let end = Endpoint::new(context, 1)?;
        let data = end.buffer(SIZE_MAX)?;
        Ok(Self { end, data, state: State::AwaitSource, size: 0, pings: 0 })
    }

    fn step(&mut self, notices: &mut Vec<Notice>) -> Result<(), Error> {
        while let Some(done) = self.end.completion()? {
            self.take(&done, notices).map_err(|error| error.or_closed(self.pings))?;
        }
        Ok(())
    }

    fn take(&mut self, done: &Completion, notices: &mut Vec<Notice>) -> Result<(), Error> {
        match (done.operation, self.state) {
            (Operation::Receive, State::AwaitSource) => {
                let Info { remote, size } = self.end.take_message(done)?;
                let limit = self.data.region().len();
                let sink = self.data.buffer(0, size as usize);
                let sink = sink.map_err(|_| Error::Size { size, limit })?;
                self.end.pair.post_send(WorkRequest::read(READ, sink, remote))?;
                (self.state, self.size) = (State::Reading, size);
            }
            (Operation::Read, State::Reading) => {
                let data = self.data.region().to_vec(0, self.size as usize)?;
                notices.push(Notice::Pinged { ping: self.pings, text: text(&data) });
                self.end.send_message(GO_AHEAD)?;
                self.state = State::AwaitSink;
            }
            (Operation::Receive, State::AwaitSink) => {
                let Info { remote, size } = self.end.take_message(done)?;
                let source = self.data.buffer(0, self.size.min(size) as usize)?;
                self.end.pair.post_send(WorkRequest::write(WRITE, source, remote))?;
                self.state = State::Writing;
            }
            (Operation::Write, State::Writing) => {
                self.end.send_message(GO_AHEAD)?;
                self.state = State::AwaitSource;
                self.pings += 1;
            }
            // A client that speaks out of turn: its next message finds no buffer.
            _ => {}
        }
        Ok(())
    }
}

/// How a client was done with.
#[derive(Debug)]
pub struct Outcome {
    /// Pings that were written back.
    pub pings: u64,
    /// Why the connection ended, unless the client closed it between two pings.
    pub error: Option<Error>,
}

/// A server that listens to a port. It serves as many clients at a time as the device has queue
/// pairs and completion queues, and refuses others.
pub struct Server {
    context: Context,
    port: u16,
    startup: StartupOptions,
    sessions: BTreeMap<u32, Session>,
}

impl Server {
    /// Listens; `startup` says how connections are answered.
    ///
    /// # Errors
    /// [`Error::Driver`] if the port cannot be had.
    pub fn listen(context: &Context, port: u16, startup: &StartupOptions) -> Result<Self, Error> {
        context.listen(port)?;
        let (context, startup) = (context.clone(), startup.clone());
        Ok(Self { context, port, startup, sessions: BTreeMap::new() })
    }

    /// Clients that are being served.
    pub fn clients(&self) -> usize {
        self.sessions.len()
    }

    /// Does what can be done now; never waits. Answers what happened, client by client. After a
    /// [`Notice::Served`] everything that the client had taken is free again.
    ///
    /// # Errors
    /// [`Error::Driver`] if the device does not answer. What a client does wrong is told in a
    /// notice.
    pub fn step(&mut self) -> Result<Vec<Notice>, Error> {
        let mut notices = Vec::new();
        for event in self.context.poll()? {
            self.take_event(event, &mut notices)?;
        }
        let mut failed = Vec::new();
        for (qp, session) in &mut self.sessions {
            if let Err(error) = session.step(&mut notices) {
                failed.push((*qp, error));
            }
        }
        for (qp, error) in failed {
            self.end(qp, Some(error), &mut notices);
        }
        Ok(notices)
    }

    fn take_event(&mut self, event: Event, notices: &mut Vec<Notice>) -> Result<(), Error> {
        match event {
            Event::ConnectRequest { request, port, startup } if port == self.port => {
                self.accept(request, startup, notices)?;
            }
            Event::Established { startup, agreement, .. } => {
                notices.push(Notice::Connected { peer: startup.peer, agreement });
            }
            Event::Disconnected { qp } => {
                // What the hardware placed before the end counts.
                if let Some(Err(error)) = self.sessions.get_mut(&qp).map(|s| s.step(notices)) {
                    self.end(qp, Some(error), notices);
                }
                let Some(session) = self.sessions.get(&qp) else { return Ok(()) };
                let early = session.state != State::AwaitSource;
                let error = early.then_some(Error::ClosedEarly(session.pings));
                self.end(qp, error, notices);
            }
            Event::Error { qp: Some(qp), reason } => {
                self.end(qp, Some(Error::Connection(reason)), notices);
            }
            Event::Error { qp: None, reason } => notices.push(Notice::Stranger(reason)),
            _ => {}
        }
        Ok(())
    }

    fn accept(
        &mut self,
        request: RequestId,
        startup: PeerStartup,
        notices: &mut Vec<Notice>,
    ) -> Result<(), Error> {
        let session = match Session::new(&self.context) {
            Ok(session) => session,
            Err(error) => {
                // If the client has gone meanwhile there is nobody to refuse.
                let _ = self.context.reject(request, &[]);
                notices.push(Notice::Turned { peer: startup.peer, error });
                return Ok(());
            }
        };
        match self.context.accept(request, &session.end.pair, &self.startup) {
            Ok(()) => {
                self.sessions.insert(session.end.pair.number(), session);
            }
            Err(error) => {
                notices.push(Notice::Turned { peer: startup.peer, error: error.into() });
            }
        }
        Ok(())
    }

    /// Lets a client go, and all that it had.
    fn end(&mut self, qp: u32, error: Option<Error>, notices: &mut Vec<Notice>) {
        if let Some(session) = self.sessions.remove(&qp) {
            notices.push(Notice::Served(Outcome { pings: session.pings, error }));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It can only fail if the device is gone, and then nobody listens anyway.
        let _ = self.context.unlisten(self.port);
    }
}
