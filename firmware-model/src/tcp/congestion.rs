//! How much may be under way, as far as the network is concerned (RFC 5681, RFC 9438).

use super::cubic::Cubic;
use std::time::Duration;

/// How the congestion window grows and shrinks once something was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Half after a loss, a segment more each round trip (RFC 5681, RFC 6582).
    #[default]
    NewReno,
    /// A cubic function of the time since the last loss (RFC 9438).
    Cubic,
}

/// What an algorithm keeps.
#[derive(Debug)]
enum State {
    /// Octets acknowledged since the window last grew.
    NewReno(u64),
    Cubic(Cubic),
}

/// The moment, as an algorithm knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub now: Duration,
    /// SRTT, or zero before the first measurement.
    pub round_trip: Duration,
}

/// The congestion window and what moves it. All counts are in octets.
#[derive(Debug)]
pub(super) struct Congestion {
    /// SMSS: the largest segment.
    segment: u64,
    /// cwnd.
    window: u64,
    /// ssthresh.
    threshold: u64,
    state: State,
}

impl Congestion {
    /// At the start of a connection whose largest segments have so many octets.
    pub fn new(algorithm: Algorithm, segment: u64) -> Self {
        let state = match algorithm {
            Algorithm::NewReno => State::NewReno(0),
            Algorithm::Cubic => State::Cubic(Cubic::new(segment)),
        };
        Self { segment, window: initial(segment), threshold: u64::MAX, state }
    }

    /// cwnd.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// SMSS.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// So many octets are newly acknowledged, and the window was in use.
    pub fn acknowledged(&mut self, octets: u64, moment: Moment) {
        if self.window < self.threshold {
            //= rfc5681#3.1  Slow start: cwnd += min (N, SMSS).
            self.window += octets.min(self.segment);
            return;
        }
        match &mut self.state {
            //= rfc5681#3.1  Once the octets acknowledged reach cwnd, it grows by up to SMSS.
            State::NewReno(acknowledged) => {
                *acknowledged += octets;
                if *acknowledged >= self.window {
                    *acknowledged -= self.window;
                    self.window += self.segment;
                }
            }
            State::Cubic(cubic) => self.window = cubic.grown(self.window, octets, moment),
        }
    }

    /// A segment was lost while so many octets were outstanding: fast recovery begins.
    pub fn lost(&mut self, outstanding: u64) {
        self.shrink(outstanding);
        self.window = self.threshold;
    }

    /// Fast recovery is over with so many octets outstanding.
    //= rfc6582#3.2  Step 3: cwnd to min (ssthresh, max(FlightSize, SMSS) + SMSS).
    pub fn recovered(&mut self, outstanding: u64) {
        self.window = self.threshold.min(outstanding.max(self.segment) + self.segment);
    }

    /// The retransmission timer has expired, for the first time or again.
    //= rfc5681#3.1  After a time-out cwnd is one segment; ssthresh moves at the first alone.
    pub fn timed_out(&mut self, outstanding: u64, first: bool) {
        if first {
            self.shrink(outstanding);
        }
        self.window = self.segment;
    }

    /// Nothing was sent for longer than a time-out: what was known of the network is old.
    //= rfc5681#4.1  cwnd SHOULD be set to no more than RW = min(IW, cwnd) before it goes on.
    pub fn idle(&mut self) {
        self.window = self.window.min(initial(self.segment));
        self.forget();
    }

    fn shrink(&mut self, outstanding: u64) {
        self.threshold = match &mut self.state {
            //= rfc5681#3.1  ssthresh = max (FlightSize / 2, 2*SMSS).
            State::NewReno(_) => (outstanding / 2).max(2 * self.segment),
            State::Cubic(cubic) => cubic.shrunk(self.window, outstanding),
        };
        self.forget();
    }

    /// What grew the window until now does not count for what comes.
    fn forget(&mut self) {
        match &mut self.state {
            State::NewReno(acknowledged) => *acknowledged = 0,
            State::Cubic(cubic) => cubic.pause(),
        }
    }
}

//= rfc6928#2  IW = min (10*MSS, max (2*MSS, 14600)).
fn initial(segment: u64) -> u64 {
    (10 * segment).min((2 * segment).max(14600))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 1460;
    const MOMENT: Moment = Moment { now: Duration::ZERO, round_trip: Duration::from_millis(10) };

    fn new(algorithm: Algorithm) -> Congestion {
        Congestion::new(algorithm, SEGMENT)
    }

    //= rfc6928#2
    //= type=test
    #[test]
    fn the_initial_window_is_ten_segments_or_less() {
        for (segment, window) in [(536, 5360), (1460, 14600), (4000, 14600), (9000, 18000)] {
            assert_eq!(Congestion::new(Algorithm::NewReno, segment).window(), window);
        }
    }

    //= rfc5681#3.1
    //= type=test
    #[test]
    fn it_doubles_each_round_trip_then_grows_by_a_segment() {
        let mut reno = new(Algorithm::NewReno);
        (0..10).for_each(|_| reno.acknowledged(SEGMENT, MOMENT));
        assert_eq!(reno.window(), 20 * SEGMENT);
        reno.acknowledged(5 * SEGMENT, MOMENT);
        assert_eq!(reno.window(), 21 * SEGMENT, "one segment an acknowledgement");
        reno.lost(20 * SEGMENT);
        assert_eq!(reno.window(), 10 * SEGMENT);
        reno.recovered(20 * SEGMENT);
        assert_eq!(reno.window(), 10 * SEGMENT);
        (0..9).for_each(|_| reno.acknowledged(SEGMENT, MOMENT));
        assert_eq!(reno.window(), 10 * SEGMENT);
        reno.acknowledged(SEGMENT, MOMENT);
        assert_eq!(reno.window(), 11 * SEGMENT);
        reno.lost(11 * SEGMENT);
        reno.recovered(0);
        assert_eq!(reno.window(), 2 * SEGMENT, "no burst");
    }

    #[test]
    fn a_time_out_begins_again_and_a_second_one_leaves_the_threshold() {
        for (algorithm, threshold) in [(Algorithm::NewReno, 10), (Algorithm::Cubic, 14)] {
            let mut congestion = new(algorithm);
            congestion.timed_out(20 * SEGMENT, true);
            assert_eq!(congestion.window(), SEGMENT);
            congestion.timed_out(SEGMENT, false);
            for _ in 0..40 {
                congestion.acknowledged(SEGMENT, Moment { round_trip: Duration::ZERO, ..MOMENT });
                if congestion.window() >= congestion.threshold {
                    break;
                }
            }
            assert_eq!(congestion.window(), threshold * SEGMENT, "{algorithm:?}");
        }
    }

    #[test]
    fn what_is_old_is_forgotten_when_it_rests() {
        let mut reno = new(Algorithm::NewReno);
        (0..90).for_each(|_| reno.acknowledged(SEGMENT, MOMENT));
        reno.idle();
        assert_eq!(reno.window(), 10 * SEGMENT);
        reno.timed_out(10 * SEGMENT, true);
        reno.idle();
        assert_eq!(reno.window(), SEGMENT, "never more than it was");
    }
}
