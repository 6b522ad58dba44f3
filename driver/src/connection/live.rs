//! A connection that the hardware runs, and how it gives it back.

use super::close::{reset, Closer};
use super::segment::Path;
use super::silence::Silence;
use crate::device::Query;
use crate::error::{Error, Reason};
use crate::hardware::Hardware;
use crate::state::{QpEvent, QpState};
use crate::status::Status;
use ironwarp_abi::status;
use ironwarp_wire::sequence::Sequence;
use std::time::Duration;

/// The hardware's send side must show no work for so long before it is taken to be at rest: far
/// longer than it takes to fetch a work request and send its first segment.
const REST: Duration = Duration::from_micros(20);
/// How long closing waits for the peer to acknowledge what was sent.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// The first wait before a Reply is sent again; it doubles with every further try.
const REPLY_RETRANSMIT: Duration = Duration::from_millis(200);
/// How often a Reply is sent again.
const REPLY_TRIES_MAX: u32 = 3;

/// The Responder's Reply, which hardware does not send again.
///
/// The hardware starts behind the Reply, so an acknowledgement of it alone leaves no trace there.
/// The Reply is therefore sent again until an FPDU has arrived, which proves that it did, and a few
/// times at most: an Initiator that has nothing to send has it all the same, and answers a copy
/// with an acknowledgement that changes nothing.
struct Reply {
    frames: Vec<Vec<u8>>,
    receive_next: u32,
    timer: Duration,
    tries: u32,
}

/// A connection on its way from the hardware back to software.
struct Drain {
    deadline: Duration,
    /// Since when nothing is on the way.
    at_rest: Option<Duration>,
}

/// A connection that the hardware runs.
pub(crate) struct Live {
    /// The queue pair.
    pub qp: u8,
    /// The ends and the link.
    pub path: Path,
    reply: Option<Reply>,
    drain: Option<Drain>,
    silence: Silence,
    /// The sequence number of the peer's FIN.
    peer_fin: Option<Sequence>,
}

/// What became of a connection.
pub(crate) enum Fate {
    /// The hardware runs it still.
    Lives,
    /// The hardware has stopped in order; TCP is to be closed.
    Closing(Closer),
    /// It ended.
    Ended(Reason),
}

impl Live {
    /// A connection that was just handed over.
    pub fn new(qp: u8, path: Path, silence: Silence) -> Self {
        Self { qp, path, reply: None, drain: None, silence, peer_fin: None }
    }

    /// Keeps the Reply for as long as it may have been lost.
    pub fn keep_reply(&mut self, frames: Vec<Vec<u8>>, receive_next: u32, now: Duration) {
        let timer = now + REPLY_RETRANSMIT;
        self.reply = Some(Reply { frames, receive_next, timer, tries: 0 });
    }

    /// Begins to close.
    pub fn drain(&mut self, now: Duration) {
        self.drain.get_or_insert(Drain { deadline: now + DRAIN_MAX, at_rest: None });
    }

    /// When [`Live::poll`] has something to do by itself.
    pub fn timer(&self, now: Duration) -> Option<Duration> {
        let drain = self.drain.as_ref().map(|_| now + REST / 2);
        let reply = self.reply.as_ref().map(|reply| reply.timer);
        drain.into_iter().chain(reply).chain([self.silence.timer()]).min()
    }

    /// Looks at what the hardware says, and moves on.
    pub fn poll(&mut self, hardware: &mut Hardware, now: Duration) -> Result<Fate, Error> {
        if let Some(reason) = self.take_events(hardware, now)? {
            return self.fail(hardware, reason).map(Fate::Ended);
        }
        self.repeat_reply(hardware, now)?;
        if self.is_silent(hardware, now)? {
            return self.fail(hardware, Reason::Timeout).map(Fate::Ended);
        }
        if !self.is_drained(hardware, now)? {
            let late = self.drain.as_ref().is_some_and(|drain| now >= drain.deadline);
            return match late {
                true => self.fail(hardware, Reason::Timeout).map(Fate::Ended),
                false => Ok(Fate::Lives),
            };
        }
        let query = hardware.disarm(self.qp, &self.path.flow)?;
        // An event may have come between the last look and the stop.
        if let Some(reason) = self.take_events(hardware, now)? {
            return self.fail(hardware, reason).map(Fate::Ended);
        }
        hardware.qp(self.qp)?.apply(QpEvent::Drained)?;
        hardware.flush(self.qp)?;
        let send_next = Sequence(query.send_next);
        Ok(Fate::Closing(match self.peer_fin {
            Some(fin) => Closer::passive(self.path, send_next, fin),
            None => Closer::active(self.path, send_next, Sequence(query.receive_next)),
        }))
    }

    /// Takes the queue pair's events; answers why the connection is over, if it is.
    fn take_events(
        &mut self,
        hardware: &mut Hardware,
        now: Duration,
    ) -> Result<Option<Reason>, Error> {
        while let Some(event) = hardware.qp(self.qp)?.events.pop_front() {
            match event.status {
                status::PEER_CLOSED => {
                    hardware.qp(self.qp)?.apply(QpEvent::PeerClosed)?;
                    self.peer_fin = Some(Sequence(event.sequence));
                    self.drain(now);
                }
                status::PEER_RESET => return Ok(Some(Reason::Reset)),
                status::PEER_SILENT => return Ok(Some(Reason::Timeout)),
                other => return Ok(Some(Reason::QueuePair(Status(other)))),
            }
        }
        Ok(None)
    }

    fn repeat_reply(&mut self, hardware: &mut Hardware, now: Duration) -> Result<(), Error> {
        let Some(reply) = self.reply.as_mut().filter(|reply| now >= reply.timer) else {
            return Ok(());
        };
        let arrived = hardware.device.query(self.qp)?.receive_next != reply.receive_next;
        if arrived || reply.tries == REPLY_TRIES_MAX {
            self.reply = None;
            return Ok(());
        }
        reply.tries += 1;
        reply.timer = now + REPLY_RETRANSMIT * 2u32.pow(reply.tries);
        for frame in &reply.frames {
            hardware.raw.send(&hardware.device, frame.clone())?;
        }
        Ok(())
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
    pub fn fail(&mut self, hardware: &mut Hardware, reason: Reason) -> Result<Reason, Error> {
        let query = hardware.disarm(self.qp, &self.path.flow)?;
        if reason != Reason::Reset {
            let next = Sequence(query.receive_next) + u32::from(self.peer_fin.is_some());
            let frame = reset(self.path, Sequence(query.send_next), next);
            hardware.raw.send(&hardware.device, frame)?;
        }
        let qp = hardware.qp(self.qp)?;
        if matches!(qp.state(), QpState::Open | QpState::Draining) {
            qp.apply(QpEvent::Fail)?;
        }
        hardware.flush(self.qp)?;
        Ok(reason)
    }
}
