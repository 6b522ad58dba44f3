//! The other end of a connection: sequence numbers, and nothing automatic.

use super::frame::{Segment, TcpFrame};
use super::host::{peer_port, Station};
use ironwarp_wire::tcp;

/// A scripted TCP endpoint.
pub struct Peer {
    /// The frames that it sends.
    pub frames: TcpFrame,
    /// Sequence number of the next octet to send.
    pub next: u32,
    /// Sequence number of the next octet expected.
    pub expected: u32,
    /// The window field of every segment.
    pub window: u16,
}

impl Peer {
    /// The peer of queue pair `qp`, which it will send from `next` and expect from `expected`.
    pub fn new(qp: u32, next: u32, expected: u32) -> Self {
        let mut frames = Station::outgoing().reversed();
        frames.source_port = peer_port(qp);
        Self { frames, next, expected, window: 0xffff }
    }

    /// A segment with the next octets of the stream; not sent yet.
    pub fn segment(&mut self, payload: &[u8]) -> Segment {
        let segment = Segment {
            sequence: self.next,
            acknowledgement: self.expected,
            flags: tcp::ACK | if payload.is_empty() { 0 } else { tcp::PSH },
            window: self.window,
            options: vec![],
            payload: payload.to_vec(),
        };
        self.next = self.next.wrapping_add(payload.len() as u32);
        segment
    }

    /// Sends the next octets of the stream in one segment.
    ///
    /// # Panics
    /// If the frame is too long for the link.
    pub fn send(&mut self, station: &mut Station, payload: &[u8]) {
        let segment = self.segment(payload);
        station.simulation.send_frame(&self.frames.emit(&segment)).expect("a frame");
    }

    /// Takes the frames that arrived since; each must be a right TCP segment of the connection.
    /// In-order payload moves `expected` on.
    ///
    /// # Panics
    /// If one is not.
    pub fn take(&mut self, station: &mut Station) -> Vec<Segment> {
        let frames = station.simulation.take_frames();
        let incoming = self.frames.reversed();
        let segments: Vec<_> = frames
            .iter()
            .map(|frame| incoming.parse(&frame.octets).unwrap_or_else(|why| panic!("{why}")))
            .collect();
        for segment in &segments {
            if segment.sequence == self.expected {
                self.expected = self.expected.wrapping_add(segment.payload.len() as u32);
            }
        }
        segments
    }
}
