//! What is lost is sent again: when to take it for lost, and how much may be under way.
//!
//! ```text
//! segments leave -> Flight <- acknowledgements       Timer -> time-outs, probes
//!                     |  what leaves again             |
//!                     +--------> Congestion: how much <+
//! ```

use super::congestion::{Algorithm, Congestion, Moment};
use super::flight::Flight;
use super::timer::{Purpose, Timer, Timing};
use crate::sender::Due;
use std::ops::Range;
use std::time::Duration;

/// So many duplicate acknowledgements say that a segment is lost.
//= rfc5681#3.2  The arrival of three duplicate ACKs indicates that a segment has been lost.
const DUPLICATES: u32 = 3;

/// An acknowledgement as it concerns what was lost. Stream offsets count from the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard<'a> {
    /// SND.UNA.
    pub unacknowledged: u64,
    /// SND.NXT, the furthest that was ever sent.
    pub sent: u64,
    /// Octets that it acknowledges and none did before.
    pub newly: u32,
    /// It says the same as the one before (RFC 5681 s. 2).
    pub duplicate: bool,
    /// The peer's window is shut.
    pub shut: bool,
    /// What the peer has behind gaps, as stream offsets: sane, but perhaps old.
    pub blocks: &'a [Range<u64>],
}

/// What the timer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Everything that is outstanding leaves again.
    Repeat,
    /// The peer's window is to be probed.
    Probe,
    /// The peer is silent for too long.
    Silent,
}

/// The sending side of a connection that repeats what is lost.
#[derive(Debug)]
pub(super) struct Recovery {
    retries: u8,
    /// The peer tells what it has behind gaps.
    sack: bool,
    flight: Flight,
    timer: Timer,
    congestion: Congestion,
    /// Duplicate acknowledgements in a row.
    duplicates: u32,
    /// Octets that duplicate acknowledgements say have left the network.
    arrived: u64,
    /// Where the stream ended when something was last taken for lost.
    point: Option<u64>,
    /// Fast recovery, up to `point`.
    recovers: bool,
    /// The next repeated segment leaves whatever the congestion window says.
    urgent: bool,
    /// The probe of the peer's window is due.
    pub probes: bool,
    /// When a segment with data last left.
    left: Duration,
    /// SND.NXT when the congestion window last held something back.
    held: u64,
}

impl Recovery {
    /// For a connection whose largest segments have so many octets; gives up after `retries`
    /// time-outs in a row. With `sack` what the peer has behind gaps counts, and nothing else.
    pub fn new(retries: u8, sack: bool, algorithm: Algorithm, segment: usize) -> Self {
        Self {
            retries,
            sack,
            flight: Flight::default(),
            timer: Timer::default(),
            congestion: Congestion::new(algorithm, segment as u64),
            duplicates: 0,
            arrived: 0,
            point: None,
            recovers: false,
            urgent: false,
            probes: false,
            left: Duration::ZERO,
            held: 0,
        }
    }

    /// When there is something to do without anything else having happened.
    pub fn deadline(&self) -> Option<Duration> {
        self.timer.deadline()
    }

    /// Nothing that was sent is unacknowledged.
    pub fn is_quiet(&self) -> bool {
        self.flight.is_empty()
    }

    /// The segment that is to leave again now, if the network has room for it; and whether it is
    /// the oldest. `sent` octets of the stream have left in all.
    pub fn due(&mut self, sent: u64) -> Option<(Due, bool)> {
        let lost = self.flight.first_lost()?;
        (self.urgent || self.has_room(lost.0.bytes, sent)).then_some(lost)
    }

    /// The segment that was [due](Self::due) has left.
    pub fn repeated(&mut self, timing: Timing) {
        self.flight.repeat();
        (self.urgent, self.left) = (false, timing.now);
        self.timer.ensure(Purpose::Retransmission, timing);
    }

    /// The network has room for a segment of so many octets that would leave now. `sent` octets of
    /// the stream have left in all.
    pub fn has_room(&mut self, bytes: usize, sent: u64) -> bool {
        let under_way = self.under_way();
        let has_room = under_way == 0 || under_way + bytes as u64 <= self.congestion.window();
        self.held = if has_room { self.held } else { sent };
        has_room
    }

    /// A segment is to leave for the first time. After a rest the congestion window is no larger
    /// than at the start.
    pub fn rested(&mut self, timing: Timing) {
        let rest = timing.now.saturating_sub(self.left);
        if self.flight.is_empty() && rest > self.timer.timeout(timing.least) {
            self.congestion.idle();
        }
    }

    /// A segment has left for the first time.
    pub fn sent(&mut self, due: Due, timing: Timing) {
        self.flight.push(due, timing.now);
        (self.probes, self.left) = (false, timing.now);
        self.timer.ensure(Purpose::Retransmission, timing);
    }

    /// What is due does not fit the peer's window, and nothing is under way.
    pub fn shut_out(&mut self, timing: Timing) {
        if !self.probes {
            self.timer.ensure(Purpose::Probe, timing);
        }
    }

    /// The peer's window was probed.
    pub fn probed(&mut self, timing: Timing) {
        self.probes = false;
        self.timer.start(Purpose::Probe, timing);
    }

    /// Octets that are under way, as far as anybody knows.
    fn under_way(&self) -> u64 {
        self.flight.octets().saturating_sub(self.arrived)
    }

    /// Takes an acknowledgement.
    pub fn acknowledged(&mut self, heard: &Heard<'_>, timing: Timing) {
        if self.flight.is_empty() || heard.shut {
            // Whoever answers a probe is there, and whoever answers what its window has no more
            // room for, however long that stays so.
            //= rfc9293#3.8.6.1  The connection stays open while the probes are acknowledged.
            self.timer.progress();
        }
        if heard.newly != 0 {
            self.advance(heard, timing);
        }
        if self.sack {
            self.select(heard);
        } else if heard.duplicate {
            self.duplicate(heard);
        }
    }

    fn advance(&mut self, heard: &Heard<'_>, timing: Timing) {
        if let Some(left) = self.flight.acknowledge(heard.unacknowledged) {
            self.timer.measure(timing.now.saturating_sub(left));
        }
        self.timer.progress();
        //= rfc6298#5  (5.2), (5.3) New data acknowledged: the timer restarts, or stops at the end.
        match self.flight.is_empty() {
            true => self.timer.stop(),
            false => self.timer.start(Purpose::Retransmission, timing),
        }
        self.duplicates = 0;
        let newly = u64::from(heard.newly);
        match self.point.filter(|_| self.recovers) {
            Some(point) if heard.unacknowledged < point => {
                //= rfc6582#3.2  Step 3: a partial acknowledgement: the next segment is lost too.
                self.arrived = self.arrived.saturating_sub(newly.saturating_sub(self.segment()));
                self.flight.lose(1);
                self.urgent = !self.sack;
            }
            Some(_) => {
                (self.recovers, self.arrived, self.urgent, self.point) = (false, 0, false, None);
                self.congestion.recovered(heard.sent - heard.unacknowledged);
            }
            None => {
                self.arrived = 0;
                // A window that held nothing back says nothing of the network.
                if heard.unacknowledged <= self.held {
                    let round_trip = self.timer.round_trip();
                    let moment = Moment { now: timing.now, round_trip };
                    self.congestion.acknowledged(newly, moment);
                }
            }
        }
    }

    /// Acts upon what the peer has behind gaps (RFC 6675 s. 5).
    fn select(&mut self, heard: &Heard<'_>) {
        let mut news = false;
        for block in heard.blocks {
            news |= self.flight.arrived(block.clone());
        }
        //= rfc6675#2  A duplicate acknowledgement is one that tells of octets that none told of.
        self.duplicates = match news && heard.newly == 0 {
            true => self.duplicates.saturating_add(1),
            false => self.duplicates,
        };
        let passed = self.flight.passed(DUPLICATES, self.segment());
        let fresh = self.point.is_none_or(|point| heard.unacknowledged >= point);
        let enough = passed != 0 || self.duplicates >= DUPLICATES;
        if !self.recovers && news && fresh && enough {
            self.recover(heard);
        }
        if self.recovers {
            self.flight.lose(passed);
        }
    }

    fn duplicate(&mut self, heard: &Heard<'_>) {
        //= rfc6582#4  What a time-out has repeated, or has taken for lost, brings duplicates too.
        let fresh = self.point.is_none_or(|point| heard.unacknowledged > point);
        if !self.recovers && !fresh {
            return;
        }
        self.duplicates = self.duplicates.saturating_add(1);
        //= rfc3042#2  Each of them makes room for a new segment, and so does rfc5681#3.2, step 4.
        let outstanding = heard.sent - heard.unacknowledged;
        self.arrived = (self.arrived + self.segment()).min(outstanding);
        if !self.recovers && self.duplicates == DUPLICATES {
            self.recover(heard);
        }
    }

    fn recover(&mut self, heard: &Heard<'_>) {
        (self.recovers, self.urgent) = (true, true);
        self.point = Some(heard.sent);
        self.congestion.lost(heard.sent - heard.unacknowledged);
        self.flight.lose(1);
    }

    /// What the timer wants, if it has expired. `outstanding` octets are unacknowledged, `sent` in
    /// all.
    pub fn expired(&mut self, outstanding: u64, sent: u64, timing: Timing) -> Option<Expiry> {
        let purpose = self.timer.expired(timing.now)?;
        if self.timer.expiries() > self.retries {
            return Some(Expiry::Silent);
        }
        if purpose == Purpose::Probe {
            self.probes = true;
            return Some(Expiry::Probe);
        }
        self.congestion.timed_out(outstanding, self.timer.expiries() == 1);
        self.flight.lose_all();
        //= rfc6582#4  After a time-out the highest number transmitted is recorded in `recover`.
        (self.point, self.recovers, self.urgent) = (Some(sent), false, true);
        (self.duplicates, self.arrived) = (0, 0);
        //= rfc6298#5  (5.6) The timer starts, such that it expires after RTO seconds.
        self.timer.start(Purpose::Retransmission, timing);
        Some(Expiry::Repeat)
    }

    fn segment(&self) -> u64 {
        self.congestion.segment()
    }
}
