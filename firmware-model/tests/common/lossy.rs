//! A link with a time of its own that loses, delays and doubles frames.

use super::Station;
use std::time::Duration;

/// What a link does to frames, each in so many of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub lost: u64,
    pub late: u64,
    pub twice: u64,
}

/// From one station to the other.
const DELAY: Duration = Duration::from_micros(20);
/// How much later a late frame may be.
const LATE_MICROSECONDS: u64 = 100;

pub struct Lossy {
    pub now: Duration,
    faults: Faults,
    /// Arrival, which station, and the frame; in order of departure.
    flights: Vec<(Duration, usize, Vec<u8>)>,
    chance: u64,
    pub lost: usize,
}

impl Lossy {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { now: Duration::ZERO, faults, flights: Vec::new(), chance: seed, lost: 0 }
    }

    /// SplitMix64: the next number below `below`.
    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ self.chance >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % below
    }

    fn send(&mut self, from: usize, frame: Vec<u8>) {
        if self.draw(1000) < self.faults.lost {
            self.lost += 1;
            return;
        }
        let copies = 1 + u64::from(self.draw(1000) < self.faults.twice);
        for _ in 0..copies {
            let late = self.draw(1000) < self.faults.late;
            let late = if late { self.draw(LATE_MICROSECONDS) } else { 0 };
            let arrival = self.now + DELAY + Duration::from_micros(late);
            self.flights.push((arrival, 1 - from, frame.clone()));
        }
    }

    /// Lets everything happen until nobody has anything to do, but not beyond a moment.
    pub fn run(&mut self, stations: &mut [Station; 2], until: Duration) {
        loop {
            for (me, station) in stations.iter_mut().enumerate() {
                for frame in station.poll_at(self.now) {
                    self.send(me, frame);
                }
            }
            let arrivals = self.flights.iter().map(|(arrival, ..)| *arrival);
            let timers = stations.iter().filter_map(|station| station.device.next_timer());
            let Some(next) = arrivals.chain(timers).min().filter(|next| *next <= until) else {
                return;
            };
            self.now = self.now.max(next);
            let now = self.now;
            let (arrived, flying) =
                self.flights.drain(..).partition(|(arrival, ..)| *arrival <= now);
            self.flights = flying;
            let arrived: Vec<_> = arrived;
            for (_, to, frame) in arrived {
                stations[to].receive(&frame);
            }
        }
    }
}
