//! Notices a peer that acknowledges nothing any more.

use crate::window::Query;
use std::time::Duration;

/// Looks at a connection in the time that it may be silent.
const LOOKS: u32 = 8;

/// Watches SND.UNA while octets are outstanding.
#[derive(Debug)]
pub(crate) struct Silence {
    limit: Duration,
    /// SND.UNA at the last look, and since when it is that.
    unacknowledged: Option<u32>,
    since: Duration,
    next: Duration,
}

impl Silence {
    /// Nothing is outstanding; silence of `limit` is too much.
    pub fn new(limit: Duration, now: Duration) -> Self {
        Self { limit, unacknowledged: None, since: now, next: now + limit / LOOKS }
    }

    /// When to look again.
    pub fn timer(&self) -> Duration {
        self.next
    }

    /// Takes what the hardware says; true if the peer was silent for too long.
    pub fn look(&mut self, query: &Query, now: Duration) -> bool {
        self.next = now + self.limit / LOOKS;
        let outstanding = query.send_next != query.send_unacknowledged;
        let seen = outstanding.then_some(query.send_unacknowledged);
        if seen.is_none() || seen != self.unacknowledged {
            (self.unacknowledged, self.since) = (seen, now);
        }
        outstanding && now >= self.since + self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn query(send_unacknowledged: u32, send_next: u32) -> Query {
        Query { active: true, send_next, send_unacknowledged, ..Query::default() }
    }

    #[test]
    fn only_outstanding_octets_that_stay_outstanding_count() {
        let mut silence = Silence::new(80 * MS, Duration::ZERO);
        assert_eq!(silence.timer(), 10 * MS);
        assert!(!silence.look(&query(5, 5), 1000 * MS), "nothing is outstanding");
        assert!(!silence.look(&query(5, 9), 1000 * MS));
        assert_eq!(silence.timer(), 1010 * MS);
        assert!(!silence.look(&query(5, 9), 1079 * MS));
        assert!(!silence.look(&query(6, 12), 1081 * MS), "it moved");
        assert!(!silence.look(&query(6, 13), 1160 * MS));
        assert!(silence.look(&query(6, 13), 1161 * MS));
    }
}
