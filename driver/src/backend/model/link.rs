//! The Ethernet link of a model: frames on their way, in the order of their arrival.

use ironwarp_wire::ethernet::{FRAME_BYTES_MIN, HEADER_BYTES, WIRE_OVERHEAD_BYTES};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Picoseconds that an octet takes on the wire: 10 Gb/s.
const OCTET_PICOSECONDS: u64 = 800;
/// From the last octet sent to the frame received.
const LATENCY: Duration = Duration::from_micros(1);

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
#[derive(Default)]
pub(super) struct Link {
    flights: BinaryHeap<Reverse<Flight>>,
    sent: u64,
    /// When each direction's line is free again.
    free: [Duration; 2],
    pub conduct: Option<Conduct>,
}

impl Link {
    /// End `from` sends a frame, padded as a MAC does.
    pub fn send(&mut self, from: usize, mut frame: Vec<u8>, now: Duration) {
        frame.resize(frame.len().max(FRAME_BYTES_MIN), 0);
        let octets = (frame.len() - HEADER_BYTES + WIRE_OVERHEAD_BYTES) as u64;
        let line = &mut self.free[from % 2];
        *line = (*line).max(now) + Duration::from_nanos(octets * OCTET_PICOSECONDS / 1000);
        let arrival = *line + LATENCY;
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

    /// When the next frame arrives.
    pub fn next(&self) -> Option<Duration> {
        self.flights.peek().map(|Reverse(flight)| flight.arrival)
    }

    /// A frame that has arrived, and at which end.
    pub fn arrived(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        self.next().filter(|arrival| *arrival <= now)?;
        self.flights.pop().map(|Reverse(flight)| (flight.to, flight.frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_take_their_time_and_their_turn() {
        let mut link = Link::default();
        let now = Duration::from_micros(5);
        link.send(0, vec![1; 1514], now);
        link.send(0, vec![2; 20], now);
        link.send(1, vec![3; 60], now);
        // 84 octets of 0.8 ns and a microsecond.
        assert_eq!(link.next(), Some(now + Duration::from_nanos(1067)));
        assert_eq!(link.arrived(now), None);
        let end = now + Duration::from_micros(9);
        assert_eq!(link.arrived(end), Some((0, vec![3; 60])));
        assert_eq!(link.next(), Some(now + Duration::from_nanos(1230 + 1000)));
        assert_eq!(link.arrived(end), Some((1, vec![1; 1514])));
        let mut padded = vec![2; 20];
        padded.resize(60, 0);
        assert_eq!(link.arrived(end), Some((1, padded)));
        assert_eq!((link.arrived(end), link.next()), (None, None));
    }

    #[test]
    fn a_conduct_decides_what_arrives() {
        let late = Duration::from_micros(50);
        let twice = move |from: usize, frame: Vec<u8>| match from {
            0 => vec![(late, frame.clone()), (Duration::ZERO, frame)],
            _ => Vec::new(),
        };
        let mut link = Link { conduct: Some(Box::new(twice)), ..Link::default() };
        link.send(1, vec![1; 60], Duration::ZERO);
        link.send(0, vec![2; 60], Duration::ZERO);
        let first = link.next().unwrap();
        assert!(link.arrived(first).is_some());
        assert_eq!(link.next(), Some(first + late));
        assert_eq!(link.arrived(first + late), Some((1, vec![2; 60])));
        assert_eq!(link.next(), None);
    }
}
