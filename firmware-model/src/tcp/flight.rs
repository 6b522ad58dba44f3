//! The log of what has left: the segments that the peer has not acknowledged, in stream order.
//!
//! It keeps no octet of them. Each can be made again from its message, which is why segments begin
//! and end where they did.

use crate::sender::Due;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// What has become of a segment, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is on its way.
    UnderWay,
    /// It was lost, and is on its way again.
    Again,
    /// The peer has it, behind a gap.
    Arrived,
    /// It is to leave again.
    Lost,
}

/// A segment.
#[derive(Debug)]
struct Sent {
    due: Due,
    /// When it left first.
    at: Duration,
    /// It has left more than once.
    repeated: bool,
    fate: Fate,
}

/// Segments in stream order, the oldest in front.
#[derive(Debug, Default)]
pub(super) struct Flight {
    segments: VecDeque<Sent>,
    /// Octets of those that are under way.
    octets: u64,
    /// How many are to leave again.
    lost: usize,
    /// How many the peer has.
    arrived: usize,
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
        self.count(Fate::UnderWay, due.bytes as u64, true);
        self.segments.push_back(Sent { due, at, repeated: false, fate: Fate::UnderWay });
    }

    /// The peer has everything up to this stream offset. A segment of which it has a part stays.
    /// Answers when the oldest of the others left, if none of them has left twice.
    //= rfc6298#3  Karn's algorithm: no sample of a segment that was retransmitted.
    pub fn acknowledge(&mut self, offset: u64) -> Option<Duration> {
        let (mut sample, mut repeated) = (None, false);
        while self.segments.front().is_some_and(|oldest| oldest.due.end() <= offset) {
            let Some(done) = self.segments.pop_front() else { break };
            sample = sample.or(Some(done.at));
            repeated |= done.repeated;
            self.count(done.fate, done.due.bytes as u64, false);
        }
        sample.filter(|_| !repeated)
    }

    /// Nothing of it has arrived, whatever the peer has said: it may have dropped it since.
    //= rfc2018#8  After a retransmit timeout the sender SHOULD turn off all of the SACKed bits.
    pub fn lose_all(&mut self) {
        (0..self.segments.len()).for_each(|place| self.decide(place, Fate::Lost));
    }

    /// The peer has these octets behind a gap. True if a segment of them was not known to be there.
    pub fn arrived(&mut self, octets: Range<u64>) -> bool {
        let first = self.segments.partition_point(|sent| sent.due.offset < octets.start);
        let behind = self.segments.partition_point(|sent| sent.due.end() <= octets.end);
        let mut news = false;
        for place in first..behind {
            news |= self.segments.get(place).is_some_and(|sent| sent.fate != Fate::Arrived);
            self.decide(place, Fate::Arrived);
        }
        news
    }

    /// How many of the oldest segments have so much behind them that has arrived that they must be
    /// lost; `segment` is SMSS.
    //= rfc6675#4  IsLost: DupThresh discontiguous sequences, or (DupThresh - 1) * SMSS octets.
    pub fn passed(&self, threshold: u32, segment: u64) -> usize {
        if self.arrived == 0 {
            return 0;
        }
        let (mut runs, mut octets, mut in_run) = (0, 0, false);
        for (place, sent) in self.segments.iter().enumerate().rev() {
            let arrived = sent.fate == Fate::Arrived;
            runs += u32::from(arrived && !in_run);
            octets += if arrived { sent.due.bytes as u64 } else { 0 };
            in_run = arrived;
            if runs >= threshold || octets > u64::from(threshold - 1) * segment {
                return place;
            }
        }
        0
    }

    /// So many of the oldest segments are lost, but for those that have left again since.
    pub fn lose(&mut self, count: usize) {
        for place in 0..count {
            if self.segments.get(place).is_some_and(|sent| sent.fate == Fate::UnderWay) {
                self.decide(place, Fate::Lost);
            }
        }
    }

    /// What has become of a segment.
    fn decide(&mut self, place: usize, fate: Fate) {
        let Some(sent) = self.segments.get_mut(place) else { return };
        let before = std::mem::replace(&mut sent.fate, fate);
        let bytes = sent.due.bytes as u64;
        self.count(before, bytes, false);
        self.count(fate, bytes, true);
    }

    /// A segment of so many octets has this fate, or has it no longer.
    fn count(&mut self, fate: Fate, bytes: u64, has: bool) {
        let step = |count: usize| if has { count + 1 } else { count - 1 };
        match fate {
            Fate::UnderWay | Fate::Again if has => self.octets += bytes,
            Fate::UnderWay | Fate::Again => self.octets -= bytes,
            Fate::Arrived => self.arrived = step(self.arrived),
            Fate::Lost => self.lost = step(self.lost),
        }
    }

    /// The first segment that is to leave again, and whether it is the oldest of all.
    pub fn first_lost(&self) -> Option<(Due, bool)> {
        let place = self.place_of_lost()?;
        self.segments.get(place).map(|sent| (sent.due, place == 0))
    }

    /// The first segment that is to leave again has left.
    pub fn repeat(&mut self) {
        let Some(place) = self.place_of_lost() else { return };
        self.decide(place, Fate::Again);
        if let Some(sent) = self.segments.get_mut(place) {
            sent.repeated = true;
        }
    }

    fn place_of_lost(&self) -> Option<usize> {
        let place = || self.segments.iter().position(|sent| sent.fate == Fate::Lost);
        (self.lost != 0).then(place).flatten()
    }
}
