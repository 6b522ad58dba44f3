//! An Ethernet link between ends that have no clock: frames on their way, in the order of their
//! arrival.

use crate::error::Error;
use crate::line::{Advance, Line};
use ironwarp_capture::Capture;
use ironwarp_wire::ethernet::{FRAME_BYTES_MIN, HEADER_BYTES, WIRE_OVERHEAD_BYTES};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Picoseconds that an octet takes on the wire: 10 Gb/s.
const OCTET_PICOSECONDS: u64 = 800;

/// What becomes of a frame on a link that is not perfect: from the number of the end that sends it
/// and the frame, those that arrive, each with its additional delay.
pub type Conduct = Box<dyn FnMut(usize, Vec<u8>) -> Vec<(Duration, Vec<u8>)> + Send>;

/// A frame on its way. The order is that of arrival, then of departure.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrival: Duration,
    number: u64,
    to: usize,
    frame: Vec<u8>,
}

/// A full-duplex link of 10 Gb/s.
pub(crate) struct Cable {
    now: Duration,
    /// From the last octet sent to the frame received.
    propagation: Duration,
    flights: BinaryHeap<Reverse<Flight>>,
    sent: u64,
    /// When each direction's line is free again.
    free: [Duration; 2],
    conduct: Option<Conduct>,
    capture: Option<Capture>,
}

impl Cable {
    /// A free link whose time begins.
    pub fn new(propagation: Duration, conduct: Option<Conduct>, capture: Option<Capture>) -> Self {
        Self {
            now: Duration::ZERO,
            propagation,
            flights: BinaryHeap::new(),
            sent: 0,
            free: [Duration::ZERO; 2],
            conduct,
            capture,
        }
    }

    fn next(&self) -> Option<Duration> {
        self.flights.peek().map(|Reverse(flight)| flight.arrival)
    }
}

impl Line for Cable {
    fn now(&self) -> Duration {
        self.now
    }

    /// The frame is padded, as a MAC does.
    fn send(&mut self, from: usize, mut frame: Vec<u8>) {
        frame.resize(frame.len().max(FRAME_BYTES_MIN), 0);
        let octets = (frame.len() - HEADER_BYTES + WIRE_OVERHEAD_BYTES) as u64;
        let line = &mut self.free[from % 2];
        *line = (*line).max(self.now) + Duration::from_nanos(octets * OCTET_PICOSECONDS / 1000);
        if let Some(capture) = &mut self.capture {
            let nanoseconds = u64::try_from(line.as_nanos()).unwrap_or(u64::MAX);
            capture.frame(from % 2, nanoseconds, &frame);
        }
        let arrival = *line + self.propagation;
        let arrivals = match &mut self.conduct {
            Some(conduct) => conduct(from, frame),
            None => vec![(Duration::ZERO, frame)],
        };
        for (delay, frame) in arrivals {
            self.sent += 1;
            let (arrival, to) = (arrival + delay, 1 - from % 2);
            self.flights.push(Reverse(Flight { arrival, number: self.sent, to, frame }));
        }
    }

    fn advance(&mut self, until: Duration) -> Advance {
        let next = self.next().filter(|arrival| *arrival <= until);
        self.now = self.now.max(next.unwrap_or(until));
        match next {
            Some(_) => Advance::Something,
            None => Advance::Nothing,
        }
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        self.next().filter(|arrival| *arrival <= self.now)?;
        self.flights.pop().map(|Reverse(flight)| (flight.to, flight.frame))
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(self.capture.as_mut().map_or(Ok(()), Capture::finish)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROPAGATION: Duration = Duration::from_micros(1);

    fn happens(link: &mut Cable, until: Duration) -> bool {
        matches!(link.advance(until), Advance::Something)
    }

    #[test]
    fn frames_take_their_time_and_their_turn() {
        let mut link = Cable::new(PROPAGATION, None, None);
        let now = Duration::from_micros(5);
        assert!(!happens(&mut link, now));
        link.send(0, vec![1; 1514]);
        link.send(0, vec![2; 20]);
        link.send(1, vec![3; 60]);
        assert_eq!(link.arrived(), None);
        let end = now + Duration::from_micros(9);
        assert!(happens(&mut link, end));
        // 84 octets of 0.8 ns and a microsecond.
        assert_eq!(link.now(), now + Duration::from_nanos(1067));
        assert_eq!(link.arrived(), Some((0, vec![3; 60])));
        assert_eq!(link.arrived(), None);
        assert!(happens(&mut link, end));
        assert_eq!(link.now(), now + Duration::from_nanos(1230 + 1000));
        assert_eq!(link.arrived(), Some((1, vec![1; 1514])));
        let mut padded = vec![2; 20];
        padded.resize(60, 0);
        assert!(happens(&mut link, end));
        assert_eq!(link.arrived(), Some((1, padded)));
        assert!(!happens(&mut link, end));
        assert_eq!((link.arrived(), link.now()), (None, end));
    }

    #[test]
    fn a_conduct_decides_what_arrives() {
        let late = Duration::from_micros(50);
        let twice = move |from: usize, frame: Vec<u8>| match from {
            0 => vec![(late, frame.clone()), (Duration::ZERO, frame)],
            _ => Vec::new(),
        };
        let mut link = Cable::new(PROPAGATION, Some(Box::new(twice)), None);
        link.send(1, vec![1; 60]);
        link.send(0, vec![2; 60]);
        assert!(happens(&mut link, Duration::MAX));
        let first = link.now();
        assert_eq!(link.arrived(), Some((1, vec![2; 60])));
        assert!(happens(&mut link, Duration::MAX));
        assert_eq!(link.arrived(), Some((1, vec![2; 60])));
        assert_eq!(link.now(), first + late);
        assert!(!happens(&mut link, first + 2 * late));
    }
}
