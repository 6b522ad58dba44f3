//! The retransmission timer, which also probes a shut window (RFC 6298; RFC 9293 s. 3.8.6.1).

use std::time::Duration;

/// What the host and the clock say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timing {
    /// The time, since some moment before the device was made.
    pub now: Duration,
    /// `RETRANSMIT_MIN`.
    pub least: Duration,
}

/// The greatest time-out.
//= rfc6298#2  (2.5) A maximum value MAY be placed on RTO provided it is at least 60 seconds.
const LONGEST: Duration = Duration::from_secs(60);
/// The greatest time-out before anything is measured.
const LONGEST_FIRST: Duration = Duration::from_secs(1);
/// What of the clock is seen.
const GRANULARITY: Duration = Duration::from_micros(1);

/// What the timer runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Something is not acknowledged.
    Retransmission,
    /// Nothing is under way, and the peer's window has no room for what is due.
    Probe,
}

/// What was measured of round trips.
#[derive(Debug, Clone, Copy)]
struct RoundTrip {
    smoothed: Duration,
    variation: Duration,
}

/// One timer, as long as the round trips of its connection want it.
#[derive(Debug, Default)]
pub(super) struct Timer {
    measured: Option<RoundTrip>,
    /// How often the time-out has doubled since the last measurement.
    doubled: u32,
    /// Probes of the window since something last left: each takes twice as long as the one before.
    probes: u32,
    /// Expiries in a row without progress.
    expiries: u8,
    runs: Option<(Duration, Purpose)>,
}

impl Timer {
    /// When it expires, if it runs.
    pub fn deadline(&self) -> Option<Duration> {
        self.runs.map(|(deadline, _)| deadline)
    }

    /// What it runs for, if it does.
    pub fn purpose(&self) -> Option<Purpose> {
        self.runs.map(|(_, purpose)| purpose)
    }

    /// Expiries in a row without progress.
    pub fn expiries(&self) -> u8 {
        self.expiries
    }

    /// SRTT, or zero before the first measurement.
    pub fn round_trip(&self) -> Duration {
        self.measured.map_or(Duration::ZERO, |measured| measured.smoothed)
    }

    /// Starts the timer anew.
    pub fn start(&mut self, purpose: Purpose, timing: Timing) {
        // What the peer's window has held up says nothing of round trips.
        if purpose == Purpose::Retransmission {
            self.probes = 0;
        }
        let timeout = double(self.timeout(timing.least), self.probes);
        self.runs = Some((timing.now.saturating_add(timeout), purpose));
    }

    /// Starts the timer if it does not run for this.
    //= rfc6298#5  (5.1) When a packet with data is sent, if the timer is not running, start it.
    pub fn ensure(&mut self, purpose: Purpose, timing: Timing) {
        if self.purpose() != Some(purpose) {
            self.start(purpose, timing);
        }
    }

    /// Nothing is to be waited for.
    pub fn stop(&mut self) {
        self.runs = None;
    }

    /// The peer has acknowledged something new, or has answered a probe.
    pub fn progress(&mut self) {
        self.expiries = 0;
    }

    /// The purpose that the timer ran for if it has expired; it stands still then.
    pub fn expired(&mut self, now: Duration) -> Option<Purpose> {
        let (_, purpose) = self.runs.take_if(|(deadline, _)| *deadline <= now)?;
        self.expiries = self.expiries.saturating_add(1);
        let doubled = match purpose {
            //= rfc6298#5  (5.5) The host MUST set RTO <- RTO * 2.
            Purpose::Retransmission => &mut self.doubled,
            //= rfc9293#3.8.6.1  The interval between probes SHOULD increase exponentially.
            Purpose::Probe => &mut self.probes,
        };
        *doubled = doubled.saturating_add(1);
        Some(purpose)
    }

    /// A round trip of something that was sent once.
    //= rfc6298#2  (2.2), (2.3) alpha is 1/8 and beta 1/4.
    pub fn measure(&mut self, trip: Duration) {
        self.doubled = 0;
        self.measured = Some(match self.measured {
            None => RoundTrip { smoothed: trip, variation: trip / 2 },
            Some(RoundTrip { smoothed, variation }) => RoundTrip {
                variation: (variation * 3 + smoothed.abs_diff(trip)) / 4,
                smoothed: (smoothed * 7 + trip) / 8,
            },
        });
    }

    /// RTO.
    pub fn timeout(&self, least: Duration) -> Duration {
        let least = least.max(GRANULARITY);
        let measured = match self.measured {
            None => (least * 4).min(LONGEST_FIRST),
            Some(RoundTrip { smoothed, variation }) => {
                smoothed.saturating_add(GRANULARITY.max(variation * 4))
            }
        };
        double(measured.max(least), self.doubled)
    }
}

/// A time doubled so often, but not beyond the greatest time-out.
fn double(time: Duration, often: u32) -> Duration {
    time.saturating_mul(1u32.checked_shl(often).unwrap_or(u32::MAX)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn at(now: Duration, least: Duration) -> Timing {
        Timing { now, least }
    }

    //= rfc6298#2
    //= type=test
    #[test]
    fn the_time_out_follows_round_trips_between_its_bounds() {
        let mut timer = Timer::default();
        for (least, first) in [(MS(10), MS(40)), (MS(200), MS(800)), (MS(400), MS(1000))] {
            assert_eq!(timer.timeout(least), first);
        }
        assert_eq!(timer.timeout(MS(3000)), MS(3000));
        assert_eq!(timer.timeout(Duration::ZERO), Duration::from_micros(4));
        timer.measure(MS(100));
        assert_eq!(timer.timeout(MS(10)), MS(300), "SRTT + 4 RTT / 2");
        // RTTVAR = (3 * 50 + 80) / 4 = 57.5, SRTT = (7 * 100 + 180) / 8 = 110.
        timer.measure(MS(180));
        assert_eq!(timer.timeout(MS(10)), MS(340));
        assert_eq!(timer.timeout(MS(500)), MS(500));
        (0..200).for_each(|_| timer.measure(MS(1)));
        assert_eq!(timer.timeout(Duration::ZERO).as_micros(), 1001, "the clock's granularity");
        timer.measure(Duration::from_secs(1000));
        assert_eq!(timer.timeout(MS(10)), LONGEST);
    }

    //= rfc6298#5
    //= type=test
    #[test]
    fn it_doubles_until_something_is_measured() {
        let mut timer = Timer::default();
        let mut now = Duration::ZERO;
        timer.ensure(Purpose::Retransmission, at(now, MS(10)));
        for expiry in 1..20 {
            let deadline = timer.deadline().unwrap();
            timer.ensure(Purpose::Retransmission, at(now + MS(1), MS(10)));
            assert_eq!(timer.deadline(), Some(deadline), "it runs already");
            assert_eq!(timer.expired(deadline - Duration::from_nanos(1)), None);
            assert_eq!(timer.expired(deadline), Some(Purpose::Retransmission));
            assert_eq!((timer.deadline(), timer.expiries()), (None, expiry));
            let timeout = (MS(40) * (1 << expiry.min(11))).min(LONGEST);
            assert_eq!(timer.timeout(MS(10)), timeout);
            now = deadline;
            timer.start(Purpose::Retransmission, at(now, MS(10)));
        }
        timer.progress();
        assert_eq!((timer.expiries(), timer.timeout(MS(10))), (0, LONGEST));
        timer.measure(MS(8));
        assert_eq!(timer.timeout(MS(10)), MS(24));
    }

    #[test]
    fn probes_leave_the_time_out_as_it_was() {
        let mut timer = Timer::default();
        timer.measure(MS(20));
        timer.ensure(Purpose::Probe, at(MS(0), MS(10)));
        assert_eq!(timer.expired(MS(60)), Some(Purpose::Probe));
        timer.ensure(Purpose::Probe, at(MS(60), MS(10)));
        assert_eq!(timer.deadline(), Some(MS(180)));
        timer.ensure(Purpose::Retransmission, at(MS(100), MS(10)));
        assert_eq!(timer.deadline(), Some(MS(160)));
    }
}
