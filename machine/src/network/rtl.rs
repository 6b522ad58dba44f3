//! A network as the other end of the link of an RNIC in RTL.

use super::uplink::Uplink;
use crate::clock::Clock;
use crate::error::Error;
use crate::line::{Advance, Line};
use crate::rtl::{self, Shared};
use std::time::Duration;

/// Clocks without anything at the device's pins, after which it is at rest: more than the longest
/// frame takes from any of its stores to the next.
const REST_CLOCKS: u64 = 4096;
/// Clocks in which a device comes to rest at the latest, unless it has much to do.
const SETTLE_CLOCKS: u64 = 1 << 16;
/// Clocks between two looks at the network.
const SLICE_CLOCKS: u64 = 256;
/// Frames that wait at the link's far end, so that it can keep to its rate.
const FRAMES_AHEAD: usize = 4;

/// The simulation runs as long as it has something to do, and stands still when it rests. Drivers
/// go by real time.
pub(crate) struct NetworkedRtl {
    clock: Clock,
    simulation: Shared,
    uplink: Uplink,
}

impl NetworkedRtl {
    pub fn new(simulation: &Shared, uplink: Uplink) -> Self {
        Self { clock: Clock::new(), simulation: simulation.clone(), uplink }
    }
}

impl Line for NetworkedRtl {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// There is no other end in this world.
    fn send(&mut self, _: usize, _: Vec<u8>) {}

    fn advance(&mut self, until: Duration) -> Advance {
        let shared = self.simulation.clone();
        let mut simulation = shared.lock();
        loop {
            self.uplink.flush();
            while simulation.unsent_frames() < FRAMES_AHEAD {
                let Some(frame) = self.uplink.receive() else { break };
                if let Err(error) = simulation.send_frame(&frame) {
                    tracing::debug!(%error, "the link does not take a frame");
                }
            }
            let left = until.saturating_sub(self.now());
            if simulation.quiet_clocks() >= REST_CLOCKS {
                return match left.is_zero() {
                    true => Advance::Nothing,
                    false => Advance::Asleep(self.uplink.sleep(left)),
                };
            }
            let end = simulation.clock() + SLICE_CLOCKS;
            let happened = simulation.run_until_event(end);
            let frames = simulation.take_frames();
            let only_frames = happened && !frames.is_empty() && !simulation.run_until_event(0);
            frames.into_iter().for_each(|frame| self.uplink.send(frame.octets));
            if happened && !only_frames {
                return Advance::Something;
            }
            if left.is_zero() {
                return Advance::Nothing;
            }
        }
    }

    fn settle(&mut self) {
        let mut simulation = self.simulation.lock();
        let end = simulation.clock() + SETTLE_CLOCKS;
        while simulation.quiet_clocks() < REST_CLOCKS && simulation.clock() < end {
            simulation.run(SLICE_CLOCKS);
        }
    }

    /// All frames have gone to the network.
    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        None
    }

    fn finish(&mut self) -> Result<(), Error> {
        let simulation = self.simulation.lock().finish().map_err(rtl::bus);
        self.uplink.finish().and(simulation.map_err(Error::from))
    }
}
