//! What frames leave and come by.

use ironwarp_driver::sleep::Source;
use std::io;

/// Something that carries frames. Nothing waits: [`WouldBlock`](io::ErrorKind::WouldBlock) says
/// that there is no room, or no frame.
pub(crate) trait Port: Send {
    /// Sends a frame, or drops it if there is nobody to send it to.
    fn send(&mut self, frame: &[u8]) -> io::Result<()>;

    /// Takes a frame; its length.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Is readable when a frame can be taken.
    fn inlet(&self) -> Source;

    /// Is writable when a frame can be sent.
    fn outlet(&self) -> Source;
}
