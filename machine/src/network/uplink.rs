//! From a device's end of the link to a network, and back.

use super::dgram::Dgram;
use super::name::Network;
use super::port::Port;
use super::tap::Tap;
use crate::error::Error;
use ironwarp_capture::Capture;
use ironwarp_driver::sleep::{Awaited, Sleep, Source};
use ironwarp_wire::ethernet::{FRAME_BYTES_MIN, HEADER_BYTES};
use rustix::event::PollFlags;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The longest datagram or frame that is taken from a network.
const FRAME_BYTES_MAX: usize = 1 << 16;
/// The interfaces of a capture.
const INTERFACES: [&str; 2] = ["nic0", "network"];

/// A way to a network, with the frames that wait for room, and a capture. Nothing waits.
pub struct Uplink {
    port: Box<dyn Port>,
    waiting: VecDeque<Vec<u8>>,
    capture: Option<Capture>,
    buffer: Box<[u8]>,
}

impl Uplink {
    /// Opens the way to a network.
    ///
    /// # Errors
    /// [`File`](ironwarp_driver::Error::File), [`System`](ironwarp_driver::Error::System): the
    /// socket or interface cannot be had; [`Error::Capture`]; [`Error::Network`] for one that
    /// carries no frames.
    pub fn open(network: &Network, capture: Option<&Path>) -> Result<Self, Error> {
        let capture = capture.map(|path| Capture::create(path, &INTERFACES)).transpose()?;
        let port: Box<dyn Port> = match network {
            Network::Dgram { local, remote } => Box::new(Dgram::open(local, remote)?),
            Network::Tap(name) => Box::new(Tap::open(name)?),
            Network::Tcp => return Err(Network::Tcp.refused("it carries no frames")),
        };
        let buffer = vec![0; FRAME_BYTES_MAX].into_boxed_slice();
        Ok(Self { port, waiting: VecDeque::new(), capture, buffer })
    }

    fn note(&mut self, interface: usize, frame: &[u8]) {
        if let Some(capture) = &mut self.capture {
            let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let nanoseconds = since_1970.unwrap_or_default().as_nanos();
            capture.frame(interface, u64::try_from(nanoseconds).unwrap_or(u64::MAX), frame);
        }
    }

    /// Sends a frame, padded as a MAC does, as soon as there is room.
    pub fn send(&mut self, mut frame: Vec<u8>) {
        frame.resize(frame.len().max(FRAME_BYTES_MIN), 0);
        self.note(0, &frame);
        self.waiting.push_back(frame);
        self.flush();
    }

    /// Sends what waits, as far as there is room.
    pub fn flush(&mut self) {
        while let Some(frame) = self.waiting.front() {
            match self.port.send(frame) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => tracing::warn!(%error, octets = frame.len(), "a frame is lost"),
                Ok(()) => {}
            }
            self.waiting.pop_front();
        }
    }

    /// Takes a frame, if there is one. What is no frame is left out.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.port.receive(&mut self.buffer) {
                Ok(length) if length >= HEADER_BYTES => {
                    let frame = self.buffer[..length].to_vec();
                    self.note(1, &frame);
                    return Some(frame);
                }
                Ok(length) => tracing::debug!(length, "a datagram that is no frame"),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    tracing::warn!(%error, "the network does not answer");
                    return None;
                }
            }
        }
    }

    /// Is readable when a frame can be taken.
    pub fn inlet(&self) -> Source {
        self.port.inlet()
    }

    /// Until when there is nothing to do, at most for `limit`. The capture is complete then.
    pub(crate) fn sleep(&mut self, limit: Duration) -> Sleep {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "frames are missing in the capture");
        }
        let awaited = |source, flags| Awaited { source, flags };
        let mut all = vec![awaited(self.port.inlet(), PollFlags::IN)];
        if !self.waiting.is_empty() {
            all.push(awaited(self.port.outlet(), PollFlags::OUT));
        }
        Sleep { limit, awaited: all }
    }

    /// Writes out the capture.
    ///
    /// # Errors
    /// [`Error::Capture`].
    pub fn finish(&mut self) -> Result<(), Error> {
        Ok(self.capture.as_mut().map_or(Ok(()), Capture::finish)?)
    }
}
