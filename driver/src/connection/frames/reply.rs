//! The Responder's Reply, which hardware does not send again.
//!
//! The hardware starts behind the Reply, so an acknowledgement of it alone leaves no trace there.
//! The Reply is therefore sent again until an FPDU has arrived, which proves that it did, and a few
//! times at most: an Initiator that has nothing to send has it all the same, and answers a copy
//! with an acknowledgement that changes nothing.

use crate::error::Error;
use crate::hardware::Hardware;
use std::time::Duration;

/// The first wait before a Reply is sent again; it doubles with every further try.
const RETRANSMIT: Duration = Duration::from_millis(200);
/// How often a Reply is sent again.
const TRIES_MAX: u32 = 3;

/// A Reply that may have been lost.
#[derive(Debug)]
pub(super) struct Reply {
    frames: Vec<Vec<u8>>,
    receive_next: u32,
    timer: Duration,
    tries: u32,
}

impl Reply {
    /// Sends the Reply for the first time; the hardware starts at `receive_next`.
    pub fn send(
        frames: Vec<Vec<u8>>,
        receive_next: u32,
        hardware: &mut Hardware,
        now: Duration,
    ) -> Result<Self, Error> {
        let reply = Self { frames, receive_next, timer: now + RETRANSMIT, tries: 0 };
        reply.emit(hardware)?;
        Ok(reply)
    }

    fn emit(&self, hardware: &mut Hardware) -> Result<(), Error> {
        self.frames.iter().try_for_each(|frame| hardware.raw.send(&hardware.device, frame.clone()))
    }

    /// The next hop is at another hardware address from now on.
    pub fn move_to(&mut self, mac: [u8; 6]) {
        readdress(&mut self.frames, mac);
    }

    /// When there is something to do.
    pub fn timer(&self) -> Duration {
        self.timer
    }

    /// Repeats the Reply if it is time; false when that need not be done any more.
    pub fn repeat(
        &mut self,
        hardware: &mut Hardware,
        qp: u32,
        now: Duration,
    ) -> Result<bool, Error> {
        if now < self.timer {
            return Ok(true);
        }
        let arrived = hardware.device.query(qp)?.receive_next != self.receive_next;
        if arrived || self.tries == TRIES_MAX {
            return Ok(false);
        }
        self.tries += 1;
        self.timer = now + RETRANSMIT * 2u32.pow(self.tries);
        self.emit(hardware)?;
        Ok(true)
    }
}

/// Frames that wait go to another hardware address.
pub(super) fn readdress(frames: &mut [Vec<u8>], mac: [u8; 6]) {
    frames.iter_mut().filter_map(|frame| frame.get_mut(..mac.len())).for_each(|to| {
        to.copy_from_slice(&mac);
    });
}
