//! A network as the line of a model.

use super::uplink::Uplink;
use crate::clock::Clock;
use crate::error::Error;
use crate::line::{Advance, Line};
use std::collections::VecDeque;
use std::time::Duration;

/// Frames that are taken before the device is looked after again.
const FRAMES_AT_ONCE: usize = 64;

/// End 0 is the model, and time is real.
pub(crate) struct NetworkLine {
    clock: Clock,
    uplink: Uplink,
    arrived: VecDeque<Vec<u8>>,
}

impl NetworkLine {
    pub fn new(uplink: Uplink) -> Self {
        Self { clock: Clock::new(), uplink, arrived: VecDeque::new() }
    }
}

impl Line for NetworkLine {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn send(&mut self, _: usize, frame: Vec<u8>) {
        self.uplink.send(frame);
    }

    fn advance(&mut self, until: Duration) -> Advance {
        self.uplink.flush();
        let frames = std::iter::from_fn(|| self.uplink.receive()).take(FRAMES_AT_ONCE);
        self.arrived.extend(frames);
        let left = until.saturating_sub(self.now());
        match (self.arrived.is_empty(), left.is_zero()) {
            (false, _) => Advance::Something,
            (true, true) => Advance::Nothing,
            (true, false) => Advance::Asleep(self.uplink.sleep(left)),
        }
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        self.arrived.pop_front().map(|frame| (0, frame))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.uplink.finish()
    }
}
