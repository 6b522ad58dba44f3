//! Real time.

use std::time::{Duration, Instant};

/// The computer's monotonic clock, from the beginning of a world on.
pub(crate) struct Clock(Instant);

impl Clock {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    pub fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
