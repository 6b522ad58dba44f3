//! A device in its slot, as its host sees it.

use ironwarp_driver::Error;
use ironwarp_model::ByteStream;
use std::time::Duration;

/// A device of a world. It is told what happens and asked what it did; between two calls, nothing
/// happens to it but what its [`Line`](super::line::Line) does.
pub(crate) trait Slot: Send {
    /// Reads an aligned word of configuration space.
    fn config_read(&mut self, offset: u16) -> Result<u32, Error>;

    /// Writes an aligned word of configuration space.
    fn config_write(&mut self, offset: u16, value: u32) -> Result<(), Error>;

    /// Begins to read a register at a moment; [`Slot::bar_answer`] has the outcome. Answers the
    /// moment until when to let time pass for it at most.
    fn begin_bar_read(&mut self, offset: u32, now: Duration) -> Result<Duration, Error>;

    /// The outcome of the read that was begun, once it is there.
    fn bar_answer(&mut self, now: Duration) -> Option<Result<u32, Error>>;

    /// Writes a register.
    fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), Error>;

    /// As after power-on; memory stays mapped.
    fn reset(&mut self) -> Result<(), Error>;

    /// The vectors of the interrupts that were sent since the last call.
    fn take_interrupts(&mut self) -> Vec<u32>;

    /// Octets that the device has written to host memory since power-on of the world.
    fn octets_written(&self) -> u64;

    /// Does some of what there is to do, adds the frames that leave, and tells if there is more.
    /// Nothing for a device that is part of its line.
    fn poll(&mut self, _now: Duration, _frames: &mut Vec<Vec<u8>>) -> bool {
        false
    }

    /// When the device has something to do by itself, if it knows. Nothing for a device that is
    /// part of its line.
    fn next_timer(&self) -> Option<Duration> {
        None
    }

    /// The device can still be reached.
    fn health(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The next start of a queue pair runs over this stream.
    fn attach_stream(&mut self, _qp: u32, _stream: Box<dyn ByteStream>) -> Result<(), Error> {
        Err(Error::Bus("the device has a TCP of its own".into()))
    }

    /// Lets a queue pair's stream go. False if the queue pair is active.
    fn detach_stream(&mut self, _qp: u32) -> bool {
        true
    }

    /// Takes a frame from the line. Never called for a device that is part of it.
    fn receive(&mut self, _frame: &[u8]) {}
}

/// The function does not answer at its BAR.
pub(crate) fn silent() -> Error {
    Error::Bus("memory space is off".into())
}
