//! What is between the two ends of a world, and the time that it all lives in.

use crate::error::Error;
use ironwarp_driver::sleep::Sleep;
use std::time::Duration;

/// What came of waiting.
pub(crate) enum Advance {
    /// Something has happened to an end.
    Something,
    /// Nothing has, and the time is up.
    Nothing,
    /// Time is real, nothing is to be done until then, and the caller may sleep so long.
    Asleep(Sleep),
}

/// A link, or the way to a network.
///
/// It carries frames from and to those ends that are not part of it: models, and the caller's end
/// of a world with one device. An RNIC in RTL is part of its line, since it shares its clock.
pub(crate) trait Line: Send {
    /// The time, since some moment before the world began.
    fn now(&self) -> Duration;

    /// End `from`, which is not part of the line, sends a frame.
    fn send(&mut self, from: usize, frame: Vec<u8>);

    /// Lets time pass until something has happened to an end, but not beyond `until`.
    fn advance(&mut self, until: Duration) -> Advance;

    /// A frame that has arrived at an end that is not part of the line, and that end.
    fn arrived(&mut self) -> Option<(usize, Vec<u8>)>;

    /// Lets the devices that are part of the line come to rest, before anything else comes to them.
    fn settle(&mut self) {}

    /// Writes out what was captured.
    fn finish(&mut self) -> Result<(), Error>;
}
