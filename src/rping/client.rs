//! The client: pings, and checks what comes back.
//!
//! ```text
//!   Connecting --established--> AwaitRead --go-ahead--> AwaitWrite --go-ahead, valid--> AwaitRead
//!                                                           |
//!                                                           +-- last one --> Closing --> Done
//! ```

use super::endpoint::Endpoint;
use super::error::Error;
use super::message::{ping_data, text, Info};
use super::Notice;
use ironwarp_driver::{Context, Event, MemoryRegion, StartupOptions};
use std::net::SocketAddrV4;
use std::time::Duration;

/// Number of the message that announces the source of the server's RDMA Read.
const SOURCE: usize = 0;
/// Number of the message that announces the sink of its RDMA Write.
const SINK: usize = 1;
/// How long a server may take for a step, in device time.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// TCP and MPA start.
    Connecting,
    /// The source is announced.
    AwaitRead,
    /// The sink is announced.
    AwaitWrite,
    /// All pings came back.
    Closing,
    /// The connection is closed.
    Done,
}

/// A client with its connection.
pub struct Client {
    end: Endpoint,
    source: MemoryRegion,
    sink: MemoryRegion,
    state: State,
    /// How many pings there are to be; none for no end.
    count: Option<u64>,
    ping: u64,
    data: Vec<u8>,
    /// When something happened last.
    moved: Duration,
}

impl Client {
    /// Connects to a server, for `count` pings of `size` octets, or without end.
    ///
    /// # Errors
    /// [`Error::Driver`] if the device has no room, or there is no way to the server.
    pub fn connect(
        context: &Context,
        server: SocketAddrV4,
        size: usize,
        count: Option<u64>,
        startup: &StartupOptions,
    ) -> Result<Self, Error> {
        let end = Endpoint::new(context, 2)?;
        let (source, sink) = (end.buffer(size)?, end.buffer(size)?);
        let size = source.whole().len();
        end.set_message(SOURCE, Info { remote: source.remote(0), size })?;
        end.set_message(SINK, Info { remote: sink.remote(0), size })?;
        context.connect(&end.pair, server, startup)?;
        let (state, moved) = (State::Connecting, context.now());
        Ok(Self { end, source, sink, state, count, ping: 0, data: Vec::new(), moved })
    }

    /// True if all pings came back and the connection is closed.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Does what can be done now; never waits.
    ///
    /// # Errors
    /// Whatever ends the ping-pong.
    pub fn step(&mut self) -> Result<Vec<Notice>, Error> {
        let mut notices = Vec::new();
        let mut moved = false;
        for event in self.end.context.poll()? {
            moved |= self.take_event(event, &mut notices)?;
        }
        moved |= self.take_completions(&mut notices)?;
        let now = self.end.context.now();
        if moved {
            self.moved = now;
        } else if now.saturating_sub(self.moved) > PATIENCE {
            return Err(Error::Silent(PATIENCE.as_secs()));
        }
        Ok(notices)
    }

    /// True if there were any.
    fn take_completions(&mut self, notices: &mut Vec<Notice>) -> Result<bool, Error> {
        let mut any = false;
        while let Some(done) = self.end.completion()? {
            self.end.take_message(&done)?;
            self.go_ahead(notices).map_err(|error| error.or_closed(self.ping))?;
            any = true;
        }
        Ok(any)
    }

    fn take_event(&mut self, event: Event, notices: &mut Vec<Notice>) -> Result<bool, Error> {
        let mine = Some(self.end.pair.number());
        match event {
            Event::Established { qp, startup, agreement } if Some(qp) == mine => {
                notices.push(Notice::Connected { peer: startup.peer, agreement });
                self.next_ping()?;
            }
            Event::Rejected { qp, .. } if Some(qp) == mine => return Err(Error::Refused),
            Event::Error { qp, reason } if qp == mine => return Err(Error::Connection(reason)),
            Event::Disconnected { qp } if Some(qp) == mine => {
                // What the hardware placed before the end counts: the server may have closed right
                // behind its last message.
                self.take_completions(notices)?;
                if self.state != State::Closing {
                    return Err(Error::ClosedEarly(self.ping));
                }
                self.state = State::Done;
                notices.push(Notice::Closed { pings: self.ping });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Fills the source and announces it, or closes if there was enough.
    fn next_ping(&mut self) -> Result<(), Error> {
        if self.count.is_some_and(|count| self.ping >= count) {
            self.end.context.disconnect(&self.end.pair)?;
            self.state = State::Closing;
            return Ok(());
        }
        self.data = ping_data(self.ping, self.source.region().len());
        self.source.region().write(0, &self.data)?;
        self.end.send_message(SOURCE)?;
        self.state = State::AwaitRead;
        Ok(())
    }

    /// The server has read or written.
    fn go_ahead(&mut self, notices: &mut Vec<Notice>) -> Result<(), Error> {
        match self.state {
            State::AwaitRead => {
                self.end.send_message(SINK)?;
                self.state = State::AwaitWrite;
            }
            State::AwaitWrite => {
                let echo = self.sink.region().to_vec(0, self.data.len())?;
                let differs = echo.iter().zip(&self.data).position(|(a, b)| a != b);
                if let Some(offset) = differs {
                    return Err(Error::Mismatch { ping: self.ping, offset });
                }
                notices.push(Notice::Pinged { ping: self.ping, text: text(&echo) });
                self.ping += 1;
                self.next_ping()?;
            }
            // A message too many; the connection is about to be closed.
            State::Connecting | State::Closing | State::Done => {}
        }
        Ok(())
    }
}
