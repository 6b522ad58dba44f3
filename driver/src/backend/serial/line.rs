//! The line of a world with a board in it: the board has its own link, a model beside it a network.

use super::Card;
use crate::backend::line::{Advance, Line};
use crate::backend::network::Uplink;
use crate::error::Error;
use ironwarp_network::Report;
use std::collections::VecDeque;
use std::time::Duration;

/// Frames that are taken before the devices are looked after again.
const FRAMES_AT_ONCE: usize = 64;

/// End 0 is the board; end 1, if it is there, a model whose frames go to a network. Time is real.
pub(in crate::backend) struct SerialNetwork {
    card: Card,
    uplink: Option<Uplink>,
    arrived: VecDeque<Vec<u8>>,
}

impl SerialNetwork {
    /// Around a board; with `uplink` for a model beside it.
    pub fn new(card: Card, uplink: Option<Uplink>) -> Self {
        Self { card, uplink, arrived: VecDeque::new() }
    }
}

impl Line for SerialNetwork {
    fn now(&self) -> Duration {
        self.card.now()
    }

    fn send(&mut self, _: usize, frame: Vec<u8>) {
        if let Some(uplink) = &mut self.uplink {
            uplink.send(frame);
        }
    }

    fn advance(&mut self, until: Duration) -> Advance {
        let happened = self.card.work();
        if let Some(uplink) = &mut self.uplink {
            uplink.flush();
            let frames = std::iter::from_fn(|| uplink.receive()).take(FRAMES_AT_ONCE);
            self.arrived.extend(frames);
        }
        let left = until.saturating_sub(self.now());
        if !self.arrived.is_empty() {
            return Advance::Something;
        }
        if self.card.failed() || left.is_zero() {
            return Advance::Nothing;
        }
        if happened {
            return Advance::Something;
        }
        let mut sleep = self.card.sleep(left);
        if let Some(uplink) = &mut self.uplink {
            let more = uplink.sleep(left);
            sleep.limit = sleep.limit.min(more.limit);
            sleep.awaited.extend(more.awaited);
        }
        Advance::Asleep(sleep)
    }

    fn settle(&mut self) {
        self.card.settle();
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        self.arrived.pop_front().map(|frame| (1, frame))
    }

    fn network(&self) -> Option<Report> {
        let mut report = self.uplink.as_ref()?.report()?;
        // The model is end 1 here.
        report.directions.swap(0, 1);
        Some(report)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.uplink.as_mut().map_or(Ok(()), Uplink::finish)
    }
}
