//! CUBIC (RFC 9438): the window as a cubic function of the time since it last shrank.

use super::congestion::Moment;
use std::time::Duration;

/// How steeply the function grows, in segments a second cubed.
//= rfc9438#5.1  C SHOULD be set to 0.4.
const STEEPNESS: f64 = 0.4;
/// What a loss leaves of the window.
//= rfc9438#4.6  beta_cubic SHOULD be set to 0.7.
const LEFT: f64 = 0.7;
/// What a window that was growing to its old size when it lost gives up of that (fast convergence).
//= rfc9438#4.7  W_max = cwnd * (1 + beta_cubic) / 2.
const CONVERGENCE: f64 = (1.0 + LEFT) / 2.0;
/// Segments a round trip by which a Reno with this [`LEFT`] grows.
//= rfc9438#4.3  alpha_cubic = 3 * (1 - beta_cubic) / (1 + beta_cubic).
const RENO: f64 = 3.0 * (1.0 - LEFT) / (1.0 + LEFT);

/// From one moment when the window began to grow to the next loss; windows are in segments.
#[derive(Debug)]
struct Epoch {
    began: Duration,
    /// K: seconds until the window is as large as it was, if it grows undisturbed.
    period: f64,
    /// W_max, or the window when it began, whichever is larger.
    summit: f64,
    /// W_est: what Reno would have by now.
    reno: f64,
}

/// What is kept of the function.
#[derive(Debug)]
pub(super) struct Cubic {
    /// SMSS in octets.
    segment: f64,
    /// W_max in segments: where it last lost.
    summit: f64,
    /// The window before it last shrank, in segments.
    before: f64,
    epoch: Option<Epoch>,
}

impl Cubic {
    /// Nothing was lost yet; the largest segments have so many octets.
    pub fn new(segment: u64) -> Self {
        Self { segment: segment as f64, summit: 0.0, before: 0.0, epoch: None }
    }

    /// The window, above the threshold, after so many octets are acknowledged.
    pub fn grown(&mut self, window: u64, octets: u64, moment: Moment) -> u64 {
        let segments = window as f64 / self.segment;
        let newly = octets as f64 / self.segment;
        let (summit, before) = (self.summit, self.before);
        let epoch = self.epoch.get_or_insert_with(|| Epoch::begin(moment.now, segments, summit));
        //= rfc9438#4.3  Once W_est has what was there before the loss, alpha_cubic is 1.
        let reno = if epoch.reno < before { RENO } else { 1.0 };
        epoch.reno += reno * newly / segments;
        let elapsed = moment.now.saturating_sub(epoch.began);
        let grown = if epoch.at(elapsed) < epoch.reno {
            segments.max(epoch.reno)
        } else {
            //= rfc9438#4.2  target is W_cubic(t + RTT), between cwnd and 1.5 cwnd.
            let target = epoch.at(elapsed + moment.round_trip).clamp(segments, 1.5 * segments);
            segments + (target - segments) * newly.min(segments) / segments
        };
        (grown * self.segment) as u64
    }

    /// The threshold after a loss in this window, with so many octets outstanding.
    //= rfc9438#4.6  ssthresh = flight_size * beta_cubic, at least two segments.
    pub fn shrunk(&mut self, window: u64, outstanding: u64) -> u64 {
        let segments = window as f64 / self.segment;
        let converges = segments < self.summit;
        self.summit = if converges { segments * CONVERGENCE } else { segments };
        self.before = segments;
        (outstanding as f64 * LEFT).max(2.0 * self.segment) as u64
    }

    /// The window stands still, or has shrunk: the function begins anew when it grows again.
    pub fn pause(&mut self) {
        self.epoch = None;
    }
}

impl Epoch {
    fn begin(began: Duration, segments: f64, summit: f64) -> Self {
        let summit = summit.max(segments);
        //= rfc9438#4.2  K is the cubic root of (W_max - cwnd_epoch) / C.
        let period = ((summit - segments) / STEEPNESS).cbrt();
        Self { began, period, summit, reno: segments }
    }

    /// W_cubic in segments, so long after the epoch began.
    //= rfc9438#4.2  W_cubic(t) = C * (t - K)^3 + W_max.
    fn at(&self, elapsed: Duration) -> f64 {
        STEEPNESS * (elapsed.as_secs_f64() - self.period).powi(3) + self.summit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 1000;

    /// Lets so many round trips pass and answers the window in segments after each.
    fn pass(cubic: &mut Cubic, mut window: u64, trips: u32, round_trip: Duration) -> Vec<f64> {
        let grow = |trip| {
            // Each acknowledges the window, one segment after the other.
            for _ in 0..window / SEGMENT {
                window =
                    cubic.grown(window, SEGMENT, Moment { now: round_trip * trip, round_trip });
            }
            window as f64 / SEGMENT as f64
        };
        (0..trips).map(grow).collect()
    }

    /// The window is that of the formula: it is W_max again after K seconds, flat around that.
    //= rfc9438#4.2
    //= type=test
    #[test]
    fn it_comes_back_to_where_it_lost_and_goes_on() {
        let mut cubic = Cubic::new(SEGMENT);
        assert_eq!(cubic.shrunk(1000 * SEGMENT, 1000 * SEGMENT), 700 * SEGMENT);
        let trip = Duration::from_millis(100);
        let windows = pass(&mut cubic, 700 * SEGMENT, 150, trip);
        // K = cbrt (300 / 0.4) = 9.086 s.
        for (seconds, formula) in [(1, 788.5), (4, 947.3), (9, 1000.0), (14, 1047.4)] {
            let window: f64 = windows[10 * seconds - 1];
            assert!((window - formula).abs() < 6.0, "{seconds} s: {window}, not {formula}");
        }
    }

    /// With short round trips it is no slower than Reno.
    //= rfc9438#4.3
    //= type=test
    #[test]
    fn it_is_as_quick_as_reno() {
        let mut cubic = Cubic::new(SEGMENT);
        cubic.shrunk(20 * SEGMENT, 20 * SEGMENT);
        let windows = pass(&mut cubic, 14 * SEGMENT, 40, Duration::from_micros(50));
        // alpha is 0.53 up to the 20 segments of before, then one.
        let expected = 14.0 + 0.529 * 11.0;
        assert!((windows[10] - expected).abs() < 0.5, "{} {expected}", windows[10]);
        assert!((windows[39] - windows[29] - 10.0).abs() < 1.0, "{windows:?}");
    }

    //= rfc9438#4.7
    //= type=test
    #[test]
    fn one_that_loses_early_leaves_room_for_others() {
        let mut cubic = Cubic::new(SEGMENT);
        cubic.shrunk(100 * SEGMENT, 100 * SEGMENT);
        assert_eq!(cubic.summit, 100.0);
        assert_eq!(cubic.shrunk(80 * SEGMENT, 70 * SEGMENT), 49 * SEGMENT);
        assert_eq!(cubic.summit, 68.0);
        assert_eq!(cubic.shrunk(80 * SEGMENT, SEGMENT), 2 * SEGMENT);
        assert_eq!(cubic.summit, 80.0);
    }
}
