//! How long to wait for an acknowledgement (RFC 6298).

use std::time::Duration;

/// Before anything was measured (s. 2.1).
const FIRST: Duration = Duration::from_secs(1);
/// Less would resend what a USB bridge only holds back.
const LEAST: Duration = Duration::from_millis(60);
const MOST: Duration = Duration::from_secs(2);

/// The retransmission timeout.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    /// Smoothed round trip and its variation, once there was one.
    measured: Option<(Duration, Duration)>,
    timeout: Duration,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self { measured: None, timeout: FIRST }
    }
}

impl RoundTrip {
    /// How long to wait.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// An acknowledgement took so long, of something that was sent once (s. 2.2, 2.3 and 3).
    pub fn measure(&mut self, took: Duration) {
        let (smoothed, variation) = match self.measured {
            None => (took, took / 2),
            Some((smoothed, variation)) => {
                (smoothed * 7 / 8 + took / 8, variation * 3 / 4 + smoothed.abs_diff(took) / 4)
            }
        };
        self.measured = Some((smoothed, variation));
        self.timeout = (smoothed + 4 * variation).clamp(LEAST, MOST);
    }

    /// Waited in vain (s. 5.5).
    pub fn back_off(&mut self) {
        self.timeout = (2 * self.timeout).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_line() {
        let mut trip = RoundTrip::default();
        assert_eq!(trip.timeout(), FIRST);
        trip.measure(Duration::from_millis(100));
        assert_eq!(trip.timeout(), Duration::from_millis(300));
        (0..100).for_each(|_| trip.measure(Duration::from_millis(1)));
        assert_eq!(trip.timeout(), LEAST);
        (0..100).for_each(|_| trip.back_off());
        assert_eq!(trip.timeout(), MOST);
    }
}
