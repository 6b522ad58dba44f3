//! A connection that the hardware runs, and how it gives it back.

use super::keep_alive::{KeepAlive, Need};
use super::silence::Silence;
use super::tcp::{Abort, Tcp, TcpId};
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::state::{QpEvent, QpState};
use crate::status::Status;
use crate::window::Query;
use ironwarp_abi::status;
use std::time::Duration;

/// The hardware's send side must show no work for so long before it is taken to be at rest: far
/// longer than it takes to fetch a work request and send its first segment.
const REST: Duration = Duration::from_micros(20);
/// How long closing waits for the peer to acknowledge what was sent.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// A connection on its way from the hardware back to software.
struct Drain {
    deadline: Duration,
    /// Since when nothing is on the way.
    at_rest: Option<Duration>,
}

/// A connection that the hardware runs.
pub(crate) struct Live {
    /// The queue pair.
    pub qp: u32,
    /// The TCP connection.
    pub tcp: TcpId,
    drain: Option<Drain>,
    silence: Silence,
    keep_alive: Option<KeepAlive>,
    /// The sequence number of the peer's FIN.
    peer_fin: Option<u32>,
}

/// What became of a connection.
pub(crate) enum Fate {
    /// The hardware runs it still.
    Lives,
    /// The hardware has stopped in order; TCP is being closed.
    Closing,
    /// It ended.
    Ended(Reason),
}

impl Live {
    /// A connection that was just handed over.
    pub fn new(qp: u32, tcp: TcpId, silence: Silence, keep_alive: Option<KeepAlive>) -> Self {
        Self { qp, tcp, drain: None, silence, keep_alive, peer_fin: None }
    }

    /// Begins to close.
    pub fn drain(&mut self, now: Duration) {
        self.drain.get_or_insert(Drain { deadline: now + DRAIN_MAX, at_rest: None });
    }

    /// The peer's FIN is here.
    pub fn is_closed_by_peer(&self) -> bool {
        self.peer_fin.is_some()
    }

    /// When [`Live::poll`] has something to do by itself.
    pub fn timer(&self, now: Duration) -> Duration {
        let drain = self.drain.as_ref().map(|_| now + REST / 2);
        let asks = self.keep_alive.as_ref().filter(|_| self.drain.is_none());
        let keep_alive = asks.map(KeepAlive::timer);
        drain.into_iter().chain(keep_alive).chain([self.silence.timer()]).min().unwrap_or(now)
    }

    /// Looks at what the hardware says, and moves on.
    pub fn poll(
        &mut self,
        tcp: &mut dyn Tcp,
        hardware: &mut Hardware,
        now: Duration,
    ) -> Result<Fate, Error> {
        if let Some(reason) = self.take_events(hardware, now)? {
            return self.fail(tcp, hardware, reason).map(Fate::Ended);
        }
        if self.is_silent(hardware, now)? || self.is_unused(hardware, now)? {
            return self.fail(tcp, hardware, Reason::Timeout).map(Fate::Ended);
        }
        if !self.is_drained(hardware, now)? {
            let late = self.drain.as_ref().is_some_and(|drain| now >= drain.deadline);
            return match late {
                true => self.fail(tcp, hardware, Reason::Timeout).map(Fate::Ended),
                false => Ok(Fate::Lives),
            };
        }
        tcp.stop(self.tcp, hardware, self.qp)?;
        // An event may have come between the last look and the stop.
        if let Some(reason) = self.take_events(hardware, now)? {
            return self.fail(tcp, hardware, reason).map(Fate::Ended);
        }
        hardware.qp(self.qp)?.apply(QpEvent::Drained)?;
        hardware.flush(self.qp)?;
        tcp.close(self.tcp, self.peer_fin);
        Ok(Fate::Closing)
    }

    /// Takes the queue pair's events; answers why the connection is over, if it is.
    fn take_events(
        &mut self,
        hardware: &mut Hardware,
        now: Duration,
    ) -> Result<Option<Reason>, Error> {
        while let Some(event) = hardware.qp(self.qp)?.next_event() {
            match event.status {
                status::PEER_CLOSED => {
                    hardware.qp(self.qp)?.apply(QpEvent::PeerClosed)?;
                    self.peer_fin = Some(event.sequence);
                    self.drain(now);
                }
                status::PEER_RESET => return Ok(Some(Reason::Reset)),
                other => return Ok(Some(Reason::QueuePair(Status(other)))),
            }
        }
        Ok(None)
    }

    /// The hardware is asked rarely, and only if something was posted.
    fn is_silent(&mut self, hardware: &mut Hardware, now: Duration) -> Result<bool, Error> {
        if now < self.silence.timer() {
            return Ok(false);
        }
        let query = match hardware.qp(self.qp)?.has_sends() {
            true => hardware.device.query(self.qp)?,
            false => Query::default(),
        };
        Ok(self.silence.look(&query, now))
    }

    /// Asks after a peer of which nothing is heard; true if it never used the connection.
    fn is_unused(&mut self, hardware: &mut Hardware, now: Duration) -> Result<bool, Error> {
        let Some(keep_alive) = &mut self.keep_alive else { return Ok(false) };
        if now < keep_alive.timer() || self.drain.is_some() {
            return Ok(false);
        }
        let need = keep_alive.look(&hardware.device.query(self.qp)?, now);
        if need == Need::Ask {
            match hardware.qp(self.qp)?.with(|qp, device| qp.post_keep_alive(device)) {
                // The application asks the peer already.
                Ok(()) | Err(Error::QueueFull) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(need == Need::LetGo)
    }

    /// Everything that was posted is sent and acknowledged, or the hardware has stopped by itself
    /// with nothing on the way.
    fn is_drained(&mut self, hardware: &mut Hardware, now: Duration) -> Result<bool, Error> {
        let Some(drain) = &mut self.drain else { return Ok(false) };
        let query = hardware.device.query(self.qp)?;
        hardware.collect()?;
        let acknowledged = query.send_next == query.send_unacknowledged;
        if !query.active {
            return Ok(acknowledged);
        }
        if !acknowledged || !hardware.qp(self.qp)?.sends_completed() {
            drain.at_rest = None;
            return Ok(false);
        }
        let since = *drain.at_rest.get_or_insert(now);
        Ok(now >= since + REST)
    }

    /// Ends the connection with a reset, unless the peer sent one.
    pub fn fail(
        &mut self,
        tcp: &mut dyn Tcp,
        hardware: &mut Hardware,
        reason: Reason,
    ) -> Result<Reason, Error> {
        tcp.stop(self.tcp, hardware, self.qp)?;
        let how = Abort { by_peer: reason == Reason::Reset, peer_fin: self.peer_fin };
        tcp.abort(self.tcp, hardware, &how)?;
        let qp = hardware.qp(self.qp)?;
        if matches!(qp.state(), QpState::Open | QpState::Draining) {
            qp.apply(QpEvent::Fail)?;
        }
        hardware.flush(self.qp)?;
        Ok(reason)
    }
}
