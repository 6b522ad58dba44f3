//! One direction of a network.

use crate::chance::{Chance, OVERTAKERS_MAX};
use crate::damage::damage;
use crate::resent::Resent;
use crate::{Counts, Impairment, Picoseconds};
use ironwarp_wire::ethernet::{FRAME_BYTES_MIN, HEADER_BYTES, WIRE_OVERHEAD_BYTES};
use std::collections::{BTreeMap, VecDeque};

/// A frame that is held back is let go after so long if too few others come, or after the line's
/// time for as many frames of its size as would do.
const HELD_MAX: Picoseconds = 100_000_000;

/// A frame that others must overtake.
#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    /// How many must.
    overtakers: u32,
    overtaken: bool,
    /// When it is let go at the latest.
    latest: Picoseconds,
}

/// One direction of a network: frames in, frames out when their time has come.
///
/// The times of who receives never go back, and may be behind those of who sends. A frame that is
/// sent as of an earlier time than the one before arrives earlier, where there is no rate and no
/// jitter.
#[derive(Debug)]
pub struct Path {
    impairment: Impairment,
    chance: Chance,
    resent: Resent,
    /// When the line is free.
    free: Picoseconds,
    /// When those that wait for the line have their turn.
    turns: VecDeque<Picoseconds>,
    /// The latest arrival so far of a frame that is not held back: jitter keeps the order.
    in_order: Picoseconds,
    /// By arrival, then by number.
    flights: BTreeMap<(Picoseconds, u64), Vec<u8>>,
    number: u64,
    held: Vec<Held>,
    counts: Counts,
}

impl Path {
    /// An empty path. Different directions of one impairment have nothing to do with each other's
    /// chance.
    pub fn new(impairment: &Impairment, direction: u64) -> Self {
        Self {
            impairment: impairment.clone(),
            chance: Chance::new(impairment, direction),
            resent: Resent::default(),
            free: 0,
            turns: VecDeque::new(),
            in_order: 0,
            flights: BTreeMap::new(),
            number: 0,
            held: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// A frame, without its check sequence, whose last octet enters the network now.
    pub fn send(&mut self, now: Picoseconds, mut frame: Vec<u8>) {
        self.counts.sent += 1;
        self.counts.resent += u64::from(self.resent.look(&frame));
        let fate = self.chance.next();
        if fate.lost {
            self.counts.lost += 1;
            return;
        }
        let twin = fate.duplicated.then(|| frame.clone());
        if fate.corrupt.is_some_and(|bit| damage(&mut frame, bit)) {
            self.counts.corrupted += 1;
        }
        self.enter(now, frame, fate.jitter, fate.overtakers);
        if let Some(twin) = twin {
            self.counts.duplicated += 1;
            self.enter(now, twin, fate.jitter, None);
        }
    }

    /// What a frame takes of the line's time, at its rate.
    fn line_time(&self, octets: usize) -> Picoseconds {
        let Some(rate) = self.impairment.rate.filter(|rate| *rate > 0) else { return 0 };
        let octets = octets.max(FRAME_BYTES_MIN) - HEADER_BYTES + WIRE_OVERHEAD_BYTES;
        let time = (8 * octets as u128 * 1_000_000_000_000).div_ceil(rate.into());
        u64::try_from(time).unwrap_or(u64::MAX)
    }

    /// When a frame has crossed the line, unless there is no room to wait for it.
    fn cross(&mut self, now: Picoseconds, octets: usize) -> Option<Picoseconds> {
        if self.impairment.rate.is_none() {
            return Some(now);
        }
        while self.turns.front().is_some_and(|turn| *turn <= now) {
            self.turns.pop_front();
        }
        let turn = self.free.max(now);
        if turn > now {
            if self.turns.len() >= self.impairment.queue as usize {
                return None;
            }
            self.counts.queued += 1;
            self.turns.push_back(turn);
        }
        self.free = turn.saturating_add(self.line_time(octets));
        Some(self.free)
    }

    fn enter(&mut self, now: Picoseconds, frame: Vec<u8>, jitter: u64, overtakers: Option<u32>) {
        let Some(crossed) = self.cross(now, frame.len()) else {
            self.counts.dropped += 1;
            return;
        };
        let natural = crossed.saturating_add(self.impairment.delay).saturating_add(jitter);
        let arrival = match self.impairment.jitter {
            0 => natural,
            _ => natural.max(self.in_order),
        };
        if let Some(overtakers) = overtakers {
            let frames = self.line_time(frame.len()).saturating_mul(OVERTAKERS_MAX.into());
            let latest = arrival.saturating_add(frames.max(HELD_MAX));
            self.held.push(Held { frame, overtakers, overtaken: false, latest });
            return;
        }
        self.in_order = arrival;
        self.fly(arrival, frame);
        self.overtake(arrival);
    }

    fn fly(&mut self, arrival: Picoseconds, frame: Vec<u8>) {
        self.flights.insert((arrival, self.number), frame);
        self.number += 1;
    }

    /// A frame that arrives then overtakes those that are held back.
    fn overtake(&mut self, arrival: Picoseconds) {
        for mut held in std::mem::take(&mut self.held) {
            if held.latest <= arrival {
                self.let_go(held.latest, held);
                continue;
            }
            held.overtakers = held.overtakers.saturating_sub(1);
            held.overtaken = true;
            match held.overtakers {
                0 => self.let_go(arrival, held),
                _ => self.held.push(held),
            }
        }
    }

    fn let_go(&mut self, arrival: Picoseconds, held: Held) {
        self.counts.reordered += u64::from(held.overtaken);
        self.fly(arrival, held.frame);
    }

    /// When the next frame arrives, if one is on its way.
    pub fn due(&self) -> Option<Picoseconds> {
        let flight = self.flights.keys().next().map(|(arrival, _)| *arrival);
        let held = self.held.iter().map(|held| held.latest);
        flight.into_iter().chain(held).min()
    }

    /// Takes the next frame that has arrived by now, in the order of arrival.
    pub fn receive(&mut self, now: Picoseconds) -> Option<Vec<u8>> {
        while let Some(late) = self.held.iter().position(|held| held.latest <= now) {
            let held = self.held.remove(late);
            self.let_go(held.latest, held);
        }
        let first = self.flights.first_entry().filter(|first| first.key().0 <= now)?;
        self.counts.delivered += 1;
        Some(first.remove())
    }

    /// How many frames are on their way.
    pub fn in_flight(&self) -> usize {
        self.flights.len() + self.held.len()
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
