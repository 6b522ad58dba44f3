//! The cable: who is at its ends, what is captured, and the test's own end.

use crate::conduct::{Handshake, Misconduct};
use crate::ethernet::{Direction, Sent, HEADER};
use crate::{time, Beat, Error, LinkOptions};
use ironwarp_abi::limits::FRAME_BYTES_MAX;
use ironwarp_capture::Capture;
use ironwarp_network::{Picoseconds, Report};
use std::collections::VecDeque;

/// The longest frame that a test may send: longer than a device has to take.
pub const PEER_FRAME_MAX: usize = 16_000;

/// A frame that reached the test's end of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The clock in which its last octet arrived.
    pub clock: u64,
    /// The frame without preamble and frame check sequence, padded to 60 octets.
    pub octets: Vec<u8>,
}

/// The test's end of the link.
#[derive(Debug, Default)]
struct Peer {
    queue: VecDeque<Vec<u8>>,
    sent_beats: usize,
    arriving: Vec<u8>,
    arrived: Vec<Frame>,
}

/// The link and what is at its ends: end 0 is RNIC 0, end 1 is RNIC 1 or the test.
pub struct Link {
    /// Direction n is what end n sends.
    directions: [Direction; 2],
    handshakes: [Handshake; 2],
    peer: Option<Peer>,
    capture: Option<Capture>,
    /// What is between the cables of the two ends, if it does anything.
    network: Option<ironwarp_network::Link>,
    frames_sent: [u64; 2],
}

/// The beginning of a clock.
fn picoseconds(clock: u64) -> Picoseconds {
    clock.saturating_mul(time::PICOSECONDS)
}

impl Link {
    /// A link of `nics` RNICs.
    pub fn new(options: &LinkOptions, nics: usize, seed: u64, capture: Option<Capture>) -> Self {
        let peer = (nics == 1).then(Peer::default);
        let impairment = options.impairment.or_seed(seed);
        let direct = impairment.is_none();
        let propagation = options.propagation_clocks;
        let other_max = if peer.is_some() { PEER_FRAME_MAX } else { FRAME_BYTES_MAX };
        Self {
            directions: [
                Direction::new(propagation, FRAME_BYTES_MAX, direct),
                Direction::new(propagation, other_max, direct),
            ],
            handshakes: [Handshake::default(); 2],
            peer,
            capture,
            network: (!direct).then(|| ironwarp_network::Link::new(&impairment)),
            frames_sent: [0; 2],
        }
    }

    /// What the MAC of end `end` does in this clock: hands over a beat, and takes one or not.
    #[inline]
    pub fn drive(&mut self, end: usize, clock: u64) -> (Option<Beat>, bool) {
        self.relay(clock);
        (self.directions[1 - end].receive(clock), self.directions[end].ready(clock))
    }

    /// Takes out of the network what has arrived.
    #[inline]
    fn relay(&mut self, clock: u64) {
        let Some(network) = &mut self.network else { return };
        while let Some((to, frame)) = network.receive(picoseconds(clock)) {
            self.directions[1 - to].arrive(clock, frame);
        }
    }

    /// What an RNIC sends at the rising edge; `ready` is what [`Link::drive`] gave.
    ///
    /// # Errors
    /// What it did wrong.
    #[inline]
    pub fn clocked(
        &mut self,
        end: usize,
        clock: u64,
        offered: Option<Beat>,
        ready: bool,
    ) -> Result<(), Misconduct> {
        self.handshakes[end].clock("mac_out", offered, ready)?;
        if !ready {
            return Ok(());
        }
        if let Some(sent) = self.directions[end].send(clock, offered)? {
            self.sent(end, clock, sent);
        }
        Ok(())
    }

    fn sent(&mut self, end: usize, clock: u64, sent: Sent) {
        if sent.spoilt {
            return;
        }
        self.frames_sent[end] += 1;
        if let Some(capture) = &mut self.capture {
            capture.frame(end, time::nanoseconds(clock + 1), &sent.octets);
        }
        if let Some(network) = &mut self.network {
            network.send(sent.left, end, sent.octets);
        }
    }

    /// The test's end of the link, if it has one, for one clock.
    #[inline]
    pub fn clock_peer(&mut self, clock: u64) {
        let Some(peer) = &mut self.peer else { return };
        if let Some(beat) = self.directions[0].receive(clock) {
            let octets = beat.data.to_le_bytes();
            peer.arriving.extend_from_slice(&octets[..usize::from(beat.bytes)]);
            if beat.last {
                let octets = std::mem::take(&mut peer.arriving);
                if !beat.error {
                    peer.arrived.push(Frame { clock, octets });
                }
            }
        }
        let Some(frame) = peer.queue.front() else { return };
        if !self.directions[1].ready(clock) {
            return;
        }
        let beat = Beat::of(frame, peer.sent_beats);
        peer.sent_beats += 1;
        // Lengths were checked when the frame was queued: nothing can be wrong with it.
        if let Ok(Some(sent)) = self.directions[1].send(clock, beat) {
            peer.queue.pop_front();
            peer.sent_beats = 0;
            self.sent(1, clock, sent);
        }
    }

    /// Queues a frame at the test's end.
    ///
    /// # Errors
    /// [`Error::NoPeer`], [`Error::FrameLength`].
    pub fn send_frame(&mut self, octets: &[u8]) -> Result<(), Error> {
        let peer = self.peer.as_mut().ok_or(Error::NoPeer)?;
        if !(HEADER..=PEER_FRAME_MAX).contains(&octets.len()) {
            return Err(Error::FrameLength(octets.len()));
        }
        peer.queue.push_back(octets.to_vec());
        Ok(())
    }

    /// Takes what arrived at the test's end.
    pub fn take_frames(&mut self) -> Vec<Frame> {
        self.peer.as_mut().map(|peer| std::mem::take(&mut peer.arrived)).unwrap_or_default()
    }

    /// The device at end `end` is reset: it may withdraw what it offered. A frame in the middle
    /// ends with an error.
    pub fn reset(&mut self, end: usize) {
        self.handshakes[end] = Handshake::default();
    }

    /// Frames that the test's end has not sent yet.
    pub fn unsent(&self) -> usize {
        self.peer.as_ref().map_or(0, |peer| peer.queue.len())
    }

    /// Frames wait at the test's end to be taken.
    pub fn has_arrived(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| !peer.arrived.is_empty())
    }

    /// Nothing is being sent or on its way.
    pub fn idle(&self) -> bool {
        let waiting = self.peer.as_ref().is_some_and(|peer| !peer.queue.is_empty());
        let arrived = self.network.as_ref().is_none_or(ironwarp_network::Link::is_idle);
        !waiting && arrived && self.directions.iter().all(Direction::idle)
    }

    /// What the network between the ends did, if there is one.
    pub fn report(&self) -> Option<Report> {
        self.network.as_ref().map(ironwarp_network::Link::report)
    }

    /// Frames that each end has sent.
    pub fn frames_sent(&self) -> [u64; 2] {
        self.frames_sent
    }

    /// Finishes the capture.
    ///
    /// # Errors
    /// The first error that writing it met.
    pub fn finish(&mut self) -> Result<(), Error> {
        Ok(self.capture.as_mut().map_or(Ok(()), Capture::finish)?)
    }
}
