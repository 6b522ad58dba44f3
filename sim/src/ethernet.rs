//! The Ethernet link: two MACs and the cable between them, at 64 bits a core clock.
//!
//! A frame holds the line for the octet times of the preamble (8), the frame padded to 60, the
//! frame check sequence (4) and the gap (12); a clock has 8 octet times (IEEE 802.3 s. 4.4.2).
//! What remains of a clock carries over, so that the rate is exact.

use crate::conduct::Misconduct;
use crate::{time, Beat};
use ironwarp_network::Picoseconds;
use std::collections::VecDeque;

/// The shortest frame in octets, without frame check sequence (IEEE 802.3 s. 4.4.2).
pub const FRAME_MIN: usize = 60;
/// Octets of an Ethernet header: addresses and type.
pub const HEADER: usize = 14;
/// Octet times in a core clock.
const OCTETS_PER_CLOCK: u64 = 8;
const PREAMBLE: u64 = 8;
const CHECK_SEQUENCE: u64 = 4;
const GAP: u64 = 12;
/// Clocks between two frames at the receiver when a network has brought them together.
const GAP_CLOCKS: u64 = 3;

/// A frame on its way to the receiver.
#[derive(Debug)]
struct Flight {
    id: u64,
    /// The clock in which the receiving MAC hands over the first beat.
    start: u64,
    octets: Vec<u8>,
    complete: bool,
    /// The frame check sequence will be wrong.
    error: bool,
}

/// A frame that is being sent.
#[derive(Debug)]
struct Sending {
    id: u64,
    /// Octet time of the first bit of the preamble.
    start: u64,
    octets: Vec<u8>,
    /// The rest is thrown away.
    spoilt: bool,
}

/// A frame whose last beat the sending MAC has taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// The frame, padded, as it left.
    pub octets: Vec<u8>,
    /// It was cut short or marked as an error, so that no receiver will take it.
    pub spoilt: bool,
    /// When the last octet of its check sequence has left.
    pub left: Picoseconds,
}

/// One direction of the link.
#[derive(Debug)]
pub struct Direction {
    propagation: u64,
    frame_max: usize,
    /// Frames fly to the receiver by themselves. If not, a network takes what was [`Sent`], and
    /// brings it with [`Direction::arrive`].
    direct: bool,
    /// Octet time from which the line is free.
    line_free: u64,
    sending: Option<Sending>,
    next_id: u64,
    /// By start; the first may be in reception.
    flights: VecDeque<Flight>,
    /// Beats of the first flight that were handed over.
    received: usize,
    /// The next frame begins at this clock or later.
    receiver_free: u64,
}

impl Direction {
    /// A free line of `propagation` clocks, whose sender's frames have at most `frame_max` octets.
    pub fn new(propagation: u64, frame_max: usize, direct: bool) -> Self {
        Self {
            propagation,
            frame_max,
            direct,
            line_free: 0,
            sending: None,
            next_id: 0,
            flights: VecDeque::new(),
            received: 0,
            receiver_free: 0,
        }
    }

    /// The sending MAC takes a beat in this clock: always inside a frame, else when the line is
    /// free.
    #[inline]
    pub fn ready(&self, clock: u64) -> bool {
        self.sending.is_some() || self.line_free < OCTETS_PER_CLOCK * (clock + 1)
    }

    /// Nothing is being sent or on its way.
    pub fn idle(&self) -> bool {
        self.sending.is_none() && self.flights.is_empty()
    }

    /// The sender's clock: `beat` is what it offered while the MAC was ready. Gives the frame that
    /// ended.
    ///
    /// # Errors
    /// What the sender did wrong; the frame is spoilt by it.
    #[inline]
    pub fn send(&mut self, clock: u64, beat: Option<Beat>) -> Result<Option<Sent>, Misconduct> {
        match (beat, self.sending.is_some()) {
            (None, false) => return Ok(None),
            (None, true) => return self.underrun(),
            (Some(_), false) => self.begin(clock),
            (Some(_), true) => {}
        }
        match beat {
            Some(beat) => self.take(beat),
            None => Ok(None),
        }
    }

    /// A frame begins: its time of arrival is decided.
    fn begin(&mut self, clock: u64) {
        let start = self.line_free.max(OCTETS_PER_CLOCK * clock);
        let id = self.next_id;
        self.next_id += 1;
        if self.direct {
            // The receiving MAC hands over a beat when its octets and four more have come: so it
            // knows the frame check sequence by the time of the last beat.
            let arrives = start + PREAMBLE + OCTETS_PER_CLOCK + CHECK_SEQUENCE;
            let start = arrives.div_ceil(OCTETS_PER_CLOCK) + self.propagation;
            self.insert(Flight { id, start, octets: Vec::new(), complete: false, error: false });
        }
        self.sending = Some(Sending { id, start, octets: Vec::new(), spoilt: false });
    }

    /// A whole frame, padded, comes out of a network in this clock.
    pub fn arrive(&mut self, clock: u64, octets: Vec<u8>) {
        let start =
            clock + (PREAMBLE + OCTETS_PER_CLOCK + CHECK_SEQUENCE).div_ceil(OCTETS_PER_CLOCK);
        let start = start + self.propagation;
        self.insert(Flight { id: u64::MAX, start, octets, complete: true, error: false });
    }

    /// Files a flight by its start, behind those that start at the same time and behind the one
    /// in reception.
    fn insert(&mut self, flight: Flight) {
        let mut at = self.flights.len();
        let first = usize::from(self.received > 0);
        while at > first && self.flights[at - 1].start > flight.start {
            at -= 1;
        }
        self.flights.insert(at, flight);
    }

    fn flight(&mut self, id: u64) -> Option<&mut Flight> {
        self.flights.iter_mut().rev().find(|flight| flight.id == id)
    }

    fn take(&mut self, beat: Beat) -> Result<Option<Sent>, Misconduct> {
        let Some(mut sending) = self.sending.take() else { return Ok(None) };
        let bytes = usize::from(beat.bytes.min(8));
        let well_formed = (1..=8).contains(&beat.bytes) && (beat.last || beat.bytes == 8);
        let octets = &beat.data.to_le_bytes()[..bytes];
        let room = sending.octets.len() + bytes <= self.frame_max;
        if well_formed && room && !sending.spoilt {
            sending.octets.extend_from_slice(octets);
            if let Some(flight) = self.flight(sending.id) {
                flight.octets.extend_from_slice(octets);
            }
        } else {
            sending.spoilt = true;
        }
        sending.spoilt |= beat.last && beat.error;
        let result = match (well_formed, room) {
            (false, _) => {
                Err(Misconduct::Beat { stream: "mac_out", bytes: beat.bytes, last: beat.last })
            }
            // Said once: at the frame's end.
            (true, false) if beat.last => {
                Err(Misconduct::FrameLength(sending.octets.len() + bytes))
            }
            (true, true) if beat.last && !beat.error && sending.octets.len() < HEADER => {
                Err(Misconduct::FrameLength(sending.octets.len()))
            }
            _ => Ok(None),
        };
        if !beat.last {
            self.sending = Some(sending);
            return result;
        }
        let sent = self.end(sending);
        result.map(|_| Some(sent))
    }

    /// The MAC pads, appends the frame check sequence and keeps the gap.
    fn end(&mut self, mut sending: Sending) -> Sent {
        let padded = sending.octets.len().max(FRAME_MIN);
        sending.octets.resize(padded, 0);
        let left = sending.start + PREAMBLE + padded as u64 + CHECK_SEQUENCE;
        self.line_free = left + GAP;
        let spoilt = sending.spoilt;
        if let Some(flight) = self.flight(sending.id) {
            flight.octets.resize(flight.octets.len().max(FRAME_MIN), 0);
            flight.error |= spoilt;
            flight.complete = true;
        }
        let left = left * time::PICOSECONDS / OCTETS_PER_CLOCK;
        Sent { octets: sending.octets, spoilt, left }
    }

    fn underrun(&mut self) -> Result<Option<Sent>, Misconduct> {
        let Some(mut sending) = self.sending.take() else { return Ok(None) };
        let octets = sending.octets.len();
        sending.spoilt = true;
        self.end(sending);
        Err(Misconduct::Underrun { octets })
    }

    /// What the receiving MAC hands over in this clock.
    #[inline]
    pub fn receive(&mut self, clock: u64) -> Option<Beat> {
        let flight = self.flights.front()?;
        if self.received == 0 && (clock < flight.start || clock < self.receiver_free) {
            return None;
        }
        let known = flight.octets.len() > 8 * (self.received + 1);
        if !known && !flight.complete {
            return None;
        }
        let mut beat = Beat::of(&flight.octets, self.received)?;
        self.received += 1;
        if beat.last {
            beat.error = flight.error;
            self.flights.pop_front();
            self.received = 0;
            self.receiver_free = clock + GAP_CLOCKS;
        }
        Some(beat)
    }
}
