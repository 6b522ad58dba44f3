//! Closes a TCP connection that the hardware has given back (RFC 9293 s. 3.6).
//!
//! ```text
//!   we close first:    FinWait1 --ack of FIN--> FinWait2 --FIN--> TimeWait --time--> Done
//!                          |                                          ^
//!                          +--FIN--> Closing --ack of FIN-------------+
//!                          +--FIN with ack of FIN---------------------+
//!   the peer did:      LastAck --ack of FIN--> Done
//! ```
//!
//! In every state, RST or data that nobody can take any more ends in Done. Our FIN is sent again
//! until it is acknowledged.

use super::super::tcp::Outcome;
use super::segment::{Path, Segment};
use ironwarp_wire::sequence::Sequence;
use std::time::Duration;

/// The first wait for an acknowledgement of our FIN; it doubles with every further try.
const RETRANSMIT_FIRST: Duration = Duration::from_millis(200);
/// How often our FIN is sent before the peer is given up.
const TRIES_MAX: u32 = 6;
/// How long the peer may take to close its side after ours is acknowledged.
const FIN_WAIT: Duration = Duration::from_secs(60);
/// The window that is advertised: what comes is thrown away, but a FIN must fit.
const WINDOW: u16 = 1024;

/// RFC 9293's states, from the first FIN on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CloseState {
    /// Our FIN is sent.
    FinWait1,
    /// Our FIN is acknowledged.
    FinWait2,
    /// Both have sent a FIN at once; ours is not acknowledged.
    Closing,
    /// The peer sent its FIN first; ours is not acknowledged.
    LastAck,
    /// Both are acknowledged. A lost acknowledgement is repeated.
    TimeWait,
    /// Nothing is left.
    Done,
}

/// What a segment brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CloseEvent {
    /// Our FIN is acknowledged.
    Acknowledged,
    /// The peer's FIN has come, in order.
    Fin,
    /// The time of a state is over.
    Time,
    /// The connection is dead: RST came or was sent.
    Reset,
}

/// Every transition; what is not here changes nothing.
const TRANSITIONS: &[(CloseState, CloseEvent, CloseState)] = &[
    (CloseState::FinWait1, CloseEvent::Acknowledged, CloseState::FinWait2),
    (CloseState::FinWait1, CloseEvent::Fin, CloseState::Closing),
    (CloseState::FinWait1, CloseEvent::Reset, CloseState::Done),
    (CloseState::FinWait2, CloseEvent::Fin, CloseState::TimeWait),
    (CloseState::FinWait2, CloseEvent::Reset, CloseState::Done),
    (CloseState::Closing, CloseEvent::Acknowledged, CloseState::TimeWait),
    (CloseState::Closing, CloseEvent::Reset, CloseState::Done),
    (CloseState::LastAck, CloseEvent::Acknowledged, CloseState::Done),
    (CloseState::LastAck, CloseEvent::Reset, CloseState::Done),
    (CloseState::TimeWait, CloseEvent::Time, CloseState::Done),
    (CloseState::TimeWait, CloseEvent::Reset, CloseState::Done),
];

impl CloseState {
    fn after(self, event: CloseEvent) -> Self {
        let mut table = TRANSITIONS.iter();
        let found = table.find(|(from, by, _)| (*from, *by) == (self, event));
        found.map_or(self, |(_, _, to)| *to)
    }

    /// Our FIN waits for its acknowledgement.
    fn awaits_acknowledgement(self) -> bool {
        matches!(self, Self::FinWait1 | Self::Closing | Self::LastAck)
    }
}

/// A connection being closed.
#[derive(Debug)]
pub(crate) struct Closer {
    path: Path,
    state: CloseState,
    /// The sequence number of our FIN.
    fin: Sequence,
    /// RCV.NXT.
    receive_next: Sequence,
    timer: Duration,
    tries: u32,
    time_wait: Duration,
    outcome: Option<Outcome>,
}

impl Closer {
    /// Sends our FIN first. Everything before `send_next` is acknowledged.
    pub fn active(path: Path, send_next: Sequence, receive_next: Sequence) -> Self {
        Self {
            path,
            state: CloseState::FinWait1,
            fin: send_next,
            receive_next,
            timer: Duration::ZERO,
            tries: 0,
            time_wait: Duration::ZERO,
            outcome: None,
        }
    }

    /// Answers the peer's FIN, whose sequence number is `fin`, with ours.
    pub fn passive(path: Path, send_next: Sequence, fin: Sequence) -> Self {
        Self { state: CloseState::LastAck, ..Self::active(path, send_next, fin + 1) }
    }

    /// Sets how long the addresses rest at the end, if our FIN was first.
    pub fn with_time_wait(self, time_wait: Duration) -> Self {
        Self { time_wait, ..self }
    }

    /// The next hop is at another hardware address from now on.
    pub fn move_to(&mut self, mac: [u8; 6]) {
        self.path.remote_mac = mac;
    }

    /// Nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.state == CloseState::Done
    }

    /// How it ended, once: when both directions are closed or it is certain that they will not be.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// When [`Closer::tick`] has something to do.
    pub fn timer(&self) -> Option<Duration> {
        (!self.is_done()).then_some(self.timer)
    }

    /// Does what is due: the first FIN at once. Answers the frame to send.
    pub fn tick(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.is_done() || now < self.timer {
            return None;
        }
        match self.state {
            CloseState::TimeWait => {
                self.apply(CloseEvent::Time);
                None
            }
            CloseState::FinWait2 => self.give_up(Outcome::Timeout),
            _ if self.tries == TRIES_MAX => self.give_up(Outcome::Timeout),
            _ => {
                self.timer = now + RETRANSMIT_FIRST * 2u32.pow(self.tries);
                self.tries += 1;
                Some(Segment { fin: true, ..self.segment(self.fin) }.emit())
            }
        }
    }

    /// Takes a segment from the peer. Answers the frame to send.
    pub fn segment_from_peer(&mut self, segment: &Segment, now: Duration) -> Option<Vec<u8>> {
        if self.is_done() {
            return None;
        }
        if segment.rst {
            // RFC 5961 s. 3.2: a reset must be exactly at RCV.NXT to count.
            if segment.sequence == self.receive_next {
                self.finish(Outcome::PeerReset);
            }
            return None;
        }
        if segment.syn {
            return Some(self.segment(self.send_next()).emit());
        }
        if segment.acknowledged == Some(self.fin + 1) && self.state.awaits_acknowledgement() {
            self.apply(CloseEvent::Acknowledged);
            self.timer = now + FIN_WAIT;
            self.tries = 0;
        }
        let answer = self.take_payload(segment);
        if self.state == CloseState::TimeWait {
            self.timer = now + self.time_wait;
        }
        answer
    }

    fn take_payload(&mut self, segment: &Segment) -> Option<Vec<u8>> {
        let data_end = segment.sequence + segment.payload.len() as u32;
        //= rfc9293#3.6.1  Data that comes after the receiver is gone is answered with a reset.
        if data_end.is_after(self.receive_next) && !segment.payload.is_empty() {
            return self.give_up(Outcome::Data);
        }
        let occupies = segment.fin || !segment.payload.is_empty();
        if segment.fin && data_end == self.receive_next {
            self.receive_next += 1;
            self.apply(CloseEvent::Fin);
        }
        // Old octets are acknowledged again: the acknowledgement may have been lost.
        occupies.then(|| self.segment(self.send_next()).emit())
    }

    fn apply(&mut self, event: CloseEvent) {
        let before = self.state;
        self.state = self.state.after(event);
        let closed = matches!(self.state, CloseState::TimeWait | CloseState::Done);
        if closed && before != CloseState::TimeWait && event != CloseEvent::Reset {
            self.outcome = Some(Outcome::Closed);
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        // In TIME-WAIT both directions were closed already.
        if self.state != CloseState::TimeWait {
            self.outcome = Some(outcome);
        }
        self.apply(CloseEvent::Reset);
    }

    fn give_up(&mut self, outcome: Outcome) -> Option<Vec<u8>> {
        self.finish(outcome);
        Some(reset(self.path, self.send_next(), self.receive_next))
    }

    /// SND.NXT: behind our FIN if it was ever sent.
    fn send_next(&self) -> Sequence {
        let sent = self.tries > 0 || !self.state.awaits_acknowledgement();
        self.fin + u32::from(sent)
    }

    fn segment(&self, sequence: Sequence) -> Segment {
        plain(self.path, sequence, self.receive_next)
    }
}

fn plain(path: Path, sequence: Sequence, receive_next: Sequence) -> Segment {
    Segment::bare(path, sequence, receive_next, WINDOW)
}

/// The frame that ends a connection at once.
pub(crate) fn reset(path: Path, send_next: Sequence, receive_next: Sequence) -> Vec<u8> {
    Segment { rst: true, ..plain(path, send_next, receive_next) }.emit()
}

#[cfg(test)]
mod tests {
    use super::super::segment::tests::{mirrored, path};
    use super::super::segment::Direction;
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const REST: Duration = Duration::from_millis(10);

    /// Two closers and the frames between them.
    struct Pair {
        a: Closer,
        b: Closer,
    }

    fn other_path() -> Path {
        mirrored(&plain(path(), Sequence(0), Sequence(0))).path
    }

    fn to_peer(frame: &[u8]) -> Segment {
        Segment::parse(frame, Direction::In).expect("a TCP segment")
    }

    impl Pair {
        /// Runs until both are done; frames numbered in `lost` do not arrive.
        fn run(&mut self, lost: &[usize]) -> [Option<Outcome>; 2] {
            let (mut outcomes, mut sent) = ([None, None], 0);
            for step in 0..100_000 {
                let now = MS * step;
                let mut frames: Vec<(bool, Vec<u8>)> = Vec::new();
                frames.extend(self.a.tick(now).map(|frame| (true, frame)));
                frames.extend(self.b.tick(now).map(|frame| (false, frame)));
                while let Some((from_a, frame)) = (!frames.is_empty()).then(|| frames.remove(0)) {
                    sent += 1;
                    if lost.contains(&sent) {
                        continue;
                    }
                    let receiver = if from_a { &mut self.b } else { &mut self.a };
                    let answer = receiver.segment_from_peer(&to_peer(&frame), now);
                    frames.extend(answer.map(|frame| (!from_a, frame)));
                }
                outcomes[0] = outcomes[0].or(self.a.take_outcome());
                outcomes[1] = outcomes[1].or(self.b.take_outcome());
            }
            assert!(self.a.is_done() && self.b.is_done());
            outcomes
        }
    }

    fn both_active() -> Pair {
        let a = Closer::active(path(), Sequence(u32::MAX), Sequence(70)).with_time_wait(REST);
        let b = Closer::active(other_path(), Sequence(70), Sequence(u32::MAX));
        Pair { a, b: b.with_time_wait(REST) }
    }

    const CLOSED: [Option<Outcome>; 2] = [Some(Outcome::Closed), Some(Outcome::Closed)];

    #[test]
    fn both_sides_close_at_once_whatever_is_lost() {
        assert_eq!(both_active().run(&[]), CLOSED);
        for first in 1..5 {
            for second in first..5 {
                let outcomes = both_active().run(&[first, second]);
                // The last acknowledgement of all can be lost for good: then one side gives up.
                assert!(outcomes.contains(&Some(Outcome::Closed)), "{first} {second}");
            }
        }
    }

    #[test]
    fn the_peer_s_fin_is_answered_with_ours() {
        let mut a = Closer::active(path(), Sequence(9), Sequence(70)).with_time_wait(REST);
        let fin = to_peer(&a.tick(MS).unwrap());
        assert!(fin.fin && fin.sequence == Sequence(9) && fin.acknowledged == Some(Sequence(70)));
        let mut b = Closer::passive(other_path(), Sequence(70), fin.sequence);
        let answer = to_peer(&b.tick(MS).unwrap());
        assert!(answer.fin && answer.acknowledged == Some(Sequence(10)));
        let last = a.segment_from_peer(&answer, MS).unwrap();
        assert_eq!(a.take_outcome(), Some(Outcome::Closed));
        assert!(!a.is_done(), "the addresses rest");
        assert_eq!(b.segment_from_peer(&to_peer(&last), MS), None);
        assert_eq!(b.take_outcome(), Some(Outcome::Closed));
        assert!(b.is_done());
        assert!(a.segment_from_peer(&answer, 2 * MS).is_some(), "a lost last ACK is repeated");
        assert_eq!(a.tick(2 * MS + REST), None);
        assert!(a.is_done());
        assert_eq!(a.take_outcome(), None, "only once");
    }

    #[test]
    fn the_peer_acknowledges_first_and_closes_later() {
        let mut a = Closer::active(path(), Sequence(9), Sequence(70)).with_time_wait(REST);
        a.tick(MS);
        let from_peer = |acknowledged| plain(path(), Sequence(70), Sequence(acknowledged));
        assert_eq!(a.segment_from_peer(&from_peer(10), MS), None);
        assert_eq!(a.state, CloseState::FinWait2);
        assert_eq!(a.tick(1000 * MS), None, "nothing is sent again");
        let fin = Segment { fin: true, ..from_peer(10) };
        assert!(a.segment_from_peer(&fin, 1000 * MS).is_some());
        assert_eq!((a.state, a.receive_next), (CloseState::TimeWait, Sequence(71)));
    }

    #[test]
    fn data_after_the_end_is_reset() {
        let mut a = Closer::active(path(), Sequence(9), Sequence(70));
        a.tick(MS);
        let mut data = plain(path(), Sequence(60), Sequence(9));
        data.payload = vec![0; 10];
        let again = to_peer(&a.segment_from_peer(&data, MS).unwrap());
        assert!(!again.rst && again.acknowledged == Some(Sequence(70)), "old octets are not new");
        data.payload = vec![0; 11];
        let answer = to_peer(&a.segment_from_peer(&data, MS).unwrap());
        assert!(answer.rst && answer.sequence == Sequence(10));
        assert_eq!(a.take_outcome(), Some(Outcome::Data));
        assert!(a.is_done());
    }

    #[test]
    fn a_silent_peer_is_given_up() {
        let mut a = Closer::active(path(), Sequence(9), Sequence(70));
        let frames: Vec<_> = (0..100_000).filter_map(|ms| a.tick(MS * ms)).collect();
        let fins = frames.iter().filter(|frame| to_peer(frame).fin).count();
        assert_eq!((fins, frames.len()), (TRIES_MAX as usize, TRIES_MAX as usize + 1));
        assert!(to_peer(&frames[fins]).rst);
        assert_eq!(a.take_outcome(), Some(Outcome::Timeout));
    }

    #[test]
    fn only_a_reset_in_order_counts() {
        let mut a = Closer::active(path(), Sequence(9), Sequence(70));
        let reset = |at| Segment { rst: true, ..plain(path(), Sequence(at), Sequence(9)) };
        for at in [69, 71] {
            a.segment_from_peer(&reset(at), MS);
            assert!(!a.is_done());
        }
        a.segment_from_peer(&reset(70), MS);
        assert_eq!(a.take_outcome(), Some(Outcome::PeerReset));
        assert!(a.is_done());
    }

    /// Every state by every event; what the table does not have changes nothing.
    #[test]
    fn the_table_is_the_picture() {
        use CloseEvent::{Acknowledged, Fin, Reset, Time};
        use CloseState::{Closing, Done, FinWait1, FinWait2, LastAck, TimeWait};
        let golden = [
            (FinWait1, [FinWait2, Closing, FinWait1, Done]),
            (FinWait2, [FinWait2, TimeWait, FinWait2, Done]),
            (Closing, [TimeWait, Closing, Closing, Done]),
            (LastAck, [Done, LastAck, LastAck, Done]),
            (TimeWait, [TimeWait, TimeWait, Done, Done]),
            (Done, [Done; 4]),
        ];
        for (state, row) in golden {
            assert_eq!([Acknowledged, Fin, Time, Reset].map(|event| state.after(event)), row);
        }
    }
}
