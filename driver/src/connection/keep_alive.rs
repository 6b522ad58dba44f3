//! Asks after a peer of which nothing is heard (RFC 9293 s. 3.8.4).
//!
//! The device has no keep-alive of TCP's, and the answer to one that software sends would go to the
//! device, which shows nothing of it. An RDMA Write of no octets does as well: it is a segment like
//! any other, which the peer acknowledges and its application does not hear of, and a peer that
//! acknowledges nothing is given up in any case.
//!
//! A Responder must not send before the first FPDU has come. Until then there is no way to ask, and
//! a peer that does not use its connection is let go.
//!
//! What is left: a peer that has closed its window is not asked and not let go.

use crate::window::Query;
use std::time::Duration;

/// Looks at a connection in the time that nothing may be heard.
const LOOKS: u32 = 4;

/// What a connection needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It is in use, or its peer was heard of not long ago.
    Nothing,
    /// Its peer must be asked.
    Ask,
    /// Its peer never said anything.
    LetGo,
}

/// Watches the numbers of a connection.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    limit: Duration,
    /// RCV.NXT of the start, if nothing may be sent before it moves.
    first: Option<u32>,
    /// SND.NXT, SND.UNA and RCV.NXT of the last look, and since when they are that.
    seen: [u32; 3],
    since: Duration,
    /// The peer was asked, and nothing has moved since.
    asked: bool,
    next: Duration,
}

impl KeepAlive {
    /// Nothing may be heard for `limit`; `first` is RCV.NXT of the start if that has to move before
    /// anything may be sent.
    pub fn new(limit: Duration, first: Option<u32>, now: Duration) -> Self {
        let next = now + limit / LOOKS;
        Self { limit, first, seen: [0; 3], since: now, asked: false, next }
    }

    /// When to look again.
    pub fn timer(&self) -> Duration {
        self.next
    }

    /// Takes what the hardware says.
    pub fn look(&mut self, query: &Query, now: Duration) -> Need {
        self.next = now + self.limit / LOOKS;
        let unused = self.first == Some(query.receive_next);
        let seen = [query.send_next, query.send_unacknowledged, query.receive_next];
        if seen != self.seen && !unused {
            (self.first, self.seen, self.since, self.asked) = (None, seen, now, false);
        }
        match now >= self.since + self.limit {
            true if unused => Need::LetGo,
            true if !self.asked => {
                self.asked = true;
                Need::Ask
            }
            _ => Need::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn query(send: u32, receive_next: u32) -> Query {
        let (send_next, send_unacknowledged) = (send, send);
        Query { active: true, send_next, send_unacknowledged, receive_next, ..Query::default() }
    }

    #[test]
    fn an_idle_peer_is_asked_once_in_the_time() {
        let mut keep_alive = KeepAlive::new(8 * S, None, Duration::ZERO);
        assert_eq!(keep_alive.timer(), 2 * S);
        assert_eq!(keep_alive.look(&query(5, 7), 2 * S), Need::Nothing);
        assert_eq!(keep_alive.timer(), 4 * S);
        assert_eq!(keep_alive.look(&query(5, 9), 9 * S), Need::Nothing, "it was heard");
        assert_eq!(keep_alive.look(&query(5, 9), 16 * S), Need::Nothing);
        assert_eq!(keep_alive.look(&query(5, 9), 17 * S), Need::Ask);
        assert_eq!(keep_alive.look(&query(5, 9), 99 * S), Need::Nothing, "only once");
        assert_eq!(keep_alive.look(&query(29, 9), 100 * S), Need::Nothing, "it has answered");
        assert_eq!(keep_alive.look(&query(29, 9), 108 * S), Need::Ask);
    }

    //= rfc5044#7.1.2
    //= type=test
    #[test]
    fn a_peer_that_never_sends_its_first_fpdu_is_let_go() {
        for heard in [true, false] {
            let mut keep_alive = KeepAlive::new(8 * S, Some(7), Duration::ZERO);
            assert_eq!(keep_alive.look(&query(5, 7), 6 * S), Need::Nothing);
            let expected = match heard {
                true => {
                    assert_eq!(keep_alive.look(&query(5, 27), 7 * S), Need::Nothing);
                    Need::Nothing
                }
                false => Need::LetGo,
            };
            let receive_next = if heard { 27 } else { 7 };
            assert_eq!(keep_alive.look(&query(5, receive_next), 8 * S), expected);
        }
    }
}
