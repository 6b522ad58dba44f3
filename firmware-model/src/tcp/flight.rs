//! The log of what has left: the segments that the peer has not acknowledged, in stream order.
//!
//! It keeps no octet of them. Each can be made again from its message, which is why segments begin
//! and end where they did.

use crate::sender::Due;
use std::collections::VecDeque;
use std::time::Duration;

/// A segment.
#[derive(Debug)]
struct Sent {
    due: Due,
    /// When it left first.
    at: Duration,
    /// It has left more than once, since the connection began.
    repeated: bool,
    /// It is to leave again.
    lost: bool,
}

impl Sent {
    /// It is on its way, as far as anybody knows.
    fn is_under_way(&self) -> bool {
        !self.lost
    }
}

/// What an acknowledgement took out of the flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// When the oldest of the segments left, if none of them has left twice.
    //= rfc6298#3  Karn's algorithm: no sample of a segment that was retransmitted.
    pub sample: Option<Duration>,
}

/// Segments in stream order, the oldest in front.
#[derive(Debug, Default)]
pub(super) struct Flight {
    segments: VecDeque<Sent>,
    /// Octets of those that are under way.
    octets: u64,
    /// How many are to leave again.
    lost: usize,
}

impl Flight {
    /// Everything is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Octets that are under way, as far as anybody knows (RFC 6675 "pipe").
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// A segment leaves for the first time.
    pub fn push(&mut self, due: Due, at: Duration) {
        self.octets += due.bytes as u64;
        self.segments.push_back(Sent { due, at, repeated: false, lost: false });
    }

    /// The peer has everything up to this stream offset. A segment of which it has a part stays.
    pub fn acknowledge(&mut self, offset: u64) -> Acknowledged {
        let (mut sample, mut repeated) = (None, false);
        while self.segments.front().is_some_and(|oldest| oldest.due.end() <= offset) {
            let Some(done) = self.segments.pop_front() else { break };
            sample = sample.or(Some(done.at));
            repeated |= done.repeated;
            self.octets -= if done.is_under_way() { done.due.bytes as u64 } else { 0 };
            self.lost -= usize::from(done.lost);
        }
        Acknowledged { sample: sample.filter(|_| !repeated) }
    }

    /// The oldest segment is lost.
    pub fn lose_first(&mut self) {
        self.lose(0);
    }

    /// Nothing of it has arrived.
    pub fn lose_all(&mut self) {
        (0..self.segments.len()).for_each(|place| self.lose(place));
    }

    fn lose(&mut self, place: usize) {
        if let Some(sent) = self.segments.get_mut(place).filter(|sent| sent.is_under_way()) {
            sent.lost = true;
            self.octets -= sent.due.bytes as u64;
            self.lost += 1;
        }
    }

    /// The first segment that is to leave again, and whether it is the oldest of all.
    pub fn first_lost(&self) -> Option<(Due, bool)> {
        let place = self.place_of_lost()?;
        self.segments.get(place).map(|sent| (sent.due, place == 0))
    }

    /// The first segment that is to leave again has left.
    pub fn repeat(&mut self) {
        let sent = self.place_of_lost().and_then(|place| self.segments.get_mut(place));
        if let Some(sent) = sent {
            (sent.lost, sent.repeated) = (false, true);
            self.octets += sent.due.bytes as u64;
            self.lost -= 1;
        }
    }

    fn place_of_lost(&self) -> Option<usize> {
        (self.lost != 0).then(|| self.segments.iter().position(|sent| sent.lost)).flatten()
    }
}
